-- Breaks and recoveries, newest first. An empty device class is all of them.
SELECT
    time, page, if(device_class = '', 'all', device_class) AS device_class, state, expected,
    observed, views, failed_views, reason
FROM flags FINAL
WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
    AND time < {to:DateTime64(3, 'UTC')}
ORDER BY flags.time DESC, page
LIMIT 200

-- Visitors and sessions by device class.
SELECT if(device_class = '', 'unknown', device_class) AS class, uniqExact(device) AS visitors, count() AS sessions
FROM sessions FINAL
WHERE site = {site:String} AND start >= {from:DateTime64(3, 'UTC')}
    AND start < {to:DateTime64(3, 'UTC')}
GROUP BY class
ORDER BY sessions DESC

-- The page templates seen most.
SELECT
    page,
    count() AS views,
    uniqExact(device) AS visitors,
    uniqExactIf(device, device_class IN ('mobile', 'tablet')) AS mobile_visitors
FROM events FINAL
WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
    AND time < {to:DateTime64(3, 'UTC')} AND device_class != 'bot' AND type IN ('page', 'screen')
GROUP BY page
ORDER BY views DESC, page
LIMIT 20

-- Visitors by browser and operating system; apps have no browser.
SELECT
    if(browser = '', 'app or unknown', browser) AS browser_name,
    if(os = '', 'unknown', os) AS system,
    uniqExact(device) AS visitors
FROM events FINAL
WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
    AND time < {to:DateTime64(3, 'UTC')} AND device_class NOT IN ('', 'bot')
GROUP BY browser_name, system
ORDER BY visitors DESC, browser_name, system
LIMIT 20

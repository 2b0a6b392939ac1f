-- Where visitors came from: hosts of referrers other than the page's own.
SELECT domainWithoutWWW(referrer) AS referrer_host, uniqExact(device) AS visitors
FROM events FINAL
WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
    AND time < {to:DateTime64(3, 'UTC')} AND device_class != 'bot' AND type IN ('page', 'screen')
    AND domain(referrer) != '' AND domain(referrer) != domain(url)
GROUP BY referrer_host
ORDER BY visitors DESC, referrer_host
LIMIT 20

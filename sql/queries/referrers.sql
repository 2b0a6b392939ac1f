-- Where visitors came from: kinds of places, and which; the site itself left out.
SELECT
    if(referrer_medium = '', 'link', referrer_medium) AS medium,
    if(referrer_source = '', domainWithoutWWW(referrer), referrer_source) AS source,
    uniqExact(device) AS visitors
FROM events FINAL
WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
    AND time < {to:DateTime64(3, 'UTC')} AND device_class != 'bot' AND type IN ('page', 'screen')
    AND referrer_medium != 'internal'
    AND (referrer_medium != '' OR (domain(referrer) != '' AND domain(referrer) != domain(url)))
GROUP BY medium, source
ORDER BY visitors DESC, medium, source
LIMIT 20

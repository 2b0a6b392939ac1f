-- Visitors and page views by country, as ISO 3166 codes; empty without a file of countries.
SELECT country, uniqExact(device) AS visitors, countIf(type IN ('page', 'screen')) AS page_views
FROM events FINAL
WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
    AND time < {to:DateTime64(3, 'UTC')} AND device_class != 'bot' AND country != ''
GROUP BY country
ORDER BY visitors DESC, country
LIMIT 20

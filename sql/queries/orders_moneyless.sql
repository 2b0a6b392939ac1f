-- Orders completed since `from` that came without a currency, by site: no revenue shows them.
SELECT site, count() AS orders
FROM orders
WHERE time >= {from:DateTime64(3, 'UTC')} AND currency = '' AND NOT void
GROUP BY site
ORDER BY orders DESC, site
LIMIT 10

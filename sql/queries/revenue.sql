-- Orders and revenue by currency; sums of different currencies are never added up.
SELECT currency, countIf(NOT void) AS orders, sum(revenue) AS revenue
FROM orders
WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
    AND time < {to:DateTime64(3, 'UTC')}
GROUP BY currency
ORDER BY orders DESC

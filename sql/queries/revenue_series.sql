-- Revenue by currency in steps of `step` seconds. An order's refunds lower the step it began in.
SELECT
    toStartOfInterval(o.time, toIntervalSecond({step:UInt32})) AS time,
    toString(o.currency) AS currency,
    toFloat64(sum(o.revenue)) AS revenue
FROM orders AS o
WHERE o.site = {site:String} AND o.time >= {from:DateTime64(3, 'UTC')}
    AND o.time < {to:DateTime64(3, 'UTC')}
GROUP BY time, currency
ORDER BY time, currency

-- What a customer buys again, and when.
SELECT
    c.product_id AS product_id, if(named.name != '', named.name, c.product_id) AS product,
    c.purchases AS purchases, c.last_purchase AS last_purchase,
    round(c.interval_days, 1) AS interval_days, c.due_at AS due_at, c.state AS state
FROM
(
    SELECT * FROM cycles FINAL WHERE site = {site:String} AND person_id = {customer:String}
) AS c
LEFT JOIN (SELECT product_id, name FROM product_names WHERE site = {site:String}) AS named ON c.product_id = named.product_id
ORDER BY due_at, product_id

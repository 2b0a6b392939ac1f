-- Who should buy what again: the due first, then the late; those expected soonest first.
SELECT
    c.person_id AS person_id,
    if(who.canonical != '', who.canonical, 'a device without a name') AS customer,
    c.product_id AS product_id,
    if(named.name != '', named.name, c.product_id) AS product,
    c.purchases AS purchases,
    c.last_purchase AS last_purchase,
    round(c.interval_days, 1) AS interval_days,
    c.due_at AS due_at,
    c.state AS state
FROM (SELECT * FROM cycles FINAL WHERE site = {site:String} AND state IN ('due', 'late')) AS c
LEFT JOIN
(
    SELECT person_id, any(canonical) AS canonical
    FROM people
    WHERE site = {site:String}
    GROUP BY person_id
) AS who ON c.person_id = who.person_id
LEFT JOIN (SELECT product_id, name FROM product_names WHERE site = {site:String}) AS named ON c.product_id = named.product_id
ORDER BY state, due_at, person_id, product_id
LIMIT 200

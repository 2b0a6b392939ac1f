-- Who is due, or overdue, to buy what again.
SELECT substring(named.identifier, length('user_id:') + 1) AS user_id, cycles.product_id AS sku
FROM (SELECT person_id, product_id FROM cycles FINAL WHERE site = {site:String} AND state IN ('due', 'late')) AS cycles
INNER JOIN
(
    SELECT person_id, identifier FROM people
    WHERE site = {site:String} AND startsWith(identifier, 'user_id:')
) AS named USING person_id

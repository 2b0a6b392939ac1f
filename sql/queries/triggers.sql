-- The newest triggers. `person_id` where the subject is a person, else ''.
SELECT
    t.time AS time, t.rule AS rule, t.subject AS subject, t.reason AS reason, t.id AS id,
    t.evidence AS evidence,
    if(t.rule LIKE 'dropoff.%', '', t.subject) AS person_id,
    if(t.rule LIKE 'dropoff.%', t.subject, who.canonical) AS about
FROM
(
    SELECT *
    FROM triggers FINAL
    WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
        AND time < {to:DateTime64(3, 'UTC')}
    ORDER BY time DESC, id
    LIMIT 100
) AS t
LEFT JOIN
(
    SELECT person_id, any(canonical) AS canonical
    FROM people
    WHERE site = {site:String}
    GROUP BY person_id
) AS who ON t.subject = who.person_id
ORDER BY time DESC, id

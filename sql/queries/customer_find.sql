-- Who `who` may be: a person id, an identifier with or without its kind, or a device.
-- `customer` is what the journey takes.
SELECT customer, any(canonical) AS canonical, arraySort(groupUniqArray(identifier)) AS identifiers
FROM
(
    SELECT person_id AS customer, canonical, identifier
    FROM people
    WHERE site = {site:String} AND person_id IN
    (
        SELECT person_id
        FROM people
        WHERE site = {site:String}
            AND
            (
                person_id = {who:String} OR identifier = {who:String}
                OR lower(substring(identifier, position(identifier, ':') + 1)) = lower({who:String})
                OR identifier IN
                (
                    SELECT asserted
                    FROM device_owners
                    WHERE site = {site:String}
                        AND device IN ({who:String}, replaceRegexpOne({who:String}, '^device:', ''))
                )
            )
    )
    UNION ALL
    SELECT concat('device:', device) AS customer, customer AS canonical, customer AS identifier
    FROM events
    WHERE site = {site:String} AND device != ''
        AND device IN ({who:String}, replaceRegexpOne({who:String}, '^device:', ''))
        AND device NOT IN
        (
            SELECT device FROM device_owners WHERE site = {site:String} AND asserted != ''
        )
    LIMIT 1 BY device
)
GROUP BY customer
ORDER BY canonical
LIMIT 20

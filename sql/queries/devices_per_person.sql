-- How many devices the people are known on.
SELECT if(devices >= 5, '5 and more', toString(devices)) AS devices_, count() AS people
FROM
(
    SELECT p.person_id AS person_id, uniqExact(o.device) AS devices
    FROM people AS p
    LEFT JOIN (SELECT * FROM device_owners WHERE asserted != '') AS o
        ON o.site = p.site AND o.asserted = p.identifier AND o.device != ''
    WHERE p.site = {site:String}
    GROUP BY person_id
)
GROUP BY devices_
ORDER BY devices_

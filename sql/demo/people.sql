-- Identifiers and the person each belongs to; of a device, whoever had it last.
SELECT identifier, person_id FROM people WHERE site = {site:String}
UNION ALL
SELECT concat('device:', device) AS identifier, argMax(person_id, time) AS person_id
FROM events_resolved
WHERE site = {site:String} AND device != ''
GROUP BY device

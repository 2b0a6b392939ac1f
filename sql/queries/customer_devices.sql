-- The devices a customer is known on, and from when on; `since` 1970 is from the beginning.
SELECT device, min(since) AS since
FROM device_owners
WHERE site = {site:String} AND asserted IN
    (SELECT identifier FROM people WHERE site = {site:String} AND person_id = {customer:String})
GROUP BY device
ORDER BY since, device
LIMIT 100

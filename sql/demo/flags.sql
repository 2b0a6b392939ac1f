-- Steps flagged as broken, in the order in which that was noticed; time in ms.
SELECT page, device_class, toUnixTimestamp64Milli(time) AS noticed
FROM flags FINAL
WHERE site = {site:String} AND state = 'broke'
ORDER BY noticed, page, device_class

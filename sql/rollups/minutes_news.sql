-- Months with rows that are newer than `since`, and how to tell whether that changed again.
SELECT toYYYYMM(time) AS month, toUnixTimestamp64Milli(max(inserted_at)) AS newest, count() AS rows
FROM events
WHERE inserted_at > fromUnixTimestamp64Milli({since:Int64}, 'UTC')
GROUP BY month
ORDER BY month

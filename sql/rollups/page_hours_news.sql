-- Months with outcomes that are newer than `since`, or whose page has another forward set since.
SELECT month, max(newest) AS newest, sum(rows) AS rows
FROM
(
    SELECT
        toYYYYMM(time) AS month, toUnixTimestamp64Milli(max(inserted_at)) AS newest, count() AS rows
    FROM outcomes
    WHERE inserted_at > fromUnixTimestamp64Milli({since:Int64}, 'UTC')
    GROUP BY month
    UNION ALL
    SELECT
        toYYYYMM(time) AS month,
        (SELECT toUnixTimestamp64Milli(max(inserted_at)) FROM forward_sets) AS newest,
        count() AS rows
    FROM outcomes
    WHERE (site, page) IN
        (SELECT site, page FROM forward_sets WHERE inserted_at > fromUnixTimestamp64Milli({since:Int64}, 'UTC'))
    GROUP BY month
)
GROUP BY month
ORDER BY month

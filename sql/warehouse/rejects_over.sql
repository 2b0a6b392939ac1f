-- The newest reject to be deleted, where all together cost more than `limit`: with it and all older
-- ones gone, the rest costs at most `keep`. No row where they are within the limit.
SELECT toUnixTimestamp64Milli(received_at) AS time, id, total - newer + cost AS freed
FROM
(
    SELECT
        received_at,
        id,
        cost,
        sum(cost) OVER () AS total,
        sum(cost) OVER (
            ORDER BY received_at DESC, id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS newer
    FROM (SELECT received_at, id, length(body) + {overhead:UInt32} AS cost FROM rejects)
)
WHERE total > {limit:UInt64} AND newer > {keep:UInt64}
ORDER BY newer
LIMIT 1

-- The last reject to be deleted, where all together cost more than `limit`: with it and all that go
-- before it gone, the rest costs at most `keep`. No row where they are within the limit.
--
-- The oldest go first of strangers', then of pages', then of all others': anybody can send the
-- first, and whoever reads a page's key the second, so neither may push out what a server, a webhook,
-- an import or a worker could not take. A worker's reject may have no time; nobody outside makes any.
SELECT worth, toUnixTimestamp64Milli(received_at) AS time, id, total - better + cost AS freed
FROM
(
    SELECT
        worth,
        received_at,
        id,
        cost,
        sum(cost) OVER () AS total,
        sum(cost) OVER (
            ORDER BY worth DESC, received_at DESC, id DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS better
    FROM
    (
        SELECT
            multiIf(
                sender = '', 0, sender = 'page', 1, toUnixTimestamp64Milli(received_at) > 0, 2, 3
            ) AS worth,
            received_at,
            id,
            length(body) + {overhead:UInt32} AS cost
        FROM rejects
    )
)
WHERE total > {limit:UInt64} AND better > {keep:UInt64}
ORDER BY better
LIMIT 1

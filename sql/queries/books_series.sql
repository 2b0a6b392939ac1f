-- The books of all sites in steps of `step` seconds. Records without a readable event have no time
-- of their own and are only in the totals. `stored` is what workers stored: what the warehouse then
-- merged is in it.
SELECT
    toStartOfInterval(b.time, toIntervalSecond({step:UInt32})) AS time,
    sum(b.declared) AS received,
    sum(b.stored) AS stored,
    sum(b.deduplicated) AS repeats,
    sum(b.rejected) AS rejected
FROM books AS b FINAL
WHERE b.time >= {from:DateTime64(3, 'UTC')} AND b.time < {to:DateTime64(3, 'UTC')}
GROUP BY time
ORDER BY time

-- A worker's books as far as its records are folded in: `events` and `rejects` are the offset applied
-- last in each of its partitions, −1 where it has none. What it stored is the sum of what it said;
-- `held` are the rows of that in the warehouse.
SELECT
    sum(b.declared) AS received,
    sum(b.stored) AS stored,
    sum(b.deduplicated) AS repeats,
    sum(b.rejected) AS rejected,
    sum(b.beyond_window) AS beyond_window,
    (
        SELECT count()
        FROM events
        WHERE offset <= {events:Array(Int64)}[partition + 1]
    ) AS held
FROM books AS b FINAL
WHERE b.offset <= if(
    b.topic = {topic:String},
    {events:Array(Int64)}[b.partition + 1],
    {rejects:Array(Int64)}[b.partition + 1]
)

-- The books as far as records are folded in. `accepted` is the producers' own count. `stored` are
-- distinct events in the warehouse; `deduplicated` are repeats, told by the worker or, outside its
-- window, merged by the warehouse; should events be missing, `deduplicated` cannot hide it: it is
-- never counted below what the worker told.
SELECT
    (SELECT sum(declared) FROM books FINAL) AS accepted,
    (SELECT count() FROM events FINAL) AS stored,
    (SELECT sum(deduplicated) FROM books FINAL)
        + greatest((SELECT sum(stored) FROM books FINAL) - (SELECT count() FROM events FINAL), 0)
        AS deduplicated,
    (SELECT sum(rejected) FROM books FINAL) AS rejected

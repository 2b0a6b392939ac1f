-- The books as far as records are folded in. `accepted` is the producers' own count, `stored` are
-- distinct events in the warehouse, `deduplicated` the repeats that the worker told. `merged` are
-- events that the worker stored and the warehouse holds once: repeats outside the window.
SELECT
    (SELECT sum(declared) FROM books FINAL) AS accepted,
    (SELECT count() FROM events FINAL) AS stored,
    (SELECT sum(deduplicated) FROM books FINAL) AS deduplicated,
    (SELECT toInt64(sum(stored)) FROM books FINAL) - toInt64(stored) AS merged,
    (SELECT sum(rejected) FROM books FINAL) AS rejected

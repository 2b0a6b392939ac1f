-- The books as far as records are folded in: received = stored + repeats + merged + rejected.
-- `received` is the producers' own count; `stored` are distinct events in the warehouse; `repeats`
-- are what the worker knew as sent before; `merged` are repeats that came too late for that (outside
-- its window): it stored them again, and the warehouse holds one row of both.
SELECT
    (SELECT sum(declared) FROM books FINAL) AS received,
    (SELECT count() FROM events FINAL) AS stored,
    (SELECT sum(deduplicated) FROM books FINAL) AS repeats,
    (SELECT toInt64(sum(stored)) FROM books FINAL) - toInt64(stored) AS merged,
    (SELECT sum(rejected) FROM books FINAL) AS rejected

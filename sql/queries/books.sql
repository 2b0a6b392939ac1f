-- The books, per topic that collectors write: declared = stored + deduplicated + rejected.
-- Declared is what the producers said they wrote; what is in the log but not folded in yet is not
-- in here (in flight, known from offsets).
SELECT
    topic,
    sum(declared) AS declared,
    sum(stored) AS stored,
    sum(deduplicated) AS deduplicated,
    sum(rejected) AS rejected,
    toInt64(declared) - toInt64(stored + deduplicated + rejected) AS difference
FROM (SELECT topic, declared, stored, deduplicated, rejected FROM books FINAL)
GROUP BY topic
ORDER BY topic

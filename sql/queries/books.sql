-- The books, per topic that collectors write: received = stored + repeats + merged + rejected.
-- Received is what the producers said they wrote; what is in the log but not folded in yet is not
-- in here (in flight, known from offsets). The other words: see books_now.
SELECT
    told.topic AS topic,
    told.declared AS received,
    held.events AS stored,
    told.deduplicated AS repeats,
    toInt64(told.stored) - toInt64(held.events) AS merged,
    told.rejected AS rejected,
    toInt64(received) - toInt64(told.stored + repeats + rejected) AS difference
FROM
(
    SELECT
        topic,
        sum(b.declared) AS declared,
        sum(b.stored) AS stored,
        sum(b.deduplicated) AS deduplicated,
        sum(b.rejected) AS rejected
    FROM books AS b FINAL
    GROUP BY topic
) AS told
LEFT JOIN (SELECT topic, count() AS events FROM events FINAL GROUP BY topic) AS held
    ON told.topic = held.topic
ORDER BY topic

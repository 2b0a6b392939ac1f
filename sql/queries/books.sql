-- The books, per topic that collectors write: received = stored + repeats + merged + rejected.
-- Received is what the producers said they wrote; what is in the log but not folded in yet is not
-- in here (in flight, known from offsets). `stored` are the rows in the warehouse; `repeats` are what
-- the worker knew as sent before; `merged` are repeats from beyond its window, so that it stored them
-- again: the warehouse keeps one row, and there are no more of them than could be. What else is
-- missing is lost: the difference.
SELECT
    told.topic AS topic,
    told.declared AS received,
    held.events AS stored,
    told.deduplicated AS repeats,
    least(
        toInt64(told.beyond_window), greatest(0, toInt64(told.stored) - toInt64(held.events))
    ) AS merged,
    told.rejected AS rejected,
    toInt64(received) - toInt64(stored) - toInt64(repeats) - merged - toInt64(rejected) AS difference
FROM
(
    SELECT
        topic,
        sum(b.declared) AS declared,
        sum(b.stored) AS stored,
        sum(b.deduplicated) AS deduplicated,
        sum(b.rejected) AS rejected,
        sum(b.beyond_window) AS beyond_window
    FROM books AS b FINAL
    GROUP BY topic
) AS told
LEFT JOIN (SELECT topic, count() AS events FROM events FINAL GROUP BY topic) AS held
    ON told.topic = held.topic
ORDER BY topic

-- What happened to tickets, in steps of `step` seconds.
SELECT
    toStartOfInterval(t.time, toIntervalSecond({step:UInt32})) AS time,
    uniqExactIf(t.ticket_id, t.action = 'created') AS created,
    uniqExactIf(t.ticket_id, t.action = 'answered') AS answered,
    uniqExactIf(t.ticket_id, t.action = 'solved') AS solved,
    uniqExactIf(t.ticket_id, t.action = 'reopened') AS reopened
FROM tickets AS t FINAL
WHERE t.site = {site:String} AND t.time >= {from:DateTime64(3, 'UTC')}
    AND t.time < {to:DateTime64(3, 'UTC')}
GROUP BY time
ORDER BY time

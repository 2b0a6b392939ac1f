-- Average of ticket ratings and CSAT answers (both 1…5) in steps of `step` seconds.
SELECT
    toStartOfInterval(asked, toIntervalSecond({step:UInt32})) AS time,
    avgIf(score, kind = 'ticket') AS ticket_rating,
    avgIf(score, kind = 'csat') AS csat
FROM
(
    SELECT time AS asked, toString(kind) AS kind, score
    FROM feedback FINAL
    WHERE site = {site:String} AND asked >= {from:DateTime64(3, 'UTC')}
        AND asked < {to:DateTime64(3, 'UTC')} AND isNotNull(score) AND kind = 'csat'
    UNION ALL
    SELECT time AS asked, 'ticket' AS kind, rating AS score
    FROM tickets FINAL
    WHERE site = {site:String} AND asked >= {from:DateTime64(3, 'UTC')}
        AND asked < {to:DateTime64(3, 'UTC')} AND isNotNull(rating)
)
GROUP BY time
ORDER BY time

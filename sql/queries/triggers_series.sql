-- Triggers by rule in steps of `step` seconds.
SELECT
    toStartOfInterval(t.time, toIntervalSecond({step:UInt32})) AS time,
    toString(t.rule) AS rule,
    count() AS triggers
FROM triggers AS t FINAL
WHERE t.site = {site:String} AND t.time >= {from:DateTime64(3, 'UTC')}
    AND t.time < {to:DateTime64(3, 'UTC')}
GROUP BY time, rule
ORDER BY time, rule

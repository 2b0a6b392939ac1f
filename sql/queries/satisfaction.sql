-- How content customers are: ratings of tickets (1…5) and answers to surveys.
-- `happy` is the share of 4 and 5 (nps: 9 and 10); `nps` promoters minus detractors, in points.
SELECT
    kind,
    count() AS answers,
    round(avg(score), 2) AS average,
    if(kind = 'nps', countIf(score >= 9), countIf(score >= 4)) / answers AS happy,
    if(kind = 'nps', 100 * (countIf(score >= 9) - countIf(score <= 6)) / answers, NULL) AS nps
FROM
(
    SELECT toString(kind) AS kind, score
    FROM feedback FINAL
    WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
        AND time < {to:DateTime64(3, 'UTC')} AND isNotNull(score)
    UNION ALL
    SELECT 'ticket' AS kind, rating AS score
    FROM tickets FINAL
    WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
        AND time < {to:DateTime64(3, 'UTC')} AND isNotNull(rating)
)
GROUP BY kind
ORDER BY kind

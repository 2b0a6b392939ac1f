-- Where people go next from each page: the first step after an attempt, '(left)' for none.
SELECT
    page,
    if(empty(next), '(left)', next[1]) AS first_step,
    count() AS attempts,
    attempts / sum(attempts) OVER (PARTITION BY page) AS share
FROM outcomes_judged
WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
    AND time < {to:DateTime64(3, 'UTC')}
GROUP BY page, first_step
ORDER BY sum(attempts) OVER (PARTITION BY page) DESC, page, attempts DESC
LIMIT 5 BY page
LIMIT 100

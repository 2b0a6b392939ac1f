-- The share that goes forward, in steps of `step` seconds, on the five pages with most attempts,
-- by device class.
SELECT
    toStartOfInterval(o.time, toIntervalSecond({step:UInt32})) AS time,
    concat(o.page, ' ', if(o.device_class = '', 'unknown', o.device_class)) AS segment,
    countIf(o.went) / count(o.went) AS share
FROM outcomes_judged AS o
WHERE o.site = {site:String} AND o.time >= {from:DateTime64(3, 'UTC')}
    AND o.time < {to:DateTime64(3, 'UTC')}
    AND o.page IN
    (
        SELECT page
        FROM outcomes_judged
        WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
            AND time < {to:DateTime64(3, 'UTC')} AND isNotNull(went)
        GROUP BY page
        ORDER BY count() DESC, page
        LIMIT 5
    )
GROUP BY time, segment
HAVING count(o.went) > 0
ORDER BY time, segment

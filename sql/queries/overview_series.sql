-- Visitors, sessions, page views and orders in steps of `step` seconds; every step has a row.
-- A visitor is a browser or app installation; bots are none. Sessions count where they began.
SELECT
    at AS time,
    sum(visitors_) AS visitors,
    sum(sessions_) AS sessions,
    sum(page_views_) AS page_views,
    sum(orders_) AS orders
FROM
(
    SELECT
        toStartOfInterval(time, toIntervalSecond({step:UInt32})) AS at,
        uniqExactIf(device, device != '') AS visitors_,
        0 AS sessions_,
        countIf(type IN ('page', 'screen')) AS page_views_,
        0 AS orders_
    FROM events FINAL
    WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
        AND time < {to:DateTime64(3, 'UTC')} AND device_class != 'bot'
        AND type NOT IN ('ticket', 'reset')
    GROUP BY at
    UNION ALL
    SELECT toStartOfInterval(start, toIntervalSecond({step:UInt32})) AS at, 0, count(), 0, 0
    FROM sessions FINAL
    WHERE site = {site:String} AND start >= {from:DateTime64(3, 'UTC')}
        AND start < {to:DateTime64(3, 'UTC')} AND device_class != 'bot'
    GROUP BY at
    UNION ALL
    SELECT toStartOfInterval(time, toIntervalSecond({step:UInt32})) AS at, 0, 0, 0, countIf(NOT void)
    FROM orders
    WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
        AND time < {to:DateTime64(3, 'UTC')}
    GROUP BY at
)
GROUP BY time
ORDER BY time
WITH FILL
    FROM toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step:UInt32}))
    TO toDateTime({to:DateTime64(3, 'UTC')}, 'UTC')
    STEP toIntervalSecond({step:UInt32})

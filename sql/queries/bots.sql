-- Bots by name, which no other figure counts: neither visitors, sessions nor page views.
SELECT
    if(bot = '', 'unnamed', bot) AS bot_name,
    countIf(type IN ('page', 'screen')) AS page_views,
    count() AS events_sent
FROM events FINAL
WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
    AND time < {to:DateTime64(3, 'UTC')} AND device_class = 'bot'
GROUP BY bot_name
ORDER BY events_sent DESC, bot_name
LIMIT 20

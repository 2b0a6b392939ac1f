-- Sites, and `now` in each one's log: when its newest event arrived or its newest trigger was made.
-- With an accelerated clock this is the only "now" there is.
SELECT site, max(at) AS now, sum(stored_) AS events
FROM
(
    SELECT site, time AS at, stored AS stored_ FROM books FINAL
    UNION ALL
    SELECT site, time AS at, 0 AS stored_ FROM triggers
)
WHERE site != ''
GROUP BY site
ORDER BY events DESC, site

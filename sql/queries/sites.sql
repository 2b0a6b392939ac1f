-- Sites, and how far each one's log has been read: `now` is the newest event's arrival.
-- With an accelerated clock this is the only "now" there is.
SELECT site, max(time) AS now, sum(stored) AS events
FROM books FINAL
WHERE site != ''
GROUP BY site
ORDER BY events DESC

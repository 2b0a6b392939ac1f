-- Sites, those with most events first.
SELECT site FROM books FINAL WHERE site != '' GROUP BY site ORDER BY sum(stored) DESC, site

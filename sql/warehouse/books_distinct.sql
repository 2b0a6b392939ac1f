-- As `held` of books_now, without rows that a worker which had been stopped inserted again.
SELECT count() AS held
FROM events FINAL
WHERE offset <= {events:Array(Int64)}[partition + 1]

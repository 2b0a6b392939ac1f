-- The id of a log other than this one whose events are here, if there is any.
SELECT DISTINCT log_id FROM books WHERE log_id != {log_id:String} LIMIT 1

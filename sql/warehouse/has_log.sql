-- Whether anything of this log is here.
SELECT 1 FROM books WHERE log_id = {log_id:String} LIMIT 1

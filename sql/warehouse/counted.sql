-- How many entries of the books a lane's records up to `applied` have here.
SELECT count() AS entries
FROM books
WHERE log_id = {log_id:String} AND topic = {topic:String} AND partition = {partition:UInt16}
    AND offset <= {applied:Int64}

SELECT DISTINCT 'TABLE' AS name, offset, `index`
FROM TABLE
WHERE offset > {applied:Int64} AND log_id = {log_id:String} AND topic = {topic:String}
    AND partition = {partition:UInt16}

-- What the books say was stored of a lane's records up to an offset, and what of it is there.
SELECT
    (
        SELECT sum(stored) FROM books FINAL
        WHERE log_id = {log_id:String} AND topic = {topic:String} AND partition = {partition:UInt16}
            AND offset <= {applied:Int64}
    ) AS told,
    (
        SELECT count() FROM events FINAL
        WHERE log_id = {log_id:String} AND topic = {topic:String} AND partition = {partition:UInt16}
            AND offset <= {applied:Int64}
    ) AS held

-- Delete a log's rows of records after those that the state of their lane ("topic/partition") has folded
-- in.
ALTER TABLE TABLE_NAME
DELETE WHERE log_id = {log_id:String}
    AND offset > arrayElement(
        {applied:Array(Int64)}, indexOf({lanes:Array(String)}, concat(topic, '/', toString(partition)))
    )
SETTINGS mutations_sync = 1

-- Delete a reject and all older ones. A mutation, and not DELETE, which only hides rows: the old
-- parts of a table that nothing merges would never give their space back.
ALTER TABLE rejects
DELETE WHERE (received_at, id) <= (fromUnixTimestamp64Milli({time:Int64}, 'UTC'), {id:String})
SETTINGS mutations_sync = 1

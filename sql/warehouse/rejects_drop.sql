-- Delete a reject and all that go before it, see `rejects_over`. A mutation, and not DELETE, which
-- only hides rows: the old parts of a table that nothing merges would never give their space back.
ALTER TABLE rejects
DELETE WHERE (
    multiIf(sender = '', 0, sender = 'page', 1, toUnixTimestamp64Milli(received_at) > 0, 2, 3),
    received_at,
    id
) <= ({worth:UInt8}, fromUnixTimestamp64Milli({time:Int64}, 'UTC'), {id:String})
SETTINGS mutations_sync = 1

-- Rejects to send again, newest first. reason '' means any.
SELECT id, path, site, body, cut
FROM rejects FINAL
WHERE ({reason:String} = '' OR reason = {reason:String}) AND path LIKE '/%'
ORDER BY received_at DESC, id
LIMIT {limit:UInt32}

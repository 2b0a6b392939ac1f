-- The newest rejects, of one reason where `reason` is not ''.
SELECT id, received_at, reason, detail, site, sender, path, length(body) AS bytes, cut
FROM rejects FINAL
WHERE {reason:String} = '' OR reason = {reason:String}
ORDER BY received_at DESC, id
LIMIT {limit:UInt32}

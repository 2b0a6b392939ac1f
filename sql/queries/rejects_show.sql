-- One reject with its original bytes; where it was sent again and refused again, the newest.
SELECT id, received_at, reason, detail, site, sender, method, path, cut, body
FROM rejects FINAL
WHERE id = {id:String}
ORDER BY received_at DESC
LIMIT 1

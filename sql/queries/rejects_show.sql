-- One reject with its original bytes.
SELECT id, received_at, reason, detail, site, path, cut, body
FROM rejects FINAL
WHERE id = {id:String}

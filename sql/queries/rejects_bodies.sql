-- Rejects that can be sent again, newest first. reason '' means any. Those of webhooks only their
-- vendor can sign, those that were cut are not whole; `rejects_not_again` counts them.
SELECT id, path, site, body
FROM rejects FINAL
WHERE ({reason:String} = '' OR reason = {reason:String})
    AND path LIKE '/%' AND path NOT LIKE '/webhooks/%' AND NOT cut
ORDER BY received_at DESC, id
LIMIT {limit:UInt32}

-- Rejects that can be sent again, newest first; of one that was refused several times the first, as
-- it has the time when its events came. reason '' means any but those of `unasked`, with commas
-- between. `rejects_not_again` counts the others: those of webhooks only their vendor can sign, those
-- that were cut are not whole.
SELECT id, path, site, body, sender, method, opt_out, toUnixTimestamp64Milli(received_at) AS time
FROM rejects FINAL
WHERE (received_at, id) IN
(
    SELECT min(received_at) AS first, id
    FROM rejects FINAL
    WHERE (reason = {reason:String}
            OR {reason:String} = '' AND NOT has(splitByChar(',', {unasked:String}), reason))
        AND path LIKE '/%' AND path NOT LIKE '/webhooks/%' AND NOT cut
    GROUP BY id
    ORDER BY first DESC, id
    LIMIT {limit:UInt32}
)
ORDER BY received_at DESC, id

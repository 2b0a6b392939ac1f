-- Identifiers that were asserted together and are not one person, with the reason.
SELECT time, `left`, `right`, reason
FROM link_refusals FINAL
WHERE site = {site:String}
ORDER BY time DESC, message_id
LIMIT 100

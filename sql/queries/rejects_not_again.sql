-- Requests among the rejects that are not sent again. reason '' means any.
SELECT
    uniqExactIf(id, of_webhook) AS of_webhooks,
    uniqExactIf(id, not_asked AND NOT of_webhook) AS not_asked_for,
    uniqExactIf(id, cut AND NOT not_asked AND NOT of_webhook) AS were_cut
FROM
(
    SELECT
        id,
        cut,
        path LIKE '/webhooks/%' AS of_webhook,
        {reason:String} = '' AND has(splitByChar(',', {unasked:String}), reason) AS not_asked
    FROM rejects FINAL
    WHERE ({reason:String} = '' OR reason = {reason:String}) AND path LIKE '/%'
)

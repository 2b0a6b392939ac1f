-- Requests among the rejects that cannot be sent again. reason '' means any.
SELECT
    countIf(path LIKE '/webhooks/%') AS of_webhooks,
    countIf(path NOT LIKE '/webhooks/%') AS were_cut
FROM rejects FINAL
WHERE ({reason:String} = '' OR reason = {reason:String})
    AND path LIKE '/%' AND (cut OR path LIKE '/webhooks/%')

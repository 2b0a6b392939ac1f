-- Rejects by reason. Those that came without a time of arrival always count.
SELECT reason, count() AS rejects, max(received_at) AS newest, any(detail) AS example
FROM rejects FINAL
WHERE (received_at >= {from:DateTime64(3, 'UTC')} AND received_at < {to:DateTime64(3, 'UTC')})
    OR received_at = toDateTime64(0, 3, 'UTC')
GROUP BY reason
ORDER BY rejects DESC, reason

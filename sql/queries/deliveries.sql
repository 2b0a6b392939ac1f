-- Tries to hand triggers to webhooks, by the HTTP status they got (0: no answer).
SELECT endpoint, status, count() AS tries, uniqExact(trigger_id) AS triggers, max(time) AS newest
FROM deliveries FINAL
WHERE time >= {from:DateTime64(3, 'UTC')} AND time < {to:DateTime64(3, 'UTC')}
GROUP BY endpoint, status
ORDER BY endpoint, status

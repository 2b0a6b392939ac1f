-- Tickets that wait: not solved at `to`, oldest first.
SELECT ticket_id, opened, last_step, state, priority, channel, subject
FROM
(
    SELECT
        ticket_id,
        min(time) AS opened,
        maxIf(time, action != 'rated') AS last_step,
        argMaxIf(toString(action), (time, message_id), action != 'rated') AS state,
        argMaxIf(toString(priority), (time, message_id), priority != '') AS priority,
        argMaxIf(toString(channel), (time, message_id), channel != '') AS channel,
        argMaxIf(subject, (time, message_id), subject != '') AS subject
    FROM tickets FINAL
    WHERE site = {site:String} AND time < {to:DateTime64(3, 'UTC')}
    GROUP BY ticket_id
)
WHERE state IN ('created', 'reopened', 'answered')
ORDER BY opened, ticket_id
LIMIT 100

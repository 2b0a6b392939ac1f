-- Tickets by the state they are in at `to`. A rating changes no state.
SELECT state, count() AS tickets
FROM
(
    SELECT
        ticket_id,
        transform(
            argMaxIf(toString(action), (time, message_id), action != 'rated'),
            ['created', 'reopened', 'answered', 'solved'], ['open', 'open', 'answered', 'solved'],
            'unknown'
        ) AS state
    FROM tickets FINAL
    WHERE site = {site:String} AND time < {to:DateTime64(3, 'UTC')}
    GROUP BY ticket_id
)
GROUP BY state
ORDER BY state

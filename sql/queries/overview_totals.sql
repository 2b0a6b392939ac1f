-- One row: what happened between `from` and `to`.
SELECT
    (
        SELECT uniqExactIf(device, device != '')
        FROM events FINAL
        WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
            AND time < {to:DateTime64(3, 'UTC')} AND device_class != 'bot'
            AND type NOT IN ('ticket', 'reset')
    ) AS visitors,
    (
        SELECT count()
        FROM sessions FINAL
        WHERE site = {site:String} AND start >= {from:DateTime64(3, 'UTC')}
            AND start < {to:DateTime64(3, 'UTC')} AND device_class != 'bot'
    ) AS sessions,
    (
        SELECT count()
        FROM events FINAL
        WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
            AND time < {to:DateTime64(3, 'UTC')} AND device_class != 'bot'
            AND type IN ('page', 'screen')
    ) AS page_views,
    (
        SELECT countIf(NOT void)
        FROM orders
        WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')}
            AND time < {to:DateTime64(3, 'UTC')}
    ) AS orders

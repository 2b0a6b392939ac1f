-- Functions that migrations made; one may call another, whose name then sorts after it or not.
SELECT create_query FROM system.functions WHERE origin = 'SQLUserDefined' ORDER BY name DESC

-- Who: person ids are resolved when a query runs, so that a link found later holds for the past.

-- UUIDv5 (RFC 9562, 5.5) as schemas/identifiers.person_id makes it: SHA-1 of a namespace's bytes
-- and the name, of which the first 16 bytes, with version 5 and the variant 10xx put in.
CREATE OR REPLACE FUNCTION footfall_person_id AS (site, canonical) ->
    arrayMap(
        hex -> concat(
            substring(hex, 1, 8), '-', substring(hex, 9, 4), '-5', substring(hex, 14, 3), '-',
            substring('89ab', bitAnd(position('0123456789abcdef', substring(hex, 17, 1)) - 1, 3) + 1, 1),
            substring(hex, 18, 3), '-', substring(hex, 21, 12)
        ),
        [lower(hex(SHA1(concat(unhex('6f0d8b0e6a7c5a559c430b7a4d3e9f21'), site, '\n', canonical))))]
    )[1];

-- The person that identities name, else the one that the owner alone makes, else the device alone.
CREATE OR REPLACE FUNCTION footfall_person AS (site, named, owner, device) ->
    if(named != '', named, footfall_person_id(site, if(owner != '', owner, concat('device:', device))));

CREATE OR REPLACE VIEW people AS
SELECT site, identifier, person_id, canonical FROM identities FINAL;

-- Whose a device is from `since` on; '' after a reset. What comes before a device's first assertion
-- belongs to the first assertion. A reset before it ends nothing. Of facts with one time the
-- last by message_id holds.
CREATE OR REPLACE VIEW device_owners AS
SELECT site, device, if(time = first, toDateTime64(0, 3, 'UTC'), time) AS since, asserted
FROM
(
    SELECT
        site, device, time, asserted,
        minIf(time, asserted != '') OVER (PARTITION BY site, device) AS first,
        countIf(asserted != '') OVER (PARTITION BY site, device) AS assertions
    FROM
    (
        SELECT site, device, time, argMax(identifier, message_id) AS asserted
        FROM assertions
        WHERE device != ''
        GROUP BY site, device, time
    )
)
WHERE assertions > 0 AND time >= first;

-- Rows with `owner`, the identifier they belong to ('' where nobody is known), and `person_id`.

CREATE OR REPLACE VIEW events_resolved AS
SELECT owned.*, footfall_person(owned.site, named.person_id, owned.owner, owned.device) AS person_id
FROM
(
    SELECT facts.*, if(facts.identifier != '', facts.identifier, owners.asserted) AS owner
    FROM (SELECT * FROM events FINAL) AS facts
    ASOF LEFT JOIN device_owners AS owners
        ON facts.site = owners.site AND facts.device = owners.device AND facts.time >= owners.since
) AS owned
LEFT JOIN people AS named ON owned.site = named.site AND owned.owner = named.identifier;

CREATE OR REPLACE VIEW purchases_resolved AS
SELECT owned.*, footfall_person(owned.site, named.person_id, owned.owner, owned.device) AS person_id
FROM
(
    SELECT facts.*, if(facts.identifier != '', facts.identifier, owners.asserted) AS owner
    FROM (SELECT * FROM purchases FINAL) AS facts
    ASOF LEFT JOIN device_owners AS owners
        ON facts.site = owners.site AND facts.device = owners.device AND facts.time >= owners.since
) AS owned
LEFT JOIN people AS named ON owned.site = named.site AND owned.owner = named.identifier;

CREATE OR REPLACE VIEW tickets_resolved AS
SELECT owned.*, footfall_person(owned.site, named.person_id, owned.owner, owned.device) AS person_id
FROM
(
    SELECT facts.*, if(facts.identifier != '', facts.identifier, owners.asserted) AS owner
    FROM (SELECT * FROM tickets FINAL) AS facts
    ASOF LEFT JOIN device_owners AS owners
        ON facts.site = owners.site AND facts.device = owners.device AND facts.time >= owners.since
) AS owned
LEFT JOIN people AS named ON owned.site = named.site AND owned.owner = named.identifier;

CREATE OR REPLACE VIEW feedback_resolved AS
SELECT owned.*, footfall_person(owned.site, named.person_id, owned.owner, owned.device) AS person_id
FROM
(
    SELECT facts.*, if(facts.identifier != '', facts.identifier, owners.asserted) AS owner
    FROM (SELECT * FROM feedback FINAL) AS facts
    ASOF LEFT JOIN device_owners AS owners
        ON facts.site = owners.site AND facts.device = owners.device AND facts.time >= owners.since
) AS owned
LEFT JOIN people AS named ON owned.site = named.site AND owned.owner = named.identifier;

-- A session belongs to whoever the device belongs to when it ends.
CREATE OR REPLACE VIEW sessions_resolved AS
SELECT owned.*, footfall_person(owned.site, named.person_id, owned.owner, owned.device) AS person_id
FROM
(
    SELECT facts.*, owners.asserted AS owner
    FROM (SELECT * FROM sessions FINAL) AS facts
    ASOF LEFT JOIN device_owners AS owners
        ON facts.site = owners.site AND facts.device = owners.device AND facts.`end` >= owners.since
) AS owned
LEFT JOIN people AS named ON owned.site = named.site AND owned.owner = named.identifier;

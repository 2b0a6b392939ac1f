"""Who a PostHog event is about. `distinct_id` is a browser or a user; the rest says which.

posthog-js's anonymous ids are its `$device_id`, or a new UUID after its `reset()`; it says
`$is_identified`. Servers say nothing: theirs are users, but where they ask for no profile.
"""

from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Raw, Struct, field

from collectors.dialects import reading, spec
from schemas import identifiers
from schemas.events import EMPTY_OBJECT


class Who(NamedTuple):
    """An event's device ("" for servers), whom it is said to belong to, and what is known of them."""

    device: str
    identifiers: tuple[str, ...]
    previous: str
    traits: Raw


class _Said(Struct):
    distinct_id: Any = None
    device_id: Any = field(default=None, name="$device_id")
    anonymous_before: Any = field(default=None, name="$anon_distinct_id")
    identified: Any = field(default=None, name="$is_identified")
    profile: Any = field(default=None, name="$process_person_profile")
    alias: Any = None
    set_person: Raw = field(default=EMPTY_OBJECT, name="$set")


_said: Final = msgspec.json.Decoder(_Said)


def who(kind: str, distinct_id: str | int | None, properties: Raw, set_person: Raw) -> Who:
    """Raises Refused for ids and `$set` of a wrong shape."""
    claims = reading.decode(_said, bytes(properties))
    traits = reading.object_of(set_person, "$set")
    if traits is EMPTY_OBJECT:
        traits = reading.object_of(claims.set_person, "properties.$set")
    existing = () if traits is EMPTY_OBJECT else spec.from_traits(traits)
    distinct = _id(distinct_id, "distinct_id") or _id(claims.distinct_id, "distinct_id")
    device = _id(claims.device_id, "$device_id")
    if kind == "alias":
        return _alias(distinct, _id(claims.alias, "alias"), device, claims, traits)
    if _anonymous(distinct, device, claims):
        return Who(distinct, reading.ranked(existing), "", traits)
    before = _id(claims.anonymous_before, "$anon_distinct_id")
    names = reading.ranked((identifiers.user_id(distinct), *existing))
    return Who(before or device, names, "", traits)


def _anonymous(distinct: str, device: str, claims: _Said) -> bool:
    if claims.identified is False or claims.profile is False:
        return True
    return bool(device) and distinct == device


def _alias(distinct: str, alias: str, device: str, claims: _Said, traits: Raw) -> Who:
    """Two ids are one person. Either may be a browser's, as SDKs pass them in both orders."""
    if device:
        if _anonymous(distinct, device, claims):
            return Who(distinct, reading.ranked([identifiers.user_id(alias)]), "", traits)
        return _joined(device, distinct, alias, traits)
    if _is_uuid(distinct) == _is_uuid(alias):
        return _joined("", distinct, alias, traits)
    browser, user = (distinct, alias) if _is_uuid(distinct) else (alias, distinct)
    return _joined(browser, user, browser, traits)


def _joined(device: str, user: str, another: str, traits: Raw) -> Who:
    previous = "" if another == user else identifiers.user_id(another)
    return Who(device, reading.ranked([identifiers.user_id(user)]), previous, traits)


def _id(value: Any, name: str) -> str:
    existing = isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
    return reading.identifier(value, name) if existing else ""


def _is_uuid(value: str) -> bool:
    try:
        return str(UUID(value)) == value.lower()
    except ValueError:
        return False

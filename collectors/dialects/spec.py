"""The Segment spec's payload → Event: what Segment, RudderStack, Jitsu and pixels have in common.

`userId` null and "" are both absent. Traits may stand in the context only. An order event is a
purchase.
"""

from typing import Any, Final, Literal, get_args

import msgspec
from msgspec import Raw, Struct

from collectors import orders
from collectors.dialects import reading
from collectors.dialects.contract import Read, Refused, Sender
from collectors.source_doc import Becomes
from schemas import identifiers
from schemas.events import EMPTY_OBJECT, ORDER_EVENTS, Event
from schemas.rejects import Reason

Kind = Literal["track", "page", "screen", "identify", "alias", "group", "reset"]
KINDS: Final = frozenset(get_args(Kind))
BECOMES: Final = (
    Becomes("`page`, `screen`", "a view of that page, with its referrer"),
    Becomes("`track`", "an event of that name"),
    Becomes(
        f"`track` of {', '.join(f'“{name}”' for name in ORDER_EVENTS)}",
        f"a purchase that is {', '.join(ORDER_EVENTS.values())}, with its lines",
    ),
    Becomes(
        "`identify`",
        "this device belongs to `userId`, and to `email`, `phone`, `crmId` and "
        "`social` of its traits",
    ),
    Becomes("`alias`", "`previousId` and `userId` are one person"),
    Becomes("`group`", "an event with the group's id"),
)
"""What the kinds are here, as pages of sources say it."""
_WITHDRAWN: Final = frozenset({"advertising", "marketing", "targeting", "saleofdata"})


class _Place(Struct):
    """Where the visitor was. Free-form in the spec, so nothing here is refused."""

    url: Any = None
    path: Any = None
    title: Any = None
    referrer: Any = None


class _Consent(Struct, rename="camel"):
    category_preferences: Any = None


class _Context(Struct, rename="camel"):
    page: _Place | None = None
    user_agent: str | None = None
    ip: Any = None
    campaign: Any = None
    traits: Raw = EMPTY_OBJECT
    gpc: Any = None
    consent: _Consent | None = None


class _Traits(Struct):
    email: Any = None
    phone: Any = None
    crm_id: Any = None
    crm_id_camel: Any = msgspec.field(default=None, name="crmId")
    social: Any = None


class _Payload(Struct, rename="camel"):
    type: str | None = None
    message_id: str | None = None
    anonymous_id: str | int | None = None
    user_id: str | int | None = None
    previous_id: str | int | None = None
    group_id: str | int | None = None
    event: str | None = None
    name: str | None = None
    timestamp: str | float | None = None
    original_timestamp: str | float | None = None
    context: _Context | None = None
    properties: Raw = EMPTY_OBJECT
    traits: Raw = EMPTY_OBJECT


_payload: Final = msgspec.json.Decoder(_Payload)
_traits: Final = msgspec.json.Decoder(_Traits)
_place: Final = msgspec.json.Decoder(_Place)
_NO_CONTEXT: Final = _Context()
_NO_PLACE: Final = _Place()


def read(kind: str | None, item: bytes, default_id: str, sender: Sender) -> Read:
    """One event; `kind` is what its path says it is, None where its own `type` does. Raises Refused."""
    payload = reading.decode(_payload, item)
    kind = kind or payload.type
    if kind not in KINDS:
        raise Refused(
            Reason.UNKNOWN_TYPE, f"{str(kind)[:64]!r} is none of {', '.join(sorted(KINDS))}"
        )
    context = payload.context or _NO_CONTEXT
    event = _event(kind, payload, context, item, default_id, sender)  # type: ignore[arg-type]
    return _with_surroundings(event, context)


def _with_surroundings(event: Event, context: _Context) -> Read:
    """`context.ip` is what a server's SDK says of its visitor: Segment fills in the sender's own
    where it is left out, and browsers that want it hidden say 0.0.0.0."""
    agent, ip, campaign = context.user_agent or "", context.ip, context.campaign
    if ip is None and campaign is None:
        return Read(event, agent)
    has_ip, has_campaign = isinstance(ip, str), isinstance(campaign, dict)
    return Read(event, agent, ip if has_ip else "", campaign if has_campaign else None)


def _event(
    kind: Kind, payload: _Payload, context: _Context, item: bytes, default_id: str, sender: Sender
) -> Event:
    own_time = reading.first(payload.original_timestamp, payload.timestamp)
    time = reading.event_time(own_time, sender.received_at)
    properties = reading.object_of(payload.properties, "properties")
    traits = _traits_of(payload, context)
    page = _place_of(kind, properties, context)
    anonymous = reading.identifier(payload.anonymous_id, "anonymousId")
    name = payload.event if kind == "track" else _name(kind, payload)
    order = orders.from_track(name, properties) if kind == "track" else None
    return Event(
        type=kind if order is None else "purchase",
        message_id=reading.message_id(
            payload.message_id, item, own_time is not None, default_id, sender.site
        ),
        site=sender.site,
        time=time,
        received_at=sender.received_at,
        corrected_time=reading.corrected(time, sender),
        anonymous_id=anonymous,
        identifiers=_identifiers(kind, payload, traits, context),
        previous_id=_previous(payload, anonymous) if kind == "alias" else "",
        event=reading.text(name, "event"),
        url=(url := reading.lenient_text(page.url)),
        path=reading.path_of(page.path, url),
        title=reading.lenient_text(page.title),
        referrer=reading.lenient_text(page.referrer),
        opt_out=sender.opt_out or context.gpc is True or _withdrawn(context.consent),
        order=order,
        properties=properties,
        traits=traits,
    )


def _name(kind: Kind, payload: _Payload) -> str:
    """What stands in `event` beside a track: a page's or screen's name, a group's id."""
    if kind == "group":
        return reading.identifier(payload.group_id, "groupId")
    return payload.name or ""


def _traits_of(payload: _Payload, context: _Context) -> Raw:
    """RudderStack's SDKs send an identify's traits in the context only."""
    traits = reading.object_of(payload.traits, "traits")
    if traits is not EMPTY_OBJECT:
        return traits
    return reading.object_of(context.traits, "context.traits")


def _place_of(kind: Kind, properties: Raw, context: _Context) -> _Place:
    """A page's own properties say where it is; other events stand on the context's page."""
    page = context.page or _NO_PLACE
    if kind not in ("page", "screen") or properties is EMPTY_OBJECT:
        return page
    own = reading.decode(_place, properties)
    if own.url and own.path and own.title and own.referrer:
        return own
    return _Place(
        own.url or page.url,
        own.path or page.path,
        own.title or page.title,
        own.referrer or page.referrer,
    )


def _identifiers(kind: Kind, payload: _Payload, traits: Raw, context: _Context) -> tuple[str, ...]:
    """Who this event says its device belongs to. A group's traits are the group's, not theirs."""
    if kind == "reset":
        return ()
    user = identifiers.user_id(reading.identifier(payload.user_id, "userId"))
    source = reading.object_of(context.traits, "context.traits") if kind == "group" else traits
    if source is EMPTY_OBJECT:
        return (user,) if user else ()
    return reading.ranked((user, *from_traits(source)))


def from_traits(traits: Raw) -> tuple[str, ...]:
    """Strong identifiers among free-form traits; what is not shaped like one is not one."""
    existing = reading.decode(_traits, traits)
    crm = existing.crm_id or existing.crm_id_camel
    return (
        identifiers.email(_scalar(existing.email, "email")),
        identifiers.phone(_scalar(existing.phone, "phone")),
        identifiers.crm(_scalar(crm, "crmId")),
        identifiers.social(_scalar(existing.social, "social")),
    )


def _scalar(value: Any, name: str) -> str:
    existing = isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
    return reading.identifier(value, name) if existing else ""


def _previous(payload: _Payload, anonymous: str) -> str:
    """What an alias joins. Its own device is an assertion, and the same user id a no-op."""
    user = reading.identifier(payload.user_id, "userId")
    if not user:
        raise Refused(Reason.MISSING_ID, "An alias needs a userId")
    previous = reading.identifier(payload.previous_id, "previousId")
    if not previous:
        raise Refused(Reason.BAD_SHAPE, "Object missing required field `previousId`")
    return "" if previous in (anonymous, user) else identifiers.user_id(previous)


def _withdrawn(consent: _Consent | None) -> bool:
    """Segment's consent object: did the visitor say no to being marketed to?"""
    if consent is None or not isinstance(consent.category_preferences, dict):
        return False
    return any(
        choice is False and category.lower() in _WITHDRAWN
        for category, choice in consent.category_preferences.items()
    )

"""Snowplow's tracker protocol, version 2.

    POST /com.snowplowanalytics.snowplow/tp2   {"schema": …, "data": [event, …]}
    GET  /i?e=pv&…                             one event; the answer is a pixel

An event is flat, its values text: `e` says which (pv, pp, se, ue, tr, ti), `eid` is its id, `dtm`
its time, `duid` its browser, `uid` its user. Self-describing JSON and entities come as text
(`ue_pr`, `co`) or Base64 (`ue_px`, `cx`). There is no write key: `aid`, the app's id, stands for it.
"""

from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Raw, Struct

from collectors.dialects import forms, reading, snowplow_doc, snowplow_entities, snowplow_orders
from collectors.dialects.batches import Batches, Scalar
from collectors.dialects.contract import Dialect, Envelope, Read, Refused, Reply, Request, Sender
from collectors.dialects.keys import sent_key
from collectors.dialects.snowplow_entities import Described, Value, named, these, word
from schemas import identifiers
from schemas.events import Event, EventType, Order
from schemas.rejects import Reason

_POST: Final = "/com.snowplowanalytics.snowplow/tp2"
_SCREENS: Final = frozenset(
    {"com.snowplowanalytics.snowplow/screen_view", "com.snowplowanalytics.mobile/screen_view"}
)
_SESSION: Final = "com.snowplowanalytics.snowplow/client_session"
_USER: Final = "com.snowplowanalytics.snowplow.ecommerce/user"
_STRUCTURED: Final = {
    "se_ca": "category",
    "se_ac": "action",
    "se_la": "label",
    "se_pr": "property",
    "se_va": "value",
}
_PING: Final = {"pp_mix": "min_x", "pp_max": "max_x", "pp_miy": "min_y", "pp_may": "max_y"}
_NOTHING: Final = b"{}"
_NIL: Final = "00000000-0000-0000-0000-000000000000"


class _Item(Struct):
    e: str
    eid: Value = None
    dtm: Value = None
    ttm: Value = None
    duid: Value = None
    nuid: Value = None
    tnuid: Value = None
    sid: Value = None
    uid: Value = None
    se_ac: Value = None
    ua: Any = None
    ip: Any = None
    url: Any = None
    page: Any = None
    refr: Any = None
    ue_pr: str | None = None
    ue_px: str | None = None
    co: str | None = None
    cx: str | None = None


class _Body(Struct):
    data: list[Raw]


class _Head(Struct):
    aid: Scalar = None
    stm: Value = None


class _Named(Struct):
    name: Any = None


class _Session(Struct, rename="camel"):
    user_id: Any = None


class _User(Struct):
    email: Any = None


_item: Final = msgspec.json.Decoder(_Item)
_flat: Final = msgspec.json.Decoder(dict[str, Raw])
_body: Final = Batches(_Body, "data")
_head: Final = msgspec.json.Decoder(_Head)
_named: Final = msgspec.json.Decoder(_Named)
_session: Final = msgspec.json.Decoder(_Session)
_user: Final = msgspec.json.Decoder(_User)


class _Said(NamedTuple):
    """What an event says, whichever of the six kinds it is."""

    type: EventType
    event: str
    data: bytes
    order: Order | None = None


class Snowplow(Dialect):
    """See `collectors.dialects.contract.Dialect`."""

    about = snowplow_doc.ABOUT
    posts = frozenset({_POST})
    gets = frozenset({"/i"})
    success = Reply("text/plain; charset=utf-8", b"ok")

    def open(self, request: Request, body: bytes) -> Envelope:
        """A POST's list, or a GET's fields."""
        single = request.path != _POST
        if single:
            items = [msgspec.json.encode(forms.fields(body))]
        else:
            items = reading.apart(reading.decode(_body, body).data)
        if b'"tr_id"' in body and b'"ti_id"' in body:
            items = snowplow_orders.gathered(items)
        first = _first(items)
        key = first.aid if isinstance(first.aid, str) else ""
        if (
            request.first_at
        ):  # only then: its protocol has no key, so a header may be about anything
            key = sent_key(request, key)
        return Envelope(key, _milliseconds(first.stm), items, single)

    def read(self, item: bytes, default_id: str, sender: Sender) -> Read:
        """One event."""
        text = reading.decode(_item, item)
        entities = snowplow_entities.entities_of(text.co, text.cx)
        content = _said(text, item, entities)
        own_time = _milliseconds(reading.first(text.ttm, text.dtm))
        time = reading.event_time(own_time, sender.received_at)
        event = Event(
            type=content.type,
            message_id=reading.message_id(
                word(text.eid), item, own_time is not None, default_id, sender.site
            ),
            site=sender.site,
            time=time,
            received_at=sender.received_at,
            corrected_time=reading.corrected(time, sender),
            anonymous_id=_device(text, entities, sender),
            identifiers=_identifiers(text, entities),
            event=reading.text(content.event, "event"),
            url=(url := reading.lenient_text(text.url)),
            path=reading.path_of(None, url),
            title=reading.lenient_text(text.page),
            referrer=reading.lenient_text(text.refr),
            opt_out=sender.opt_out,
            order=content.order,
            properties=_with_entities(content.data, entities),
        )
        return Read(event, reading.lenient_text(text.ua), reading.lenient_text(text.ip))


def _first(items: list[bytes]) -> _Head:
    """What the first event says for all of them; one that cannot be read is refused later."""
    try:
        return reading.decode(_head, items[0]) if items else _Head()
    except Refused:
        return _Head()


def _said(fields: _Item, item: bytes, entities: list[Described]) -> _Said:
    match fields.e:
        case "pv":
            return _Said("page", "", _NOTHING)
        case "pp":
            return _Said("track", "page_ping", _renamed(item, _PING))
        case "se":
            return _Said("track", word(fields.se_ac), _renamed(item, _STRUCTURED))
        case "tr":
            order = snowplow_orders.of_transaction(item)
            return _Said("purchase", "transaction", _starting(item, "tr_"), order)
        case "ti":
            return _Said("track", "transaction_item", _starting(item, "ti_"))
        case "ue":
            return _described(snowplow_entities.event_of(fields.ue_pr, fields.ue_px), entities)
        case another:
            raise Refused(Reason.UNKNOWN_TYPE, another[:64])


def _described(description: Described, entities: list[Described]) -> _Said:
    """A self-describing event goes by its schema's name, an e-commerce action by the action's."""
    schema = named(description.schema)
    data = reading.object_of(description.data, "data")
    if schema in _SCREENS:
        screen = reading.decode(_named, bytes(data)).name
        return _Said("screen", reading.lenient_text(screen), bytes(data))
    if schema not in snowplow_orders.ACTIONS:
        return _Said("track", schema.rpartition("/")[2], bytes(data))
    action = snowplow_orders.action_of(data)
    order = snowplow_orders.of_action(schema, action, entities)
    return _Said("track" if order is None else "purchase", action, bytes(data), order)


def _renamed(item: bytes, names: dict[str, str]) -> bytes:
    flat = reading.decode(_flat, item)
    return msgspec.json.encode({new: flat[old] for old, new in names.items() if old in flat})


def _starting(item: bytes, prefix: str) -> bytes:
    flat = reading.decode(_flat, item)
    return msgspec.json.encode({name: flat[name] for name in flat if name.startswith(prefix)})


def _with_entities(data: bytes, entities: list[Described]) -> Raw:
    """An event's own data, with what is attached to it under `contexts`."""
    if not entities:
        return reading.object_of(Raw(data), "data")
    fields = reading.decode(_flat, data)
    full = {**fields, "contexts": entities}
    return reading.object_of(Raw(msgspec.json.encode(full)), "data")


def _device(fields: _Item, entities: list[Described], sender: Sender) -> str:
    """The browser's first-party id; an app's is its session entity's.

    Anonymous trackers may still say which session it is, with a nil UUID for the device. An id
    that a collector gave the connection (`nuid`) is none where the sender asks to be anonymous.
    """
    network = () if sender.anonymous else (fields.tnuid, fields.nuid)
    existing = reading.first(fields.duid, *network)
    if existing is None:
        sessions = (reading.decode(_session, bytes(data)) for data in these(entities, _SESSION))
        stated = (entry.user_id for entry in sessions)
        existing = next(
            (entry for entry in stated if isinstance(entry, str) and entry != _NIL), fields.sid
        )
    return reading.identifier(word(existing), "duid")


def _identifiers(fields: _Item, entities: list[Described]) -> tuple[str, ...]:
    user = identifiers.user_id(reading.identifier(word(fields.uid), "uid"))
    emails = (reading.decode(_user, bytes(data)).email for data in these(entities, _USER))
    existing = (identifiers.email(email) for email in emails if isinstance(email, str))
    matches = (user, *(email for email in existing if len(email) <= identifiers.MAX_LENGTH))
    return reading.ranked(matches)


def _milliseconds(value: Value) -> Value:
    """Trackers write a number of ms as text."""
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 16 else value

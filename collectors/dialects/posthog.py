"""PostHog's SDKs.

    POST /batch, /e, /i/v0/e, /capture, /track, /engage (also with a slash at the end)
         {"api_key", "batch": [event, …], "sent_at"}, a list of events, or one event
    GET  the same paths with `data=`: Base64 JSON, as the form that posthog-js sends on unload
    GET  /array/KEY/config, /array/KEY/config.js; POST /flags, /decide     nothing to turn on
    GET  /static/array.js, /static/VERSION/array.js     a script that says it is not posthog-js

gzip comes as text/plain with no Content-Encoding; admission tells it by its first bytes.
"""

import re
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct, field

from collectors import orders
from collectors.dialects import forms, posthog_doc, posthog_people, reading
from collectors.dialects.batches import Batches, Scalar
from collectors.dialects.contract import (
    Dialect,
    Envelope,
    Question,
    Read,
    Refused,
    Reply,
    Request,
    Sender,
)
from collectors.dialects.keys import sent_key
from schemas.events import EMPTY_OBJECT, Event, EventType
from schemas.rejects import Reason

_PATHS: Final = frozenset(
    f"/{name}{slash}"
    for name in ("batch", "e", "i/v0/e", "capture", "track", "engage")
    for slash in ("", "/")
)
_KINDS: Final[dict[str, EventType]] = {
    "$pageview": "page",
    "$screen": "screen",
    "$identify": "identify",
    "$set": "identify",
    "$create_alias": "alias",
    "$merge_dangerously": "alias",
    "$groupidentify": "group",
}
_CONFIG: Final = {
    "supportedCompression": ["gzip", "gzip-js", "base64"],
    "hasFeatureFlags": False,
    "captureDeadClicks": False,
    "capturePerformance": False,
    "autocaptureExceptions": False,
    "conversations": False,
    "elementsChainAsString": True,
    "errorTracking": {"autocaptureExceptions": False, "suppressionRules": []},
    "heatmaps": False,
    "logs": {"captureConsoleLogs": False},
    "productTours": False,
    "sessionRecording": False,
    "siteApps": [],
}
"""No `surveys`: told that there are none, posthog-js fetches its script for them all the same."""
_FLAGS: Final = {
    "flags": {},
    "featureFlags": {},
    "featureFlagPayloads": {},
    "errorsWhileComputingFlags": False,
    "quotaLimited": [],
}


_NO_LIBRARY: Final = (
    b'console.warn("Nothing is recorded on this page: the HTML snippet loads posthog-js from api_host, '
    b"and Footfall takes what posthog-js sends, but does not serve it. Use the npm package posthog-js "
    b'with this api_host, or serve its dist/array.js here yourself, or use the snippet of Footfall.");\n'
)
"""What PostHog's snippet loads goes by its calls so far, which wait in an array. They go on waiting."""


class _Token(Struct):
    token: Raw = EMPTY_OBJECT


class _Body(Struct):
    api_key: Scalar = None
    token: Scalar = None
    batch: list[Raw] | None = None
    sent_at: str | float | None = None
    properties: _Token | None = None


class _Payload(Struct):
    event: str
    distinct_id: str | int | None = None
    uuid: str | None = None
    timestamp: str | float | None = None
    offset: int | float | None = None
    properties: Raw = EMPTY_OBJECT
    set_person: Raw = field(default=EMPTY_OBJECT, name="$set")


class _Place(Struct):
    """What posthog-js says of the page. Free-form, so nothing here is refused."""

    url: Any = field(default=None, name="$current_url")
    path: Any = field(default=None, name="$pathname")
    title: Any = None
    referrer: Any = field(default=None, name="$referrer")
    user_agent: Any = field(default=None, name="$raw_user_agent")
    ip: Any = field(default=None, name="$ip")
    token: Any = None
    insert_id: Any = field(default=None, name="$insert_id")
    screen: Any = field(default=None, name="$screen_name")
    group: Any = field(default=None, name="$group_key")


_REPEATED: Final = frozenset({"$raw_user_agent", "$ip", "token"})
"""Properties that say what is kept as the settings say, or not at all: the key is one of them."""

_list: Final = Batches(list[Raw])
_body: Final = Batches(_Body, "batch")
_word: Final = msgspec.json.Decoder(str)
_payload: Final = msgspec.json.Decoder(_Payload)
_place: Final = msgspec.json.Decoder(_Place)
_fields: Final = msgspec.json.Decoder(dict[str, Raw])


def _config(found: re.Match[str]) -> Reply:
    return Reply("application/json", msgspec.json.encode(_CONFIG))


def _config_script(found: re.Match[str]) -> Reply:
    # The key is of [A-Za-z0-9_-]: nothing in it can leave its string.
    existing = msgspec.json.encode({found["key"]: {"config": _CONFIG, "siteApps": []}})
    script = b"window._POSTHOG_REMOTE_CONFIG=Object.assign(window._POSTHOG_REMOTE_CONFIG||{},%s);"
    return Reply("text/javascript; charset=utf-8", script % existing)


def _flags(found: re.Match[str]) -> Reply:
    return Reply("application/json", msgspec.json.encode(_FLAGS))


def _no_library(found: re.Match[str]) -> Reply:
    return Reply("text/javascript; charset=utf-8", _NO_LIBRARY)


class PostHog(Dialect):
    """See `collectors.dialects.contract.Dialect`."""

    about = posthog_doc.ABOUT
    posts = _PATHS
    gets = _PATHS - {"/batch", "/batch/"}
    questions = (
        Question(re.compile(r"/array/(?P<key>[\w-]{1,128})/config", re.ASCII), _config),
        Question(re.compile(r"/array/(?P<key>[\w-]{1,128})/config\.js", re.ASCII), _config_script),
        Question(re.compile(r"/(flags|decide)/?"), _flags),
        Question(
            re.compile(r"/static/(?:[\w.-]{1,64}/)?array(?:\.\w{1,16})?\.js", re.ASCII), _no_library
        ),
    )
    success = Reply("application/json", b'{"status":1}')

    def open(self, request: Request, body: bytes) -> Envelope:
        """JSON, or a form whose `data` is JSON or its Base64."""
        data = body if body.lstrip()[:1] in (b"{", b"[") else _out_of_form(body)
        if data.lstrip()[:1] == b"[":
            items = reading.apart(reading.decode(_list, data))
            return Envelope(_key(request, _first(items)), None, items, False)
        value = reading.decode(_body, data)
        key = _key(request, value)
        if value.batch is None:
            return Envelope(key, value.sent_at, [data], True)
        return Envelope(key, value.sent_at, reading.apart(value.batch), False)

    def read(self, item: bytes, default_id: str, sender: Sender) -> Read:
        """One event; its name says which type it is."""
        payload = reading.decode(_payload, item)
        properties = reading.object_of(payload.properties, "properties")
        page = reading.decode(_place, bytes(properties))
        kind = _KINDS.get(payload.event, "track")
        order = orders.from_track(payload.event, properties)
        person = posthog_people.who(kind, payload.distinct_id, properties, payload.set_person)
        timed = payload.timestamp is not None or payload.offset is not None
        time = _time(payload, sender)
        uuid = payload.uuid or reading.lenient_text(page.insert_id)
        if (page.user_agent, page.ip, page.token) != (None, None, None):
            properties = _without_repeated(properties)
        event = Event(
            type=kind if order is None else "purchase",
            message_id=reading.message_id(uuid, item, timed, default_id, sender.site),
            site=sender.site,
            time=time,
            received_at=sender.received_at,
            corrected_time=reading.corrected(time, sender),
            anonymous_id=person.device,
            identifiers=person.identifiers,
            previous_id=person.previous,
            event=reading.text(_name(kind, payload.event, page), "event"),
            url=(url := reading.lenient_text(page.url)),
            path=reading.path_of(page.path, url),
            title=reading.lenient_text(page.title),
            referrer="" if page.referrer == "$direct" else reading.lenient_text(page.referrer),
            opt_out=sender.opt_out,
            order=order,
            properties=properties,
            traits=person.traits,
        )
        return Read(event, reading.lenient_text(page.user_agent), reading.lenient_text(page.ip))


def _without_repeated(properties: Raw) -> Raw:
    fields = reading.decode(_fields, bytes(properties))
    retained = {name: fields[name] for name in fields if name not in _REPEATED}
    return Raw(msgspec.json.encode(retained)) if retained else EMPTY_OBJECT


def _out_of_form(body: bytes) -> bytes:
    data = forms.fields(body).get("data", "")
    if not data:
        raise Refused(Reason.BAD_JSON, "Neither JSON nor a form with `data`")
    return data.encode() if data.lstrip()[:1] in ("{", "[") else forms.from_base64(data, "data")


def _key(request: Request, value: _Body) -> str:
    in_event = _text(value.properties.token) if value.properties else ""
    matches = (value.api_key, value.token, in_event)
    return sent_key(request, next((key for key in matches if isinstance(key, str) and key), None))


def _text(raw: Raw) -> str:
    """Properties are the site's own: a `token` of its may be anything."""
    stated = bytes(raw)
    return _word.decode(stated) if stated.startswith(b'"') else ""


def _first(items: list[bytes]) -> _Body:
    """A list has no fields of its own: its first event's key is the request's."""
    try:
        return reading.decode(_body, items[0]) if items else _Body()
    except Refused:  # as an event it will be refused with the reason
        return _Body()


def _time(payload: _Payload, sender: Sender) -> int:
    if payload.timestamp is None and payload.offset is not None:
        # Older libraries say how long before sending the event was, in ms.
        return reading.event_time(sender.received_at - payload.offset, sender.received_at)
    return reading.event_time(reading.first(payload.timestamp), sender.received_at)


def _name(kind: EventType, event: str, page: _Place) -> str:
    """What stands in `event` beside a track: a screen's name, a group's key."""
    if kind == "track":
        return event
    value = {"screen": page.screen, "group": page.group}.get(kind)
    return reading.lenient_text(value)

"""Where fuzzing starts: real requests of every dialect, and how each packs its JSON."""

import json
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, quote_from_bytes, unquote_to_bytes, urlencode

import msgspec

from collectors.dialects import BY_PATH
from collectors.dialects.contract import Dialect
from tests.collectors.dialects.samples import SAMPLES, Sample
from tests.collectors.requests import AT, basic

Pack = Callable[[bytes], bytes]
KEY: Final = "k"


class Seed(NamedTuple):
    """A real request: `whole` is its JSON, `pack` turns such JSON into a body (a GET's query).

    `paths` are all of its dialect's for its method.
    """

    method: str
    path: str
    paths: Sequence[str]
    query: bytes
    headers: Mapping[str, str]
    whole: bytes
    pack: Pack


def seeds(dialect: Dialect) -> tuple[Seed, ...]:
    """All seeds of a dialect."""
    found = [seed for sample in SAMPLES if BY_PATH[sample.path] is dialect for seed in _of(sample)]
    return tuple(found) or tuple(_typed(dialect))


def _of(sample: Sample) -> list[Seed]:
    dialect = BY_PATH[sample.path]
    paths = sorted(dialect.gets if sample.method == "GET" else dialect.posts)
    made = []
    for request in (
        sample.request("d", "Seen", {"note": "☕ é", "deep": {"list": [1, {"a": None}]}}, KEY),
        sample.purchase(),
        *(sample.request("d", event, more, KEY) for event, more in _MORE.get(sample.name, ())),
    ):
        whole, pack = _unpacked(sample, request.body)
        query = b"" if sample.method == "GET" else request.query.encode()
        made.append(Seed(sample.method, sample.path, paths, query, request.headers, whole, pack))
    return made


_PERSON: Final[dict[str, Any]] = {"email": "a@b.example", "phone": "+49305550100"}
_MORE: Final[Mapping[str, Sequence[tuple[str, dict[str, Any]]]]] = {
    "posthog": (
        ("$identify", {"$anon_distinct_id": "e", "$set": _PERSON, "$current_url": "https://a.b/c"}),
        ("$create_alias", {"alias": "user-1", "distinct_id": "d"}),
        ("$pageview", {"$current_url": "https://a.b/c", "$pathname": "/c", "title": "C"}),
    ),
    "snowplow": (
        (
            "com.snowplowanalytics.snowplow/link_click",
            {
                "entities": [
                    {
                        "schema": "iglu:com.snowplowanalytics.snowplow.ecommerce/user/jsonschema/1-0-0",
                        "data": {"id": "u", "email": "a@b.example"},
                    }
                ]
            },
        ),
    ),
}


def _unpacked(sample: Sample, body: bytes) -> tuple[bytes, Pack]:
    if not body.startswith(b"data="):
        if sample.method == "GET":
            return msgspec.json.encode(dict(parse_qsl(body.decode()))), as_fields
        return body, as_json
    return b64decode(unquote_to_bytes(body.removeprefix(b"data="))), as_data


def as_json(whole: bytes) -> bytes:
    """As it is."""
    return whole


def as_data(whole: bytes) -> bytes:
    """A form whose `data` is Base64."""
    return b"data=" + quote_from_bytes(b64encode(whole)).encode()


def as_url_data(whole: bytes) -> bytes:
    """The same in the URL's alphabet, without padding."""
    return b"data=" + urlsafe_b64encode(whole).rstrip(b"=")


def as_plain_data(whole: bytes) -> bytes:
    """A form whose `data` is JSON."""
    return b"data=" + quote_from_bytes(whole).encode()


def as_fields(whole: bytes) -> bytes:
    """A form with a field for each of an object's, its value as text; else as `data`."""
    try:
        tree = msgspec.json.decode(whole)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return as_data(whole)
    if not isinstance(tree, dict):
        return as_data(whole)
    return urlencode(
        {
            name: value if isinstance(value, str) else msgspec.json.encode(value)
            for name, value in tree.items()
        },
        errors="replace",
    ).encode()


PACKS: Final[tuple[Pack, ...]] = (as_json, as_data, as_url_data, as_plain_data, as_fields)


def _typed(dialect: Dialect) -> list[Seed]:
    paths = sorted(dialect.posts)
    return [
        Seed("POST", path, paths, b"", basic(KEY), json.dumps(body).encode(), as_json)
        for path, one in _TYPED.items()
        for body in (one, [one, one], {"batch": [one, one], "sentAt": AT, "writeKey": KEY})
    ]


_WHO: Final[dict[str, Any]] = {
    "anonymousId": "d",
    "time": AT,
    "messageId": "m-1",
    "properties": {"note": "☕"},
    "customer": {"userId": "zoe", "email": "a@b.example", "phone": "+49305550100", "crmId": 7},
}
_TYPED: Final[Mapping[str, dict[str, Any]]] = {
    "/v1/purchases": _WHO
    | {
        "orderId": "1001",
        "status": "completed",
        "currency": "EUR",
        "total": "49.80",
        "items": [{"productId": "tea", "name": "Assam", "quantity": 2, "price": "24.90"}],
    },
    "/v1/tickets": _WHO | {"ticketId": 77, "action": "rated", "rating": 2, "subject": "Broken cup"},
    "/v1/feedback": _WHO | {"kind": "nps", "score": 9, "comment": "Fine.", "about": "checkout"},
}

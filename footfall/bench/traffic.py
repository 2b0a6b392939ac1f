"""What browsers send to a collector: Segment calls of some 700 bytes an event, prepared.

Of 50 events, 30 are page views, 18 product events, one identifies and one is an order. A visitor
sends five events in a row; there are 100,000. Times, message ids and visitors differ from event to
event and are put into bodies that are made once, as the sender must cost less than the collector.
"""

import json
from collections.abc import Iterator
from random import Random
from typing import Any, Final, NamedTuple

WRITE_KEY: Final = "bench"
VISITORS: Final = 100_000
IN_A_ROW: Final = 5
_SEED: Final = 1
_BODIES: Final = 500
_SHOP: Final = "https://shop.example"
_AGENTS: Final = tuple(
    f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
    for system in (
        "Windows NT 10.0; Win64; x64",
        "Macintosh; Intel Mac OS X 10_15_7",
        "Linux; Android 10; K",
    )
    for version in range(132, 142)
)
_TITLES: Final = ("Teas — fresh from the garden ☕", "Your basket", "Green teas and their makers")
_STAMP, _VISITOR, _NUMBER = "«time»", "«visitor»", "«number»"
_SHARED: Final = b',"sentAt":"%b","writeKey":"' + WRITE_KEY.encode() + b'"}'


class Template(NamedTuple):
    """An event as its path wants it, with places for time, visitor and number, in this order."""

    path: str
    event: bytes


class Traffic:
    """Requests without end, of 1 to 500 events each; those of a `run` are unlike any other's.

    One event goes to its own path, several go to `/v1/batch`.
    """

    def __init__(self, per_request: int, run: str) -> None:
        """`run` is eight characters, so that bodies are of the same length in every run."""
        self._per_request = per_request
        self._templates = [_filled(template, run) for template in templates()] * 2
        self._number = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield self._single() if self._per_request == 1 else self._batch()

    def _single(self) -> bytes:
        path, event = self._templates[self._number % _BODIES]
        shared = _SHARED % stamp(self._number + 40)
        return _request(path, self._event(event)[:-1] + shared)

    def _batch(self) -> bytes:
        at = self._number % _BODIES
        chosen = self._templates[at : at + self._per_request]
        events = b",".join([self._event(template.event) for template in chosen])
        shared = _SHARED % stamp(self._number)
        return _request("/v1/batch", b'{"batch":[' + events + b"]" + shared)

    def _event(self, template: bytes) -> bytes:
        number = self._number
        self._number += 1
        return template % (stamp(number), number // IN_A_ROW * 7_919 % VISITORS, number)


def number_of(message_id: str, run: str) -> int | None:
    """Which of a run's events this is, from 0; None where it is another run's, or nobody's."""
    name, _, number = message_id.rpartition("-")
    return int(number) if name == f"ajs-next-{run}" else None


def stamp(number: int) -> bytes:
    """The time of event `number`: a millisecond each, from an hour on."""
    seconds, ms = divmod(number, 1_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return b"2026-11-21T%02d:%02d:%02d.%03dZ" % (hours % 24, minutes, seconds, ms)


def templates() -> list[Template]:
    """The bodies, in the order in which they are sent; always the same."""
    random = Random(_SEED)  # noqa: S311 - traffic
    return [_template(number, random) for number in range(_BODIES)]


def _template(number: int, random: Random) -> Template:
    cycle_position = number % 50
    page = _page(random)
    event: dict[str, Any] = {
        "timestamp": _STAMP,
        "integrations": {},
        "userId": None,
        "anonymousId": _VISITOR,
        "messageId": _NUMBER,
        "context": {
            "page": page,
            "userAgent": random.choice(_AGENTS),
            "locale": "en-GB",
            "timezone": "Europe/London",
            "library": {"name": "analytics.js", "version": "npm:next-1.84.3"},
        },
    }
    if cycle_position < 30:
        event |= {"type": "page", "name": "Product", "properties": page}
    elif cycle_position < 48:
        event |= {"type": "track", "event": "Product Viewed", "properties": _line(random)}
    elif cycle_position == 48:
        event |= {"type": "track", "event": "Order Completed", "properties": _order(random)}
    else:
        person = f"visitor{random.randrange(VISITORS)}"
        event |= {
            "type": "identify",
            "userId": person,
            "traits": {"email": f"{person}@mail.example"},
        }
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return Template(f"/v1/{event['type']}", text.encode())


def _page(random: Random) -> dict[str, str]:
    path = f"/teas/{random.choice(('green', 'black', 'white'))}/{random.randrange(500):03d}"
    return {
        "path": path,
        "referrer": f"{_SHOP}/teas",
        "search": "",
        "url": _SHOP + path,
        "title": random.choice(_TITLES),
    }


def _line(random: Random) -> dict[str, Any]:
    number = random.randrange(500)
    return {
        "product_id": f"tea-{number:03d}",
        "name": f"Tea number {number}",
        "quantity": 1,
        "category": "Teas",
        "price": 4.5 + number % 20,
        "position": number % 12,
    }


def _order(random: Random) -> dict[str, Any]:
    lines = [_line(random) for _ in range(3)]
    return {
        "order_id": f"o-{random.randrange(10**6):06d}",
        "currency": "EUR",
        "total": sum(line["price"] for line in lines),
        "products": lines,
    }


def _filled(template: Template, run: str) -> Template:
    """The places as `%` wants them, once everything else that is a `%` is none."""
    event = template.event.replace(b"%", b"%%")
    locations = {
        _STAMP: b"%b",
        _VISITOR: b"5a1e9b3c-7d42-4e0f-9a6b-%012x",
        _NUMBER: f"ajs-next-{run}-".encode() + b"%012d",
    }
    for cycle_position, form in locations.items():
        event = event.replace(cycle_position.encode(), form)
    return template._replace(event=event)


def _request(path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: events.shop.example\r\nUser-Agent: {_AGENTS[0]}\r\n"
        f"Content-Type: text/plain\r\nAccept: */*\r\nOrigin: {_SHOP}\r\nReferer: {_SHOP}/\r\n"
        f"Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body

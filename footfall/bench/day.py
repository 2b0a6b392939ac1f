"""A day of visits, second by second, as the log's records: what fills a worker's memory.

A visit is of nine events on average, some 20 s apart, by any of the day's devices; most of its events
are views. Two in a hundred say who it is, one in five hundred is an order. Ids are random UUIDs, as
browsers make them.
"""

from collections.abc import Iterator
from random import Random
from typing import Final

import msgspec

from schemas import topics
from schemas.events import tick
from schemas.log_records import Append
from schemas.partitioner import partition_of

START_MS: Final = 1_760_000_000_000
VISIT_EVENTS: Final = 9
PACE_SECONDS: Final = 20
EVENTS_IN_RECORD: Final = 200
_PAGES: Final = (
    "/",
    "/cart",
    "/checkout",
    "/search",
    "/account",
    "/help/shipping",
    "/sale",
    *(f"/teas/{kind}" for kind in ("green", "black", "white", "oolong", "herbal")),
    *(f"/product/{number}" for number in range(300)),
)
_LINE: Final = (
    '{"type":"%s","message_id":"%s","site":"shop","time":%d,"received_at":%d,"anonymous_id":"%s",'
    '"path":"%s","title":"A product that somebody looked at","device_class":"%s",'
    '"properties":{"position":3,"list":"search"}%s}'
)
_ORDER: Final = (
    ',"identifiers":["user_id:u%d"],"order":{"order_id":"o-%d","currency":"EUR","total":"12.5",'
    '"items":[{"product_id":"tea-%03d","name":"Tea","category":"Teas","price":"12.5"}]}'
)


class Day:
    """Traffic of `rate` events a second by `devices` devices; the same for the same seed."""

    def __init__(self, rate: int, devices: int, partitions: int, seed: int = 1) -> None:
        self._rate, self._devices, self._partitions = rate, devices, partitions
        self._random = Random(seed)  # noqa: S311 - traffic
        count = max(1, rate * PACE_SECONDS)
        self._visits = [self._visitor() for _ in range(count)]

    def second(self, number: int) -> Iterator[Append]:
        """The records of the second `number`, and its tick in every partition."""
        random, visits, start = self._random, self._visits, START_MS + number * 1_000
        waiting: list[list[str]] = [[] for _ in range(self._partitions)]
        for position in range(self._rate):
            at = int(random.random() * len(visits))
            if random.random() * VISIT_EVENTS < 1:
                visits[at] = self._visitor()
            time = start + position * 1_000 // self._rate
            device = visits[at]
            name = _uuid(device * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128))
            waiting[partition_of(name, self._partitions)].append(self._line(device, name, time))
        end = msgspec.json.encode(tick(start + 1_000))
        for partition, lines in enumerate(waiting):
            for cut in range(0, len(lines), EVENTS_IN_RECORD):
                part = lines[cut : cut + EVENTS_IN_RECORD]
                body = "\n".join(part).encode()
                yield Append(topics.EVENTS.name, partition, len(part), body)
            yield Append(topics.EVENTS.name, partition, 0, end)

    def _visitor(self) -> int:
        return int(self._random.random() * self._devices)

    def _line(self, device: int, name: str, time: int) -> str:
        random = self._random
        draw, path = random.random(), _PAGES[int(random.random() * len(_PAGES))]
        kind, fields = ("page", "") if draw < 0.6 else ("track", ',"event":"Product Clicked"')
        if draw >= 0.998:
            order = int(random.random() * 1e9)
            kind, fields = "purchase", _ORDER % (device, order, order % 300)
        elif draw >= 0.978:
            kind, fields = "identify", f',"identifiers":["user_id:u{device}"]'
        message = _uuid(random.getrandbits(128))
        screen = "mobile" if device % 3 else "desktop"
        return _LINE % (kind, message, time, time + 80, name, path, screen, fields)


def _uuid(number: int) -> str:
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

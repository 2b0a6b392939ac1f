"""Make-believe traffic, seeded: what a driver sends and when, with all that makes counting hard.

Repeats, late and shuffled events, gaps and horizons hit to the millisecond, equal times, people on
several devices, shared e-mail addresses, aliases, resets, purchases, refunds and tickets from
browsers and servers, events without a device.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final, NamedTuple

START: Final = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp() * 1000)
SPAN: Final = 12 * 3_600_000
SECOND: Final = 1000
MINUTE: Final = 60 * SECOND
MAX_LATE: Final = 2 * 60 * MINUTE
REPEATED: Final = 0.03
LATE: Final = 0.05
PAGES: Final = (
    "/",
    "/shoes",
    "/shirts",
    "/hats",
    "/coats",
    "/sale",
    "/cart",
    "/checkout",
    "/pay",
    "/thanks",
    "/help",
    "/about",
    "/jobs",
    "/press",
)
PAUSES: Final = (0, 300_000, 300_001, 299_999, 1_800_000, 1_800_001, 1_799_999)
"""Milliseconds between two events that sit on an edge of a session's gap or a page's horizon."""
AGENT: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)

Item = dict[str, Any]
PATHS: Final = {"orderId": "/v1/purchases", "ticketId": "/v1/tickets"}
"""Typed objects, known by their id's name, have their own paths; all else goes to /v1/batch."""


class Sending(NamedTuple):
    """One request: when it is made, ms, and its JSON body."""

    at: int
    path: str
    body: Item


def sendings(seed: int, events: int) -> list[Sending]:
    """Requests in sending order that carry at least `events` events, repeats included."""
    rng = Random(seed)
    planned = list[tuple[int, Item]]()
    device = 0
    while len(planned) < events:
        device += 1
        for time, item in _device(rng, device):
            planned.append((time + _delay(rng), item))
            if rng.random() < REPEATED:
                planned.append((time + _delay(rng) + rng.randrange(MAX_LATE), item))
    planned.sort(key=lambda plan: (plan[0], plan[1]["messageId"]))
    return list(_batches(rng, planned))


def shuffled(sent: Sequence[Sending], seed: int) -> list[Sending]:
    """The same events in another order and other batches, every request at its old time."""
    rng = Random(seed)
    items = [item for sending in sent for item in sending.body["batch"]]
    rng.shuffle(items)
    end = max(sending.at for sending in sent)
    return list(_batches(rng, [(end, item) for item in items]))


def _batches(rng: Random, planned: Sequence[tuple[int, Item]]) -> Iterator[Sending]:
    start = 0
    while start < len(planned):
        batch = planned[start : start + rng.choice((1, 2, 5, 20, 50))]
        start += len(batch)
        at = batch[-1][0]
        by_path: dict[str, list[Item]] = {}
        for _, item in batch:
            by_path.setdefault(_path(item), []).append(item)
        for path, items in by_path.items():
            rng.shuffle(items)
            yield Sending(at, path, {"batch": items, "sentAt": _iso(at)})


def _path(item: Item) -> str:
    return next((path for name, path in PATHS.items() if name in item), "/v1/batch")


def _delay(rng: Random) -> int:
    return rng.randrange(MAX_LATE) if rng.random() < LATE else rng.randrange(20 * SECOND)


def _device(rng: Random, number: int) -> Iterator[tuple[int, Item]]:
    """One browser's whole life: (event time, what it sends)."""
    device = f"d{number}-{rng.getrandbits(32):08x}" if rng.random() > 0.03 else ""
    person = rng.randrange(max(1, number // 2) + 1) if not device or rng.random() < 0.4 else None
    time = START + rng.randrange(SPAN)
    tempo = rng.choice((10 * SECOND, 40 * SECOND, 2 * MINUTE))
    for _ in range(rng.randint(1, 4)):
        for _ in range(rng.randint(1, 24)):
            yield time, _item(rng, device, person, time)
            time += _pause(rng, tempo)
        time += rng.randrange(25 * MINUTE, 180 * MINUTE)


def _pause(rng: Random, tempo: int) -> int:
    dice = rng.random()
    if dice < 0.06:
        return rng.choice(PAUSES)
    return rng.randrange(tempo) if dice < 0.9 else rng.randrange(29 * MINUTE)


def _item(rng: Random, device: str, person: int | None, time: int) -> Item:
    item: Item = {"messageId": f"{rng.getrandbits(64):016x}"}
    if device:
        item["anonymousId"] = device
    dice = rng.random()
    if person is not None and (dice > 0.97 or not device):
        return item | _from_server(rng, person, time)
    item |= {"timestamp": _iso(time), "context": {"userAgent": AGENT}}
    if person is None or dice < 0.8:
        return item | _action(rng, dice)
    if dice > 0.96:
        return item | {"type": "reset"}
    if dice > 0.955 and person > 0:
        return item | {"type": "alias", "userId": f"u{person}", "previousId": f"u{person - 1}"}
    return item | {"type": "identify", "userId": f"u{person}"} | _traits(rng, person)


def _from_server(rng: Random, person: int, time: int) -> Item:
    """What a shop or a help desk knows."""
    customer = {"userId": f"u{person}", "email": f"zoe{person}@example.com"}
    item = {"time": _iso(time), "customer": customer}
    if rng.random() < 0.3:
        return item | {"ticketId": f"t{rng.getrandbits(32)}", "channel": "email"}
    status = rng.choice(("completed", "completed", "refunded"))
    line = {"productId": f"p{rng.randrange(50)}", "quantity": 1, "price": "9.50"}
    order = f"o{rng.getrandbits(48):012x}"
    return item | {"orderId": order, "status": status, "currency": "EUR", "items": [line]}


def _action(rng: Random, dice: float) -> Item:
    if dice < 0.6:
        page = rng.choice(PAGES)
        shown = {"path": page, "url": f"https://shop.example{page}", "title": page}
        return {"type": "page", "properties": shown}
    if dice < 0.65:
        return {"type": "track", "event": "Order Completed", "properties": _order(rng)}
    return {"type": "track", "event": "Product Viewed", "properties": {"n": rng.randrange(9)}}


def _order(rng: Random) -> Item:
    line = {"product_id": f"p{rng.randrange(50)}", "quantity": rng.randint(1, 3), "price": 9.5}
    order = f"o{rng.getrandbits(48):012x}"
    return {"order_id": order, "currency": "EUR", "total": 9.5, "products": [line]}


def _traits(rng: Random, person: int) -> Item:
    """Half tell an address; some of those a neighbour's: a link that must be refused."""
    if rng.random() < 0.5:
        return {}
    owner = person if rng.random() < 0.9 else person + 1
    return {"traits": {"email": f"Zoe{owner}@Example.com"}}


def _iso(time: int) -> str:
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=time)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

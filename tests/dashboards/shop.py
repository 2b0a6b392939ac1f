"""A fortnight of a small shop, through the real stages into a warehouse: what panels are tested on.

On the last day the checkout breaks on mobile and sends people back to the
cart. Thirty regulars buy tea every three weeks, and some of them are late.
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import count

import msgspec

from pipeline.engine.outputs import records_of
from pipeline.engine.stage import Emit, Record, Stage
from pipeline.stages.dropoff.stage import Dropoff
from pipeline.stages.people.stage import People
from pipeline.stages.rejects import RejectsStage
from pipeline.stages.visits.funnel import parse
from pipeline.stages.visits.stage import Visits
from pipeline.warehouse.contract import Warehouse
from pipeline.warehouse.migrate import migrate
from pipeline.warehouse.sink import Sink
from schemas import topics
from schemas.events import DeviceClass, Event, Feedback, Item, Order, Ticket, TicketAction, tick
from schemas.rejects import Reason, Reject
from schemas.rows import SOURCE, DeliveryRow, columns_of

SITE = "shop"
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
END = 1_760_000_000_000 // DAY * DAY
"""Midnight after the last day."""
START = END - 14 * DAY
TICK = 10 * MINUTE
BREAK = END - DAY
VISITS = 100
"""A day."""
CRAWLED = 12
"""Pages that a bot has looked at."""
TEA = Item("tea-1", "Assam <b>& Co</b>", "Tea", 2, Decimal("12.45"))

_encode = msgspec.json.Encoder().encode


def fill(warehouse: Warehouse) -> None:
    """Migrate, and put everything in."""
    migrate(warehouse)
    sink = Sink(warehouse, "shop-log")
    try:
        events = _records([*sorted(happenings(), key=lambda event: event.received_at), tick(END)])
        visits = _fold(Visits(5 * MINUTE, DAY, parse("")), events, sink)
        _fold(People(), visits[topics.CUSTOMERS.name], sink)
        _fold(Dropoff(), visits[topics.PAGES.name], sink)
        _fold(RejectsStage(), [Record(0, 1, _encode(_reject()))], sink)
    finally:
        sink.close()
    _deliver(warehouse)


def happenings() -> Iterator[Event]:
    """Every event, in no order."""
    yield from _regulars()
    yield from _tickets()
    yield from _crawl()
    for day in range(14):
        for number in range(VISITS):
            yield from _visit(START + day * DAY + number * DAY // VISITS, day * VISITS + number)
    yield from (tick(time - 1) for time in range(START + TICK, END, TICK))


def _visit(time: int, number: int) -> Iterator[Event]:
    mobile = number % 2 == 0
    page = _browser(time, f"device-{number % 150}", "mobile" if mobile else "desktop")
    yield page("/", **_arrival(number))
    yield page(f"/product/{number % 7 + 1000}")
    if number % 4 == 3:
        return
    yield page("/cart")
    yield page("/checkout")
    if mobile and time >= BREAK:
        yield page("/cart")
        return
    if number % 5:
        who = f"user_id:u{number % 60}"
        yield page(
            "/login", kind="identify", identifiers=(who, f"email:{number % 60}@mail.example")
        )
        order = Order(f"web-{number}", currency="EUR", total=Decimal("24.90"), items=(TEA,))
        yield page("/thanks", kind="purchase", order=order)


def _arrival(number: int) -> dict[str, str]:
    """By a search engine, by a campaign's mail, or by nothing that says so."""
    search = {
        "referrer": "https://www.search.example/?q=tea",
        "referrer_medium": "search",
        "referrer_source": "Search",
    }
    mail = {"campaign_source": "news", "campaign_medium": "email", "click_id": f"gclid:{number}"}
    return (search, mail, {})[number % 3]


def _crawl() -> Iterator[Event]:
    page = _browser(END - 3 * HOUR, "crawler", "bot")
    for number in range(CRAWLED):
        yield page(f"/product/{number}", bot="Teabot")


def _browser(time: int, device: str, device_class: DeviceClass) -> Callable[..., Event]:
    steps = count()

    def page(path: str, kind: str = "page", **more: object) -> Event:
        at = time + next(steps) * 20_000
        fields = {
            "type": kind,
            "message_id": f"{device}-{at}-{kind}",
            "site": SITE,
            "time": at,
            "received_at": at + 80,
            "anonymous_id": device,
            "device_class": device_class,
            "path": path,
            "url": f"https://shop.example{path}",
            "title": f"Page {path}",
            "browser": "Safari" if device_class == "mobile" else "Firefox",
            "os": "iOS" if device_class == "mobile" else "Windows",
            "country": "DE",
        }
        return Event(**{**fields, **more})  # type: ignore[arg-type]  # fields by name

    return page


def _regulars() -> Iterator[Event]:
    for person in range(30):
        first = END - 176 * DAY + person * 16 * HOUR
        for nth in range(8):
            yield _said(
                first + nth * 21 * DAY,
                "purchase",
                f"user_id:r{person}",
                f"{person}-{nth}",
                order=Order(
                    f"r{person}-{nth}", currency="EUR", total=Decimal("24.90"), items=(TEA,)
                ),
            )
    yield _said(
        END - 3 * DAY,
        "purchase",
        "user_id:r1",
        "refund",
        order=Order("r1-7", "refunded", "EUR", Decimal("12.45"), (TEA,)),
    )


def _tickets() -> Iterator[Event]:
    steps: tuple[tuple[TicketAction, int], ...] = (
        ("created", 0),
        ("answered", 2),
        ("solved", 20),
        ("rated", 21),
        ("reopened", 30),
    )
    for number in range(24):
        for action, hours in steps[: 1 + number % 5]:
            at = END - 5 * DAY + number * 4 * HOUR + hours * HOUR
            ticket = Ticket(
                f"t{number}",
                action,
                "email",
                "Cup broken",
                "high",
                number % 5 + 1 if action == "rated" else None,
            )
            yield _said(at, "ticket", f"user_id:r{number}", f"t{number}{action}", ticket=ticket)
        answer = Feedback("csat" if number % 2 else "nps", number % 5 + 1, "slow", "delivery")
        at = END - 5 * DAY + number * 4 * HOUR
        yield _said(at, "feedback", f"user_id:r{number}", f"f{number}", feedback=answer)
    both = ("user_id:u1", "email:2@mail.example")  # u1 has another address, and that is u2's
    yield _said(END - HOUR, "identify", both[0], "clash", identifiers=both)


def _said(time: int, kind: str, who: str, name: str, **more: object) -> Event:
    fields = {
        "type": kind,
        "message_id": f"{kind}-{name}",
        "site": SITE,
        "time": time,
        "received_at": time + 500,
        "identifiers": (who,),
    }
    return Event(**{**fields, **more})  # type: ignore[arg-type]  # fields by name


def _reject() -> Reject:
    return Reject(
        id="r" * 32,
        reason=Reason.BAD_JSON,
        detail="not <i>JSON</i>",
        site=SITE,
        received_at=END - HOUR,
        path="/v1/track",
        body=b"{oops",
    )


def _records(events: Iterable[Event]) -> list[Record]:
    events = list(events)
    chunks = [events[n : n + 500] for n in range(0, len(events), 500)]
    return [
        Record(
            offset, sum(event.type != "tick" for event in chunk), b"\n".join(map(_encode, chunk))
        )
        for offset, chunk in enumerate(chunks)
    ]


def _fold(stage: Stage, records: Iterable[Record], sink: Sink) -> dict[str, list[Record]]:
    """Run a stage to its end, store its rows, answer the records it wrote, by topic."""
    state, emit = stage.new_state(), Emit(stage.source, 0)
    for record in records:
        emit.begin(record.offset)
        stage.process(state, record, emit)
    sink.write(stage.source.name, 0, emit.rows)
    written: dict[str, list[Record]] = {}
    for append in records_of(emit.outputs, 1):
        known = written.setdefault(append.topic, [])
        known.append(Record(len(known), append.events, append.value))
    return written


def _deliver(warehouse: Warehouse) -> None:
    """What the `delivery` agent writes, without an endpoint."""
    rows = [("trigger", "https://hook.example", 1, END - HOUR, 204, "")]
    source = [("shop-log", topics.TRIGGERS.name, 0, 0, 0)]
    data = list(zip(*(row + place for row, place in zip(rows, source, strict=True)), strict=True))
    warehouse.insert(DeliveryRow.table, (*columns_of(DeliveryRow), *SOURCE), data)

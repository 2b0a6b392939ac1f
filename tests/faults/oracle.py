"""The oracle: recounts, from the accepted bodies alone, what the warehouse must hold.

It shares no code with the product and does everything the plain way: read all, sort all, walk once,
in one thread. Input is a file of JSON lines `{"path": …, "status": …, "body": …}`, each the body a
driver sent and the answer it got; only answers 2xx count. Times are ms since 1970 UTC.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

SITE: Final = "default"
GAP: Final = 30 * 60_000
"""A pause strictly longer ends a session."""
HORIZON: Final = 5 * 60_000
"""An attempt at a page lasts this long, its end included."""
MAX_NEXT: Final = 8
ORDERED: Final = "Order Completed"
TYPED: Final = {"/v1/purchases": "purchase", "/v1/tickets": "ticket"}
WITHOUT_SESSION: Final = {"ticket", "reset", "tick"}
PERSONS: Final = UUID("6f0d8b0e-6a7c-5a55-9c43-0b7a4d3e9f21")
RANKS: Final = {"user_id": 0, "email": 1, "phone": 2, "crm": 3, "social": 4}


class Seen(NamedTuple):
    """One unique event, in the order all is decided in: (time, message_id)."""

    time: int
    message_id: str
    device: str
    type: str
    page: str
    step: str
    identifiers: tuple[str, ...]
    previous: str


class Session(NamedTuple):
    device: str
    start: int
    end: int
    events: int
    pages: int
    entry_page: str
    exit_page: str


class Attempt(NamedTuple):
    device: str
    page: str
    time: int
    message_id: str
    next: tuple[str, ...]


class Truth(NamedTuple):
    """What must be found. `accepted` counts events in 2xx bodies, repeats included."""

    accepted: int
    events: dict[str, tuple[str, str, int]]
    """message_id → (device, type, time)"""
    sessions: list[Session]
    attempts: list[Attempt]
    people: dict[str, str]
    """identifier → person_id"""


def recount(lines: Iterable[str]) -> Truth:
    """All five counts from a driver's file."""
    accepted, unique = 0, dict[str, Seen]()
    for event in _accepted(lines):
        accepted += 1
        unique.setdefault(event.message_id, event)
    events = sorted(unique.values())
    devices = defaultdict[str, list[Seen]](list)
    for event in events:
        if event.device:
            devices[event.device].append(event)
    return Truth(
        accepted,
        {event.message_id: (event.device, event.type, event.time) for event in events},
        sorted(session for own in devices.values() for session in _sessions(own)),
        sorted(attempt for own in devices.values() for attempt in _attempts(own)),
        _people(events),
    )


def _accepted(lines: Iterable[str]) -> Iterator[Seen]:
    for line in lines:
        sent = json.loads(line)
        if 200 <= sent["status"] < 300:
            kind = TYPED.get(sent["path"], "")
            yield from (_seen(kind, item) for item in sent["body"]["batch"])


def _seen(kind: str, item: dict[str, Any]) -> Seen:
    kind = kind or item["type"]
    ordered = kind == "purchase" and item.get("status", "completed") == "completed"
    if kind == "track" and item["event"] == ORDERED:
        kind, ordered = "purchase", True
    page = item["properties"]["path"] if kind == "page" else ""
    customer = item.get("customer", item)
    user, email = customer.get("userId"), item.get("traits", customer).get("email")
    found = [f"user_id:{user}"] if user else []
    found += [f"email:{email.lower()}"] if email else []
    return Seen(
        _ms(item.get("timestamp") or item["time"]),
        item["messageId"],
        item.get("anonymousId") or "",
        kind,
        page,
        ORDERED if ordered else page,
        tuple(found),
        f"user_id:{item['previousId']}" if kind == "alias" else "",
    )


def _ms(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def _sessions(own: list[Seen]) -> Iterator[Session]:
    """`own` are one device's events, sorted."""
    current = list[Seen]()
    for event in own:
        if event.type in WITHOUT_SESSION:
            continue
        if current and event.time - current[-1].time > GAP:
            yield _session(current)
            current = []
        current.append(event)
    if current:
        yield _session(current)


def _session(events: list[Seen]) -> Session:
    pages = [event.page for event in events if event.page]
    first, last = (pages[0], pages[-1]) if pages else ("", "")
    start, end = events[0].time, events[-1].time
    return Session(events[0].device, start, end, len(events), len(pages), first, last)


def _attempts(own: list[Seen]) -> Iterator[Attempt]:
    steps = [event for event in own if event.step]
    until = dict[str, int]()
    for at, view in enumerate(steps):
        if view.page and view.time > until.get(view.page, -1):
            until[view.page] = view.time + HORIZON
            reached = dict[str, None]()
            for later in steps[at + 1 :]:
                if later.time > view.time + HORIZON:
                    break
                if later.step != view.page:
                    reached[later.step] = None
            following = tuple(reached)[:MAX_NEXT]
            yield Attempt(view.device, view.page, view.time, view.message_id, following)


def _people(events: list[Seen]) -> dict[str, str]:
    """Groups of identifiers asserted together; two different user ids meet only by an alias."""
    groups = dict[str, set[str]]()
    for event in events:
        for identifier in event.identifiers:
            groups.setdefault(identifier, {identifier})
            _join(groups, event.identifiers[0], identifier, False)
        if event.previous and event.identifiers:
            groups.setdefault(event.previous, {event.previous})
            _join(groups, event.identifiers[0], event.previous, True)
    return {member: _person(group) for member, group in groups.items()}


def _join(groups: dict[str, set[str]], left: str, right: str, explicit: bool) -> None:
    one, other = groups[left], groups[right]
    known = [group for group in (one, other) if any(m.startswith("user_id:") for m in group)]
    if one is other or (len(known) > 1 and not explicit):
        return
    one |= other
    for member in other:
        groups[member] = one


def _person(group: set[str]) -> str:
    canonical = min(group, key=lambda member: (RANKS[member.partition(":")[0]], member))
    return str(uuid5(PERSONS, f"{SITE}\n{canonical}"))

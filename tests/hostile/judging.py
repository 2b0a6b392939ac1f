"""What every answer owes, and every line in the log; what is owed and missing is listed."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import thread_time
from types import MappingProxyType
from typing import Any, Final

import msgspec

from collectors import limits
from collectors.dialects.contract import Dialect, Envelope, Read, Request
from collectors.endpoint import Endpoint
from collectors.metrics import Metrics
from collectors.producers.base import GroupCommit
from collectors.webhooks.contract import Fact, Vendor
from collectors.webhooks.router import BELOW, Router
from schemas.events import EARLIEST_MS, LATEST_MS, Event, key_of
from schemas.keys import WriteKey
from schemas.log_records import Append
from schemas.rejects import MAX_STORED_BODY, Reject
from schemas.topics import EVENTS
from tests.collectors.requests import NOW
from tests.hostile.fuzzer import Sent

AT_ONCE: Final = 500
"""Requests in flight: more of them share one commit."""
KEYS: Final = {
    "k": WriteKey("shop", identify=True, purchase=True, server=True, rate=0),
    "p": WriteKey("shop", rate=0),
    "o": WriteKey("shop", origins=frozenset({"https://shop.example"}), rate=0),
}
_events: Final = msgspec.json.Decoder(Event)
_rejects: Final = msgspec.json.Decoder(Reject)
_DEEPEST: Final = limits.MAX_DEPTH + 1
"""An event's line is one level around what was sent."""


def _depth(line: bytes) -> int:
    """How deep JSON is nested, whatever its numbers are worth."""
    levels, nodes = 0, [json.loads(line, parse_int=str, parse_float=str)]
    while nodes := [child for node in nodes for child in _children(node)]:
        levels += 1
    return levels


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


class CheckingWriter:
    """A log that reads back what it is given, and keeps nothing but what is wrong with it."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.events = 0
        self.reasons: Counter[str] = Counter()

    def write(self, records: Sequence[Append]) -> None:
        """Check every line of every record."""
        for record in records:
            lines = record.value.split(b"\n")
            if len(lines) != record.events or b"\r" in record.value:
                self.wrong.append(f"not one line each: {record.value[:500]!r}")
            for line in lines:
                try:
                    self._check(record.topic, line)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                    self.wrong.append(f"{error}: {line[:2000]!r}")

    def _check(self, topic: str, line: bytes) -> None:
        if topic != EVENTS.name:
            self.reasons[_rejects.decode(line).reason.value] += 1
            return
        self.events += 1
        event = _events.decode(line)
        if line.count(b"[") + line.count(b"{") > limits.MAX_DEPTH and _depth(line) > _DEEPEST:
            self.wrong.append(f"deeper than readers of the log go: {line[:2000]!r}")
        if not EARLIEST_MS <= event.time < LATEST_MS or event.received_at != NOW:
            self.wrong.append(f"time out of range: {line[:2000]!r}")
        if not key_of(event) or event.site != "shop" or event.type == "tick":
            self.wrong.append(f"nobody's, or not this site's: {line[:2000]!r}")

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Case:
    """One request and what became of it. `items` is what its envelope held, None if unopened."""

    sent: Sent
    items: Sequence[bytes] | None = None
    events: int = 0
    rejects: int = 0
    status: int = 0
    seconds: float = 0.0


@dataclass
class Verdict:
    """Of many requests. `wrong` holds whatever must not have happened."""

    statuses: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    events: int = 0
    slowest: float = 0.0
    rise: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        statuses = ", ".join(f"{status}: {n}" for status, n in sorted(self.statuses.items()))
        reasons = ", ".join(f"{reason}: {n}" for reason, n in self.reasons.most_common())
        return (
            f"{sum(self.statuses.values())} requests · {statuses} · {self.events} events\n"
            f"  rejects {reasons}\n"
            f"  slowest {self.slowest * 1e3:.0f} ms CPU, memory +{self.rise / 2**20:.0f} MiB"
        )


class Judge:
    """An endpoint, and a Producer between it and the log that looks at every admission.

    A request runs without a break from its first byte to its append, so whichever was started
    last is the one that appends.
    """

    def __init__(
        self,
        vendors: Sequence[Vendor] = (),
        secrets: Mapping[tuple[str, str], Sequence[str]] = MappingProxyType({}),
    ) -> None:
        """`vendors` and their `secrets` as `collectors.webhooks.router.Router` takes them."""
        self._writer, self._verdict = CheckingWriter(), Verdict()
        self._inner = GroupCommit(self._writer, 2)
        self._endpoint = Endpoint(
            self,
            keys=KEYS,
            clock=lambda: NOW,
            metrics=Metrics(),
            router=Router([Reading(vendor, self) for vendor in vendors], secrets),
        )
        self._case = Case(Sent("", "", b"", {}, b""))
        self._started = 0.0

    @property
    def trouble(self) -> str:
        """See `Producer`."""
        return self._inner.trouble

    @property
    def waiting(self) -> int:
        """See `Producer`."""
        return self._inner.waiting

    async def tick(self, now: int) -> None:
        """See `Producer`."""
        await self._inner.tick(now)

    async def close(self) -> None:
        """See `Producer`."""
        await self._inner.close()

    def opened(self, items: Sequence[bytes]) -> None:
        """The request under way holds these."""
        self._case.items = items

    async def append(self, events: Sequence[Event], rejects: Sequence[Reject]) -> None:
        """See `Producer`; counts, and compares what rejects keep with what was sent."""
        case = self._case
        case.seconds = thread_time() - self._started
        case.events, case.rejects = len(events), len(rejects)
        whole = case.sent.bearing
        for reject in rejects:
            index = int(reject.id.rpartition("-")[2])
            known = [whole] if case.items is None else [whole, *case.items[index : index + 1]]
            if not any(
                (reject.body, reject.cut) == (one[:MAX_STORED_BODY], len(one) > MAX_STORED_BODY)
                for one in known
            ):
                self._verdict.wrong.append(f"{reject.reason} keeps other bytes: {case.sent}")
        await self._inner.append(events, rejects)

    async def judge(self, requests: Sequence[Sent]) -> None:
        """Send some requests at once."""
        cases = [Case(sent) for sent in requests]
        ends = await asyncio.gather(*map(self._serve, cases), return_exceptions=True)
        for case, end in zip(cases, ends, strict=True):
            if end is not None:
                self._verdict.wrong.append(f"{end!r}: {case.sent}")
            elif fault := _fault(case):
                self._verdict.wrong.append(f"{fault}: {case}"[:4_000])
            self._verdict.statuses[case.status] += 1
            self._verdict.slowest = max(self._verdict.slowest, case.seconds)

    def verdict(self, rise: int) -> Verdict:
        """Of all that was sent; `rise` is what the process grew by, bytes."""
        found, writer = self._verdict, self._writer
        found.reasons, found.events, found.rise = writer.reasons, writer.events, rise
        found.wrong += writer.wrong
        return found

    async def _serve(self, case: Case) -> None:
        sent = case.sent
        scope = {
            "type": "http",
            "method": sent.method,
            "path": sent.path,
            "query_string": sent.query,
            "raw_path": sent.path.encode(),
            "client": ("127.0.0.1", 5),
            "headers": [(k.encode(), v.encode("latin-1")) for k, v in sent.headers.items()],
        }

        async def receive() -> Any:
            return {"type": "http.request", "body": sent.body}

        async def send(message: Any) -> None:
            case.status = message.get("status", case.status)

        self._case, self._started = case, thread_time()
        await self._endpoint(scope, receive, send)


def _fault(case: Case) -> str:
    if case.status == 200 and case.items is None and case.sent.path.startswith(BELOW):
        # vendors end webhooks that hear a 4xx, so what is signed and cannot be read hears 200
        return "" if (case.events, case.rejects) == (0, 1) else "200 for nothing"
    if case.status == 200:
        there = case.items is not None and case.events + case.rejects == len(case.items)
        return "" if there else "200, and not every item became an event or a reject"
    if not 400 <= case.status < 500 or case.status in (404, 405, 429):
        return "neither taken nor refused"
    return "" if (case.events, case.rejects) == (0, 1) else "refused without its reject"


class Opening(Dialect):
    """A dialect that tells a judge what it takes apart."""

    def __init__(self, inner: Dialect, judge: Judge) -> None:
        self._inner, self._judge = inner, judge
        self.posts, self.gets, self.success = inner.posts, inner.gets, inner.success
        self.secret, self.about = inner.secret, inner.about

    def open(self, request: Request, body: bytes) -> Envelope:
        """As the dialect does."""
        envelope = self._inner.open(request, body)
        self._judge.opened(envelope.items)
        return envelope

    def read(self, item: bytes, default_id: str, sender: Any) -> Read:
        """As the dialect does."""
        return self._inner.read(item, default_id, sender)


class Reading(Vendor):
    """A vendor that tells a judge how many facts it finds."""

    def __init__(self, inner: Vendor, judge: Judge) -> None:
        self._inner, self._judge = inner, judge
        self.name, self.headers, self.about = inner.name, inner.headers, inner.about

    def verify(self, request: Request, secret: str) -> None:
        """As the vendor does."""
        self._inner.verify(request, secret)

    def read(self, request: Request, body: bytes) -> list[Fact]:
        """As the vendor does."""
        facts = self._inner.read(request, body)
        self._judge.opened([b""] * len(facts))
        return facts


def resident(pid: int | str = "self") -> int:
    """Bytes of memory that a process holds."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * 4_096

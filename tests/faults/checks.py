"""What the warehouse holds beside what the oracle says it must hold: differences in plain words."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from schemas.rows import SOURCE
from tests.faults.oracle import Attempt, Session, Truth

Query = Callable[[str], Sequence[Sequence[Any]]]
"""Runs SQL and answers rows; times come as ms (`toUnixTimestamp64Milli`)."""

MAX_EXAMPLES: Final = 3
"""Examples in one difference."""

EVENTS: Final = """
SELECT message_id, device, type, toUnixTimestamp64Milli(time)
FROM events FINAL WHERE site = 'default'"""
SESSIONS: Final = """
SELECT device, toUnixTimestamp64Milli(start), toUnixTimestamp64Milli(`end`),
       events, pages, entry_page, exit_page
FROM sessions FINAL WHERE site = 'default'"""
ATTEMPTS: Final = """
SELECT device, page, toUnixTimestamp64Milli(time), message_id, next
FROM outcomes FINAL WHERE site = 'default'"""
BOOKS: Final = """
SELECT sum(declared), sum(stored), sum(deduplicated), sum(rejected) FROM books FINAL"""
PEOPLE: Final = "SELECT identifier, person_id FROM identities FINAL WHERE site = 'default'"
PHYSICAL: Final = ("events", "sessions", "outcomes", "books", "assertions")


class Books(NamedTuple):
    declared: int
    stored: int
    deduplicated: int
    rejected: int


class Observed(NamedTuple):
    """What a warehouse holds, read with FINAL. `twice`: rows physically held more than once."""

    events: list[tuple[str, str, str, int]]
    sessions: list[Session]
    attempts: list[Attempt]
    books: Books
    people: dict[str, str]
    twice: Mapping[str, int]


def read(query: Query) -> Observed:
    """Everything the oracle can judge."""
    return Observed(
        [(row[0], row[1], row[2], row[3]) for row in query(EVENTS)],
        [Session(*row) for row in query(SESSIONS)],
        [Attempt(row[0], row[1], row[2], row[3], tuple(row[4])) for row in query(ATTEMPTS)],
        Books(*(int(value) for value in query(BOOKS)[0])),
        {row[0]: row[1] for row in query(PEOPLE)},
        {table: _twice(query, table) for table in PHYSICAL},
    )


def _twice(query: Query, table: str) -> int:
    """Rows of one source record and index that are physically there more than once."""
    source = "log_id, topic, partition, offset, `index`"
    ((count,),) = query(f"SELECT count() - uniqExact({source}) FROM {table}")
    return int(count)


def observed_in(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Observed:
    """The same from rows in memory, by table: what `read` would answer had they been inserted."""
    events = _final(rows["events"], "message_id", "device", "time")
    books = _final(rows["books"], *SOURCE)
    return Observed(
        [(row["message_id"], row["device"], row["type"], row["time"]) for row in events],
        [
            Session(*(row[name] for name in Session._fields))
            for row in _final(rows["sessions"], "device", "start")
        ],
        [
            Attempt(*(row[name] for name in Attempt._fields))
            for row in _final(rows["outcomes"], "page", "device", "time", "message_id")
        ],
        Books(*(sum(row[name] for row in books) for name in Books._fields)),
        {row["identifier"]: row["person_id"] for row in _final(rows["identities"], "identifier")},
        {table: len(held) - len({*map(_source, held)}) for table, held in rows.items()},
    )


def _final(rows: Sequence[Mapping[str, Any]], *key: str) -> list[Mapping[str, Any]]:
    """One row per site and key, the one of the highest version, unless that takes it back."""
    newest: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row.get("version", 0)):
        newest[tuple(row[name] for name in ("site", *key))] = row
    return [row for row in newest.values() if not row.get("deleted")]


def _source(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in SOURCE)


def differences(truth: Truth, observed: Observed, *, zombies: bool = False) -> list[str]:
    """Nothing, or what is wrong. `zombies`: a paused worker may have inserted equal rows again."""
    events = [(key, *fields) for key, fields in truth.events.items()]
    return [
        *_differ("events", events, observed.events),
        *_differ("sessions", truth.sessions, observed.sessions),
        *_differ("page outcomes", truth.attempts, observed.attempts),
        *_unbalanced(truth, observed.books),
        *([] if zombies else _repeated(observed.twice)),
    ]


def strangers(truth: Truth, observed: Observed) -> list[str]:
    """The same for people."""
    return _differ("identifiers", truth.people.items(), observed.people.items())


def _differ(what: str, wanted: Iterable[Hashable], got: Iterable[Hashable]) -> list[str]:
    want, have = Counter(wanted), Counter(got)
    missing, extra = want - have, have - want
    return [
        f"{what}: {bag.total()} {word}, such as {sorted(map(repr, bag))[:MAX_EXAMPLES]}"
        for bag, word in ((missing, "missing"), (extra, "too many or wrong"))
        if bag
    ]


def _unbalanced(truth: Truth, books: Books) -> list[str]:
    wrong = []
    if books.declared != books.stored + books.deduplicated + books.rejected:
        wrong.append(f"the books do not balance: {books}")
    if books.stored != len(truth.events):
        wrong.append(f"the books say {books.stored} stored, the oracle {len(truth.events)}")
    if books.declared < truth.accepted:
        wrong.append(f"the books know {books.declared} of {truth.accepted} accepted events")
    return wrong


def _repeated(twice: Mapping[str, int]) -> list[str]:
    return [f"{table}: {count} rows are held twice" for table, count in twice.items() if count]

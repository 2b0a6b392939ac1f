"""What was found beside what was planted. Pure; the bounds stand here and nowhere else."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Final, NamedTuple

from msgspec import Struct

from schemas.time_units import MINUTE_MS

LEAST_PRECISION: Final = 1.0
LEAST_RECALL: Final = 0.99
"""Of pairs of identifiers that are one person's."""
MOST_FAILED_VIEWS: Final = 50
"""Attempts at the broken step that may fail before it is flagged."""
LEAST_DUE: Final = 0.85
"""Share of planted repurchases to be noticed; intervals have chance in them, so not all can be."""


class Flag(NamedTuple):
    """A step flagged as broken at `time` ms; `device_class` "" is all of them."""

    page: str
    device_class: str
    time: int


class Break(NamedTuple):
    """The planted one. `failed_views`: when attempts failed because of it, ms, ascending."""

    page: str
    device_class: str
    time: int
    failed_views: Sequence[int]


class Stitching(Struct, frozen=True):
    """People, and pairs of identifiers said to be one person's."""

    people: int
    pairs_planted: int
    pairs_found: int
    precision: float
    recall: float
    ok: bool


class BrokenStep(Struct, frozen=True):
    """`failed_views`: attempts that failed until the flag; None where none was raised."""

    page: str
    device_class: str
    failed_views: int | None
    minutes: float | None
    false_flags: int
    ok: bool


class Repurchases(Struct, frozen=True):
    """Customers × products: `flagged` in all, of which `found` were planted for the day."""

    planted: int
    found: int
    flagged: int
    false: int
    ok: bool


class Books(Struct, frozen=True):
    """received = stored + repeats + merged + rejected + in_flight; `stored` are the table's rows."""

    received: int
    stored: int
    repeats: int
    merged: int
    rejected: int
    in_flight: int
    ok: bool


class Report(Struct, frozen=True):
    """Everything the demonstration found. `events_per_second`: taken by the collector while playing."""

    ok: bool
    stitching: Stitching
    broken_step: BrokenStep
    repurchases: Repurchases
    books: Books
    events_per_second: float
    import_lines_per_second: float
    seconds: float


def stitching(planted: Mapping[str, str], found: Mapping[str, str]) -> Stitching:
    """Compare two maps from identifiers to people. What is not found is a person of its own."""
    found_of = {identifier: found.get(identifier, identifier) for identifier in planted}
    pairs_expected = _pairs(planted.values())
    pairs_reported = _pairs(found_of.values())
    right = _pairs((person, found_of[identifier]) for identifier, person in planted.items())
    precision = right / pairs_reported if pairs_reported else 1.0
    recall = right / pairs_expected if pairs_expected else 1.0
    return Stitching(
        people=sum(size > 1 for size in Counter(planted.values()).values()),
        pairs_planted=pairs_expected,
        pairs_found=right,
        precision=precision,
        recall=recall,
        ok=precision >= LEAST_PRECISION and recall >= LEAST_RECALL,
    )


def broken_step(planted: Break, flags: Iterable[Flag]) -> BrokenStep:
    """How soon the break was flagged, and what else was. A flag of all devices is no mistake."""
    right: list[int] = []
    false = 0
    for flag in flags:
        if _is_right(planted, flag):
            right.append(flag.time)
        else:
            false += 1
    flagged_at = min(right, default=None)
    failures = None if flagged_at is None else bisect_left(planted.failed_views, flagged_at)
    return BrokenStep(
        page=planted.page,
        device_class=planted.device_class,
        failed_views=failures,
        minutes=None if flagged_at is None else (flagged_at - planted.time) / MINUTE_MS,
        false_flags=false,
        ok=failures is not None and failures <= MOST_FAILED_VIEWS and not false,
    )


def repurchases(
    due: Set[tuple[str, str]], may_be_due: Set[tuple[str, str]], flagged: Set[tuple[str, str]]
) -> Repurchases:
    """`due` must be flagged, `may_be_due` may be, nothing else."""
    matches = len(due & flagged)
    false = len(flagged - due - may_be_due)
    return Repurchases(
        planted=len(due),
        found=matches,
        flagged=len(flagged),
        false=false,
        ok=matches >= LEAST_DUE * len(due) and not false,
    )


def books(accepted_count: int, counts: Mapping[str, int]) -> Books:
    """`accepted_count` as the senders counted it; `counts` are the worker's sums and the table's rows."""
    settled = counts["stored"] + counts["deduplicated"] + counts["rejected"]
    in_flight = accepted_count - counts["declared"]
    merged = counts["stored"] - counts["rows"]
    return Books(
        received=accepted_count,
        stored=counts["rows"],
        repeats=counts["deduplicated"],
        merged=merged,
        rejected=counts["rejected"],
        in_flight=in_flight,
        ok=accepted_count == settled and in_flight == 0 and merged == 0,
    )


def _is_right(planted: Break, flag: Flag) -> bool:
    return (
        flag.page == planted.page
        and flag.device_class in (planted.device_class, "")
        and flag.time >= planted.time
    )


def _pairs(labels: Iterable[object]) -> int:
    """How many pairs of identifiers have the same label."""
    return sum(size * (size - 1) // 2 for size in Counter(labels).values())

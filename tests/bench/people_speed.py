"""How fast the `people` stage folds facts: `python -m tests.bench.people_speed [purchases] [people]`."""

import random
import sys
import time
from collections.abc import Iterator

import msgspec

from pipeline.engine.stage import Emit, Record
from pipeline.engine.state.deltas import changes_of, delta_of, settle
from pipeline.stages.people.stage import People
from pipeline.stages.people.state import PeopleState
from schemas.customers import CustomerFact
from schemas.events import Item, Order
from schemas.origins import Origin
from schemas.time_units import DAY_MS

START = 1_750_000_000_000
PER_RECORD = 200
BATCH = 25


def facts(purchases: int, people: int) -> Iterator[CustomerFact]:
    """Half a year of purchases by known people, one to three products each, and ticks."""
    rng = random.Random(1)
    step = 180 * DAY_MS // purchases
    for n in range(purchases):
        at = START + n * step
        if n % 1_000 == 0:
            yield CustomerFact(
                kind="tick",
                site="",
                time=at,
                message_id="",
                origin=Origin("footfall-events", 0, n, 0),
            )
        person = rng.randrange(people)
        items = tuple(
            Item(f"p{(person + rng.randrange(4)) % 200}", "Coffee", "food")
            for _ in range(rng.choice((1, 1, 2, 3)))
        )
        yield CustomerFact(
            kind="purchase",
            site="shop",
            time=at,
            message_id=f"m{n}",
            device=f"d{person}",
            origin=Origin("footfall-events", 0, n, 1),
            identifiers=(f"user_id:{person}", f"email:{person}@example.com"),
            order=Order(f"o{n}", items=items),
        )


def records(purchases: int, people: int) -> Iterator[Record]:
    """The facts, encoded and grouped as `visits` would."""
    lines = [msgspec.json.encode(fact) for fact in facts(purchases, people)]
    for offset, at in enumerate(range(0, len(lines), PER_RECORD)):
        group = lines[at : at + PER_RECORD]
        yield Record(offset, len(group), b"\n".join(group))


def main() -> None:
    """Fold with deltas settled as the runner does, then time a restart."""
    purchases, people = (int(text) for text in (sys.argv[1:] or ("100000", "10000")))
    stage, log = People(), list(records(purchases, people))
    state = stage.new_state()
    start, fold_s, rows, largest_delta = time.process_time(), 0.0, 0, 0
    for at in range(0, len(log), BATCH):
        batch_start = time.process_time()
        emit = Emit(stage.source, 0)
        for record in log[at : at + BATCH]:
            emit.begin(record.offset)
            stage.process(state, record, emit)
            state.applied = record.offset
        fold_s += time.process_time() - batch_start
        rows += sum(map(len, emit.rows.values()))
        changes = changes_of(state)
        largest_delta = max(largest_delta, len(delta_of(state, changes, at).body))
        settle(state, changes)
    total_s = time.process_time() - start
    print(
        f"{purchases / fold_s:,.0f} purchases/s folding, {purchases / total_s:,.0f} with deltas, "
        f"{rows} rows, biggest delta of {BATCH * PER_RECORD} facts {largest_delta:,} bytes"
    )
    for name, table in state.tables.items():
        print(f"  {name}: {len(table)} keys, {sum(map(len, table.encoded().values())):,} bytes")
    fresh = PeopleState()
    fresh.adopt(state)
    rebuild_start = time.process_time()
    next(fresh.timers.due(0), None)
    print(
        f"heap of {len(fresh.deadlines)} deadlines rebuilt in {time.process_time() - rebuild_start:.2f} s"
    )


if __name__ == "__main__":
    main()

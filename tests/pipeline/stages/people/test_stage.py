"""The stage as the runner sees it: repeats, rubbish, batches, replays."""

from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from pipeline.engine.stage import Emit, Output, Record
from pipeline.engine.state.deltas import changes_of, settle
from pipeline.stages.people.stage import People
from pipeline.stages.people.state import PeopleState
from schemas.customers import CustomerFact
from schemas.origins import Origin
from schemas.rows import PurchaseRow, RejectRow
from tests.pipeline.stages.people.shop import (
    Shop,
    assertion,
    purchase,
    refund,
    regulars,
    reset,
    tick,
)

U1, U2, MAIL = "user_id:1", "user_id:2", "email:a@x.org"


def history() -> list[CustomerFact]:
    """Facts of all kinds."""
    return [
        *regulars(6, until=150),
        assertion(3, U1, MAIL, device="d"),
        purchase("", 4, device="d"),
        assertion(2, U2, MAIL),
        reset(5, "d"),
        purchase((U1, MAIL), 40, "coffee", "tea"),
        tick(150),
        refund("o-d-4", 6),
        assertion(1, U2, previous=U1),
        tick(160),
        purchase(U2, 161),
        tick(190),
    ]


def records(facts: Sequence[CustomerFact], size: int = 7) -> list[Record]:
    """Records of `size` facts."""
    lines = [msgspec.json.encode(fact) for fact in facts]
    groups = [lines[at : at + size] for at in range(0, len(lines), size)]
    return [Record(n, len(group), b"\n".join(group)) for n, group in enumerate(groups)]


def run(log: Sequence[Record], cuts: Sequence[int]) -> tuple[list[Output], dict[str, Any]]:
    """Fold records in batches that end at `cuts`, with a restart after each."""
    stage, outputs, rows = People(), list[Output](), dict[str, list[Any]]()
    state = stage.new_state()
    ends = sorted({*cuts, len(log)})
    for start, end in zip([0, *ends], ends, strict=False):
        emit = Emit(stage.source, 0)
        for record in log[start:end]:
            emit.begin(record.offset)
            stage.process(state, record, emit)
            state.applied = record.offset
        settle(state, changes_of(state))
        fresh = stage.new_state()
        fresh.adopt(state)
        fresh.seen = dict(state.seen)
        state = fresh
        outputs += emit.outputs
        for table, new in emit.rows.items():
            rows.setdefault(table.table, []).extend(new)
    return outputs, rows


@given(st.lists(st.integers(1, 14), max_size=6))
def test_batches_and_restarts_leave_no_trace(cuts: list[int]) -> None:
    log = records(history())
    assert run(log, cuts) == run(log, [])


def test_a_replay_repeats_itself_to_the_byte() -> None:
    def text() -> bytes:
        outputs, rows = run(records(history()), [3])
        return msgspec.json.encode([[out.message for out in outputs], rows])

    assert text() == text()
    assert b"repurchase." in text()


def test_the_second_copy_of_an_upstream_message_is_dropped() -> None:
    origins = [Origin("footfall-events", 0, offset, n) for offset in range(3) for n in range(2)]
    facts = [
        structs.replace(purchase(U1, n, order=f"o{n}"), origin=o) for n, o in enumerate(origins)
    ]
    shop = Shop().fold(facts, per_record=2)
    shop.fold(facts[2:]).fold(facts[4:])
    assert len(shop.rows[PurchaseRow]) == 6
    assert shop.state.seen == {"footfall-events/0": (2, 1)}


def test_origins_of_other_partitions_and_producers_do_not_hide_each_other() -> None:
    fact = purchase(U1, 1, order="a")
    of_partition_1 = structs.replace(fact, origin=Origin("footfall-events", 1, 0, 0))
    of_partition_0 = structs.replace(fact, origin=Origin("footfall-events", 0, 9, 0))
    shop = Shop().fold([of_partition_0, of_partition_1, fact, fact])
    assert len(shop.rows[PurchaseRow]) == 4


def test_a_line_that_cannot_be_read_is_a_reject_and_its_neighbours_count() -> None:
    good = [msgspec.json.encode(purchase(U1, n, order=str(n))) for n in range(2)]
    shop = Shop()
    shop.feed([b"\n".join([good[0], b'{"kind":"purchase"', b"\xff\xfe", good[1]])])
    rejects = shop.table(RejectRow)
    assert len(shop.rows[PurchaseRow]) == 2
    assert [row["reason"] for row in rejects] == ["processing_failed"] * 2
    assert [row["path"] for row in rejects] == ["0/0#1", "0/0#2"]
    assert rejects[0]["body"] == '{"kind":"purchase"'


def test_facts_that_no_stage_may_fold_are_rejects() -> None:
    wrong = [
        structs.replace(assertion(0, U1), time=-1),
        structs.replace(assertion(0, U1), site="a\nb"),
        structs.replace(assertion(0, U1), identifiers=("device:x",)),
        structs.replace(assertion(0, U1), identifiers=("nonsense",)),
        structs.replace(assertion(0, U1), kind="alias", previous_id="nonsense"),
        structs.replace(assertion(0, U1), kind="purchase"),
        structs.replace(assertion(0, U1), kind="ticket"),
        structs.replace(assertion(0, U1), kind="feedback"),
    ]
    shop = Shop().fold(wrong)
    assert len(shop.table(RejectRow)) == len(wrong)
    assert shop.people() == []


def test_a_fact_that_may_not_be_folded_is_a_reject_behind_another_on_its_line_too() -> None:
    good = msgspec.json.encode(assertion(0, U1))
    bad = msgspec.json.encode(structs.replace(assertion(1, U2), time=-1))
    shop = Shop()
    shop.feed([good + b" " + bad])
    assert shop.people() == [[U1]]
    assert len(shop.table(RejectRow)) == 1


@given(st.binary(max_size=200))
def test_no_bytes_whatever_make_it_raise(value: bytes) -> None:
    Shop().feed([value])


def test_the_state_knows_its_tables_by_name() -> None:
    state = PeopleState()
    assert {name for name, table in vars(state).items() if table in state.tables.values()} == set(
        state.tables
    )

from itertools import chain

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from pipeline.engine.stage import Record
from pipeline.stages.dropoff import detector
from pipeline.stages.dropoff.baseline import NO_BASELINE, predict, share
from pipeline.stages.dropoff.stage import Dropoff
from pipeline.stages.dropoff.state import tables_of
from schemas.origins import Origin
from schemas.outcomes import PageOutcome
from schemas.rows import FlagRow, ForwardSetRow, RejectRow, TriggerRow
from schemas.triggers import Trigger
from tests.bench import sites
from tests.pipeline.stages.dropoff.playing import DAY, HOUR_MS, START, Play, checkout, views

USUAL = {"desktop": 0.75, "mobile": 0.7}
BROKEN = {"desktop": 0.75, "mobile": 0.03}
BREAK = START + 18 * HOUR_MS


def first_day(seed: int = 1) -> list[PageOutcome]:
    return list(sites.outcomes(sites.site("first day", seed)))


def broken_day(afterwards: dict[str, float] | None = None) -> list[PageOutcome]:
    """A day of 40 views an hour: usual, from 18:00 mobile broken, from 22:00 `afterwards`."""
    return list(
        chain(
            views(START, 18, 40, USUAL),
            views(BREAK, 4, 40, BROKEN, 2),
            views(BREAK + 4 * HOUR_MS, 12, 40, afterwards or BROKEN, 3),
        )
    )


def learned_odds(play: Play, device: str, hour: int) -> float:
    baseline = tables_of(play.state).baselines.get(f"shop\n/checkout\n{device}")
    return NO_BASELINE if baseline is None else predict(baseline, hour)[0]


def test_a_broken_device_is_flagged_once_with_few_failed_views() -> None:
    play = Play().play(broken_day())
    (flag,) = play.flags()
    assert (flag["page"], flag["device_class"], flag["state"]) == ("/checkout", "mobile", "broke")
    assert flag["failed_views"] <= 30
    assert 0.6 < flag["expected"] < 0.8
    assert flag["observed"] < 0.2


def test_the_trigger_says_what_happened_in_a_sentence_with_numbers() -> None:
    play = Play().play(broken_day())
    (output,) = play.outputs
    trigger = output.message
    assert isinstance(trigger, Trigger)
    assert trigger.rule == "dropoff.broke"
    assert trigger.subject == "/checkout (mobile)"
    assert trigger.reason.startswith("Of ")
    assert "people who reached /checkout on mobile since" in trigger.reason
    assert trigger.reason.endswith("% do.")
    ((row, _, _),) = play.rows[TriggerRow]
    assert isinstance(row, TriggerRow)
    assert row.id == trigger.id == play.flags()[0]["trigger_id"]


def test_a_break_on_every_device_is_one_flag_for_the_page() -> None:
    both = {"desktop": 0.03, "mobile": 0.03}
    play = Play().play(chain(views(START, 18, 40, USUAL), views(BREAK, 6, 40, both, 2)))
    assert [flag["device_class"] for flag in play.flags()] == [""]


def test_recovery_is_emitted_once_when_people_go_on_again() -> None:
    play = Play().play(broken_day(afterwards=USUAL))
    assert [flag["state"] for flag in play.flags()] == ["broke", "recovered"]
    rules = [o.message.rule for o in play.outputs if isinstance(o.message, Trigger)]
    assert rules == ["dropoff.broke", "dropoff.recovered"]


def test_the_baseline_is_not_trained_on_the_break() -> None:
    play = Play().play(views(START, 18, 40, USUAL))
    before = share(learned_odds(play, "mobile", BREAK // HOUR_MS))
    play.play(views(BREAK, 60, 40, BROKEN, 2))
    after = share(learned_odds(play, "mobile", BREAK // HOUR_MS))
    assert abs(before - after) < 0.05


def test_what_stays_broken_for_a_fortnight_is_accepted_and_learned_anew() -> None:
    play = Play().play(broken_day())
    play.play(views(BREAK + DAY, 16 * 24, 20, BROKEN, 3))
    assert [flag["state"] for flag in play.flags()] == ["broke", "accepted"]
    assert share(learned_odds(play, "mobile", (BREAK + 16 * DAY) // HOUR_MS)) < 0.1


def test_too_little_history_flags_nothing() -> None:
    play = Play().play(chain(views(START, 3, 10, USUAL), views(START + 3 * HOUR_MS, 6, 40, BROKEN)))
    assert play.flags() == []


def test_ticks_change_nothing() -> None:
    day = broken_day()
    with_ticks = list(
        chain.from_iterable(
            (
                outcome,
                PageOutcome(
                    site="",
                    page="",
                    time=outcome.decided_at + DAY,
                    decided_at=outcome.decided_at + DAY,
                ),
            )
            for outcome in day
        )
    )
    plain, ticking = Play().play(day, 10), Play().play(with_ticks, 20)
    assert plain.settle() == ticking.settle()
    assert plain.rows == ticking.rows


def test_bots_are_not_counted() -> None:
    bots = views(BREAK, 4, 40, {"bot": 0.0})
    play = Play().play(chain(views(START, 18, 40, USUAL), bots))
    assert play.flags() == []


def test_a_learned_forward_set_finds_the_way_back_to_the_cart() -> None:
    spec = sites.site("first day", 3)
    assert not spec.declared
    play = Play().play(sites.outcomes(spec))
    assert [(f["page"], f["device_class"]) for f in play.flags()] == [("/checkout", "mobile")]
    steps = {astuple(row)[:3] for row, _, _ in play.rows[ForwardSetRow]}
    assert ("shop", "/checkout", "/payment") in steps
    assert ("shop", "/checkout", "/cart") not in steps


def test_without_a_goal_nothing_is_judged() -> None:
    day = [o for o in first_day(3) if o.page != "/payment"]
    assert Play(Dropoff({"shop": "Signed Up"})).play(day).flags() == []


def test_another_goal_can_be_declared() -> None:
    with_other_goal = [
        msgspec.structs.replace(
            o, next=tuple("Signed Up" if s == "Order Completed" else s for s in o.next)
        )
        for o in first_day(3)
    ]
    play = Play(Dropoff({"shop": "Signed Up"})).play(with_other_goal)
    assert [f["page"] for f in play.flags()] == ["/checkout"]


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_records_of_any_size_give_the_same_flags_and_state(size: int) -> None:
    def content(play: Play) -> list[tuple[object, ...]]:
        return [astuple(row) for row, _, _ in play.rows.get(FlagRow, [])]

    day = broken_day(afterwards=USUAL)
    by_fifty, cut = Play().play(day, 50), Play().play(day, size)
    assert content(by_fifty) == content(cut) != []
    assert by_fifty.settle() == cut.settle()


@given(st.lists(st.integers(1, 160), min_size=1, max_size=6))
@settings(max_examples=8, deadline=None)
def test_a_replay_with_other_batches_repeats_itself_to_the_byte(cuts: list[int]) -> None:
    """Batches end at the cuts; after each the state is stored, and loaded as by a restart."""
    encode = msgspec.json.Encoder().encode_lines
    day = first_day()
    lots = [day[n : n + 60] for n in range(0, len(day), 60)]
    records = [Record(n, len(lot), encode(lot)) for n, lot in enumerate(lots)]
    one_batch, parts = Play().records(records), Play()
    start = 0
    for cut in [*sorted(cuts), len(records)]:
        parts.records(records[start:cut])
        parts.settle()
        start = max(start, cut)
    assert [o.message for o in one_batch.outputs] == [o.message for o in parts.outputs] != []
    assert one_batch.rows == parts.rows
    assert one_batch.settle() == parts.settle()


def counts(play: Play) -> dict[tuple[int, str], tuple[int, int]]:
    """Views and forward views in quarantine per hour and device."""
    tables = tables_of(play.state)
    totals: dict[tuple[int, str], tuple[int, int]] = {}
    quarantine, page = (
        tables.quarantines.get("shop\n/checkout"),
        tables.pages.get("shop\n/checkout"),
    )
    assert page is not None
    for block in (*(quarantine.blocks if quarantine else ()), page.block):
        for device, cell in block.cells.items():
            key = (block.start // HOUR_MS, device)
            views_before, forward_before = totals.get(key, (0, 0))
            totals[key] = (views_before + cell.views, forward_before + cell.forward)
    return totals


@given(st.sets(st.integers(620, 719), max_size=20))
@settings(max_examples=15, deadline=None)
def test_a_correction_undoes_what_was_counted(wrong: set[int]) -> None:
    right = list(views(START, 18, 40, USUAL))
    first_outcomes = [
        checkout(o.time, not o.forward, o.device_class) if n in wrong else o
        for n, o in enumerate(right)
    ]
    corrections = [
        msgspec.structs.replace(
            right[n],
            revision=1,
            was_next=first_outcomes[n].next,
            was_forward=first_outcomes[n].forward,
        )
        for n in sorted(wrong)
    ]
    plain, corrected_play = Play().play(right), Play().play(chain(first_outcomes, corrections))
    assert counts(plain) == counts(corrected_play)
    steps = [tables_of(p.state).pages.get("shop\n/checkout") for p in (plain, corrected_play)]
    assert steps[0] is not None and steps[1] is not None
    assert steps[0].steps == steps[1].steps


@pytest.mark.parametrize("forward_now", [True, False])
def test_a_withdrawn_attempt_was_never_there(forward_now: bool) -> None:
    right = list(views(START, 18, 40, USUAL))
    extra = checkout(right[-1].time - 60_000, forward_now)
    taken_back = msgspec.structs.replace(
        extra,
        next=(),
        forward=None,
        revision=1,
        withdrawn=True,
        was_next=extra.next,
        was_forward=forward_now,
    )
    plain, corrected_play = Play().play(right), Play().play([*right, extra, taken_back])
    assert counts(plain) == counts(corrected_play)
    pages = [tables_of(p.state).pages.get("shop\n/checkout") for p in (plain, corrected_play)]
    assert pages[0] is not None and pages[1] is not None
    assert pages[0].steps == pages[1].steps


def test_corrected_failures_raise_no_flag() -> None:
    """Phones that report late: first reported as gone, then as gone on."""
    late = [checkout(BREAK + n * 90_000, False) for n in range(12)]
    corrections = [
        msgspec.structs.replace(
            checkout(o.time, True), revision=1, was_next=o.next, was_forward=False
        )
        for o in late
    ]
    further = [checkout(BREAK + 20 * 60_000 + n * 90_000, False) for n in range(6)]
    usual = list(views(START, 18, 40, USUAL))
    assert Play().play([*usual, *late, *corrections, *further]).flags() == []
    assert len(Play().play([*usual, *late, *further, *late]).flags()) == 1


def test_asking_the_test_less_often_changes_no_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    patient = Play().play(first_day(), 1)
    monkeypatch.setattr(detector, "patience", lambda m, block: 0)
    assert Play().play(first_day(), 1).rows == patient.rows != {}


def test_a_second_copy_of_a_message_is_dropped() -> None:
    outcome = checkout(START, True, origin=Origin("footfall-events", 3, 17, 2))
    older = checkout(START, True, origin=Origin("footfall-events", 3, 17, 1))
    of_partition_4 = checkout(START, True, origin=Origin("footfall-events", 4, 0, 0))
    play = Play().play([outcome, outcome, older, of_partition_4])
    assert counts(play) == {(START // HOUR_MS, "mobile"): (2, 2)}
    assert play.state.seen == {"footfall-events/3": (17, 2), "footfall-events/4": (0, 0)}


def test_a_message_without_origin_is_never_dropped() -> None:
    play = Play().play([checkout(START, True), checkout(START, True)])
    assert counts(play) == {(START // HOUR_MS, "mobile"): (2, 2)}


def test_an_unreadable_line_is_a_reject_and_the_others_count() -> None:
    good = msgspec.json.encode(checkout(START, True))
    play = Play().records([Record(5, 3, b"\n".join([good, b'{"site": 1}', good, b""]))])
    ((reject, _, _),) = play.rows[RejectRow]
    assert isinstance(reject, RejectRow)
    assert (reject.reason, reject.body) == ("processing_failed", '{"site": 1}')
    assert counts(play) == {(START // HOUR_MS, "mobile"): (2, 2)}


def test_a_clock_in_2038_disturbs_nobody_else() -> None:
    ahead = checkout(2_150_000_000_000, False, decided_at=START + 9 * HOUR_MS)
    day = broken_day()
    assert len(Play().play([*day[:360], ahead, *day[360:]]).flags()) == 1


def test_a_break_found_in_imported_history_is_recorded_but_triggers_nobody() -> None:
    later = [msgspec.structs.replace(o, decided_at=START + 90 * DAY) for o in broken_day()]
    play = Play().play(later)
    assert [flag["trigger_id"] for flag in play.flags()] == [""]
    assert play.outputs == []

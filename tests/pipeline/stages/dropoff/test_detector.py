from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.stages.dropoff import detector
from pipeline.stages.dropoff.baseline import NO_BASELINE, share
from pipeline.stages.dropoff.state import Block, Cell, Evidence

FLOOR = 0.4


def first_alarm(shares: list[float], view_stake: float, roll: Random) -> int | None:
    """The view at which one device's statistic reaches 1, looked at after every view."""
    evidence: dict[str, Evidence] = {}
    block = Block(0, {"mobile": Cell(0, 0, 1.0, FLOOR)})
    for view, p in enumerate(shares):
        cell = block.cells["mobile"]
        cell.views += 1
        cell.forward += roll.random() < p
        closed_evidence, ratios = evidence.get("mobile"), detector.ratios_of(cell)
        if detector.statistic(closed_evidence, view_stake * cell.views, ratios) >= 1.0:
            return view
        if cell.views == 24:
            detector.close(evidence, block, view_stake)
            block = Block(0, {"mobile": Cell(0, 0, 1.0, FLOOR)})
    return None


def test_false_alarms_stay_within_the_stakes_even_at_the_floor() -> None:
    roll, runs, views = Random(7), 400, 500
    view_stake = 0.2 / views
    alarms = sum(
        first_alarm([share(FLOOR)] * views, view_stake, roll) is not None for _ in range(runs)
    )
    assert 0 < alarms <= 0.2 * runs


def test_a_share_that_wanders_above_the_floor_raises_fewer_still() -> None:
    roll, runs, views = Random(8), 200, 500
    shares = [share(FLOOR + 0.8 * (n // 50 % 2)) for n in range(views)]
    alarms = sum(first_alarm(shares, 0.2 / views, roll) is not None for _ in range(runs))
    assert alarms <= 0.1 * runs


def test_a_real_drop_is_found_within_thirty_five_views() -> None:
    roll, view_stake = Random(9), detector.stake(0)
    waits = [first_alarm([0.75] * 200 + [0.05] * 200, view_stake, roll) for _ in range(100)]
    delays = sorted(wait for wait in waits if wait is not None)
    assert len(delays) == 100
    assert delays[0] >= 200
    assert delays[90] <= 235


def test_a_page_without_a_baseline_cannot_be_flagged() -> None:
    cell = Cell(1_000, 0, NO_BASELINE, NO_BASELINE)
    assert detector.statistic(None, 1e-6 * cell.views, detector.ratios_of(cell)) < 1.0


def test_the_onset_is_the_block_where_the_drop_began() -> None:
    good = [Block(n, {"mobile": Cell(20, 15, 1.0, FLOOR)}) for n in range(10)]
    bad = [Block(n, {"mobile": Cell(20, 1, 1.0, FLOOR)}) for n in range(10, 12)]
    assert detector.strongest_run([*good, *bad], "mobile").first == 10
    assert detector.strongest_run(good, "mobile").evidence == 0.0


def test_recovery_comes_from_people_going_on_again_only() -> None:
    evidence = 1.0
    for _ in range(50):
        evidence = detector.recovery(evidence, False, 1.0, 3.0)
    assert evidence < 1.0
    for _ in range(15):
        evidence = detector.recovery(evidence, True, 1.0, 3.0)
    assert evidence > detector.RECOVERY_THRESHOLD


@given(st.floats(-3, 3), st.floats(-3, 3), st.lists(st.booleans(), max_size=60))
@settings(max_examples=50)
def test_patience_never_runs_out_too_late(
    floor: float, floor_of_b: float, forward_now: list[bool]
) -> None:
    """While patience says that no alarm can come, the statistic stays below 1."""
    block = Block(0, {"a": Cell(0, 0, 3.0, floor), "b": Cell(0, 0, 3.0, floor_of_b)})
    patience = 0
    for n, forward in enumerate(forward_now):
        cell = block.cells["ab"[n % 2]]
        cell.views += 1
        cell.forward += forward
        views = sum(c.views for c in block.cells.values())
        if forward or views > 24:
            continue
        ratios = detector.joint_ratios(list(block.cells.values()))
        m = detector.statistic(None, 1e-3 * views, ratios)
        if patience > 0:
            patience -= 1
            assert m < 1.0
        else:
            patience = detector.patience(m * 24 / views, block)

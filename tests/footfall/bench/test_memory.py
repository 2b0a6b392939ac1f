"""`footfall bench memory` on a small bound: a whole worker forgets, says so, and goes on."""

from pathlib import Path

from footfall.bench.memory import COLUMNS, Sample, measure, row


def test_a_worker_with_a_small_bound_forgets_earlier_says_so_and_counts_everything(
    tmp_path: Path,
) -> None:
    told: list[Sample] = []
    measure(0.75, 20, 5_000, "1000000", 0.5, str(tmp_path), told.append)
    early, late = told
    assert (early.events, late.events) == (36_000, 54_000)
    assert early.limit == late.limit == 1.0
    assert early.remembered == 24.0
    assert early.told == 1  # more than the bound is in use within half an hour, which is kept
    assert 0.4 < late.remembered < 0.75
    assert late.told == 2
    assert late.stored == late.events
    assert late.state["visits.devices"] > 0
    assert late.peak >= late.resident > 100
    assert len(row(late)) == len(COLUMNS)
    assert not list(tmp_path.iterdir())

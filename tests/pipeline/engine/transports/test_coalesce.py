"""Adjacent records travel together, within bounds and in order."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.engine.stage import Record
from pipeline.engine.transports.coalesce import MAX_BYTES, MAX_EVENTS, runs

sizes = st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 900_000)), max_size=12)


@given(sizes)
def test_runs_keep_every_record_in_order_and_within_bounds(sizes: list[tuple[int, int]]) -> None:
    records = [Record(n, events, bytes(size)) for n, (events, size) in enumerate(sizes)]
    cut = list(runs(records))
    assert [record for run in cut for record in run] == records
    for run in cut:
        within = sum(r.events for r in run) <= MAX_EVENTS
        assert len(run) == 1 or (within and sum(len(r.value) for r in run) <= MAX_BYTES)

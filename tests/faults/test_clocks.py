"""One fast clock: what ticks of the future and events of a fast collector may not change."""

from collections.abc import Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.alarms import Alarms
from pipeline.recovery.tick_check import TickFilter
from pipeline.stages.people.stage import People
from schemas.events import Event, tick
from schemas.log_records import Append
from schemas.ticks import tick_time
from tests.faults import feeding, traffic
from tests.faults.simulation import Plan, World
from tests.faults.tables import final
from tests.faults.worlds import visits

HOUR = 3_600_000
SENT = list(feeding.records(traffic.sendings(3, 250)))
END = max(tick_time(record.value) or 0 for record in SENT)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Event).decode_lines

ahead = st.lists(
    st.tuples(
        st.integers(0, len(SENT)), st.integers(0, 1), st.integers(END + 2 * 60_000, 4 * 10**12)
    ),
    min_size=1,
    max_size=12,
)


def outcome(records: Sequence[Append], plan: Plan) -> object:
    world = World([visits(), People()], records, plan)
    world.is_ahead = TickFilter(lambda: END, Alarms()).is_ahead
    world.run()
    observed = final(world.rows)
    return {
        name: observed[name] for name in ("events", "sessions", "outcomes", "identities", "cycles")
    }


CALM = outcome(SENT, Plan(0, kill=0, fail=0))


@settings(max_examples=15, deadline=None)
@given(ahead, st.integers(0, 9), st.sampled_from([0.0, 0.01]))
def test_ticks_of_the_future_change_nothing_wherever_they_stand(
    ticks: list[tuple[int, int, int]], seed: int, kill: float
) -> None:
    records = list(SENT)
    for index, partition, time in sorted(ticks, reverse=True):
        records.insert(index, Append("footfall-events", partition, 0, _encode(tick(time))))
    assert outcome(records, Plan(seed, kill=kill, fail=kill)) == CALM


def hastened(record: Append, by: int) -> Append:
    """As a collector would have written it whose clock is ahead."""
    if not record.events:
        return record
    events = [
        msgspec.structs.replace(
            e,
            received_at=e.received_at + by,
            corrected_time=e.corrected_time and e.corrected_time + by,
        )
        for e in _decode(record.value)
    ]
    return record._replace(value=b"\n".join(map(_encode, events)))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, len(SENT) - 40), st.sampled_from([7 * HOUR, 48 * HOUR, 12 * 8766 * HOUR]))
def test_events_of_a_fast_collector_change_no_session_and_no_outcome(start: int, by: int) -> None:
    records = [
        hastened(record, by) if start <= number < start + 40 else record
        for number, record in enumerate(SENT)
    ]
    observed, calm = outcome(records, Plan(0, kill=0, fail=0)), CALM
    assert isinstance(observed, dict)
    assert isinstance(calm, dict)
    for name in ("sessions", "identities", "cycles"):
        assert observed[name] == calm[name], name
    undated = [{row[:8] for row in each["outcomes"]} for each in (observed, calm)]  # not decided_at
    assert undated[0] == undated[1]
    assert max(row[4] for row in observed["events"]) <= END  # corrected_time

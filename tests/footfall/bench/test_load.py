"""The benchmark's traffic is what its report says it is."""

import msgspec

from footfall.bench import load
from schemas.events import Event
from schemas.partitioner import partition_of

decode = msgspec.json.Decoder(Event).decode
LINES = list(load.lines(5_000, seed=1))


def test_events_are_some_380_bytes() -> None:
    assert 370 <= sum(len(line) for _, line in LINES) / len(LINES) <= 390


def test_two_in_a_hundred_events_identify() -> None:
    identify = sum(decode(line).type == "identify" for _, line in LINES)
    assert 0.015 <= identify / len(LINES) <= 0.025


def test_the_same_seed_gives_the_same_traffic() -> None:
    assert list(load.lines(100, seed=1)) == LINES[:100]


def test_records_hold_every_event_once_in_its_partition() -> None:
    found = []
    for partition, events, value in load.records(1_001, 200, 2, seed=1):
        lines = value.split(b"\n")
        assert len(lines) == events <= 200
        assert {partition_of(decode(line).anonymous_id, 2) for line in lines} == {partition}
        found += lines
    assert sorted(found) == sorted(line for _, line in LINES[:1_001])

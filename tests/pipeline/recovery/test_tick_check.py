"""Ticks of a time that has not come are left out, told of, and the word is taken back."""

import msgspec
import pytest

from pipeline.alarms import Alarms
from pipeline.engine.stage import Record
from pipeline.recovery.tick_check import TOLERANCE_MS, TickFilter, duration
from schemas.events import Event, tick
from schemas.ticks import tick_time

NOW = 1_760_000_000_000
HOUR = 3_600_000


def record(time: int) -> Record:
    return Record(0, 0, msgspec.json.encode(tick(time)))


class Watch:
    def __init__(self) -> None:
        self.now, self.alarms = NOW, Alarms()
        self.ticks = TickFilter(lambda: self.now, self.alarms)

    def hears(self, *aheads: int) -> list[bool]:
        return [self.ticks.is_ahead(record(self.now + ahead)) for ahead in aheads]

    def says(self) -> list[str]:
        return [alarm.text for alarm in self.alarms.active()]


def test_only_what_is_beyond_the_tolerance_is_ahead() -> None:
    watch = Watch()
    assert watch.hears(-HOUR, 0, TOLERANCE_MS, TOLERANCE_MS + 1) == [False, False, False, True]


def test_events_are_never_ahead_and_neither_is_what_nobody_can_read() -> None:
    event = Event(type="page", message_id="a", site="s", time=NOW * 2, received_at=NOW * 2)
    for value in (msgspec.json.encode(event), b'{"type":"tick"', b'{"type":"tick"}', b""):
        assert tick_time(value) is None


def test_who_is_ahead_since_when_and_by_how_much_is_told() -> None:
    watch = Watch()
    watch.hears(48 * HOUR)
    (said,) = watch.says()
    assert "since 2025-10-09 08:53:20 UTC" in said
    assert "48.0 h ahead" in said
    assert "time stands still" in said
    watch.hears(0, 48 * HOUR)
    assert "its ticks are left out" in watch.says()[0]


def test_the_alarm_is_lowered_when_ticks_are_right_and_no_sooner() -> None:
    watch = Watch()
    watch.hears(48 * HOUR)
    watch.now += 30_000
    watch.hears(0)
    assert watch.says()
    watch.now += 60_001
    assert watch.says()  # nobody has said anything better yet
    watch.hears(0)
    assert watch.says() == []


@pytest.mark.parametrize(
    ("ms", "text"), [(61_000, "61 s"), (7 * HOUR, "7.0 h"), (12 * 8766 * HOUR, "12.0 years")]
)
def test_durations_are_read_by_people(ms: int, text: str) -> None:
    assert duration(ms) == text

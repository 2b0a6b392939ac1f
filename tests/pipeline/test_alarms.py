"""What is wrong with a running worker: raised once, lowered once, counted by part."""

from pipeline.alarms import Alarm, Alarms


def test_an_alarm_stands_until_it_is_lowered_and_says_the_newest_words() -> None:
    alarms = Alarms()
    alarms.put(Alarm("disk", "Nearly full.", "Make room."))
    alarms.put(Alarm("disk", "Full.", "Make room."))
    assert [alarm.text for alarm in alarms.active()] == ["Full."]
    alarms.clear("disk")
    assert alarms.active() == []


def test_a_part_may_be_ill_in_several_ways_and_is_counted_so() -> None:
    heard: list[tuple[str, int]] = []
    alarms = Alarms(lambda part, count: heard.append((part, count)))
    alarms.put(Alarm("clock", "A collector is ahead.", ""), "partition 1")
    alarms.put(Alarm("clock", "A collector is ahead.", ""), "partition 0")
    alarms.clear("clock", "partition 1")
    alarms.clear("clock", "partition 1")
    assert heard == [("clock", 1), ("clock", 2), ("clock", 1)]

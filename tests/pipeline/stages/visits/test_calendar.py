"""The calendar of devices: as a sorted list of deadlines would have it, kept or made anew."""

from operator import attrgetter

from hypothesis import given
from hypothesis import strategies as st

from pipeline.engine.state.keyed import Keyed
from pipeline.stages.visits.calendar import Calendar
from pipeline.stages.visits.device import Device

keys = st.sampled_from("abcdef")
operation_lists = st.lists(
    st.one_of(
        st.tuples(st.just("set"), keys, st.integers(0, 9_000)),
        st.tuples(st.just("delete"), keys, st.just(0)),
        st.tuples(st.just("settle"), keys, st.just(0)),
        st.tuples(st.just("due"), st.just(""), st.integers(0, 9_000)),
    ),
    max_size=40,
)


def put(devices: Keyed[Device], key: str, wake: int) -> None:
    devices.put(key, Device(wake, 0, 0, []))


@given(operation_lists, st.integers(1, 4))
def test_what_is_due_comes_in_the_order_of_times_and_keys(
    operations: list[tuple[str, str, int]], limit: int
) -> None:
    devices, model = Keyed(Device), dict[str, int]()
    calendar = Calendar(devices, attrgetter("wake_at"), bits=10)
    assert calendar.due(0, limit) == []  # from now on it is kept up to date
    for kind, key, time in operations:
        if kind == "set":
            put(devices, key, time)
            calendar.add(key, time)
            model[key] = time
        elif kind == "delete":
            devices.delete(key)
            model.pop(key, None)
        elif kind == "settle":
            devices.settle(devices.changes())
        else:
            expected = sorted((t, k) for k, t in model.items() if 0 < t <= time)[:limit]
            anew = Calendar(devices, attrgetter("wake_at"), bits=10)
            assert anew.due(time, limit) == [k for _, k in expected]
            assert calendar.due(time, limit) == [k for _, k in expected]
            for _, key_due in expected:  # whoever takes it out looks at it and sets another time
                put(devices, key_due, 0)
                model[key_due] = 0


def test_the_first_day_is_handed_out_in_parts_and_says_when_it_ends() -> None:
    devices = Keyed(Device)
    calendar = Calendar(devices, attrgetter("wake_at"), bits=10)
    for key, time in (("a", 2_000), ("b", 1_500), ("c", 1_600), ("gone", 1_700), ("moved", 10)):
        put(devices, key, time)
    assert calendar.due(9, 1) == []
    devices.delete("gone")
    put(devices, "moved", 5_000)
    calendar.add("moved", 5_000)
    assert calendar.first(2) == (2_048, ["b", "c"])
    assert calendar.first(2) == (2_048, ["a"])
    assert calendar.first(2) == (5_120, ["moved"])
    assert calendar.first(2) == (0, [])

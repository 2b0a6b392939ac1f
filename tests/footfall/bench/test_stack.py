"""What the bench measures of the whole stack, with little of it."""

from footfall.bench.stack import latency, restart


def test_latency_and_idle_memory_can_be_measured() -> None:
    waits, idle = latency(0.5)
    assert waits.events > 0
    assert 0 < waits.p50 <= waits.worst
    assert set(idle) == {"collect", "worker"}


def test_the_time_to_restart_can_be_measured() -> None:
    measured = restart(1_000)
    assert measured.devices == 1_000
    assert 0 < measured.loaded <= measured.folding

"""What is said of the worker's memory: bytes by table, for how long devices are remembered, alarms."""

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import cast

import pytest
from prometheus_client import generate_latest

from pipeline import memory
from pipeline.alarms import Alarm, Alarms
from pipeline.engine.metrics import Metrics
from pipeline.engine.runner import Runner
from pipeline.engine.state.keyed import State
from pipeline.errors import WarehouseUnavailable
from pipeline.stages.people.stage import People
from pipeline.stages.people.state import Contact, PeopleState
from pipeline.stages.visits.funnel import parse
from pipeline.stages.visits.stage import Visits
from pipeline.stages.visits.state import VisitsState
from tests.pipeline.stages.visits.site import MINUTE

HOUR = 60 * MINUTE


def runners(**states: State) -> dict[str, Runner]:
    """One partition task of each stage; partition tasks and runners have only what is looked at."""
    made = {"visits": Visits(5 * MINUTE, 24 * HOUR, parse("")), "people": People()}
    return {
        name: cast(
            Runner, SimpleNamespace(stage=made[name], tasks={0: SimpleNamespace(state=state)})
        )
        for name, state in states.items()
    }


def looked_at(limit: int, **states: State) -> tuple[list[Alarm], str]:
    """What a look raises, and the metrics afterwards."""
    metrics = Metrics()
    alarms = Alarms(metrics.alarm)

    async def look() -> None:
        watching = memory.watch_state(runners(**states), metrics, alarms, limit)
        with suppress(TimeoutError):
            await asyncio.wait_for(watching, 0.05)

    asyncio.run(look())
    return alarms.active(), generate_latest(metrics.registry).decode()


def visits(now: int, **clock: int) -> VisitsState:
    state = VisitsState()
    for name, time in {"now": now, **clock}.items():
        state.clock.put(name, time)
    return state


def people(contacts: int) -> PeopleState:
    state = PeopleState()
    for number in range(contacts):
        state.contacts.put(f"shop\n{number}", Contact({"due": number}))
    return state


def test_within_the_limit_nothing_is_said_and_the_gauges_show_it() -> None:
    state = visits(100 * HOUR)
    told, metrics = looked_at(10**6, visits=state, people=people(3))
    assert told == []
    assert "footfall_state_limit_bytes 1e+06" in metrics
    assert 'footfall_remembered_seconds{partition="0"} 86400.0' in metrics
    size = float(state.tables["clock"].size())
    assert f'footfall_state_bytes{{partition="0",stage="visits",table="clock"}} {size}' in metrics


def test_devices_that_are_forgotten_early_are_told_with_the_time_that_is_left() -> None:
    state = visits(100 * HOUR, forgotten=100 * HOUR - 90 * MINUTE)
    told, metrics = looked_at(10**6, visits=state)
    assert [(alarm.part, "1.5 hours, not 24.0" in alarm.text) for alarm in told] == [
        ("memory", True)
    ]
    assert "FOOTFALL_STATE_LIMIT" in told[0].advice
    assert 'footfall_remembered_seconds{partition="0"} 5400.0' in metrics
    assert 'footfall_alarms{part="memory"} 1.0' in metrics


def test_customers_beyond_the_limit_are_told_and_kept() -> None:
    state = people(3_000)
    told, _ = looked_at(100_000, people=state)
    assert ["takes more than its 0 MB" in alarm.text for alarm in told] == [True]
    assert len(state.contacts) == 3_000


def test_memory_is_given_back_now_and_then_also_while_the_engine_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "TRIM_SECONDS", 0.01)
    asked: list[int] = []

    def purge() -> None:
        asked.append(1)
        raise WarehouseUnavailable("It is away.")

    async def run() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(memory.return_memory(purge), 0.5)

    asyncio.run(run())
    assert len(asked) > 1

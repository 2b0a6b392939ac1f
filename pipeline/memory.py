"""The worker's memory: what state takes of its limit, and what is given back to the system."""

import asyncio
import ctypes
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Final

from pipeline.alarms import Alarm, Alarms
from pipeline.engine.metrics import Metrics
from pipeline.engine.runner import Runner
from pipeline.errors import FootfallError
from pipeline.stages.visits.stage import Visits
from pipeline.stages.visits.state import VisitsState
from schemas.time_units import HOUR_MS

LOOK_SECONDS: Final = 5.0
TRIM_SECONDS: Final = 20.0
"""Between returns: one takes some 10 ms for every hundred megabytes, in a thread."""
ARENAS: Final = 2
"""glibc makes eight for every core, each of which keeps what its threads once needed."""

_M_ARENA_MAX: Final = -8  # malloc.h
_PART: Final = "memory"


async def watch_state(
    runners: Mapping[str, Runner], metrics: Metrics, alarms: Alarms, limit_bytes: int
) -> None:
    """Keep the gauges of state, and say where it has reached its limit."""
    metrics.state_limit_bytes.set(limit_bytes)
    while True:
        _gauge(runners, metrics)
        for key, alarm in (
            ("devices", _devices(runners, metrics, limit_bytes)),
            ("all", _all(runners, limit_bytes)),
        ):
            if alarm is None:
                alarms.clear(_PART, key)
            else:
                alarms.put(alarm, key)
        await asyncio.sleep(LOOK_SECONDS)


def _gauge(runners: Mapping[str, Runner], metrics: Metrics) -> None:
    metrics.state_bytes.clear()
    for runner in runners.values():
        for partition, task in runner.tasks.items():
            for name, table in task.state.tables.items():
                metrics.state_bytes.labels(runner.stage.name, partition, name).set(table.size())


def _devices(runners: Mapping[str, Runner], metrics: Metrics, limit: int) -> Alarm | None:
    """Whether devices are forgotten before their time."""
    metrics.remembered_seconds.clear()
    shortest = lateness_ms = 0
    for visits, partition, state in _visits(runners):
        remembered, lateness_ms = (
            state.remembered_ms(visits.limits.lateness_ms),
            visits.limits.lateness_ms,
        )
        metrics.remembered_seconds.labels(partition).set(remembered / 1000)
        shortest = min(shortest or remembered, remembered)
    if shortest >= lateness_ms:
        return None
    return Alarm(
        _PART,
        f"devices' state is at its limit: their events are remembered for {shortest / HOUR_MS:.1f} "
        f"hours, not {lateness_ms / HOUR_MS:.1f}",
        f"Raise FOOTFALL_STATE_LIMIT ({limit} bytes) where there is memory, or lower "
        f"FOOTFALL_LATENESS. What comes later corrects nothing, and counts again if sent again.",
    )


def _visits(runners: Mapping[str, Runner]) -> Iterator[tuple[Visits, int, VisitsState]]:
    for runner in runners.values():
        if isinstance(runner.stage, Visits):
            for partition, task in runner.tasks.items():
                assert isinstance(task.state, VisitsState)
                yield runner.stage, partition, task.state


def _all(runners: Mapping[str, Runner], limit_bytes: int) -> Alarm | None:
    """Whether all state together is over the limit: customers are not forgotten for it."""
    sizes: dict[str, int] = {}
    for runner in runners.values():
        for task in runner.tasks.values():
            name = runner.stage.name
            sizes[name] = sizes.get(name, 0) + task.state.size()
    if sum(sizes.values()) <= limit_bytes:
        return None
    parts = ", ".join(f"{name} {size / 1e6:,.0f} MB" for name, size in sizes.items() if size >= 1e6)
    return Alarm(
        _PART,
        f"state takes more than its {limit_bytes / 1e6:,.0f} MB: {parts}",
        "Raise FOOTFALL_STATE_LIMIT where there is memory. Customers, their orders and visits of the "
        "last half hour are never forgotten for it.",
    )


async def return_memory(purge: Callable[[], None] | None) -> None:
    """Give back what large batches, merges, imports and loading have left.

    `purge` does so for an engine inside this process; it may be away.
    """
    trim = getattr(_libc(), "malloc_trim", None)
    while True:
        await asyncio.sleep(TRIM_SECONDS)
        if trim is not None:
            await asyncio.to_thread(trim, 0)
        if purge is not None:
            with suppress(FootfallError):
                await asyncio.to_thread(purge)


def spare_arenas() -> None:
    """Let threads share what they free. To be called before there are any."""
    if hasattr(_libc(), "mallopt"):
        _libc().mallopt(_M_ARENA_MAX, ARENAS)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)

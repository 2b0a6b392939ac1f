"""`footfall up`: collector and worker as two processes; one that dies is started again."""

import asyncio
import signal
import sys
from collections.abc import Coroutine, Mapping
from typing import Any, Final

import structlog

from footfall.processes.children import end_with_parent

log = structlog.get_logger()

ROLES: Final = ("collect", "worker")
PAUSES_SECONDS: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Before the next start of a role that died; the last one repeats …"""
MANY_DEATHS: Final = 10
"""… until so many in a row: then it is a fault of ours, told as one, and tried seldom. It is not given
up: the other role works on, and what a collector has taken waits in the log."""
SELDOM_SECONDS: Final = 300.0
STEADY_SECONDS: Final = 60.0
"""A role that ran so long begins with the first pause again."""
PATIENCE_SECONDS: Final = 30.0
WRONG: Final = 2
"""The exit code of a role that only a change of settings, data or disk can cure."""


async def run_up(environment: Mapping[str, str]) -> int:
    """Run until SIGINT or SIGTERM (0), or until a role ends as WRONG. Roles get `environment`."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    codes = await asyncio.gather(*(_keep_running(role, environment, stop) for role in ROLES))
    return max(codes)


def deaths_after(deaths: int, ran_seconds: float) -> int:
    """Deaths in a row, after one more that came when the role had run for so long."""
    return 1 if ran_seconds > STEADY_SECONDS else deaths + 1


def pause_after(deaths: int) -> float:
    """Seconds to wait after so many deaths in a row (1 or more)."""
    if deaths >= MANY_DEATHS:
        return SELDOM_SECONDS
    return PAUSES_SECONDS[min(deaths, len(PAUSES_SECONDS)) - 1]


async def _keep_running(role: str, environment: Mapping[str, str], stop: asyncio.Event) -> int:
    """Answers 0 once `stop` is set; sets it and answers WRONG where restarting cannot help."""
    loop, deaths = asyncio.get_running_loop(), 0
    while not stop.is_set():
        began = loop.time()
        code = await _run(role, environment, stop)
        if stop.is_set():
            break
        if code == WRONG:
            log.error(
                "role_cannot_run",
                role=role,
                exit_code=code,
                advice="Mend what the role says above; it is not started again.",
            )
            stop.set()
            return WRONG
        deaths = deaths_after(deaths, loop.time() - began)
        pause = pause_after(deaths)
        log.error("role_ended", role=role, exit_code=code, again_in_seconds=pause)
        if deaths == MANY_DEATHS:
            log.error(
                "role_keeps_dying",
                role=role,
                times=deaths,
                advice="Report what it says above. It is tried every five minutes.",
            )
        await _first(stop.wait(), asyncio.sleep(pause))
    return 0


async def _run(role: str, environment: Mapping[str, str], stop: asyncio.Event) -> int | None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "footfall",
        role,
        env=dict(environment),
        preexec_fn=end_with_parent(),  # or it would hold files and ports
    )
    await _first(stop.wait(), process.wait())
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), PATIENCE_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
    return process.returncode


async def _first(*waits: Coroutine[Any, Any, Any]) -> None:
    tasks = [asyncio.create_task(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()

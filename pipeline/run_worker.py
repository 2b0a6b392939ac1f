"""One worker from its start until a signal or a failure ends it, and the exit code of that."""

import asyncio
import os
import signal
from typing import Any, Final, NoReturn

import structlog

from pipeline.errors import FootfallError, Permanent
from pipeline.logs import hide
from pipeline.masking import mask_url
from pipeline.memory import spare_arenas
from pipeline.settings import Settings
from pipeline.worker import Worker

log = structlog.get_logger()

START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 30.0


async def run_worker(settings: Settings) -> int:
    """Run until a signal (0), or a failure that nobody foresaw (1).

    Raises the FootfallError that ended it, once all is closed that can be.
    """
    hide(settings.secrets())
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stop_signal: asyncio.Task[Any] = asyncio.create_task(stop.wait())
    spare_arenas()
    worker = Worker(settings)
    opening: asyncio.Task[Any] = asyncio.create_task(worker.open())
    await asyncio.wait([stop_signal, opening], return_when=asyncio.FIRST_COMPLETED)
    if not opening.done():
        return 0
    opening.result()
    failure: BaseException | None
    try:
        await asyncio.wait_for(worker.consume(), START_SECONDS)
        urls = {"log": mask_url(settings.log), "warehouse": mask_url(settings.warehouse)}
        log.info("worker_started", **urls, pid=os.getpid())
        failure = await _run(worker, stop_signal)
    except Exception as error:  # noqa: BLE001  # whatever it was, Faust's threads must end
        failure = error
    try:
        await asyncio.wait_for(worker.stop(), STOP_SECONDS)
    except TimeoutError:
        _end(failure)
    except Exception as error:  # noqa: BLE001  # what failed first is what is told
        failure = failure or error
    return _code(failure)


def _code(failure: BaseException | None) -> int:
    """The exit code. Raises what was made on purpose: its text is for people, a bug's is not."""
    cause = _cause(failure)
    if isinstance(cause, FootfallError):
        raise cause
    if failure:
        log.error(
            "worker_failed", error=str(failure), kind=type(failure).__name__, exc_info=failure
        )
    return 1 if failure else 0


def _cause(failure: BaseException | None) -> BaseException | None:
    """Faust may wrap what a task raised. What was merely under way when a bug struck is none of it."""
    error = failure
    while error is not None and not isinstance(error, FootfallError):
        error = error.__cause__
    return error or failure


def _end(failure: BaseException | None) -> NoReturn:
    """End at once, whatever still hangs: nothing durable is lost by it."""
    code = 2 if isinstance(cause := _cause(failure), Permanent) else 1
    log.error("not_stopped_in_time", seconds=STOP_SECONDS, error=str(cause or ""))
    os._exit(code)


async def _run(worker: Worker, stop_signal: asyncio.Task[Any]) -> BaseException | None:
    """Until a signal (None) or the first failure."""
    maintenance = [asyncio.create_task(task) for task in worker.maintenance_tasks()]
    failures = [runner.failed for runner in worker.runners.values()]
    ends: list[Any] = [stop_signal, *maintenance, worker.app.failed, *failures]
    ended, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for task in maintenance:
        task.cancel()
    return next((e for end in ended if end is not stop_signal and (e := end.exception())), None)

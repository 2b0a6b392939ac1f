"""The demonstration's story: import half a year, play a day, see what was found.

The day is yesterday.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Final, NamedTuple

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from collectors.config import CollectorConfig
from collectors.importing import mapping
from collectors.importing.progress import PositionFile
from collectors.importing.run import Summary
from collectors.importing.run import run as run_import
from collectors.producers.opening import open_producer
from footfall.demo import evaluation, results
from footfall.demo.evaluation import Break, Report
from footfall.demo.report import show
from footfall.demo.shop import files
from footfall.demo.shop.dice import DAY, MINUTE
from footfall.demo.shop.player import Score, Target, play
from footfall.demo.shop.world import World
from footfall.processes.scratch import scratch
from footfall.processes.signals import Ended, interruptible, leave_untold, noted
from footfall.processes.stack import SERVER_KEY, SITE, WRITE_KEY, Stack
from footfall.processes.worker_client import WorkerClient, wait_until
from pipeline.clock import clock, wall

SEED: Final = 7
PLAY_SECONDS: Final = 30
SPEED: Final = DAY / 1000 / PLAY_SECONDS
AFTERMATH: Final = 45 * MINUTE
"""How long the shop's time goes on after its day: the last sessions end and are told."""
LEAD_MS: Final = 1_500
"""The day begins this long after the collector is started."""
DRAIN_SECONDS: Final = 60.0
QUIET_SECONDS: Final = 4.5
"""Nothing is behind when nothing was for this long: lag gauges are two seconds old."""


class PlaySummary(NamedTuple):
    """What was sent, as the senders count it."""

    imported: Summary
    sent: int
    play_seconds: float


def run_demo(as_json: bool = False) -> int:
    """Run the demonstration. 0: everything planted was found within its bound, and nothing else.

    On a terminal it then keeps serving until Ctrl-C. Raises StackError where a process fails, and
    Ended for a signal, once its processes and its folder are gone.
    """
    start = monotonic()
    with noted(), scratch("footfall-demo-") as folder, Stack(folder) as stack, interruptible():
        console = Console(stderr=as_json)
        world = World(SEED, wall() // DAY * DAY - DAY)
        with _progress() as progress:
            summary = _play_all(world, stack, folder, progress)
        report = _evaluate(world, stack.worker, summary, monotonic() - start)
        show(report, console)
        if as_json:
            sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
            sys.stdout.flush()
        elif sys.stdout.isatty():
            _keep_serving(stack, console, world.end + AFTERMATH)
    return 0 if report.ok else 1


def _play_all(world: World, stack: Stack, folder: Path, progress: Progress) -> PlaySummary:
    # Midnight may be near, and the shop's time goes on beyond it: no tick of it is to be ahead.
    stack.start("worker", (world.end + DAY, wall(), 1.0))
    import_summary = _import(world, stack, folder, progress)
    stack.wait_ready("worker")
    pace = (world.begin, wall() + LEAD_MS, SPEED)
    stack.start("collect", pace)
    stack.wait_ready("collect")
    began = monotonic()
    sent = _play(world, stack, clock(pace), progress)
    seconds = monotonic() - began
    task = progress.add_task("The pipeline finishes", total=None)
    sleep(max(0.0, (world.end + AFTERMATH - clock(pace)()) / 1000 / SPEED))
    stack.stop("collect")
    _drain(stack, import_summary.events + sent)
    progress.update(task, total=1, completed=1)
    return PlaySummary(import_summary, sent, seconds)


def _import(world: World, stack: Stack, folder: Path, progress: Progress) -> Summary:
    """Before there is a collector, whose ticks would run ahead of the history."""
    written = files.write(world.orders, SITE, folder, world.begin)
    how = mapping.load(written.mapping)
    position = PositionFile.of(folder, written.purchases, how)
    task = progress.add_task("Importing six months of purchases", total=len(world.orders))

    async def run() -> Summary:
        config = CollectorConfig(
            stack.settings.log,
            stack.settings.partitions,
            disk_reserve=stack.settings.disk_reserve_bytes,
        )
        producer = await open_producer(config)
        try:
            return await run_import(
                written.purchases,
                how,
                producer,
                lambda: world.begin,
                position,
                lambda progress_so_far: progress.update(task, completed=progress_so_far.lines),
            )
        finally:
            await producer.close()

    return asyncio.run(run())


def _play(world: World, stack: Stack, shop: Callable[[], int], progress: Progress) -> int:
    """The day over HTTP; the number of events that were taken."""
    score = Score()
    target = Target(stack.settings.host, stack.settings.port, WRITE_KEY, SERVER_KEY)
    task = progress.add_task(
        "Playing a day of traffic", total=sum(request.events for request in world.requests)
    )

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(leave_untold)
        watch = asyncio.create_task(_watch(stack, score, progress, task))
        playing = asyncio.create_task(
            play(world.requests, target, lambda time: (time - shop()) / 1000 / SPEED, score)
        )
        finished, pending = await asyncio.wait({watch, playing}, return_when="FIRST_COMPLETED")
        for running in pending:
            running.cancel()
        for result_task in finished:
            result_task.result()

    asyncio.run(run())
    progress.update(task, completed=score.events)
    return score.events


async def _watch(stack: Stack, score: Score, progress: Progress, task: TaskID) -> None:
    """Show how far the day is; raise when a process ends."""
    while True:
        stack.check()
        progress.update(task, completed=score.events)
        await asyncio.sleep(0.25)


def _drain(stack: Stack, accepted_count: int) -> None:
    """Wait until everything accepted is in the warehouse and no stage is behind."""
    quiet_since = [monotonic()]

    def is_drained() -> bool:
        stack.check()
        if stack.worker.lag() or results.event_counts(stack.worker)["declared"] < accepted_count:
            quiet_since[0] = monotonic()
        return monotonic() - quiet_since[0] >= QUIET_SECONDS

    wait_until(is_drained, DRAIN_SECONDS, pause=0.3)  # what is missing then, the books will say


def _evaluate(world: World, worker: WorkerClient, summary: PlaySummary, seconds: float) -> Report:
    truth = world.planted
    break_ = Break(truth.broken_page, truth.broken_device, truth.broke_at, truth.failed_views)
    stitching = evaluation.stitching(truth.person_of, results.people(worker))
    step = evaluation.broken_step(break_, results.flags(worker))
    due = evaluation.repurchases(truth.due, truth.may_be_due, results.due(worker))
    books = evaluation.books(summary.imported.events + summary.sent, results.event_counts(worker))
    return Report(
        ok=stitching.ok and step.ok and due.ok and books.ok,
        stitching=stitching,
        broken_step=step,
        repurchases=due,
        books=books,
        events_per_second=summary.sent / summary.play_seconds,
        import_lines_per_second=summary.imported.lines / summary.imported.seconds,
        seconds=seconds,
    )


def _keep_serving(stack: Stack, console: Console, now: int) -> None:
    """The shop's time goes on from `now`, as fast as the real one, so that its day stays in view."""
    stack.start("collect", (now, wall(), 1.0))
    stack.wait_ready("collect")
    console.print(
        f"Still serving. Dashboards: {stack.worker.url}  Collector: {stack.collector.url} "
        f"(write key {WRITE_KEY!r}, for servers {SERVER_KEY!r}).  Ctrl-C ends it and forgets the data."
    )
    try:
        while not stack.check():
            sleep(1)
    except Ended:
        console.print("Ending.")


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )

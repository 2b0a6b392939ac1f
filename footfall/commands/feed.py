"""`import` and `demo`: what puts events in without a website."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from collectors.config import CollectorConfig
from collectors.enrichment import Enricher
from collectors.importing import mapping
from collectors.importing.progress import PositionFile
from collectors.importing.run import Summary, run
from collectors.producers.opening import open_producer
from footfall.commands.options import ENRICH, as_json, enrichment, show_json, with_settings
from footfall.operations.finding import many
from footfall.processes.signals import interruptible, noted
from pipeline.clock import wall
from pipeline.settings import Settings
from schemas.store_urls import EmbeddedLog, log_url


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--mapping",
    "mapping_file",
    required=True,
    help="TOML that says which column is what.",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@as_json
@with_settings("log", "partitions", *ENRICH, "disk_reserve")
def import_file(settings: Settings, file: Path, mapping_file: Path, as_json: bool) -> None:
    """Import events, purchases or tickets from CSV, JSON lines or Parquet (also gzipped),
    and page views from a web server's access log.

    Goes on where it was interrupted. Importing a file twice changes nothing. Exit code 1 where
    rows were refused; `footfall rejects list` shows them.

    \b
    Example: footfall import orders.csv --mapping orders.toml
    """
    how = mapping.load(mapping_file)
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} lines"),
        TimeElapsedColumn(),
    )
    progress = Progress(*columns, console=console)
    task = progress.add_task(f"Importing {file.name}", total=None)

    def told(summary: Summary) -> None:
        progress.start()  # not before: of a file that cannot be read there is none
        progress.update(task, completed=summary.lines)

    with noted():
        try:
            with interruptible():
                summary = asyncio.run(_import(settings, file, how, told))
            progress.update(task, completed=summary.lines, total=summary.lines)
        finally:
            if progress.live.is_started:
                progress.stop()
    if as_json:
        show_json(
            {
                **{
                    name: getattr(summary, name)
                    for name in ("lines", "events", "resumed", "seconds")
                },
                "rejects": dict(summary.rejects),
            }
        )
    else:
        _tell(summary)
    sys.exit(1 if summary.rejects else 0)


async def _import(
    settings: Settings, file: Path, how: mapping.Mapping, reported: Callable[[Summary], None]
) -> Summary:
    config = CollectorConfig(
        log=settings.log, partitions=settings.partitions, disk_reserve=settings.disk_reserve_bytes
    )
    enricher = Enricher.of(enrichment(settings))
    producer = await open_producer(config)
    log = log_url(settings.log)
    folder = Path(log.directory) if isinstance(log, EmbeddedLog) else Path.cwd()
    try:
        return await run(
            file, how, producer, wall, PositionFile.of(folder, file, how), reported, enricher
        )
    finally:
        await producer.close()


def _tell(summary: Summary) -> None:
    rate = f" ({summary.lines / summary.seconds:,.0f} lines/s)" if summary.seconds >= 1 else ""
    click.echo(
        f"{many(summary.lines, 'line')}, {many(summary.events, 'event')} (what was there "
        f"already counts once), {many(sum(summary.rejects.values()), 'reject')} in "
        f"{summary.seconds:.1f} s{rate}"
    )
    for reason, count in summary.rejects.most_common():
        click.echo(f"  {reason}: {count:,}")


@click.command()
@as_json
def demo(as_json: bool) -> None:
    """A make-believe shop, end to end, in about a minute.

    Imports six months of purchases, plays a day of traffic against the real collector, and prints
    what was found beside what was planted. Exit code 1 where something planted was missed or
    anything was flagged falsely.

    \b
    Example: footfall demo --json
    """
    from footfall.demo.run import run_demo

    sys.exit(run_demo(as_json))

"""`bench`: how fast it is, beside what it could be and what the plain way would be."""

from tempfile import gettempdir
from typing import Any

import click

from footfall.commands.options import as_json, show_json, show_table
from footfall.processes.signals import noted


@click.group(invoke_without_command=True)
@click.option("--events", default=300_000, show_default=True, help="Events per measurement.")
@click.option(
    "--plain-events",
    default=20_000,
    show_default=True,
    help="Events for the plain Faust agent, which is slow.",
)
@click.option("--rounds", default=3, show_default=True, help="Medians are taken over so many.")
@click.option("--seconds", default=15.0, show_default=True, help="Of traffic, for the latency.")
@click.option("--devices", default=1_000_000, show_default=True, help="In state, for the restart.")
@as_json
@click.pass_context
def bench(
    context: click.Context,
    events: int,
    plain_events: int,
    rounds: int,
    seconds: float,
    devices: int,
    as_json: bool,
) -> None:
    """Measure throughput, latency, idle memory and the time to restart. Takes some minutes.

    Measured in turn, each in a process of its own: the floor (log, decode, columnar insert), a plain
    Faust agent with the same logic, and the worker. On a shared machine trust the ratios.

    \b
    Example: footfall bench --rounds 1 --json
    """
    if context.invoked_subcommand:
        return
    from footfall.bench.report import measure, table

    with noted():
        report = measure(events, plain_events, rounds, seconds, devices, _tell)
    if as_json:
        show_json(report)
    else:
        _show(table(report))


@bench.command()
@click.option(
    "--log",
    default=f"embedded://{gettempdir()}",
    show_default=True,
    help="embedded://DIRECTORY: logs are made there and removed. kafka://HOST:PORT: a "
    "broker for this alone; one that holds events already is refused.",
)
@click.option(
    "--seconds",
    default=5.0,
    show_default=True,
    help="Of requests flat out, then as many at half of that rate.",
)
@click.option("--rounds", default=3, show_default=True, help="Medians are taken over so many.")
@as_json
def collector(log: str, seconds: float, rounds: int, as_json: bool) -> None:
    """Measure the collector beside a bare echo server, each on one core, in turn.

    Events that were acknowledged are counted in the log afterwards; it must hold each of them once.

    \b
    Example: footfall bench collector --rounds 1 --json
    """
    from footfall.bench.collector import measure
    from footfall.bench.collector_report import report, table

    with noted():
        matches = report(log, measure(log, seconds, rounds, _tell))
    if as_json:
        show_json(matches)
    else:
        _show(table(matches))


@bench.command()
@click.option("--hours", default=24.0, show_default=True, help="Simulated hours.")
@click.option("--rate", default=500, show_default=True, help="Events a simulated second.")
@click.option("--devices", default=1_000_000, show_default=True, help="That visit in a day.")
@click.option("--state-limit", help="The worker's setting; without it, its default.")
@click.option("--every", default=1.0, show_default=True, help="Simulated hours between samples.")
@click.option(
    "--folder", help="Where log and warehouse are made and removed: some 30 GB for a day."
)
@as_json
def memory(
    hours: float,
    rate: int,
    devices: int,
    state_limit: str | None,
    interval: float,
    folder: str | None,
    as_json: bool,
) -> None:
    """Measure a worker's memory over simulated hours of traffic, run as fast as it folds.

    A day of 500 events a second takes about an hour. A short run: --rate, --devices and
    --state-limit all a tenth.

    \b
    Example: footfall bench memory --hours 24 --rate 50 --devices 100000 --state-limit 100000000
    """
    from footfall.bench.memory import COLUMNS, Sample, measure, row

    def tell(sample: Sample) -> None:
        values = zip(COLUMNS, row(sample), strict=True)
        _tell("  ".join(f"{name} {value}" for name, value in values))

    samples = measure(hours, rate, devices, state_limit, interval, folder, tell)
    if as_json:
        show_json(samples)
    else:
        show_table(COLUMNS, [row(sample) for sample in samples])


def _tell(text: str) -> None:
    click.echo(text, err=True)


def _show(tables: list[tuple[tuple[str, ...], list[tuple[Any, ...]]]]) -> None:
    for names, rows in tables:
        show_table(names, rows)
        click.echo()

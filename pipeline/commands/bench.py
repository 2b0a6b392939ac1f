"""`bench`: how fast it is, beside what it could be and what the plain way would be."""

from typing import Any

import click

from pipeline.commands.options import as_json, show_json, show_table


@click.command()
@click.option("--events", default=300_000, show_default=True, help="Events per measurement.")
@click.option("--plain-events", default=20_000, show_default=True,
              help="Events for the plain Faust agent, which is slow.")  # fmt: skip
@click.option("--rounds", default=3, show_default=True, help="Medians are taken over so many.")
@click.option("--seconds", default=15.0, show_default=True, help="Of traffic, for the latency.")
@click.option("--devices", default=1_000_000, show_default=True, help="In state, for the restart.")
@as_json
def bench(
    events: int, plain_events: int, rounds: int, seconds: float, devices: int, as_json: bool
) -> None:
    """Measure throughput, latency, idle memory and the time to restart. Takes some minutes.

    Measured in turn, each in a process of its own: the floor (log, decode, columnar insert), a plain
    Faust agent with the same logic, and the worker. On a shared machine trust the ratios.

    \b
    Example: footfall bench --rounds 1 --json
    """
    from pipeline.bench.report import measure, table

    report = measure(
        events, plain_events, rounds, seconds, devices, lambda text: click.echo(text, err=True)
    )
    if as_json:
        show_json(report)
    else:
        _show(table(report))


def _show(tables: list[tuple[tuple[str, ...], list[tuple[Any, ...]]]]) -> None:
    for names, rows in tables:
        show_table(names, rows)
        click.echo()

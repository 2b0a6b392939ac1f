"""`rebuild`: warehouse and state once more from the log."""

from datetime import UTC, datetime
from time import monotonic
from typing import Any

import click

from footfall.commands.options import as_json, show_json, with_settings
from footfall.commands.run import WORK
from footfall.operations.finding import many
from pipeline.folder import folders, lock_folders
from pipeline.settings import Settings

_TOLD_SECONDS = 2.0


@click.command()
@click.option("--yes", is_flag=True, help="Do it. Without, only what would be done is told.")
@as_json
@with_settings(*WORK)
def rebuild(settings: Settings, yes: bool, as_json: bool) -> None:
    """Make warehouse and state anew from the log: after damage, or after a clock that ran ahead.

    Stop the worker first; collectors may go on. It begins with the log's first record, or, where that
    is older than FOOTFALL_RETENTION_DAYS, with the state of a restore point; what was in the warehouse
    before that point stays as it is. Ticks of clocks that ran ahead are taken out for good. A rebuild
    that was ended goes on where it was. Exit code 2 where it cannot help.

    \b
    Example: footfall rebuild          (what would be done)
             footfall rebuild --yes
    """
    from footfall.operations.rebuild import look, run

    with lock_folders(*folders(settings)):
        matches = look(settings)
        summary: dict[str, Any] = {
            "from": matches.plan.point or "the beginning",
            "resumed": matches.resumed,
            "ticks_ahead": [str(stretch) for stretch in matches.ahead],
            "results_kept": len(matches.plan.results),
            "results_whole": matches.plan.results_whole,
        }
        if not yes:
            show_json(summary) if as_json else _announce(summary)
            return
        if not as_json:
            _announce(summary)
        outcome = run(settings, matches, _progress())
    if as_json:
        show_json({**summary, **outcome._asdict()})
        return
    click.echo(f"done: {many(outcome.records, 'record')} folded")
    if outcome.aside:
        click.echo(f"the warehouse before is kept as {outcome.aside}: delete it when all is well")
    if outcome.missing:
        click.echo(
            f"{many(outcome.missing, 'event')} of before the restore point are lost: the log "
            "has them no more"
        )


def _announce(what: dict[str, Any]) -> None:
    start = what["from"]
    if start.startswith("restore-"):
        created = datetime.fromtimestamp(int(start[8:-3]) / 1000, UTC)
        start = f"the restore point of {created:%Y-%m-%d %H:%M} UTC"
    click.echo(f"a rebuild {'goes on' if what['resumed'] else 'begins'} with {start}")
    for stretch in what["ticks_ahead"]:
        click.echo(f"taken out: {stretch}")
    if not what["results_whole"]:
        click.echo("work.db cannot be read: what webhooks were told already may be told again")


def _progress() -> Any:
    last = [monotonic()]

    def tell(folded: int, interval: int) -> None:
        if monotonic() - last[0] >= _TOLD_SECONDS:
            last[0] = monotonic()
            click.echo(f"{folded:,} of {interval:,} records", err=True)

    return tell

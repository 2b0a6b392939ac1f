"""What was found, in words and numbers for a terminal."""

from rich.console import Console
from rich.table import Table

from footfall.demo.evaluation import BrokenStep, Report


def show(report: Report, console: Console) -> None:
    """Print a table: planted, found, verdict."""
    table = Table("", "planted", "found", "", title="What Footfall found", title_justify="left")
    people, due, books = report.stitching, report.repurchases, report.books
    table.add_row(
        "People across devices",
        f"{people.people:,} people, {people.pairs_planted:,} pairs of identifiers",
        f"{people.pairs_found:,} pairs (recall {people.recall:.1%}, precision {people.precision:.1%})",
        _verdict(people.ok),
    )
    table.add_row("The broken step", *_broken(report.broken_step), _verdict(report.broken_step.ok))
    table.add_row(
        "Repurchases due on the day",
        f"{due.planted:,}",
        f"{due.found:,} ({due.flagged:,} flagged in all, {due.false:,} falsely)",
        _verdict(due.ok),
    )
    table.add_row(
        "The books",
        f"{books.received:,} events received",
        f"{books.stored:,} stored + {books.repeats:,} repeats + {books.merged:,} merged + "
        f"{books.rejected:,} rejected + {books.in_flight:,} in flight",
        _verdict(books.ok),
    )
    console.print(table)
    console.print(
        f"{report.events_per_second:,.0f} events/s over HTTP, "
        f"{report.import_lines_per_second:,.0f} lines/s imported, {report.seconds:.0f} s in all."
    )


def _broken(step: BrokenStep) -> tuple[str, str]:
    truth = f"{step.page} on {step.device_class}"
    if step.failed_views is None:
        return truth, f"not flagged ({step.false_flags} false flags)"
    return truth, (
        f"after {step.failed_views} failed views, {step.minutes:.0f} min of the shop's time "
        f"({step.false_flags} false flags)"
    )


def _verdict(ok: bool) -> str:
    return "[green]found[/]" if ok else "[red]not as planted[/]"

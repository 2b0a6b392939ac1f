"""Settings as click options, and answers as tables or JSON."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click
import msgspec
from rich.console import Console
from rich.table import Table

from collectors.enrichment import Enrichment
from collectors.errors import CollectorError
from footfall.operations.finding import many
from pipeline.errors import BadSetting, FootfallError
from pipeline.masking import scrub
from pipeline.settings import BY_NAME, Settings

Command = TypeVar("Command", bound=Callable[..., Any])

WAREHOUSE = ("log", "warehouse", "worker_host", "worker_port", "worker_token", "memory_limit")
"""What a command needs to reach the warehouse, through a running worker or directly."""

ENRICH = ("ip_addresses", "ip_hash_key", "countries", "deny_properties")
"""What is made of an event before it is stored."""

MIN_WIDTH = 140

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON value on stdout.")


def with_settings(*names: str) -> Callable[[Command], Callable[..., Any]]:
    """Add a flag for each named setting; the function gets `settings` first.

    An error that it raises is told without what is secret in them, whoever wrote its text.
    """

    def decorate(function: Command) -> Callable[..., Any]:
        def command(**options: Any) -> Any:
            overrides = {name: options.pop(name) for name in names}
            settings = Settings(overrides)
            try:
                return function(settings, **options)
            except (FootfallError, CollectorError) as error:
                error.args = (scrub(str(error), settings.secrets()),)
                raise

        command.__name__, command.__doc__ = function.__name__, function.__doc__
        command.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
        for setting in (BY_NAME[name] for name in reversed(names)):
            text = f"{setting.help} [{setting.variable}; default: {setting.default or 'empty'}]"
            if setting.secret:
                text = f"{text} Set the variable: `ps` shows everybody the flags."
            command = click.option(setting.flag, setting.name, default=None, help=text)(command)
        return command

    return decorate


def address(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """A click callback: how others reach the collector. Raises BadSetting."""
    base = value and value.rstrip("/")
    if base and (not base.startswith(("http://", "https://")) or not urlsplit(base).netloc):
        raise BadSetting(f"--address is {value!r}; it takes https://collect.myshop.example.")
    return base


def enrichment(settings: Settings) -> Enrichment:
    """What those settings tell a collector."""
    reported = {name: getattr(settings, name) for name in (*ENRICH, "trusted_proxies")}
    return Enrichment(**reported)


def show_json(value: Any) -> None:
    """Print one JSON value."""
    sys.stdout.buffer.write(msgspec.json.encode(value, enc_hook=str) + b"\n")
    sys.stdout.flush()


def show_table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows for people. Content is never read as markup or control codes."""
    table = Table(show_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name == "id")
    for row in rows:
        table.add_row(*(_plain(cell) for cell in row))
    console = Console(markup=False, highlight=False, emoji=False)
    console.width = max(console.width, MIN_WIDTH)  # long lines wrap better than narrow columns
    console.print(table)
    console.print(many(len(rows), "row"))


def show_record(record: Mapping[str, Any]) -> None:
    """Print one record for people, a line a field."""
    console = Console(markup=False, highlight=False, emoji=False, soft_wrap=True)
    for name, value in record.items():
        console.print(f"{name}: {_plain(value)}")


def _plain(cell: Any) -> str:
    return "".join(c if c.isprintable() else "�" for c in str(cell))

"""The command `footfall`. Each command builds what it needs from settings and runs it."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from pipeline.clock import clock
from pipeline.errors import FootfallError
from pipeline.settings import SETTINGS, Settings

Command = TypeVar("Command", bound=Callable[..., Any])


def with_settings(*names: str) -> Callable[[Command], Callable[..., Any]]:
    """Add a flag for each named setting; the function gets `settings` first."""

    def decorate(function: Command) -> Callable[..., Any]:
        def command(**options: Any) -> Any:
            given = {name: options.pop(name) for name in names}
            return function(Settings(given), **options)

        command.__name__, command.__doc__ = function.__name__, function.__doc__
        command.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
        for setting in (s for s in reversed(SETTINGS) if s.name in names):
            text = f"{setting.help} [{setting.variable}; default: {setting.default or 'empty'}]"
            command = click.option(setting.flag, setting.name, default=None, help=text)(command)
        return command

    return decorate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="footfall")
def cli() -> None:
    """Footfall: who your visitors are, where they give up, who is due to buy again.

    Every setting is a flag or a FOOTFALL_… variable.
    """


@cli.command()
@with_settings("log", "partitions", "host", "port", "write_keys", "tick_ms", "clock")
def collect(settings: Settings) -> None:
    """Take events over HTTP and write them to the log.

    Example: footfall collect --port 8100 --write-keys k3y:myshop
    """
    from collectors.server import CollectorConfig, serve

    config = CollectorConfig(
        log=settings.log, partitions=settings.partitions, host=settings.host, port=settings.port,
        write_keys=settings.write_keys, tick_seconds=settings.tick_ms / 1000,
        clock=clock(settings.clock),
    )  # fmt: skip
    serve(config, lambda port: click.echo(f"collecting on http://{settings.host}:{port}", err=True))


@cli.command()
@with_settings("log", "warehouse", "partitions", "replication", "host", "worker_port", "funnel",
               "horizon", "lateness", "lead_days", "webhook_url", "webhook_secret",
               "retention_days", "memory_limit")  # fmt: skip
def worker(settings: Settings) -> None:
    """Fold the log into the warehouse, and serve dashboards, queries and metrics.

    Example: footfall worker --log kafka://localhost:9092 --warehouse clickhouse://localhost:9000/footfall
    """
    from pipeline.worker import run_worker

    sys.exit(asyncio.run(run_worker(settings)))


def main() -> None:
    """The entry point: errors made on purpose become one line and exit code 2."""
    try:
        cli(standalone_mode=True)
    except FootfallError as error:
        click.echo(f"footfall: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()

"""`up`, `collect`, `worker`, `migrate`: what runs, and what must be there first."""

import asyncio
import os
import sys
from contextlib import suppress

import click

from footfall.commands.options import (
    ENRICH,
    WAREHOUSE,
    as_json,
    enrichment,
    show_json,
    with_settings,
)
from footfall.operations.warehouse_client import status_of
from pipeline.clock import clock
from pipeline.errors import BadSetting, Retryable
from pipeline.folder import folders, lock_folders
from pipeline.settings import SETTINGS, Settings
from schemas.store_urls import EmbeddedWarehouseUrl, warehouse_url

COLLECT = (
    "log",
    "partitions",
    "host",
    "port",
    "write_keys",
    "server_keys",
    "snippet_path",
    "webhook_secrets",
    "webhook_mappings",
    *ENRICH,
    "trusted_proxies",
    "tick_ms",
    "clock",
    "disk_reserve",
)
WORK = (
    "log",
    "warehouse",
    "partitions",
    "replication",
    "worker_host",
    "worker_port",
    "worker_names",
    "worker_token",
    "funnel",
    "horizon",
    "lateness",
    "lead_days",
    "webhook_url",
    "webhook_secret",
    "retention_days",
    "rejects_limit",
    "state_limit",
    "memory_limit",
    "disk_reserve",
    "clock",
)


@click.command()
@with_settings(*COLLECT)
def collect(settings: Settings) -> None:
    """Take events over HTTP and write them to the log.

    It may start before its log: until that can be opened, and whenever it cannot be written, events
    get a 503 and their senders keep them. SIGTERM ends it with everything it has acknowledged written.

    \b
    Example: footfall collect --port 8100 --write-keys k3y:myshop
    """
    from collectors.config import CollectorConfig
    from collectors.server import serve

    settings.check_open()
    config = CollectorConfig(
        log=settings.log,
        partitions=settings.partitions,
        host=settings.host,
        port=settings.port,
        keys=settings.keys,
        enrichment=enrichment(settings),
        snippet_path=settings.snippet_path,
        webhook_secrets=settings.webhook_secrets,
        webhook_mappings=settings.webhook_mappings,
        tick_seconds=settings.tick_ms / 1000,
        clock=clock(settings.clock),
        disk_reserve=settings.disk_reserve_bytes,
    )
    serve(config, lambda port: click.echo(f"collecting on http://{settings.host}:{port}", err=True))


@click.command()
@with_settings(*WORK)
def worker(settings: Settings) -> None:
    """Fold the log into the warehouse, and serve dashboards, queries and metrics.

    \b
    Example: footfall worker --log kafka://localhost:9092 \\
               --warehouse clickhouse://localhost:9000/footfall
    """
    from pipeline.run_worker import run_worker

    settings.check_worker_open()
    sys.exit(asyncio.run(run_worker(settings)))


@click.command()
@with_settings(*(setting.name for setting in SETTINGS))
def up(settings: Settings) -> None:
    """Run a collector and a worker; start again what dies. Ctrl-C ends both.

    Exit code 2 where one of them cannot run until something is changed, such as a wrong setting.

    \b
    Example: FOOTFALL_SERVER_KEYS=s3cret:myshop footfall up --write-keys 'k3y:myshop identify'
    \f
    Raises BadSetting where it would be open to everybody, or where a worker answers already.
    """
    from footfall.operations.up import run_up

    settings.check_open()
    settings.check_worker_open()
    events = f"http://{settings.host}:{settings.port}"
    pages = f"http://{settings.worker_host}:{settings.worker_port}"
    with suppress(Retryable):  # what answers there is no worker: the new one will say so
        if status_of(settings) is not None:
            raise BadSetting(
                f"A worker answers on {pages} already. Stop it, or choose other ports "
                "(--port, --worker-port) and another --log."
            )
    with lock_folders(*folders(settings)):  # and free again: the worker takes them
        pass
    click.echo(f"events go to {events}, pages are on {pages}")
    sys.exit(asyncio.run(run_up({**os.environ, **settings.environment()})))


@click.command()
@as_json
@with_settings(*WAREHOUSE)
def migrate(settings: Settings, as_json: bool) -> None:
    """Bring the warehouse's tables up to date. A worker does so when it starts.

    \b
    Example: footfall migrate --warehouse clickhouse://localhost:9000/footfall
    """
    # An embedded warehouse belongs to the worker that runs.
    embedded = isinstance(warehouse_url(settings.warehouse), EmbeddedWarehouseUrl)
    theirs = embedded and status_of(settings) is not None
    applied = [] if theirs else _migrated(settings)
    if as_json:
        show_json({"applied": applied})
    elif theirs:
        click.echo("A worker is running and does this itself.")
    else:
        click.echo(f"applied: {', '.join(applied)}" if applied else "nothing to do")


def _migrated(settings: Settings) -> list[str]:
    from pipeline.stores import open_warehouse
    from pipeline.warehouse.migrate import migrate as apply

    warehouse = open_warehouse(settings)
    try:
        return apply(warehouse)
    finally:
        warehouse.close()

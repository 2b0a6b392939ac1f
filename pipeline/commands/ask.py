"""`query`, `rejects`, `doctor`: questions, answered also while `up` runs."""

import sys
from typing import Any

import click

import sql
from pipeline.commands.options import (
    WAREHOUSE,
    as_json,
    show_json,
    show_record,
    show_table,
    with_settings,
)
from pipeline.errors import BadSetting
from pipeline.operate.doctor import examine
from pipeline.operate.reach import ask
from pipeline.operate.replay import Replayed, replay
from pipeline.settings import Settings
from pipeline.warehouse.contract import Rows
from schemas.rejects import Reason


@click.command()
@click.argument("text", metavar="SQL")
@click.option(
    "--param", "params", multiple=True, metavar="NAME=VALUE", help="Bound to {NAME:Type}."
)
@as_json
@with_settings(*WAREHOUSE)
def query(settings: Settings, text: str, params: tuple[str, ...], as_json: bool) -> None:
    """Ask the warehouse, read-only. SQL is ClickHouse's.

    \b
    Example: footfall query 'SELECT type, count() FROM events FINAL GROUP BY type' --json
             footfall query 'SELECT * FROM triggers WHERE site = {s:String}' --param s=shop
    """
    _show(ask(settings, text, dict(_pair(text) for text in params)), as_json)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise BadSetting(f"--param is {text!r}; it takes NAME=VALUE.")
    return name, value


def _show(rows: Rows, as_json: bool) -> None:
    if as_json:
        show_json(rows.dicts())
    else:
        show_table(rows.names, rows.rows)


@click.group()
def rejects() -> None:
    """What could not be taken: list it, look at it, send it again.

    Not all of it is kept, so that junk fills no disk. A collector keeps 128 MiB of rejects for each
    site at once, and as much again per 24 hours, a reject costing its bytes (cut at 64 KiB) and
    512 more; senders that no key or signature names share one such purse. Beyond it rejects are
    counted: once a minute a reject `rejects_not_kept` tells how many of which reason were not kept.
    The warehouse keeps FOOTFALL_REJECTS_LIMIT bytes of them, counted in the same way, and deletes
    the oldest. Nothing that was taken is ever touched.
    """


@rejects.command("list")
@click.option("--reason", type=click.Choice([r.value for r in Reason]), help="Only this reason.")
@click.option("--limit", default=50, show_default=True, help="Newest so many.")
@as_json
@with_settings(*WAREHOUSE)
def list_rejects(settings: Settings, reason: str | None, limit: int, as_json: bool) -> None:
    """The newest rejects.

    \b
    Example: footfall rejects list --reason bad_order
    """
    params = {"reason": reason or "", "limit": limit}
    _show(ask(settings, sql.load("queries/rejects_list"), params), as_json)


@rejects.command("show")
@click.argument("reject_id")
@as_json
@with_settings(*WAREHOUSE)
def show_reject(settings: Settings, reject_id: str, as_json: bool) -> None:
    """One reject with its original bytes.

    \b
    Example: footfall rejects show 5f2c…
    """
    found = ask(settings, sql.load("queries/rejects_show"), {"id": reject_id}).dicts()
    if not found:
        raise BadSetting(f"There is no reject {reject_id!r}; `footfall rejects list` names them.")
    if as_json:
        show_json(found[0])
    else:
        show_record(found[0])


@rejects.command("replay")
@click.option("--reason", type=click.Choice([r.value for r in Reason]), help="Only this reason.")
@click.option("--limit", default=10_000, show_default=True, help="At most so many, newest first.")
@click.option("--key", default="", help="The write key for rejects whose site is not known, as "
              "those for an unknown key.")  # fmt: skip
@as_json
@with_settings(*WAREHOUSE, "host", "port", "write_keys", "server_keys")
def replay_rejects(
    settings: Settings, reason: str | None, limit: int, key: str, as_json: bool
) -> None:
    """Send rejects to the collector again, after their cause was mended.

    What is refused again is a new reject; what was taken before counts once. Left out are those of
    webhooks (only the vendor can sign them, so the vendor must send them again) and those that were
    cut at 64 KiB. Exit code 1 where anything was refused.

    \b
    Example: footfall rejects replay --reason unknown_key --key k3y
    """
    which = {"reason": reason or ""}
    found = ask(settings, sql.load("queries/rejects_bodies"), {**which, "limit": limit}).dicts()
    (others,) = ask(settings, sql.load("queries/rejects_not_again"), which).dicts()
    outcome: Replayed = replay(settings, found, key)
    cut, left_out = int(others["were_cut"]), int(others["of_webhooks"])
    if as_json:
        show_json({**outcome._asdict(), "impossible": cut, "left_out": left_out})
    else:
        click.echo(f"{outcome.taken} taken, {outcome.refused} refused again, "
                   f"{cut} were cut and cannot be sent again, "
                   f"{left_out} of webhooks were left out")  # fmt: skip
    sys.exit(1 if outcome.refused else 0)


@click.command()
@as_json
@with_settings(*WAREHOUSE, "host", "port", "partitions")
def doctor(settings: Settings, as_json: bool) -> None:
    """Look at settings, collector, log, worker, warehouse and disk: what is wrong, what to do.

    Exit code 1 where something is wrong.

    \b
    Example: footfall doctor
    """
    findings: list[dict[str, Any]] = [finding._asdict() for finding in examine(settings)]
    if as_json:
        show_json(findings)
    else:
        show_table(("", "part", "finding", "what to do"), [
            ("ok" if f["ok"] else "WRONG", f["part"], f["text"], f["advice"]) for f in findings
        ])  # fmt: skip
    sys.exit(0 if all(finding["ok"] for finding in findings) else 1)

"""`query`, `rejects`, `doctor`: questions, answered also while `up` runs."""

import sys
from typing import Any, Final

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

_WEBHOOKS: Final = "/webhooks/"


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
    """What could not be taken: list it, look at it, send it again."""


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
@with_settings(*WAREHOUSE, "host", "port", "write_keys")
def replay_rejects(
    settings: Settings, reason: str | None, limit: int, key: str, as_json: bool
) -> None:
    """Send rejects to the collector again, after their cause was mended.

    What is refused again is a new reject; what was taken before counts once. Rejects of webhooks
    are left out: only the vendor can sign them, so the vendor must send them again. Exit code 1
    where anything was refused.

    \b
    Example: footfall rejects replay --reason unknown_key --key k3y
    """
    params = {"reason": reason or "", "limit": limit}
    found = ask(settings, sql.load("queries/rejects_bodies"), params).dicts()
    unsigned = [reject for reject in found if not reject["path"].startswith(_WEBHOOKS)]
    outcome: Replayed = replay(settings, unsigned, key)
    left_out = len(found) - len(unsigned)
    if as_json:
        show_json({**outcome._asdict(), "left_out": left_out})
    else:
        click.echo(f"{outcome.taken} taken, {outcome.refused} refused again, "
                   f"{outcome.impossible} were cut and cannot be sent again, "
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

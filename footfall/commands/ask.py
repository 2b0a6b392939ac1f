"""`query`, `rejects`, `doctor`: questions, answered also while `up` runs."""

import sys

import click

import sql
from footfall.commands.options import (
    WAREHOUSE,
    as_json,
    show_json,
    show_record,
    show_table,
    with_settings,
)
from footfall.operations.doctor import examine
from footfall.operations.replay import ReplayOutcome, replay
from footfall.operations.replay_request import UNASKED
from footfall.operations.warehouse_client import ask
from pipeline.errors import BadSetting
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

    Not all of it is kept, so that junk fills no disk. A collector keeps 128 MiB of rejects at once,
    and as much again per 24 hours, of what came with keys of a site's pages, as much of its servers'
    and of its webhooks', and as much of all senders together that no key or signature names. A reject
    costs its bytes (cut at 64 KiB) and 512 more. Beyond that it is counted: once a minute a reject
    `rejects_not_kept` tells how many of which reason were not kept. Who sends them hears that they
    are refused; a signed webhook hears 503, so that its vendor sends it again. The warehouse keeps
    FOOTFALL_REJECTS_LIMIT bytes of them, counted in the same way, and deletes strangers' first, then
    pages', the oldest first. Nothing that was taken is ever touched.

    \b
    Example: footfall rejects list --reason bad_order
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
    \f
    Raises BadSetting where there is none of this id.
    """
    rows = ask(settings, sql.load("queries/rejects_show"), {"id": reject_id}).dicts()
    if not rows:
        raise BadSetting(f"There is no reject {reject_id!r}; `footfall rejects list` names them.")
    if as_json:
        show_json(rows[0])
    else:
        show_record(rows[0])


@rejects.command("replay")
@click.option("--reason", type=click.Choice([r.value for r in Reason]), help="Only this reason.")
@click.option("--limit", default=10_000, show_default=True, help="At most so many, newest first.")
@click.option(
    "--key",
    default="",
    help="The write key for what came with no key that is known; it "
    "gets that key's rights. Also which key of a site to use, where it has several.",
)
@as_json
@with_settings(*WAREHOUSE, "host", "port", "write_keys", "server_keys")
def replay_rejects(
    settings: Settings, reason: str | None, limit: int, key: str, as_json: bool
) -> None:
    """Send rejects to the collector again, after their cause was mended.

    Each goes with the rights it came with: what a page sent with a key of its site's pages, what a
    server sent or a file held with a server's key. What came with no key that is known goes only with
    --key. However often it is sent, it counts once; what is refused again is listed again, under its
    id. What only the request's headers said (user agent, address) is lost, but not an objection.

    Left out are those of webhooks (only the vendor can sign them, so the vendor must send them again),
    and, unless --reason names them, not_allowed, forbidden_origin, bad_signature and unknown_key: they
    were refused for want of rights. Impossible are those that were cut at 64 KiB or whose key is not
    set here. A collector that asks to wait is waited for, up to five minutes. Exit code 1 where
    anything was refused again or has no key.

    \b
    Example: footfall rejects replay --reason unknown_key --key k3y
    """
    params = {"reason": reason or "", "unasked": ",".join(UNASKED)}
    rows = ask(settings, sql.load("queries/rejects_bodies"), {**params, "limit": limit}).dicts()
    (left_out,) = ask(settings, sql.load("queries/rejects_not_again"), params).dicts()
    outcome: ReplayOutcome = replay(settings, rows, key)
    cut, webhooks, unasked = (
        int(left_out[n]) for n in ("were_cut", "of_webhooks", "not_asked_for")
    )
    impossible = outcome.impossible + cut
    if as_json:
        show_json({**outcome._asdict(), "impossible": impossible, "left_out": webhooks + unasked})
    else:
        click.echo(
            f"{outcome.taken} taken, {outcome.refused} refused again; impossible: {cut} were cut, "
            f"{outcome.impossible} have no key; left out: {webhooks} of webhooks, "
            f"{unasked} refused for want of rights"
        )
    sys.exit(1 if outcome.refused or outcome.impossible else 0)


@click.command()
@as_json
@with_settings(*WAREHOUSE, "host", "port", "partitions")
def doctor(settings: Settings, as_json: bool) -> None:
    """Look at settings, collector, log, worker, warehouse and disk: what is wrong, what to do.

    Also told: what was refused in the last 24 hours, and triggers that cannot be delivered. Exit
    code 1 where something is WRONG; what says `look` may well be as you want it.

    \b
    Example: footfall doctor
    """
    findings = examine(settings)
    if as_json:
        show_json([finding._asdict() for finding in findings])
    else:
        show_table(
            ("", "part", "finding", "what to do"),
            [(f.verdict, f.part, f.text, f.advice) for f in findings],
        )
    sys.exit(0 if all(finding.ok for finding in findings) else 1)

"""`snippet`: the line to paste into a site's pages."""

import click

from collectors import snippet as script
from footfall.commands.options import address as where
from footfall.commands.options import as_json, show_json, with_settings
from pipeline.settings import BY_NAME, Settings
from schemas.keys import DEFAULT_SITE


@click.command()
@click.option(
    "--address",
    metavar="URL",
    callback=where,
    help="Where browsers reach the collector, for example "
    "https://collect.myshop.example. [default: its host and port]",
)
@as_json
@with_settings("host", "port", "write_keys", "snippet_path")
def snippet(settings: Settings, address: str | None, as_json: bool) -> None:
    """Print the tag to paste into a site's pages, one for each write key.

    \b
    Example: footfall snippet --address https://collect.myshop.example --write-keys k3y:myshop
    """
    base = address or f"http://{settings.host}:{settings.port}"
    sites = {name: key.site for name, key in settings.write_keys.items()} or {"": DEFAULT_SITE}
    tags = {site: script.tag(base + settings.snippet_path, key) for key, site in sites.items()}
    size = {"bytes": len(script.script()), "gzipped": len(script.gzipped())}
    if as_json:
        show_json({"version": script.version(), **size, "stub": script.STUB, "tags": tags})
        return
    for site, tag in tags.items():
        click.echo(f"{site}:\n  {tag}\n")
    if not settings.write_keys:
        click.echo(
            f"No {BY_NAME['write_keys'].variable} here: this tag works only with a collector "
            "that has none.\n"
        )
    click.echo(f"to call footfall.track(…) before it has loaded, above it:\n  {script.STUB}\n")
    click.echo(f"version {script.version()}, {size['bytes']:,} bytes, {size['gzipped']:,} gzipped")

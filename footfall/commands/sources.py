"""`sources`: what events may come from, and how each is connected."""

import click

from collectors.sources.page import page
from collectors.sources.placeholders import Placeholders
from collectors.sources.registry import Source
from collectors.sources.registry import sources as all_sources
from collectors.webhook_settings import load_mapping
from footfall.commands.options import address as where
from footfall.commands.options import as_json, show_json, show_table, with_settings
from pipeline.settings import BY_NAME, Settings
from schemas.keys import DEFAULT_SITE


@click.command()
@click.argument("name", required=False)
@click.option(
    "--address",
    metavar="URL",
    callback=where,
    help="Where senders reach the collector, for example "
    "https://collect.myshop.example. [default: its host and port]",
)
@as_json
@with_settings("host", "port", "write_keys", "server_keys", "snippet_path", "webhook_mappings")
def sources(settings: Settings, name: str | None, address: str | None, as_json: bool) -> None:
    """List what events may come from, or print the page of one, with your address and key in it.

    Secrets are never printed: the setting's name stands in their place.

    \b
    Example: footfall sources shopify --address https://collect.myshop.example
    \f
    Raises BadParameter for a name that is no source's.
    """
    mapped_vendors = [load_mapping(path) for path in settings.webhook_mappings]
    by_name = {source.name: source for source in all_sources(mapped_vendors, settings.snippet_path)}
    if name is not None and name not in by_name:
        raise click.BadParameter(f"{name!r} is none of {', '.join(by_name)}.", param_hint="NAME")
    placeholders = _placeholders(settings, address)
    if name is not None:
        text = page(by_name[name], placeholders)
        show_json(
            _as_json(by_name[name], placeholders) | {"page": text}
        ) if as_json else click.echo(text)
    elif as_json:
        show_json([_as_json(source, placeholders) for source in by_name.values()])
    else:
        show_table(
            ["source", "how to connect it", "brings"], [_row(source) for source in by_name.values()]
        )


def _placeholders(settings: Settings, address: str | None) -> Placeholders:
    """With the first write key and its site. Where there are no keys, every key will do."""
    keys = settings.keys
    example = Placeholders()
    return Placeholders(
        address=address or f"http://{settings.host}:{settings.port}",
        site=next((key.site for key in keys.values()), DEFAULT_SITE),
        key=next(iter(settings.write_keys), example.key),
        server=f"A-KEY-OF-{BY_NAME['server_keys'].variable}" if keys else example.server,
        secret=f"THE-SECRET-IN-{BY_NAME['webhook_secrets'].variable}",
        snippet_path=settings.snippet_path,
    )


def _row(source: Source) -> list[str]:
    return [source.name, source.about.connect, ", ".join(source.about.brings)]


def _as_json(source: Source, placeholders: Placeholders) -> dict[str, object]:
    about = source.about
    hook = {"url": placeholders.address + placeholders.hook(source.vendor)} if source.vendor else {}
    return {
        "name": source.name,
        "kind": source.kind,
        "title": about.title,
        "connect": about.connect,
        "brings": list(about.brings),
        "paths": [
            {"method": path.method, "path": path.path, "server_key": path.secret}
            for path in source.paths
            if not path.question
        ],
        **hook,
        "topics": list(about.topics),
        "libraries": {library.package: library.version for library in about.libraries},
    }

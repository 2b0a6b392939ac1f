"""The command `footfall`."""

import os
import sys

import click

from collectors.errors import CollectorError, Overloaded
from footfall.commands.ask import doctor, query, rejects
from footfall.commands.bench import bench
from footfall.commands.feed import demo, import_file
from footfall.commands.rebuild import rebuild
from footfall.commands.run import collect, migrate, up, worker
from footfall.commands.snippet import snippet
from footfall.commands.sources import sources
from pipeline.errors import FootfallError, Retryable


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="footfall")
def cli() -> None:
    """Footfall: who your visitors are, where they give up, who is due to buy again.

    Every setting is a flag or a FOOTFALL_… variable. `footfall COMMAND --help` has an example of each.

    \b
    Example: footfall demo
    """


for command in (
    demo,
    up,
    collect,
    worker,
    import_file,
    snippet,
    sources,
    query,
    rejects,
    doctor,
    migrate,
    rebuild,
    bench,
):
    cli.add_command(command)


def main() -> None:
    """The entry point: errors made on purpose become one line.

    Exit code 1 where trying again may help, 2 where somebody must change something.
    """
    os.umask(0o077)  # what is made, SQLite's and the engine's files too, is its owner's alone
    try:
        cli(standalone_mode=True)
    except (FootfallError, CollectorError) as error:
        click.echo(f"footfall: {error}", err=True)
        sys.exit(1 if isinstance(error, (Retryable, Overloaded)) else 2)


if __name__ == "__main__":
    main()

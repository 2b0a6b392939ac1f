"""The command `footfall`, also as `python -m footfall`.

Loading the rest takes a second or more. Until a command says otherwise Ctrl-C ends it like SIGTERM: at
once and without a traceback, as there is nothing to put away yet.
"""

import signal


def main() -> None:
    """The entry point."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from footfall.cli import main as run

    run()


if __name__ == "__main__":
    main()

"""`footfall bench collector` on a real Kafka broker, which lives for as long as it takes.

    python -m tests.bench.collector_on_kafka [--seconds 5] [--rounds 3] [--json]

Needs Java 17 and Maven. The broker is kept off the collector's core.
"""

import subprocess
import sys
from contextlib import ExitStack

from footfall.bench.cores import Cores, on
from tests.kafka.broker import KafkaBroker


def main() -> int:
    """Start a broker, run the command with what was given, and hand on its exit code."""
    with ExitStack() as stack:
        with on(Cores.found().sender):
            broker = stack.enter_context(KafkaBroker())
        return _bench(broker.bootstrap)


def _bench(bootstrap: str) -> int:
    command = [sys.executable, "-m", "footfall.cli", "bench", "collector"]
    return subprocess.run(
        [*command, "--log", f"kafka://{bootstrap}", *sys.argv[1:]], check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())

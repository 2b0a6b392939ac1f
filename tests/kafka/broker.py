"""A real Apache Kafka broker for tests: one KRaft node on loopback, from Maven's jars.

Needs Java 17 and Maven the first time; the jars stay in `build/kafka/`. Also used by the fault
scripts, outside pytest.
"""

import base64
import hashlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / "build" / "kafka"
COPY_JARS = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
START_SECONDS = 40.0


class BrokerUnavailableError(Exception):
    """The broker cannot be had or does not start; the text says what to install or look at."""


def missing_tools() -> str:
    """What must be installed before a broker can be started; empty when nothing is missing."""
    absent = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    return f"install {' and '.join(absent)} (Debian: default-jre maven)" if absent else ""


def jars() -> Path:
    """The folder of Kafka's jars, fetched by Maven once for each version of `pom.xml`."""
    pom = HERE / "pom.xml"
    folder = CACHE / f"jars-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    if not folder.is_dir():
        if reason := missing_tools():
            raise BrokerUnavailableError(reason)
        CACHE.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=CACHE))
        maven = ["mvn", "-q", "-B", "-f", str(pom), COPY_JARS, f"-DoutputDirectory={fresh}"]
        fetched = subprocess.run(maven, capture_output=True, text=True, check=False)
        if fetched.returncode != 0:
            shutil.rmtree(fresh)
            raise BrokerUnavailableError(f"Maven could not fetch Kafka:\n{fetched.stdout[-2000:]}")
        try:
            fresh.rename(folder)
        except OSError:  # another run was quicker
            shutil.rmtree(fresh)
    return folder


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class KafkaBroker:
    """A broker with its own port and data folder, kept over `kill` and `start`.

    Leaving the `with` block stops it and removes its data.
    """

    def __init__(self) -> None:
        self._port, self._controller_port = free_port(), free_port()
        self.bootstrap = f"127.0.0.1:{self._port}"
        self._home = Path(tempfile.mkdtemp(prefix="footfall-kafka-"))
        self._properties = self._home / "server.properties"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._format()
            self.start()
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._discard()

    def start(self) -> None:
        """Start it and wait until it answers; the data of an earlier run is still there."""
        log = (self._home / "broker.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                _java("-Xmx512m", "-XX:+UseSerialGC", "kafka.Kafka", str(self._properties)),
                stdout=log,
                stderr=log,
            )
        self._await_ready(time.monotonic() + START_SECONDS)

    def stop(self) -> None:
        """Stop it in order (SIGTERM)."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _discard(self) -> None:
        self.kill()
        shutil.rmtree(self._home, ignore_errors=True)

    def _format(self) -> None:
        self._properties.write_text(
            f"""
            process.roles=broker,controller
            node.id=1
            controller.quorum.voters=1@127.0.0.1:{self._controller_port}
            controller.listener.names=CONTROLLER
            listeners=PLAINTEXT://127.0.0.1:{self._port},CONTROLLER://127.0.0.1:{self._controller_port}
            advertised.listeners=PLAINTEXT://127.0.0.1:{self._port}
            listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
            log.dirs={self._home}/logs
            auto.create.topics.enable=false
            offsets.topic.num.partitions=1
            offsets.topic.replication.factor=1
            transaction.state.log.num.partitions=1
            transaction.state.log.replication.factor=1
            transaction.state.log.min.isr=1
            share.coordinator.state.topic.num.partitions=1
            share.coordinator.state.topic.replication.factor=1
            share.coordinator.state.topic.min.isr=1
            group.initial.rebalance.delay.ms=0
            log.segment.delete.delay.ms=1000
            broker.heartbeat.interval.ms=500
            broker.session.timeout.ms=2000
            """,
            encoding="utf-8",
        )
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = (
            "kafka.tools.StorageTool",
            "format",
            f"--cluster-id={cluster}",  # it may begin with "-"
            "-c",
            str(self._properties),
        )
        done = subprocess.run(
            _java("-Xmx128m", *command), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise BrokerUnavailableError(f"formatting failed:\n{done.stderr[-2000:]}")

    def _await_ready(self, deadline: float) -> None:
        while not _answers(self._port):
            if self._process is None or self._process.poll() is not None:
                raise BrokerUnavailableError(f"the broker ended:\n{self._log_tail()}")
            if time.monotonic() > deadline:
                raise BrokerUnavailableError(f"no answer in {START_SECONDS} s:\n{self._log_tail()}")
            time.sleep(0.1)

    def _log_tail(self) -> str:
        return (self._home / "broker.log").read_text(errors="replace")[-2000:]


def _java(*arguments: str) -> list[str]:
    return ["java", "-cp", f"{jars()}/*", *arguments]


def _answers(port: int) -> bool:
    """Whether the broker listens: KRaft opens the port once it serves requests."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True

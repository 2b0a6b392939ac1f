"""How many single-event requests one collector core takes, in front of a null log.

    python -m tests.bench.collector [--seconds 10] [--connections 64] [--log null://]

The collector runs in a process of its own; this process sends prepared requests over raw
sockets and reads answers by length, so that the client costs little. Printed: requests/s, the
collector's CPU seconds per request, and requests per CPU second of the collector (what one core
would do alone), as on a small machine client and collector share the cores.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final
from uuid import UUID

from collectors.server import CollectorConfig, serve

_CLOCK_TICKS: Final = os.sysconf("SC_CLK_TCK")
_AGENT: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
)
_ANSWER_END: Final = b'{"success":true}'


def request(number: int) -> bytes:
    """A page event as analytics-next sends it, some 700 bytes of body."""
    device = str(UUID(int=number * 0x9E3779B97F4A7C15 % 2**64))
    page = {
        "path": f"/product/{number % 500}", "referrer": "https://shop.example/", "search": "",
        "title": "A cup of tea — ☕", "url": f"https://shop.example/product/{number % 500}",
    }  # fmt: skip
    event = {
        "timestamp": "2026-11-21T10:00:00.000Z", "integrations": {}, "userId": None,
        "anonymousId": device, "type": "page", "properties": page, "name": "Product",
        "context": {"page": page, "userAgent": _AGENT, "locale": "en-GB",
                    "library": {"name": "analytics.js", "version": "npm:next-1.84.3"}},
        "messageId": f"ajs-next-{number}-{device}", "writeKey": "key",
        "sentAt": "2026-11-21T10:00:00.100Z",
    }  # fmt: skip
    body = json.dumps(event, ensure_ascii=False).encode()
    head = (
        f"POST /v1/p HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {_AGENT}\r\n"
        f"Content-Type: text/plain\r\nOrigin: https://shop.example\r\n"
        f"Authorization: Basic a2V5Og==\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _collector(log: str, port_to: Connection) -> None:
    serve(CollectorConfig(log=log, port=0), port_to.send)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, with its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS


async def _client(port: int, number: int, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    requests = [request(number * 1_000 + i) for i in range(100)]
    done = 0
    while time.monotonic() < until:
        writer.write(requests[done % 100])
        await reader.readuntil(_ANSWER_END)
        done += 1
    writer.close()
    return done


async def _load(port: int, connections: int, seconds: float) -> int:
    until = time.monotonic() + seconds
    done = await asyncio.gather(*(_client(port, n, until) for n in range(connections)))
    return sum(done)


def measure(log: str, connections: int, seconds: float) -> dict[str, float]:
    """Start a collector, load it, stop it."""
    import uvloop

    port_from, port_to = multiprocessing.Pipe(duplex=False)
    collector = multiprocessing.get_context("spawn").Process(target=_collector, args=(log, port_to))
    collector.start()
    try:
        port = port_from.recv()
        uvloop.run(_load(port, connections, 1.0))
        pid = collector.pid or 0
        cpu, own, started = cpu_seconds(pid), time.process_time(), time.monotonic()
        done = uvloop.run(_load(port, connections, seconds))
        cpu, own = cpu_seconds(pid) - cpu, time.process_time() - own
        wall = time.monotonic() - started
    finally:
        collector.terminate()
        collector.join(15)
    return {
        "requests": done,
        "requests_per_second": round(done / wall),
        "collector_cpu_microseconds_per_request": round(cpu / done * 1e6, 1),
        "requests_per_collector_cpu_second": round(done / cpu),
        "client_cpu_seconds": round(own, 2),
        "collector_exit_code": collector.exitcode if collector.exitcode is not None else -1,
    }


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--log", default="null://")
    options = parser.parse_args()
    print(json.dumps(measure(options.log, options.connections, options.seconds)))


if __name__ == "__main__":
    main()

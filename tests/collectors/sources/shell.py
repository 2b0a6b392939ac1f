"""Runs the commands of a page with a `curl` and a `footfall` that only write down what they were told."""

import json
import os
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from collectors.dialects.contract import Request
from tests.collectors.requests import NOW

_RECORDER = f"""#!{sys.executable}
import json, os, sys
with open(os.environ["RECORD"], "a") as record:
    record.write(json.dumps(sys.argv) + "\\n")
"""
_CLOCK = """#!/bin/sh
case "$*" in +%s) echo {seconds};; *) echo {text};; esac
"""
_WITHOUT_VALUE = ("-G", "-s")


class Curl(NamedTuple):
    """What a `curl` would have sent."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes

    def request(self) -> Request:
        """As it comes to admission."""
        place = urlsplit(self.url)
        query = place.query.encode()
        body = query if self.method == "GET" else self.body
        return Request(place.path, place.query, self.headers, body, NOW, "nonce")


def played(shell: str, directory: Path) -> list[list[str]]:
    """The commands that were given, each with its arguments."""
    tools = directory / ".venv" / "bin"
    tools.mkdir(parents=True, exist_ok=True)
    clock = _CLOCK.format(seconds=NOW // 1000, text="2026-11-21T10:00:00Z")
    python = f'#!/bin/sh\nexec {sys.executable} "$@"\n'
    programs = {"curl": _RECORDER, "footfall": _RECORDER, "date": clock, "python": python}
    for name, text in programs.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    record = directory / "record"
    record.write_text("")
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-e"],
        input=shell,
        env=os.environ | {"PATH": path, "RECORD": str(record)},
        cwd=directory,
        text=True,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    calls: list[list[str]] = [json.loads(line) for line in record.read_text().splitlines()]
    return [[Path(name).name, *rest] for name, *rest in calls]


def curl(arguments: list[str]) -> Curl:
    """What such a `curl` sends; of its options those that pages use."""
    rest, headers, found = list(arguments), dict[str, str](), dict[str, Any]()
    while rest:
        word = rest.pop(0)
        value = "" if not word.startswith("-") or word in _WITHOUT_VALUE else rest.pop(0)
        match word:
            case "-H":
                name, _, content = value.partition(": ")
                headers[name.lower()] = content
            case "-u":
                headers["authorization"] = "Basic " + b64encode(value.encode()).decode()
            case "-d":
                found["body"] = value.encode()
            case "--data-urlencode":
                name, _, content = value.partition("=")
                found["query"] = f"{name}={quote(content)}"
            case "-o" | "-G" | "-s":
                pass
            case _:
                assert "url" not in found, word
                found["url"] = word
    url = found["url"] + (f"?{found['query']}" if "query" in found else "")
    return Curl("POST" if "body" in found else "GET", url, headers, found.get("body", b""))

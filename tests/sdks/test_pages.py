"""The lines that pages of sources show are those of the SDKs that are run, and they deliver."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from collectors.source_doc import Library
from collectors.sources.placeholders import Placeholders
from collectors.sources.registry import sources
from schemas.keys import OPEN
from tests.sdks.collecting import collector, inbox
from tests.sdks.runs import HERE, LEGACY, PYTHON, SDKS, SECONDS, missing

ALL = [library for source in sources() for library in source.about.libraries]
PINNED = re.compile(r"^([\w.-]+)==(\S+)$", re.MULTILINE)
SPEC = 'analytics.track({ userId: "u42", event: "Seen" });'
LATER = "await new Promise((done) => setTimeout(done, 1000));"
CALLS = {
    "@segment/analytics-node": f"{SPEC} await analytics.closeAndFlush();",
    "analytics-node": f"{SPEC} {LATER}",  # it sends its first event by itself
    "@rudderstack/rudder-sdk-node": f"{SPEC} await new Promise((done) => analytics.flush(done));",
    "@jitsu/js": 'await analytics.track("Seen", {});',
    "posthog-node": 'posthog.capture({ distinctId: "u42", event: "Seen" }); await posthog.shutdown();',
    "@snowplow/node-tracker": 'import { buildStructEvent } from "@snowplow/node-tracker";'
    'tracker.setUserId("u42"); tracker.track(buildStructEvent({ category: "shop", action: "Seen" }));'
    f"await tracker.flush(); {LATER}",
    "segment-analytics-python": 'analytics.track("u42", "Seen"); analytics.shutdown()',
    "analytics-python": 'analytics.track("u42", "Seen"); analytics.shutdown()',
    "rudder-sdk-python": 'analytics.track("u42", "Seen"); analytics.shutdown()',
    "posthog": 'posthog.capture("Seen", distinct_id="u42"); posthog.shutdown()',
    "snowplow-tracker": "from snowplow_tracker import StructuredEvent, Subject\n"
    'tracker.set_subject(Subject().set_user_id("u42"))\n'
    'tracker.track(StructuredEvent("shop", "Seen")); tracker.flush()',
}
"""An event and its sending, by each library."""

of_servers = pytest.mark.parametrize(
    "library", [one for one in ALL if one.where != "browser"], ids=lambda one: one.package
)
of_pages = pytest.mark.parametrize(
    "library", [one for one in ALL if one.where == "browser"], ids=lambda one: one.package
)


def test_pages_name_the_packages_and_versions_that_are_run() -> None:
    pinned: dict[str, str] = json.loads((HERE / "package.json").read_text())["dependencies"]
    for name in ("requirements.txt", "requirements-legacy.txt"):
        pinned |= dict(PINNED.findall((HERE / name).read_text()))
    assert {(one.where, one.package) for one in ALL} == {(one.where, one.package) for one in SDKS}
    assert {one.package: one.version for one in ALL}.items() <= pinned.items()


@of_pages
def test_a_page_s_options_are_those_that_are_run(library: Library) -> None:
    script = next(one.script for one in SDKS if one.package == library.package)
    run = (HERE / "pages" / f"{script}.js").read_text()
    assert set(re.findall(r"\w+", _code(library.after))) <= set(re.findall(r"\w+", run))
    assert library.package in run


def _code(text: str) -> str:
    """Without what stands between quotation marks, but for names of options."""
    return re.sub(r'"([^"]*)"(:?)', lambda found: found[1] if found[2] else "", text)


@of_servers
@pytest.mark.sdks
def test_a_server_s_lines_deliver(library: Library, tmp_path: Path) -> None:
    if reason := missing(library.where):
        pytest.skip(reason)
    with collector(tmp_path, {"s3cret": OPEN._replace(site="shop")}) as address:
        place = Placeholders(address, "shop", server="s3cret")
        lines = (library.begin, library.after, CALLS[library.package])
        _run(library, place.fill("\n".join(lines)))
    written = inbox(tmp_path)
    assert [(one.site, one.event) for one in written.events] == [("shop", "Seen")]
    assert written.rejects == []


def _run(library: Library, program: str) -> None:
    command = ["node", "--input-type=module", "--eval", f"{program}\nprocess.exit(0);"]
    if library.where == "python":
        command = [str(PYTHON), "-c", program]
    path = str(LEGACY) if library.package == "analytics-python" else ""
    done = subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": path},
        cwd=HERE,
        timeout=SECONDS,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2_000:]

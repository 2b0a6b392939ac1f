"""Every stock SDK that is run, what it is expected to deliver, and what is needed to run it."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final, NamedTuple

HERE: Final = Path(__file__).parent
BUILT: Final = HERE.parent.parent / "build" / "sdks"
PYTHON: Final = BUILT / "venv" / "bin" / "python"
LEGACY: Final = BUILT / "legacy"
MODULES: Final = HERE / "node_modules"
SECONDS: Final = 90

SPEC: Final = {"page": 1, "track": 1, "identify": 1, "alias": 1, "purchase": 1}
"""One visit in the words of the Segment spec, and in PostHog's."""
NO_ALIAS: Final = {"page": 1, "track": 1, "identify": 1, "purchase": 1}
LEAVING: Final = SPEC | {"track": 2}
"""posthog-js also says when a page is left."""


class Sdk(NamedTuple):
    """One run: `where` it runs, its script and variant, and events by type it makes, per round.

    `rounds` counts the ways of sending it goes through in one run.
    """

    where: str
    package: str
    script: str
    variant: str
    makes: dict[str, int]
    rounds: int = 1

    @property
    def key(self) -> str:
        """Its write key and site, and its name in the printed table."""
        return "-".join(filter(None, (self.where, self.script, self.variant)))

    @property
    def expected(self) -> dict[str, int]:
        """Events by type over all rounds."""
        return {kind: count * self.rounds for kind, count in self.makes.items()}


SDKS: Final = (
    Sdk("python", "segment-analytics-python", "segment", "", SPEC, 2),
    Sdk("python", "analytics-python", "legacy", "", SPEC),
    Sdk("python", "rudder-sdk-python", "rudderstack", "", SPEC),
    Sdk("python", "posthog", "posthog", "", SPEC),
    Sdk("python", "posthog", "posthog", "gzip", SPEC),
    Sdk("python", "snowplow-tracker", "snowplow", "", {"page": 1, "track": 3, "purchase": 1}, 2),
    Sdk("node", "@segment/analytics-node", "segment", "", SPEC),
    Sdk("node", "analytics-node", "legacy", "", SPEC),
    Sdk("node", "@rudderstack/rudder-sdk-node", "rudderstack", "", SPEC),
    Sdk("node", "@jitsu/js", "jitsu", "", NO_ALIAS),
    Sdk("node", "posthog-node", "posthog", "", SPEC),
    Sdk(
        "node", "@snowplow/node-tracker", "snowplow", "", {"page": 1, "track": 3, "purchase": 1}, 2
    ),
    Sdk("browser", "@segment/analytics-next", "segment", "", SPEC),
    Sdk("browser", "@segment/analytics-next", "segment", "batching", SPEC),
    Sdk("browser", "@rudderstack/analytics-js", "rudderstack", "", SPEC),
    Sdk("browser", "@rudderstack/analytics-js", "rudderstack", "beacon", SPEC),
    Sdk("browser", "@jitsu/js", "jitsu", "", NO_ALIAS),
    Sdk("browser", "posthog-js", "posthog", "", LEAVING),
    Sdk("browser", "posthog-js", "posthog", "unload", LEAVING),
    Sdk(
        "browser",
        "@snowplow/browser-tracker",
        "snowplow",
        "",
        {"page": 1, "track": 3, "purchase": 1},
    ),
    Sdk(
        "browser",
        "@snowplow/browser-tracker",
        "snowplow",
        "get",
        {"page": 1, "track": 3, "purchase": 1},
    ),
)


def missing(where: str) -> str:
    """Why runs of this kind cannot be made here, or ""."""
    if where == "python":
        return "" if PYTHON.exists() else "needs the SDKs from the package index: make sdks"
    if shutil.which("node") is None:
        return "needs Node (Debian: nodejs npm)"
    if not (MODULES / ".package-lock.json").exists():
        return "needs the SDKs from the package index: make sdks"
    if where == "browser" and chromium() is None:
        return "needs Chromium (Debian: chromium)"
    return ""


def chromium() -> str | None:
    """The browser's program."""
    return shutil.which("chromium") or shutil.which("google-chrome")


def play(sdk: Sdk, address: str) -> None:
    """One SDK's visit outside a browser; raises where its program fails."""
    if sdk.where == "python":
        command = [str(PYTHON), str(HERE / "in_python.py")]
    else:
        command = ["node", str(HERE / "in_node.mjs")]
    path = str(LEGACY) if sdk.script == "legacy" else ""
    _run([*command, sdk.script, address, sdk.key, sdk.variant], {"PYTHONPATH": path})


def play_in_browser(sdks: list[Sdk], address: str) -> dict[str, Any]:
    """All visits in one browser → for each key what its console said and where else it called."""
    visits = [f"{sdk.script}:{sdk.variant}:{sdk.key}" for sdk in sdks]
    command = ["node", str(HERE / "in_browser.mjs"), address, *visits]
    told: dict[str, Any] = json.loads(_run(command, {"CHROMIUM": chromium() or ""}))
    return told


def _run(command: list[str], more: dict[str, str]) -> str:
    done = subprocess.run(
        command, env=os.environ | more, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout

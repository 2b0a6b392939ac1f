"""Every setting: name, default, kind, unit, help. From flags, else `FOOTFALL_…`, else the default."""

import os
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipeline.errors import BadSetting


@dataclass(frozen=True)
class Setting:
    """One setting. `parse` turns text into its value and raises ValueError with what it takes."""

    name: str
    default: str
    help: str
    parse: Callable[[str], Any] = str

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return "FOOTFALL_" + self.name.upper()

    @property
    def flag(self) -> str:
        """Its flag on the command line."""
        return "--" + self.name.replace("_", "-")


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not text.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError(" or ".join(f"{scheme}://…" for scheme in schemes))
        return text

    return parse


def _keys(text: str) -> dict[str, str]:
    pairs = [part.partition(":") for part in text.split(",") if part.strip()]
    if not all(key.strip() and site.strip() for key, _, site in pairs):
        raise ValueError("key:site pairs with commas between")
    return {key.strip(): site.strip() for key, _, site in pairs}


def _texts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _path(text: str) -> str:
    if not re.fullmatch(r"(?:/[\w.-]+)+", text, re.ASCII):
        raise ValueError("a path such as /footfall.js")
    return text


def _clock(text: str) -> tuple[int, int, float] | None:
    if not text:
        return None
    try:
        start, wall, speed = text.split(",")
        return int(start), int(wall), float(speed)
    except ValueError:
        raise ValueError("start_ms,wall_ms,speed, or nothing for the real time") from None


SETTINGS: Final = (
    Setting("log", "embedded://data", "The log: embedded://DIRECTORY or kafka://HOST:PORT[,…].",
            _url("embedded", "kafka")),
    Setting("warehouse", "chdb://data/warehouse",
            "The warehouse: chdb://DIRECTORY or clickhouse://[USER:PASSWORD@]HOST:PORT/DATABASE.",
            _url("chdb", "clickhouse")),
    Setting("partitions", "2", "Partitions of every topic; fixed when the log is made.",
            _whole(1, 1024)),
    Setting("replication", "1", "Kafka only: copies of every topic, when made.", _whole(1, 9)),
    Setting("host", "127.0.0.1", "Address the collector listens on."),
    Setting("port", "8100", "Port of the collector.", _whole(1, 65535)),
    Setting("worker_host", "127.0.0.1", "Address the worker's pages listen on. They have no "
            "password and show every customer: keep them on this machine or a private network."),
    Setting("worker_port", "8101", "Port of the worker's dashboards, queries and metrics.",
            _whole(1, 65535)),
    Setting("write_keys", "", "key:site pairs with commas between; none: every key is site "
            "'default'.", _keys),
    Setting("snippet_path", "/footfall.js", "Path of the tracking snippet on the collector; it sends "
            "its events there too. Blockers' lists know the usual names.", _path),
    Setting("webhook_secrets", "", "Secrets of webhooks that come in, as vendor[:site]=secret with "
            "commas between. A vendor without a secret is refused.", _texts),
    Setting("webhook_mappings", "", "Mapping files (TOML) of further webhooks that come in, with "
            "commas between.", _texts),
    Setting("funnel", "", "Steps to the goal, for example: /cart > /checkout > Order Completed. "
            "Without it, what leads forward is learned."),
    Setting("horizon", "300", "Seconds a visitor has to go on from a page before the view has "
            "failed.", _whole(5, 1800)),
    Setting("lateness", "86400", "Seconds an event may come late and still correct sessions and "
            "page outcomes; also how long re-sent browser events are recognised.",
            _whole(1800, 30 * 86400)),
    Setting("lead_days", "3", "Days ahead of the expected date that a repurchase is due.",
            _whole(0, 90)),
    Setting("webhook_url", "", "Where triggers are delivered; empty: nowhere."),
    Setting("webhook_secret", "", "Standard Webhooks secret (whsec_…) that signs deliveries."),
    Setting("retention_days", "7", "Days the log keeps records that are in the warehouse.",
            _whole(1, 3650)),
    Setting("memory_limit", "2000000000", "Bytes one embedded warehouse query may use.",
            _whole(100_000_000, 10**12)),
    Setting("tick_ms", "1000", "Milliseconds between the collector's ticks, which carry time into "
            "the log.", _whole(10, 60_000)),
    Setting("clock", "", "start_ms,wall_ms,speed: a faster clock, for demonstrations.", _clock),
)  # fmt: skip

BY_NAME: Final = {setting.name: setting for setting in SETTINGS}


class Settings:
    """All values, parsed: `settings.port`. Raises BadSetting naming what is wrong."""

    def __init__(
        self, given: Mapping[str, str | None] | None = None, env: Mapping[str, str] = os.environ
    ) -> None:
        self._values: dict[str, Any] = {}
        for setting in SETTINGS:
            text = (given or {}).get(setting.name)
            source = setting.flag
            if text is None:
                source = setting.variable
                text = env.get(setting.variable, setting.default)
            try:
                self._values[setting.name] = setting.parse(text)
            except ValueError as error:
                raise BadSetting(f"{source} is {text!r}; it takes {error}.") from None
        self._check_together()
        self._check_secret()

    def _check_together(self) -> None:
        if bool(self.webhook_url) != bool(self.webhook_secret):
            raise BadSetting("FOOTFALL_WEBHOOK_URL and FOOTFALL_WEBHOOK_SECRET go together.")

    def _check_secret(self) -> None:
        try:
            if self.webhook_secret:
                b64decode(self.webhook_secret.removeprefix("whsec_"), validate=True)
        except ValueError:
            raise BadSetting(
                "FOOTFALL_WEBHOOK_SECRET is no Standard Webhooks secret; it takes whsec_ and Base64."
            ) from None

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def environment(self) -> dict[str, str]:
        """The values as `FOOTFALL_…` text, for a child process."""
        return {s.variable: self._text(s) for s in SETTINGS}

    def _text(self, setting: Setting) -> str:
        value = self._values[setting.name]
        if isinstance(value, dict):
            return ",".join(f"{key}:{site}" for key, site in value.items())
        if isinstance(value, tuple):
            return ",".join(map(str, value))
        return "" if value is None else str(value)

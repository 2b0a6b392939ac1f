"""Every setting: name, default, kind, unit, help. From flags, else `FOOTFALL_…`, else the default."""

import os
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_address, ip_network
from typing import Any, Final

from pipeline import addresses
from pipeline.errors import BadSetting
from pipeline.masking import mask_url, secrets_of
from schemas.keys import Keys, browser_keys, server_keys, text_of

_LONGEST_LINE: Final = 10_000


@dataclass(frozen=True)
class Setting:
    """One setting. `parse` turns text into its value and raises ValueError with what it takes.

    A `secret` is never shown, not even where it is wrong; a `url` without what is secret in it.
    """

    name: str
    default: str
    help: str
    parse: Callable[[str], Any] = str
    secret: bool = False
    url: bool = False

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return PREFIX + self.name.upper()

    @property
    def flag(self) -> str:
        """Its flag on the command line."""
        return "--" + self.name.replace("_", "-")


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,15}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def _url(**kinds: Callable[[str], str]) -> Callable[[str], str]:
    """One of some schemes, each with what checks the rest of the URL."""

    def parse(text: str) -> str:
        scheme, mark, rest = text.partition("://")
        if not mark or scheme not in kinds:
            raise ValueError(" or ".join(f"{scheme}://…" for scheme in kinds))
        kinds[scheme](rest)
        return text

    return parse


def _only_here(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(" or ".join(words))
        return text

    return parse


def _texts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _names(text: str) -> tuple[str, ...]:
    words = _texts(text)
    if not all(re.fullmatch(r"(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d+)?", word) for word in words):
        raise ValueError(
            "names such as stats.myshop.example or 192.0.2.7:8101, with commas between"
        )
    return words


def _token(text: str) -> str:
    if text and not re.fullmatch(r"[!-~]{16,}", text):
        raise ValueError("16 or more letters, digits or signs, as `openssl rand -hex 16` makes")
    return text


def _proxies(text: str) -> tuple[str, ...]:
    words = _texts(text)
    try:
        for word in words:
            if word != "private" and words != ("none",):
                ip_network(word)
    except ValueError:
        words = ()
    if not words:
        raise ValueError("private, none, or networks such as 203.0.113.0/24 with commas between")
    return words


def _path(text: str) -> str:
    if not re.fullmatch(r"(?:/[\w.-]+)+", text, re.ASCII):
        raise ValueError("a path such as /footfall.js")
    return text


def _file(text: str) -> str:
    if not text.isprintable() or len(text) > addresses.LONGEST_PATH:
        raise ValueError("the path of a file")
    return text


def _files(text: str) -> tuple[str, ...]:
    return tuple(map(_file, _texts(text)))


def _line(text: str) -> str:
    if not text.isprintable() or len(text) > _LONGEST_LINE:
        raise ValueError(f"one line of at most {_LONGEST_LINE} characters")
    return text


def _clock(text: str) -> tuple[int, int, float] | None:
    """Speeds and times that no date can hold would end a collector at its first tick."""
    if not text:
        return None
    whole, number = r"[0-9]{1,14}", r"[0-9]{1,9}(?:\.[0-9]{1,20})?"
    if not re.fullmatch(f"{whole},{whole},{number}", text) or not float(text.split(",")[2]):
        raise ValueError("start_ms,wall_ms,speed (above 0), or nothing for the real time")
    start, wall, speed = text.split(",")
    return int(start), int(wall), float(speed)


SETTINGS: Final = (
    Setting(
        "log",
        "embedded://data",
        "The log: embedded://DIRECTORY or kafka://HOST:PORT[,…].",
        _url(embedded=addresses.directory, kafka=addresses.kafka),
        url=True,
    ),
    Setting(
        "warehouse",
        "chdb://data/warehouse",
        "The warehouse: chdb://DIRECTORY or clickhouse://[USER:PASSWORD@]HOST:PORT/DATABASE.",
        _url(chdb=addresses.directory, clickhouse=addresses.clickhouse),
        url=True,
    ),
    Setting(
        "partitions", "2", "Partitions of every topic; fixed when the log is made.", _whole(1, 1024)
    ),
    Setting("replication", "1", "Kafka only: copies of every topic, when made.", _whole(1, 9)),
    Setting("host", "127.0.0.1", "Address the collector listens on.", addresses.host),
    Setting("port", "8100", "Port of the collector.", _whole(1, 65535)),
    Setting(
        "worker_host",
        "127.0.0.1",
        "Address the worker's pages listen on. They show every "
        "customer: others than this machine's need a worker token.",
        addresses.host,
    ),
    Setting(
        "worker_port",
        "8101",
        "Port of the worker's dashboards, queries and metrics.",
        _whole(1, 65535),
    ),
    Setting(
        "worker_names",
        "",
        "Names or addresses that the worker's pages are called by besides "
        "localhost, 127.0.0.1 and [::1], with commas between, such as stats.myshop.example.",
        _names,
    ),
    Setting(
        "worker_token",
        "",
        "Secret of 16 characters or more that whoever asks the worker must "
        "show: as a bearer, as Basic's password (browsers ask for it) or as X-ClickHouse-Key.",
        _token,
        secret=True,
    ),
    Setting(
        "write_keys",
        "",
        "Keys for pages, as key:site with commas between. Each may be followed "
        "by identify (may say who a visitor is), purchase (its orders count), origin=https://… "
        "(the only pages to use it on, repeatable) and rate=N (events a second; 1000).",
        browser_keys,
    ),
    Setting(
        "server_keys",
        "",
        "Secrets for servers, as secret:site with commas between: for "
        "purchases, tickets and history. Each may be followed by rate=N (5000).",
        server_keys,
        secret=True,
    ),
    Setting(
        "snippet_path",
        "/footfall.js",
        "Path of the tracking snippet on the collector; it sends "
        "its events there too. Blockers' lists know the usual names.",
        _path,
    ),
    Setting(
        "webhook_secrets",
        "",
        "Secrets of webhooks that come in, as vendor[:site]=secret with "
        "commas between; several for one while it is changed. A vendor without is refused.",
        _texts,
        secret=True,
    ),
    Setting(
        "webhook_mappings",
        "",
        "Mapping files (TOML) of further webhooks that come in, with commas between.",
        _files,
    ),
    Setting(
        "ip_addresses",
        "truncated",
        "What of visitors' IP addresses is stored: truncated (the "
        "first 24 bits, 48 of IPv6), hashed or none.",
        _one_of("truncated", "hashed", "none"),
    ),
    Setting(
        "trusted_proxies",
        "private",
        "Whose X-Forwarded-For is believed about visitors' "
        "addresses: private (proxies in private networks), none, or networks with commas "
        "between, such as private,203.0.113.0/24.",
        _proxies,
    ),
    Setting(
        "ip_hash_key",
        "",
        "For hashed addresses: 16 characters or more that nobody knows.",
        secret=True,
    ),
    Setting(
        "countries",
        "",
        "Path of a MaxMind DB file (.mmdb) of countries or cities, to know "
        "visitors' countries; read at start.",
        _file,
    ),
    Setting(
        "deny_properties",
        "",
        "Names of properties and traits that are never stored, at any depth, with commas between.",
        _texts,
    ),
    Setting(
        "funnel",
        "",
        "Steps to the goal, for example: /cart > /checkout > Order Completed. "
        "Without it, what leads forward is learned.",
        _line,
    ),
    Setting(
        "horizon",
        "300",
        "Seconds a visitor has to go on from a page before the view has failed.",
        _whole(5, 1800),
    ),
    Setting(
        "lateness",
        "86400",
        "Seconds an event may come late and still correct sessions and "
        "page outcomes; also how long re-sent browser events are recognised.",
        _whole(1800, 30 * 86400),
    ),
    Setting(
        "lead_days", "3", "Days ahead of the expected date that a repurchase is due.", _whole(0, 90)
    ),
    Setting(
        "webhook_url", "", "Where triggers are delivered; empty: nowhere.", addresses.web, url=True
    ),
    Setting(
        "webhook_secret",
        "",
        "Standard Webhooks secret (whsec_…) that signs deliveries.",
        secret=True,
    ),
    Setting(
        "retention_days",
        "7",
        "Days the log keeps records that are in the warehouse; "
        "for restore points up to half as long again.",
        _whole(1, 3650),
    ),
    Setting(
        "disk_reserve",
        "2000000000",
        "Bytes kept free on the disks of an embedded log and "
        "warehouse: twice the largest part that a merge makes. Below it collectors answer 503 and "
        "nothing is stored or merged, until a quarter more is free.",
        _whole(0, 10**13),
    ),
    Setting(
        "rejects_limit",
        "1000000000",
        "Bytes of refused input that the warehouse keeps, 512 for "
        "each on top; beyond it strangers' are deleted first.",
        _whole(1_000_000, 10**12),
    ),
    Setting(
        "state_limit",
        "1000000000",
        "Bytes of the worker's memory for what it remembers of devices "
        "and customers, all partitions together. When devices take more than a quarter, "
        "visits are forgotten before their lateness.",
        _whole(1_000_000, 10**12),
    ),
    Setting(
        "memory_limit",
        "2000000000",
        "Bytes that one statement of the worker's own may use in an "
        "embedded warehouse, and that all queries of pages, Grafana and people may use together.",
        _whole(100_000_000, 10**12),
    ),
    Setting(
        "tick_ms",
        "1000",
        "Milliseconds between the collector's ticks, which carry time into the log.",
        _whole(10, 60_000),
    ),
    Setting(
        "clock",
        "",
        "start_ms,wall_ms,speed: a faster clock, for demonstrations; the same "
        "for collectors and workers.",
        _clock,
    ),
)

BY_NAME: Final = {setting.name: setting for setting in SETTINGS}
PREFIX: Final = "FOOTFALL_"
_SHOWN: Final = 200
"""Characters of a wrong value that are repeated."""
_OTHER: Final = "those of webhooks that come in are FOOTFALL_WEBHOOK_SECRETS"
_OF_A_SERVICE: Final = re.compile(r"_SERVICE_(?:HOST|PORT)|_PORT_\d+_(?:TCP|UDP)")
"""What Kubernetes gives every container about a service that is called footfall, too."""


class Settings:
    """All values, parsed: `settings.port`. Raises BadSetting naming what is wrong."""

    def __init__(
        self, given: Mapping[str, str | None] | None = None, env: Mapping[str, str] = os.environ
    ) -> None:
        self._values: dict[str, Any] = {}
        _check_names(env)
        for setting in SETTINGS:
            text = (given or {}).get(setting.name)
            source = setting.flag
            if text is None:
                source = setting.variable
                text = env.get(setting.variable, setting.default)
            try:
                self._values[setting.name] = setting.parse(_readable(text))
            except ValueError as error:
                raise BadSetting(
                    f"{source} is {_shown(setting, text)}; it takes {error}."
                ) from None
        self._check_together()
        self._check_secret()

    def _check_together(self) -> None:
        if bool(self.webhook_url) != bool(self.webhook_secret):
            raise BadSetting(
                f"FOOTFALL_WEBHOOK_URL and FOOTFALL_WEBHOOK_SECRET go together ({_OTHER})."
            )
        if (self.ip_addresses == "hashed") != bool(self.ip_hash_key):
            raise BadSetting("FOOTFALL_IP_ADDRESSES=hashed and FOOTFALL_IP_HASH_KEY go together.")
        if both := self.write_keys.keys() & self.server_keys.keys():
            sites = sorted(self.server_keys[name].site for name in both)
            raise BadSetting(
                "FOOTFALL_WRITE_KEYS and FOOTFALL_SERVER_KEYS have a key in common, of the site "
                f"{sites[0]!r}; a key that stands in pages is no secret: make another one."
            )

    def check_open(self) -> None:
        """Raise BadSetting where a collector would take everything from everybody."""
        if not self.keys and not _only_here(self.host):
            raise BadSetting(
                f"FOOTFALL_HOST is {self.host!r}, and there is no write key: anybody could send "
                "purchases and say who is who. Set FOOTFALL_WRITE_KEYS (for pages) or "
                "FOOTFALL_SERVER_KEYS, for example --write-keys k3y:myshop."
            )

    def check_worker_open(self) -> None:
        """Raise BadSetting where a worker would show everything to everybody."""
        if not self.worker_token and not _only_here(self.worker_host):
            raise BadSetting(
                f"FOOTFALL_WORKER_HOST is {self.worker_host!r}, and there is no token: anybody could "
                "read every customer. Set FOOTFALL_WORKER_TOKEN, for example to what "
                "`openssl rand -hex 16` prints."
            )

    @property
    def keys(self) -> Keys:
        """All write keys by name."""
        return {**self.write_keys, **self.server_keys}

    def _check_secret(self) -> None:
        try:
            if self.webhook_secret and not b64decode(
                self.webhook_secret.removeprefix("whsec_"), validate=True
            ):
                raise ValueError
        except ValueError:
            raise BadSetting(
                "FOOTFALL_WEBHOOK_SECRET is no Standard Webhooks secret; it takes whsec_ and Base64, "
                f"as `echo whsec_$(openssl rand -base64 24)` makes ({_OTHER})."
            ) from None

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def secrets(self) -> set[str]:
        """Every text in the settings that must never be shown, for `masking.scrubbed`."""
        found = {*self.server_keys, self.ip_hash_key, self.webhook_secret}
        found |= {self.webhook_secret.removeprefix("whsec_")}
        found |= {one.partition("=")[2].strip() for one in self.webhook_secrets}
        return found.union(*(secrets_of(self._text(s)) for s in SETTINGS if s.url))

    def environment(self) -> dict[str, str]:
        """The values as `FOOTFALL_…` text, for a child process."""
        return {s.variable: self._text(s) for s in SETTINGS}

    def _text(self, setting: Setting) -> str:
        value = self._values[setting.name]
        if isinstance(value, dict):
            return text_of(value)
        if isinstance(value, tuple):
            return ",".join(map(str, value))
        return "" if value is None else str(value)


def _readable(text: str) -> str:
    """Bytes that are no UTF-8 come as lone surrogates, which nothing can write."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("text in UTF-8") from None
    return text


def _shown(setting: Setting, text: str) -> str:
    """What was given, for people: as long as they need to know it again, and nothing secret."""
    if setting.secret:
        return "wrong"
    text = mask_url(text) if setting.url or "://" in text or "@" in text else text
    return repr(text[:_SHOWN] + "…" * (len(text) > _SHOWN))


def _check_names(env: Mapping[str, str]) -> None:
    """Raise BadSetting for a variable that is none: a misspelt deny-list would deny nothing."""
    known = {setting.variable for setting in SETTINGS}
    for name in sorted(name for name in env if name.startswith(PREFIX)):
        if name in known or _OF_A_SERVICE.search(name):
            continue
        like = get_close_matches(name.removeprefix(PREFIX).lower(), BY_NAME, 1)
        meant = f"did you mean {BY_NAME[like[0]].variable}?" if like else ""
        raise BadSetting(f"{name} is no setting; {meant or '`footfall up --help` names all.'}")

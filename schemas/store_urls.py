"""URLs of logs and warehouses, taken apart: the one place that knows their schemes.

Settings have checked them (`pipeline.addresses`); what comes from elsewhere may raise ValueError here.
"""

from typing import Final, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

LOG_FORMS: Final = "embedded://DIR, kafka://HOST:PORT or null://"
SERVER_FORM: Final = "clickhouse://user:password@host:9000/db"


class EmbeddedLog(NamedTuple):
    """`embedded://DIRECTORY`: SQLite files."""

    directory: str


class KafkaLog(NamedTuple):
    """`kafka://HOST:PORT[,HOST:PORT…]`."""

    bootstrap: str

    @property
    def servers(self) -> list[str]:
        """HOST:PORT of each."""
        return self.bootstrap.split(",")


class NullLog(NamedTuple):
    """`null://`, for measurements of collectors: everything is dropped."""


class EmbeddedWarehouseUrl(NamedTuple):
    """`chdb://DIRECTORY`: the engine as a library."""

    directory: str


class ServerUrl(NamedTuple):
    """`clickhouse://[USER:PASSWORD@]HOST[:PORT][/DATABASE][?http_port=PORT]`, `clickhouses://` with TLS."""

    host: str
    port: int | None
    user: str
    password: str
    database: str
    http_port: int
    secure: bool


LogUrl = EmbeddedLog | KafkaLog | NullLog
WarehouseUrl = EmbeddedWarehouseUrl | ServerUrl


def log_url(url: str) -> LogUrl:
    """What a log's URL says. Raises ValueError with what it takes."""
    scheme, _, remainder = url.partition("://")
    if scheme == "embedded":
        return EmbeddedLog(remainder)
    if scheme == "kafka":
        return KafkaLog(remainder)
    if scheme == "null":
        return NullLog()
    raise ValueError(f"{scheme}:// is no log: {LOG_FORMS}.")


def warehouse_url(url: str) -> WarehouseUrl:
    """What a warehouse's URL says. Raises ValueError for none."""
    scheme, _, remainder = url.partition("://")
    return EmbeddedWarehouseUrl(remainder) if scheme == "chdb" else server_url(url)


def server_url(url: str) -> ServerUrl:
    """What the URL of a ClickHouse server says. Raises ValueError for none, without what it says."""
    parts = urlsplit(url)
    if parts.scheme not in ("clickhouse", "clickhouses") or not parts.hostname:
        raise ValueError(SERVER_FORM)
    return ServerUrl(
        host=parts.hostname,
        port=parts.port,
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=parts.path.strip("/") or "default",
        http_port=int(parse_qs(parts.query).get("http_port", ["8123"])[0]),
        secure=parts.scheme == "clickhouses",
    )


def directories(log: str, warehouse: str) -> list[str]:
    """The data folders on this machine that the URLs of a log and a warehouse name."""
    urls = (log_url(log), warehouse_url(warehouse))
    return [url.directory for url in urls if isinstance(url, EmbeddedLog | EmbeddedWarehouseUrl)]

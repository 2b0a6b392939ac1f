"""Every setting, declared once: its type, its name, its default and what it says to people.

A field is called as its option is, with the unit where the option has none: `--horizon` is `horizon_s`.
"""

from dataclasses import dataclass, fields
from typing import Final

from pipeline import addresses
from pipeline.settings import kinds
from pipeline.settings.setting import Setting, setting, setting_of
from schemas import keys


@dataclass(frozen=True, init=False)
class Fields:
    """The values; `pipeline.settings.Settings` reads and checks them."""

    log: str = setting(
        kinds.one_url(embedded=addresses.directory, kafka=addresses.kafka),
        "embedded://data",
        "The log: embedded://DIRECTORY or kafka://HOST:PORT[,…].",
        url=True,
    )
    warehouse: str = setting(
        kinds.one_url(chdb=addresses.directory, clickhouse=addresses.clickhouse),
        "chdb://data/warehouse",
        "The warehouse: chdb://DIRECTORY or clickhouse://[USER:PASSWORD@]HOST:PORT/DATABASE.",
        url=True,
    )
    partitions: int = setting(
        kinds.whole_number(1, 1024), "2", "Partitions of every topic; fixed when the log is made."
    )
    replication: int = setting(
        kinds.whole_number(1, 9), "1", "Kafka only: copies of every topic, when made."
    )
    host: str = setting(addresses.host, "127.0.0.1", "Address the collector listens on.")
    port: int = setting(kinds.whole_number(1, 65535), "8100", "Port of the collector.")
    worker_host: str = setting(
        addresses.host,
        "127.0.0.1",
        "Address the worker's pages listen on. They show every customer: others than this "
        "machine's need a worker token.",
    )
    worker_port: int = setting(
        kinds.whole_number(1, 65535),
        "8101",
        "Port of the worker's dashboards, queries and metrics.",
    )
    worker_names: tuple[str, ...] = setting(
        kinds.names,
        "",
        "Names or addresses that the worker's pages are called by besides localhost, "
        "127.0.0.1 and [::1], with commas between, such as stats.myshop.example.",
    )
    worker_token: str = setting(
        kinds.token,
        "",
        "Secret of 16 characters or more that whoever asks the worker must show: as a bearer,"
        " as Basic's password (browsers ask for it) or as X-ClickHouse-Key.",
        secret=True,
    )
    write_keys: keys.Keys = setting(
        keys.browser_keys,
        "",
        "Keys for pages, as key:site with commas between. Each may be followed by identify "
        "(may say who a visitor is), purchase (its orders count), origin=https://… (the only "
        "pages to use it on, repeatable) and rate=N (events a second; 1000).",
    )
    server_keys: keys.Keys = setting(
        keys.server_keys,
        "",
        "Secrets for servers, as secret:site with commas between: for purchases, tickets and "
        "history. Each may be followed by rate=N (5000).",
        secret=True,
    )
    snippet_path: str = setting(
        kinds.path,
        "/footfall.js",
        "Path of the tracking snippet on the collector; it sends its events there too. "
        "Blockers' lists know the usual names.",
    )
    webhook_secrets: tuple[str, ...] = setting(
        kinds.texts,
        "",
        "Secrets of webhooks that come in, as vendor[:site]=secret with commas between; "
        "several for one while it is changed. A vendor without is refused.",
        secret=True,
    )
    webhook_mappings: tuple[str, ...] = setting(
        kinds.files,
        "",
        "Mapping files (TOML) of further webhooks that come in, with commas between.",
    )
    ip_addresses: str = setting(
        kinds.one_of("truncated", "hashed", "none"),
        "truncated",
        "What of visitors' IP addresses is stored: truncated (the first 24 bits, 48 of IPv6),"
        " hashed or none.",
    )
    trusted_proxies: tuple[str, ...] = setting(
        kinds.proxies,
        "private",
        "Whose X-Forwarded-For is believed about visitors' addresses: private (proxies in "
        "private networks), none, or networks with commas between, such as "
        "private,203.0.113.0/24.",
    )
    ip_hash_key: str = setting(
        str, "", "For hashed addresses: 16 characters or more that nobody knows.", secret=True
    )
    countries: str = setting(
        kinds.file,
        "",
        "Path of a MaxMind DB file (.mmdb) of countries or cities, to know visitors' "
        "countries; read at start.",
    )
    deny_properties: tuple[str, ...] = setting(
        kinds.texts,
        "",
        "Names of properties and traits that are never stored, at any depth, with commas between.",
    )
    funnel: str = setting(
        kinds.line,
        "",
        "Steps to the goal, for example: /cart > /checkout > Order Completed. Without it, "
        "what leads forward is learned.",
    )
    horizon_s: int = setting(
        kinds.whole_number(5, 1800),
        "300",
        "Seconds a visitor has to go on from a page before the view has failed.",
        name="horizon",
    )
    lateness_s: int = setting(
        kinds.whole_number(1800, 30 * 86400),
        "86400",
        "Seconds an event may come late and still correct sessions and page outcomes; also "
        "how long re-sent browser events are recognised.",
        name="lateness",
    )
    lead_days: int = setting(
        kinds.whole_number(0, 90), "3", "Days ahead of the expected date that a repurchase is due."
    )
    webhook_url: str = setting(
        addresses.web, "", "Where triggers are delivered; empty: nowhere.", url=True
    )
    webhook_secret: str = setting(
        str, "", "Standard Webhooks secret (whsec_…) that signs deliveries.", secret=True
    )
    retention_days: int = setting(
        kinds.whole_number(1, 3650),
        "7",
        "Days the log keeps records that are in the warehouse; for restore points up to half "
        "as long again.",
    )
    disk_reserve_bytes: int = setting(
        kinds.whole_number(0, 10**13),
        "2000000000",
        "Bytes kept free on the disks of an embedded log and warehouse: twice the largest "
        "part that a merge makes. Below it collectors answer 503 and nothing is stored or "
        "merged, until a quarter more is free.",
        name="disk_reserve",
    )
    rejects_limit_bytes: int = setting(
        kinds.whole_number(1000000, 10**12),
        "1000000000",
        "Bytes of refused input that the warehouse keeps, 512 for each on top; beyond it "
        "strangers' are deleted first.",
        name="rejects_limit",
    )
    state_limit_bytes: int = setting(
        kinds.whole_number(1000000, 10**12),
        "1000000000",
        "Bytes of the worker's memory for what it remembers of devices and customers, all "
        "partitions together. When devices take more than a quarter, visits are forgotten "
        "before their lateness.",
        name="state_limit",
    )
    memory_limit_bytes: int = setting(
        kinds.whole_number(100000000, 10**12),
        "2000000000",
        "Bytes that one statement of the worker's own may use in an embedded warehouse, and "
        "that all queries of pages, Grafana and people may use together.",
        name="memory_limit",
    )
    tick_ms: int = setting(
        kinds.whole_number(10, 60000),
        "1000",
        "Milliseconds between the collector's ticks, which carry time into the log.",
    )
    clock: tuple[int, int, float] | None = setting(
        kinds.pace,
        "",
        "start_ms,wall_ms,speed: a faster clock, for demonstrations; the same for collectors "
        "and workers.",
    )


SETTINGS: Final[tuple[Setting, ...]] = tuple(map(setting_of, fields(Fields)))
BY_NAME: Final = {setting.name: setting for setting in SETTINGS}

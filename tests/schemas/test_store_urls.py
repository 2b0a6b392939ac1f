"""URLs of logs and warehouses, taken apart."""

import pytest

from schemas.store_urls import (
    EmbeddedLog,
    EmbeddedWarehouseUrl,
    KafkaLog,
    NullLog,
    ServerUrl,
    directories,
    log_url,
    warehouse_url,
)


@pytest.mark.parametrize(
    ("url", "meaning"),
    [
        ("embedded://data", EmbeddedLog("data")),
        ("embedded:///var/lib/a b", EmbeddedLog("/var/lib/a b")),
        ("kafka://a:9092,b:9092", KafkaLog("a:9092,b:9092")),
        ("null://", NullLog()),
    ],
)
def test_a_logs_url_says_where_it_is(url: str, meaning: object) -> None:
    assert log_url(url) == meaning
    assert type(log_url(url)) is type(meaning)


def test_kafkas_servers_stand_one_after_another() -> None:
    assert KafkaLog("a:9092,b:9092").servers == ["a:9092", "b:9092"]


def test_what_is_no_log_is_refused_with_what_is_one() -> None:
    with pytest.raises(ValueError, match="redis:// is no log: embedded://DIR"):
        log_url("redis://here")


@pytest.mark.parametrize(
    ("url", "meaning"),
    [
        ("chdb://data/warehouse", EmbeddedWarehouseUrl("data/warehouse")),
        (
            "clickhouse://host",
            ServerUrl("host", None, "default", "", "default", 8123, secure=False),
        ),
        (
            "clickhouses://me:s%2Fcret@host:9440/shop?http_port=8443",
            ServerUrl("host", 9440, "me", "s/cret", "shop", 8443, secure=True),
        ),
    ],
)
def test_a_warehouses_url_says_how_it_is_reached(url: str, meaning: object) -> None:
    assert warehouse_url(url) == meaning


@pytest.mark.parametrize("url", ["http://host/", "clickhouse:///db", "embedded"])
def test_what_is_no_warehouse_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(ValueError, match=r"^clickhouse://user:password@host:9000/db$"):
        warehouse_url(url)


def test_the_folders_of_this_machine_are_those_of_embedded_ones() -> None:
    assert directories("embedded://a", "chdb://a/w") == ["a", "a/w"]
    assert directories("kafka://a:9092", "clickhouse://b:9000/c") == []

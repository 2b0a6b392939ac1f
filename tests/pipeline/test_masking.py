"""What is secret in a URL is never shown, however it is written; what tells URLs apart is."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.masking import mask_url, scrub, secrets_of
from pipeline.settings import Settings

MARK = "S3CR"
"""Stands in every secret part below and in nothing else."""
PIECE = st.text("aB9@:/?#&=%+. \\é[]", max_size=6).map(lambda text: f"{text[:3]}{MARK}{text[3:]}")
HOST = st.sampled_from(["h.example", "h.example:8080", "127.0.0.1", "[::1]:9", "localhost:1"])


@given(
    scheme=st.sampled_from(
        ["https://", "http://", "kafka://", "clickhouse://", "redis://", "x:", ""]
    ),
    user=st.none() | PIECE,
    password=st.none() | PIECE,
    host=HOST,
    tail=st.sampled_from(["", "/"]),
    path=st.none() | PIECE,
    query=st.none() | PIECE,
    fragment=st.none() | PIECE,
)
def test_no_secret_part_of_any_url_is_shown(
    scheme: str,
    user: str | None,
    password: str | None,
    host: str,
    tail: str,
    path: str | None,
    query: str | None,
    fragment: str | None,
) -> None:
    login = "" if user is password is None else f"{user or ''}:{password or ''}@"
    # A ClickHouse's path is its database, which is shown.
    path = path if path and scheme != "clickhouse://" else None
    tail += "".join(
        mark + part for mark, part in (("/", path), ("?", query), ("#", fragment)) if part
    )
    assert MARK not in mask_url(scheme + login + host + tail)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("clickhouse://footfall:s3cret@host:9000/db", "clickhouse://***@host:9000/db"),
        ("clickhouse://footfall:s3/c@ret@host/db", "clickhouse://***"),
        ("clickhouse://host:9000/db", "clickhouse://host:9000/db"),
        ("footfall:s3cret@host.example", "***@host.example"),
        ("s3cret", "***"),
        ("chdb://data/ware@house", "chdb://data/ware@house"),
        ("kafka://a:9092,b:9092", "kafka://a:9092,b:9092"),
        ("https://hook.example/", "https://hook.example/"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert mask_url(url) == shown


def test_two_endpoints_of_one_host_are_told_apart_and_one_is_always_called_the_same() -> None:
    hooks = [f"https://u:p@hooks.example/services/T0/{n}" for n in range(100)]
    assert len({mask_url(hook) for hook in hooks}) == 100
    assert mask_url(hooks[0]) == mask_url(hooks[0])
    assert mask_url(hooks[0]).startswith("https://***@hooks.example/…")


@given(user=PIECE, password=PIECE, path=PIECE)
@example(user="9S3CR", password="99:S3CR#9", path="9S3CR")
def test_an_error_s_text_is_shown_without_them_too(user: str, password: str, path: str) -> None:
    url = f"https://{user}:{password}@h.example/{path}?token={MARK}x"
    for text in (url, path, f"cannot ask {url!s} as it is wrong"):
        assert MARK not in scrub(text, secrets_of(url))


def test_settings_know_all_that_is_secret_in_them() -> None:
    given = {
        "server_keys": "serverkey:shop",
        "webhook_secrets": "stripe=whsec_inbound",
        "webhook_url": "https://user:pass1@h/path1?q=query1",
        "webhook_secret": "whsec_b3V0Ym91bmQ=",
        "warehouse": "clickhouse://me:pass2@h/db",
        "ip_addresses": "hashed",
        "ip_hash_key": "sixteen letters or more",
    }
    secrets = Settings(given, {}).secrets()
    assert {
        "serverkey",
        "whsec_inbound",
        "pass1",
        "pass2",
        "path1",
        "query1",
        "b3V0Ym91bmQ=",
        "sixteen letters or more",
    } <= secrets
    assert not {"db", "h", "shop"} & secrets

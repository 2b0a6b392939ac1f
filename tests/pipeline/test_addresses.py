"""Addresses in settings: what cannot be asked is refused at the start, by the setting's name."""

import asyncio
import sys
from pathlib import Path

import aiohttp
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from collectors.enrichment import Enricher
from collectors.errors import CollectorError
from collectors.webhook_settings import router_of
from footfall.commands.options import enrichment
from pipeline.clock import clock
from pipeline.errors import BadSetting
from pipeline.flow import stages
from pipeline.settings import SETTINGS, Settings
from pipeline.stages.delivery.deliverer import Deliverer
from tests.pipeline.stages.delivery.test_deliverer import SECRET, World
from tests.pipeline.stages.delivery.test_stage import trigger

LABEL = st.text("aZ09-_é漢İß\u00ad.", min_size=0, max_size=8) | st.sampled_from(
    [
        "a" * 63,
        "a" * 64,
        "xn--",
        "xn--zz",
        "-a",
        "a-",
        "[::1]",
        "[::1",
        "::1",
        "127.0.0.1",
        "%31",
        "1",
    ]
)
NAME = st.lists(LABEL, min_size=0, max_size=5).map(".".join)
PORT = st.sampled_from(
    ["", ":", ":0", ":1", ":65535", ":65536", ":99999", ":-1", ":8o", ":²", ":1:1"]
)
USER = st.sampled_from(
    ["", "@", "u@", "u:p@", ":p@", "u%3Aa:b@", "€:x@", "a b@", "u:p@q@", "%zz:%@"]
)
PATH = st.sampled_from(
    ["", "/", "/x y", "/ä", "/%zz", "/%00", "?", "#", "?a=b#c", "/\n", "\\x", "/\ud800"]
)
SCHEME = st.sampled_from(
    ["http://", "https://", "HTTP://", "http:/", "http:", "ftp://", "//", "", " http://"]
)
URLS = st.builds(lambda *parts: "".join(parts), SCHEME, USER, NAME, PORT, PATH) | st.text(
    max_size=40
)
REFUSED = [
    "https://hooks..example",
    "https://h:99999",
    "http://h:0",
    "http://h h/",
    "http://",
    "http:///x",
    "http://[::1",
    "http://€:x@h",
    "http://h/\n",
    "http://" + "a" * 64 + ".example",
    "http://h/" + "x" * 2_000,
    "ftp://h/",
    "h.example/hook",
]


def settings_of(**given: str) -> Settings:
    return Settings({**given, "webhook_secret": SECRET}, {})


@pytest.mark.parametrize("url", REFUSED)
def test_a_webhook_s_address_that_cannot_be_asked_is_refused_by_name(url: str) -> None:
    with pytest.raises(BadSetting, match=r"^--webhook-url is .*; it takes https://HOST"):
        settings_of(webhook_url=url)


@pytest.mark.parametrize(
    "url", ["https://bücher.example/ä?x=ö", "http://u:p@h:8080/x", "http://[::1]/"]
)
def test_what_can_be_asked_is_taken_as_it_is(url: str) -> None:
    assert settings_of(webhook_url=url).webhook_url == url


class Nobody(aiohttp.abc.AbstractResolver):
    """Looks a name up as Python does, and finds nobody."""

    async def resolve(self, host: str, port: int = 0, family: object = 0) -> list[object]:  # type: ignore[override]
        host.encode("idna")
        raise OSError(-2, "Name or service not known")

    async def close(self) -> None:
        """Nothing is open."""


def attempt(url: str) -> list[str]:
    """The causes that the deliverer writes for one trigger to `url`, without a network."""
    world = World(trigger())

    async def run() -> None:
        connector = aiohttp.TCPConnector(resolver=Nobody())
        timeout = aiohttp.ClientTimeout(total=0.2)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            deliverer = Deliverer(world, url, SECRET, lambda: world.now)  # type: ignore[arg-type]
            await deliverer.round(session)

    asyncio.run(run())
    return [result.detail for result in world.journal.results]


@given(URLS.filter(lambda url: "127.0.0.1" not in url and url.partition("://")[2][:1] != "1"))
@example("http://xn--zz.example/")
@example("http://256.256.256.256/")
def test_any_address_is_refused_at_the_start_or_ends_in_a_result_with_its_cause(url: str) -> None:
    try:
        taken = settings_of(webhook_url=url).webhook_url
    except BadSetting:
        taken = url  # and if it got through all the same, the worker lives on
    if taken:
        (cause,) = attempt(taken)
        assert cause


@given(URLS)
def test_an_address_that_was_taken_is_one_to_the_client_too(url: str) -> None:
    try:
        taken = settings_of(webhook_url=url).webhook_url
    except BadSetting as error:
        assert "\n" not in str(error)
        return
    if taken:
        host = URL(taken).raw_host
        assert host
        assert host.encode("idna")


TEXTS = (
    st.text(max_size=30)
    | URLS
    | st.sampled_from(
        [
            "embedded://",
            "embedded://a?b",
            "embedded://a#b",
            "embedded://a%41",
            "embedded://a;b",
            "chdb://",
            "chdb:// ",
            "embedded://x\0",
            "embedded://[a",
            "kafka://",
            "kafka://h:99999",
            "kafka://u:p@h",
            "kafka://h,,",
            "kafka://h:0",
            "kafka://[::1",
            "kafka://h /",
            "clickhouse://h:99999/d",
            "clickhouse://h:x",
            "clickhouse://",
            "clickhouse:///d",
            "clickhouse://h?http_port=x",
            "clickhouse://h/a/b",
            "0.0.0.0",
            "..",
            "a..b",
            "::1%",
            "1,2,nan",
            "1,2,inf",
            "1,2,0",
            "1,2,-1",
            "9" * 5_000,
            "nan",
            "\ud800",
            "99999999999999999999,1,1",
            "a:b",
            "a=b",
            "stripe=x",
            "whsec_",
            "x" * 20_000,
        ]
    )
)


@given(st.sampled_from(SETTINGS), TEXTS)
def test_any_text_for_any_setting_is_taken_or_refused_in_one_line_that_names_it(
    setting: object, text: str
) -> None:
    name, flag = setting.name, setting.flag  # type: ignore[attr-defined]
    try:
        settings = Settings({name: text}, {})
    except BadSetting as error:
        said = str(error)
        assert flag in said or f"FOOTFALL_{name.upper()}" in said
        assert said.isprintable()
        assert len(said) < 700
    else:
        assert Settings({}, settings.environment()).environment() == settings.environment()


FILES = st.sampled_from(
    ["/", "/dev/null", "/etc/hostname", "nowhere", "x" * 300, "~", sys.executable]
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "countries": FILES | TEXTS,
            "webhook_mappings": FILES | TEXTS,
            "webhook_secrets": TEXTS,
            "ip_hash_key": TEXTS,
            "deny_properties": TEXTS,
            "trusted_proxies": TEXTS,
            "funnel": TEXTS,
            "write_keys": TEXTS,
            "snippet_path": TEXTS,
            "clock": TEXTS,
        },
    )
)
def test_what_was_taken_starts_or_is_refused_in_one_line(given: dict[str, str]) -> None:
    if "ip_hash_key" in given:
        given = {**given, "ip_addresses": "hashed"}
    try:
        settings = Settings(given, {})
        enricher = Enricher.of(enrichment(settings))
        router_of(settings.webhook_secrets, settings.webhook_mappings, enricher)
        stages(settings, 2)
        clock(settings.clock)()
    except (BadSetting, CollectorError) as error:
        assert "\n" not in str(error).strip()


@given(st.text("ab/.-_ é漢@:[]&=+,'\"\\~*", min_size=1, max_size=20))
def test_a_directory_is_the_same_to_the_collector_and_to_faust(text: str) -> None:
    try:
        log = Settings({"log": f"embedded://{text}"}, {}).log
    except BadSetting:
        return
    place = Path(log.partition("://")[2]).absolute()
    assert Path(URL(f"embedded://{place}").path) == place


def test_kafka_with_a_password_is_refused_in_words_and_without_it() -> None:
    with pytest.raises(BadSetting, match="SASL is not supported") as error:
        Settings({"log": "kafka://u:s3cret@broker:9092"}, {})
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize("http", ["0", "x", "65536", ""])
def test_a_clickhouse_s_other_port_is_looked_at_too(http: str) -> None:
    with pytest.raises(BadSetting, match="--warehouse is"):
        Settings({"warehouse": f"clickhouse://h:9000/d?http_port={http}"}, {})


def test_a_long_text_is_not_repeated_whole() -> None:
    with pytest.raises(BadSetting) as error:
        Settings({"host": "x" * 5_000}, {})
    assert len(str(error.value)) < 400
    assert msgspec.json.encode(str(error.value))

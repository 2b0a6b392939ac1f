"""Settings: flags before environment before defaults; a wrong value is named."""

import pytest

from pipeline.errors import BadSetting
from pipeline.settings import SETTINGS, Settings


def test_a_flag_beats_the_environment_and_the_environment_beats_the_default() -> None:
    env = {"FOOTFALL_PORT": "9000", "FOOTFALL_HOST": "0.0.0.0"}
    settings = Settings({"port": "9001", "host": None}, env)
    assert (settings.port, settings.host, settings.partitions) == (9001, "0.0.0.0", 2)


@pytest.mark.parametrize(
    ("name", "text"),
    [("port", "99999"), ("port", "x"), ("log", "redis://here"), ("write_keys", "key-without-site"),
     ("clock", "tomorrow"), ("ip_addresses", "whole"), ("partitions", "0"), ("horizon", "-1")],
)  # fmt: skip
def test_a_wrong_value_is_named_with_what_the_setting_takes(name: str, text: str) -> None:
    with pytest.raises(BadSetting, match=f"FOOTFALL_{name.upper()} is '{text}'; it takes"):
        Settings({}, {f"FOOTFALL_{name.upper()}": text})


def test_a_webhook_without_a_secret_is_refused() -> None:
    with pytest.raises(BadSetting, match="go together"):
        Settings({"webhook_url": "https://example.org/hook"}, {})


def test_the_environment_for_a_child_gives_the_same_settings() -> None:
    given = {
        "write_keys": "a:shop,b:blog",
        "clock": "5,6,2.5",
        "port": "8123",
        "webhook_secrets": "shopify:shop=a=b,stripe=whsec_c",
        "deny_properties": "ssn, card_number",
    }
    settings = Settings(given, {})
    again = Settings({}, settings.environment())
    assert all(getattr(again, s.name) == getattr(settings, s.name) for s in SETTINGS)


def test_every_default_is_a_value_its_setting_takes() -> None:
    assert Settings({}, {}).log == "embedded://data"


def test_a_collector_for_the_world_needs_a_key() -> None:
    with pytest.raises(BadSetting, match="there is no write key"):
        Settings({"host": "0.0.0.0"}, {}).check_open()
    for given in ({"write_keys": "k:shop"}, {"server_keys": "s:shop"}):
        Settings({"host": "0.0.0.0", **given}, {}).check_open()
    for host in ("127.0.0.1", "::1", "localhost"):
        Settings({"host": host}, {}).check_open()


@pytest.mark.parametrize(
    "given",
    [{"ip_addresses": "hashed"}, {"ip_hash_key": "sixteen letters or more"}],
)
def test_hashed_addresses_and_their_key_go_together(given: dict[str, str | None]) -> None:
    with pytest.raises(BadSetting, match="FOOTFALL_IP_HASH_KEY go together"):
        Settings(given, {})


def test_a_key_for_pages_is_no_secret() -> None:
    with pytest.raises(BadSetting, match="both have 'same'"):
        Settings({"write_keys": "same:shop", "server_keys": "same:shop"}, {})


def test_a_secret_that_is_wrong_is_not_shown() -> None:
    with pytest.raises(BadSetting, match=r"^--server-keys is wrong; it takes key:site") as error:
        Settings({"server_keys": "s3cret"}, {})
    assert "s3cret" not in str(error.value)

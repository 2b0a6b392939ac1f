"""Settings: flags before environment before defaults; a wrong value is named."""

import pytest

from pipeline.errors import BadSetting
from pipeline.settings import SETTINGS, Setting, Settings


def test_a_flag_beats_the_environment_and_the_environment_beats_the_default() -> None:
    env = {"FOOTFALL_PORT": "9000", "FOOTFALL_HOST": "0.0.0.0"}
    settings = Settings({"port": "9001", "host": None}, env)
    assert (settings.port, settings.host, settings.partitions) == (9001, "0.0.0.0", 2)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("port", "99999"),
        ("port", "x"),
        ("log", "redis://here"),
        ("write_keys", "key-without-site"),
        ("clock", "tomorrow"),
        ("ip_addresses", "whole"),
        ("partitions", "0"),
        ("horizon", "-1"),
        ("trusted_proxies", ""),
        ("trusted_proxies", "proxy.example"),
        ("trusted_proxies", "none,private"),
        ("trusted_proxies", "203.0.113.9/24"),
    ],
)
def test_a_wrong_value_is_named_with_what_the_setting_takes(name: str, text: str) -> None:
    with pytest.raises(BadSetting, match=f"FOOTFALL_{name.upper()} is '{text}'; it takes"):
        Settings({}, {f"FOOTFALL_{name.upper()}": text})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("WRITE_KEY", "FOOTFALL_WRITE_KEYS?"),
        ("DENY_PROPERTY", "FOOTFALL_DENY_PROPERTIES?"),
        ("XYZ", "`footfall up --help` names all."),
    ],
)
def test_a_variable_that_is_none_is_refused_with_what_was_meant(name: str, meant: str) -> None:
    with pytest.raises(BadSetting) as told:
        Settings({}, {f"FOOTFALL_{name}": "x"})
    assert str(told.value).startswith(f"FOOTFALL_{name} is no setting; ")
    assert str(told.value).endswith(meant)


def test_variables_of_others_are_nobody_s_mistake() -> None:
    given = ("PATH", "FOOTFALL_SERVICE_HOST", "FOOTFALL_COLLECT_PORT_8100_TCP_ADDR")
    assert Settings({}, dict.fromkeys(given, "x")).port == 8100


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
        "trusted_proxies": "private, 203.0.113.0/24",
    }
    settings = Settings(given, {})
    again = Settings({}, settings.environment())
    assert all(getattr(again, s.field) == getattr(settings, s.field) for s in SETTINGS)


def test_a_misspelt_setting_is_an_error_of_types_and_so_is_a_change() -> None:
    settings = Settings({}, {})
    with pytest.raises(AttributeError):
        settings.horizn  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError):
        settings.horizon_s = 1  # type: ignore[misc]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: str(setting.name))
def test_an_attribute_is_called_as_its_option_with_the_unit_at_most(setting: Setting) -> None:
    assert setting.field in {setting.name, *(f"{setting.name}_{unit}" for unit in ("s", "bytes"))}
    assert hasattr(Settings({}, {}), setting.field)


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


def test_a_key_for_pages_is_no_secret_and_is_told_by_its_site() -> None:
    with pytest.raises(BadSetting, match="a key in common, of the site 'shop'") as error:
        Settings({"write_keys": "same:blog", "server_keys": "same:shop"}, {})
    assert "same" not in str(error.value)


def test_a_warehouse_that_is_wrong_is_shown_without_its_password() -> None:
    with pytest.raises(BadSetting, match=r"^--warehouse is 'https://\*\*\*@host'; it takes"):
        Settings({"warehouse": "https://footfall:s3cret@host"}, {})


def test_a_secret_that_is_wrong_is_not_shown() -> None:
    with pytest.raises(BadSetting, match=r"^--server-keys is wrong; it takes key:site") as error:
        Settings({"server_keys": "s3cret"}, {})
    assert "s3cret" not in str(error.value)

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
     ("clock", "tomorrow"), ("partitions", "0"), ("horizon", "-1")],
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
    }
    settings = Settings(given, {})
    again = Settings({}, settings.environment())
    assert all(getattr(again, s.name) == getattr(settings, s.name) for s in SETTINGS)


def test_every_default_is_a_value_its_setting_takes() -> None:
    assert Settings({}, {}).log == "embedded://data"

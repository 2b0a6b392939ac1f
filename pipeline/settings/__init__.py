"""Settings: every value, typed. From flags, else `FOOTFALL_…`, else the default; declared in `fields`."""

import os
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_address
from typing import Final

from pipeline.errors import BadSetting
from pipeline.masking import mask_url, secrets_of
from pipeline.settings.fields import BY_NAME, SETTINGS, Fields
from pipeline.settings.setting import PREFIX, Setting
from schemas.keys import Keys, text_of

__all__ = ["BY_NAME", "SETTINGS", "Setting", "Settings"]

_MAX_CHARACTERS: Final = 200
"""Characters of a wrong value that are repeated."""
_INCOMING: Final = "those of webhooks that come in are FOOTFALL_WEBHOOK_SECRETS"
_OF_A_SERVICE: Final = re.compile(r"_SERVICE_(?:HOST|PORT)|_PORT_\d+_(?:TCP|UDP)")
"""What Kubernetes gives every container about a service that is called footfall, too."""


@dataclass(frozen=True, init=False)
class Settings(Fields):
    """All values, parsed: `settings.port`. Raises BadSetting naming what is wrong."""

    def __init__(
        self, flags: Mapping[str, str | None] | None = None, env: Mapping[str, str] = os.environ
    ) -> None:
        """`flags`: texts by a setting's name; None is as if it were not there."""
        _check_names(env)
        for setting in SETTINGS:
            text = (flags or {}).get(setting.name)
            source = setting.flag
            if text is None:
                source = setting.variable
                text = env.get(setting.variable, setting.default)
            try:
                value = setting.parse(_readable(text))
            except ValueError as error:
                raise BadSetting(
                    f"{source} is {_for_people(setting, text)}; it takes {error}."
                ) from None
            object.__setattr__(self, setting.field, value)
        self._check_together()
        self._check_secret()

    def _check_together(self) -> None:
        if bool(self.webhook_url) != bool(self.webhook_secret):
            raise BadSetting(
                f"FOOTFALL_WEBHOOK_URL and FOOTFALL_WEBHOOK_SECRET go together ({_INCOMING})."
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
                f"as `echo whsec_$(openssl rand -base64 24)` makes ({_INCOMING})."
            ) from None

    def secrets(self) -> set[str]:
        """Every text in the settings that must never be shown, for `masking.scrub`."""
        secrets = {*self.server_keys, self.ip_hash_key, self.webhook_secret}
        secrets |= {self.webhook_secret.removeprefix("whsec_")}
        secrets |= {pair.partition("=")[2].strip() for pair in self.webhook_secrets}
        return secrets.union(*(secrets_of(self._text(s)) for s in SETTINGS if s.url))

    def environment(self) -> dict[str, str]:
        """The values as `FOOTFALL_…` text, for a child process."""
        return {s.variable: self._text(s) for s in SETTINGS}

    def _text(self, setting: Setting) -> str:
        value = getattr(self, setting.field)
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


def _for_people(setting: Setting, text: str) -> str:
    """What was given, for people: as long as they need to know it again, and nothing secret."""
    if setting.secret:
        return "wrong"
    text = mask_url(text) if setting.url or "://" in text or "@" in text else text
    return repr(text[:_MAX_CHARACTERS] + "…" * (len(text) > _MAX_CHARACTERS))


def _check_names(env: Mapping[str, str]) -> None:
    """Raise BadSetting for a variable that is none: a misspelt deny-list would deny nothing."""
    variables = {setting.variable for setting in SETTINGS}
    for name in sorted(name for name in env if name.startswith(PREFIX)):
        if name in variables or _OF_A_SERVICE.search(name):
            continue
        like = get_close_matches(name.removeprefix(PREFIX).lower(), BY_NAME, 1)
        meant = f"did you mean {BY_NAME[like[0]].variable}?" if like else ""
        raise BadSetting(f"{name} is no setting; {meant or '`footfall up --help` names all.'}")


def _only_here(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""Identifiers of people and devices, as text `kind:value`, normalised so that equal means same.

Strong identifiers (`user_id`, `email`, `phone`, `crm`, `social`) belong to a person; `device` is a
browser or an app installation and is never strong.
"""

import re
from typing import Final
from uuid import UUID, uuid5

KINDS: Final = ("user_id", "email", "phone", "crm", "social", "device")
"""In rank order: a person's canonical identifier is the first by kind, then by text."""

_RANK: Final = {kind: rank for rank, kind in enumerate(KINDS)}
_PERSONS: Final = UUID("6f0d8b0e-6a7c-5a55-9c43-0b7a4d3e9f21")
_PHONE_NOISE: Final = re.compile(r"[^\d+]")

MAX_LENGTH: Final = 256
"""Characters in one identifier's value; longer ones are refused at admission."""


def user_id(value: str) -> str:
    """`user_id:` and the value, trimmed. Case matters in user ids."""
    return _tagged("user_id", value.strip())


def email(value: str) -> str:
    """`email:` and the address in lower case, or "" where it is not shaped like one."""
    address = value.strip().lower()
    local, at, domain = address.rpartition("@")
    return _tagged("email", address) if at and local and "." in domain else ""


def phone(value: str) -> str:
    """`phone:` and digits with a leading +; "" for fewer than seven digits. 00 becomes +."""
    digits = _PHONE_NOISE.sub("", value.strip())
    digits = "+" + digits[2:] if digits.startswith("00") else digits
    digits = digits[:1] + digits[1:].replace("+", "")
    return _tagged("phone", digits) if len(digits.lstrip("+")) >= 7 else ""


def crm(value: str) -> str:
    """`crm:` and the id, trimmed."""
    return _tagged("crm", value.strip())


def social(value: str) -> str:
    """`social:` and a handle such as `twitter:@zoe`, in lower case."""
    return _tagged("social", value.strip().lower())


def device(value: str) -> str:
    """`device:` and the anonymous id."""
    return _tagged("device", value)


def kind_of(identifier: str) -> str:
    """The part before the first colon."""
    return identifier.partition(":")[0]


def rank(identifier: str) -> tuple[int, str]:
    """Sort key: the smallest of a person's identifiers is the canonical one."""
    return (_RANK[kind_of(identifier)], identifier)


def person_id(site: str, canonical: str) -> str:
    """UUIDv5 of a site's canonical identifier: the same people get the same ids in every run."""
    return str(uuid5(_PERSONS, f"{site}\n{canonical}"))


def _tagged(kind: str, value: str) -> str:
    return f"{kind}:{value}" if value else ""

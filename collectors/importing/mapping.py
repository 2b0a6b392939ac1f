"""A mapping file: which of our fields stands in which of their columns, and how times are written.

    kind = "purchases"                  # or "events", "tickets"
    site = "shop"

    [columns]                           # our field = "their column"
    order_id = "basket_id"
    user_id = "household_id"
    time = "transaction_timestamp"

    [constants]                         # our field = a value for every row
    currency = "USD"

    [time]
    format = "iso"                      # "iso", "ms", "s", or a strptime format
    zone = "America/New_York"           # where a time names none; default UTC

Of purchases, rows that share `order_id` (and `status`) are the lines of one order. For web servers'
logs see `collectors.importing.accesslog`.
"""

import tomllib
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Struct, field

from collectors.errors import MappingError

Kind = Literal["events", "purchases", "tickets", "access_log"]

SALT_LENGTH: Final = 16
"""Characters: a shorter salt could be guessed, and with it every address."""
WHO: Final = ("anonymous_id", "user_id", "email", "phone", "crm", "social")
LINE: Final = ("product_id", "name", "category", "quantity", "price", "line_total")
"""Fields of one line of an order. `price` is for one piece, `line_total` for the line."""
PROPERTY: Final = "properties."
"""Before the name of a column that is kept under its own name."""

FIELDS: Final[dict[Kind, tuple[str, ...]]] = {
    "events": (
        *WHO,
        "time",
        "message_id",
        "type",
        "event",
        "url",
        "path",
        "title",
        "referrer",
        "user_agent",
    ),
    "purchases": (*WHO, "time", "order_id", "status", "currency", "total", *LINE),
    "tickets": (
        *WHO,
        "time",
        "ticket_id",
        "action",
        "channel",
        "subject",
        "priority",
        "rating",
    ),
    "access_log": (
        "ip",
        "time",
        "request",
        "method",
        "target",
        "status",
        "referrer",
        "user_agent",
    ),
}

NEEDED: Final[dict[Kind, tuple[str, ...]]] = {
    "events": ("time", "type"),
    "purchases": ("time", "order_id"),
    "tickets": ("time", "ticket_id", "action"),
    "access_log": (),
}


class TimeFormat(Struct, frozen=True, forbid_unknown_fields=True):
    """How `time` is written. Numbers are ms or s since 1970; `zone` is for times without one."""

    format: str = "iso"
    zone: str = "UTC"


class Mapping(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See the module. `properties` are columns of an event that are kept under their own names.

    `salt`, `base` and `skip` are of access logs.
    """

    kind: Kind
    site: str
    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str | int | float] = field(default_factory=dict)
    properties: tuple[str, ...] = ()
    time: TimeFormat = TimeFormat()
    salt: str = ""
    base: str = ""
    skip: tuple[str, ...] = ()

    @property
    def used(self) -> list[str]:
        """Their columns that are read, each once."""
        return list(dict.fromkeys((*self.columns.values(), *self.properties)))


def load(path: Path) -> Mapping:
    """The mapping in a TOML file. Raises MappingError."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f"{path} cannot be read: {error}.") from error
    except MappingError as error:
        raise MappingError(f"{path}: {error}") from error


def parse(text: str) -> Mapping:
    """The mapping in TOML text. Raises MappingError."""
    try:
        mapping = msgspec.convert(tomllib.loads(text), Mapping)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise MappingError(str(error)) from error
    _check_fields(mapping)
    _check_time(mapping.time)
    return mapping


def _check_fields(mapping: Mapping) -> None:
    existing = FIELDS[mapping.kind]
    value = (*mapping.columns, *mapping.constants)
    for name in value:
        if name not in existing:
            raise MappingError(
                f"{mapping.kind} have no field {name!r}; they have {_and(existing)}."
            )
    missing = [name for name in NEEDED[mapping.kind] if name not in value]
    if missing:
        raise MappingError(f"{mapping.kind} need {_and(missing)}, as a column or a constant.")
    if mapping.kind == "access_log":
        if len(mapping.salt) < SALT_LENGTH:
            raise MappingError(f"access_log needs a salt of {SALT_LENGTH} characters or more.")
    elif not any(name in value for name in WHO):
        raise MappingError(f"Nothing says whose these {mapping.kind} are: map one of {_and(WHO)}.")


def _check_time(time: TimeFormat) -> None:
    try:
        ZoneInfo(time.zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise MappingError(f"There is no time zone {time.zone!r}.") from error


def _and(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(names)

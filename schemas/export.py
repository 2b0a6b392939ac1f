"""JSON Schemas of all messages on topics, for readers in other languages: `schemas/json/`.

python -m schemas.export      writes them again
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from schemas.customers import CustomerFact
from schemas.events import Event
from schemas.outcomes import PageOutcome
from schemas.rejects import Reject
from schemas.triggers import Trigger

DIRECTORY: Final = Path(__file__).with_name("json")


def _with_objects(noun: type[Struct]) -> type[Struct]:
    """`noun` with its raw JSON fields described as objects: msgspec cannot describe Raw."""
    fields = [
        (field.name, dict[str, Any], msgspec.field(default_factory=dict))
        if field.type is msgspec.Raw
        else (field.name, field.type, field.default)
        for field in structs.fields(noun)
    ]
    doc = {"__doc__": noun.__doc__}
    return msgspec.defstruct(noun.__name__, fields, kw_only=True, namespace=doc)


_NOUNS: Final[Mapping[str, type]] = {
    "event": _with_objects(Event),
    "reject": Reject,
    "customer_fact": CustomerFact,
    "page_outcome": PageOutcome,
    "trigger": Trigger,
}


def documents() -> dict[str, bytes]:
    """File name → JSON Schema (2020-12) of each noun."""
    return {f"{name}.schema.json": _document(noun) for name, noun in _NOUNS.items()}


def _document(noun: type) -> bytes:
    schema: dict[str, Any] = msgspec.json.schema(noun)
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return msgspec.json.format(msgspec.json.encode(dialect | schema), indent=2) + b"\n"


def main() -> None:
    """Write the files."""
    DIRECTORY.mkdir(exist_ok=True)
    for name, document in documents().items():
        (DIRECTORY / name).write_bytes(document)


if __name__ == "__main__":
    main()

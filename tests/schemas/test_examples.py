"""One example per kind of event: the body as sent and the event it becomes, to the byte."""

import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from jsonschema import Draft202012Validator

from collectors.admission import admit
from collectors.dialects.contract import Request
from schemas.events import Event, EventType, tick
from schemas.export import documents

EXAMPLES = sorted((Path(__file__).parents[2] / "schemas" / "examples").glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    example: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return example


def admitted(example: dict[str, Any]) -> bytes:
    body = json.dumps(example["body"], ensure_ascii=False).encode()
    request = Request(example["path"], "", {}, body, example["received_at"], "nonce")
    (event,) = admit(request, {}).events
    return msgspec.json.encode(event)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_becomes_its_event_twice_the_same(path: Path) -> None:
    example = read(path)
    first, again = admitted(example), admitted(example)
    assert json.loads(first) == example["event"]
    assert first == again


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_event_reads_back_as_itself(path: Path) -> None:
    line = admitted(read(path))
    assert msgspec.json.encode(msgspec.json.decode(line, type=Event)) == line


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_event_fits_the_exported_json_schema(path: Path) -> None:
    schema = json.loads(documents()["event.schema.json"])
    Draft202012Validator(schema).validate(read(path)["event"])


def test_every_type_of_event_has_an_example() -> None:
    shown = {read(path)["event"]["type"] for path in EXAMPLES} | {tick(1).type}
    assert shown == set(get_args(EventType))

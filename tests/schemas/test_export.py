"""The JSON Schemas in the repository are those of the nouns."""

import json

import pytest
from jsonschema import Draft202012Validator, ValidationError

from schemas.export import DIRECTORY, documents


@pytest.mark.parametrize("name", sorted(documents()))
def test_an_exported_schema_is_current(name: str) -> None:
    assert (DIRECTORY / name).read_bytes() == documents()[name], "run: python -m schemas.export"


def test_no_other_file_is_there() -> None:
    assert {path.name for path in DIRECTORY.iterdir()} == set(documents())


def test_the_schemas_are_json_schemas_that_can_refuse() -> None:
    for document in documents().values():
        Draft202012Validator.check_schema(json.loads(document))
    event = json.loads(documents()["event.schema.json"])
    with pytest.raises(ValidationError):
        Draft202012Validator(event).validate({"type": "nothing"})

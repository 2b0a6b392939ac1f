"""One embedded warehouse for each module; tests tell their rows apart by site."""

import uuid
from collections.abc import Iterator

import pytest

from pipeline.warehouse.embedded import EmbeddedWarehouse
from pipeline.warehouse.migrate import migrate


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedWarehouse]:
    """An empty warehouse, migrated."""
    opened = EmbeddedWarehouse(tmp_path_factory.mktemp("warehouse"))
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def site() -> str:
    """A site that no other test has."""
    return f"{uuid.uuid4().hex}.example"

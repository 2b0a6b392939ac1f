"""The small shop's warehouse, filled once for this folder."""

from collections.abc import Iterator

import pytest

from pipeline.warehouse.embedded import EmbeddedWarehouse
from tests.dashboards import shop


@pytest.fixture(scope="package")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedWarehouse]:
    """Closed after the folder: the engine holds one directory per process."""
    embedded = EmbeddedWarehouse(tmp_path_factory.mktemp("shop"))
    try:
        shop.fill(embedded)
        yield embedded
    finally:
        embedded.close()

"""The short form of `python -m tests.faults.warehouse_damage`: a damaged warehouse is right, or told."""

import shutil
from pathlib import Path

import pytest

from tests.faults.warehouse_damage import SILENT, TOLD, Ground, probed

CASES = 12
SEED = 5


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground(tmp_path_factory.mktemp("ground"), SEED)


@pytest.mark.faults
def test_a_damaged_warehouse_is_right_or_told(ground: Ground) -> None:
    verdicts = {case: ground.verdict(case) for case in ground.cases(CASES, SEED)}
    assert {str(case): v.text for case, v in verdicts.items() if v.how == SILENT} == {}
    assert TOLD in {verdict.how for verdict in verdicts.values()}  # else nothing was tried


@pytest.mark.faults
def test_the_books_balance_at_every_moment_under_load(ground: Ground) -> None:
    told = [books for books in ground.books if books]
    assert len({books["received"] for books in told}) > 2  # else nothing moved meanwhile
    assert {books["difference"] for books in told} == {0}


@pytest.mark.faults
def test_an_empty_warehouse_beside_old_state_is_refused(ground: Ground, tmp_path: Path) -> None:
    place = tmp_path / "empty"
    shutil.copytree(ground.origin, place, symlinks=True)
    shutil.rmtree(place / "warehouse")
    assert "is empty, but work.db has what was stored there" in probed(place)["told"]

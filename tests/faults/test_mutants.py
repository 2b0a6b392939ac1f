"""The suite can fail: each way of being wrong that is known is noticed, and nothing else is."""

from contextlib import nullcontext

import pytest

from tests.faults.mutants import SURVIVED, fate_of
from tests.faults.mutations import IN_PROCESS

SEEDS = 3


@pytest.mark.parametrize("name", IN_PROCESS)
def test_a_mutant_is_noticed(name: str) -> None:
    assert fate_of(IN_PROCESS[name], SEEDS) != SURVIVED


def test_the_product_itself_is_not() -> None:
    assert fate_of(nullcontext, SEEDS) == SURVIVED

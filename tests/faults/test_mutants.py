"""The suite can fail: each way of being wrong that is known is noticed, and nothing else is."""

from contextlib import nullcontext

import pytest

from pipeline.engine.batch_writer import BatchWriter
from tests.faults.mutants import SURVIVED, fate_of
from tests.faults.mutations import IN_PROCESS, _instead

SEEDS = 3


@pytest.mark.parametrize("name", IN_PROCESS)
def test_a_mutant_is_noticed(name: str) -> None:
    assert fate_of(IN_PROCESS[name], SEEDS) != SURVIVED


def test_the_product_itself_is_not() -> None:
    assert fate_of(nullcontext, SEEDS) == SURVIVED


def test_a_mutant_of_what_is_gone_is_no_mutant() -> None:
    with pytest.raises(AttributeError):
        fate_of(lambda: _instead(BatchWriter, "gone", print), SEEDS)
    with pytest.raises(TypeError):
        fate_of(lambda: _instead(BatchWriter, "_write", lambda writer: None), SEEDS)

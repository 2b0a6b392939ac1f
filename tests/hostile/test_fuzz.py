"""A hundred thousand damaged requests for every dialect: each is taken or refused, for a reason.

With -s it prints what became of them. FUZZ_SEED tries others.
"""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Final

import pytest
import uvloop

from collectors import admission
from collectors.dialects import ALL
from schemas.rejects import Reason
from tests.hostile.fuzzer import Fuzzer
from tests.hostile.judging import AT_ONCE, Judge, Opening, Verdict, resident

SEED: Final = int(os.environ.get("FUZZ_SEED", "20261121"))
BODIES: Final = 100_000
WARM_UP: Final = 10_000
"""Requests after which caches are full: what grows then grows without end."""
MOST_GROWTH: Final = 48 * 2**20
SLOWEST: Final = 1.0
FEWEST_REASONS: Final = 9
"""A fuzzer that finds fewer ways to be refused has become weak."""
NAMES: Final = [type(dialect).__name__ for dialect in ALL]


def fuzzed(name: str) -> Verdict:
    """BODIES requests at one dialect, in a process of its own."""
    return uvloop.run(_fuzzed(name))


async def _fuzzed(name: str) -> Verdict:
    dialect, judge = ALL[NAMES.index(name)], Judge()
    opening = Opening(dialect, judge)
    vars(admission)["BY_PATH"] = dict.fromkeys(dialect.posts | dialect.gets, opening)
    fuzzer, base = Fuzzer(dialect, SEED), 0
    for done in range(0, BODIES, AT_ONCE):
        if done == WARM_UP:
            base = resident()
        await judge.judge([next(fuzzer) for _ in range(AT_ONCE)])
    await judge.close()
    return judge.verdict(resident() - base)


@pytest.fixture(scope="module")
def verdicts(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Verdict]]]:
    """What becomes of every dialect that is asked for, two at a time."""
    specs = [getattr(item, "callspec", None) for item in request.session.items]
    names = {spec.params.get("name") for spec in specs if spec is not None}
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=fresh, max_tasks_per_child=1) as pool:
        yield {name: pool.submit(fuzzed, name) for name in NAMES if name in names}


@pytest.mark.parametrize("name", NAMES)
def test_every_damaged_request_is_taken_or_refused_for_a_reason(
    name: str, verdicts: dict[str, Future[Verdict]]
) -> None:
    verdict = verdicts[name].result()
    print(f"\n{name} (seed {SEED}): {verdict}")
    assert not verdict.wrong, f"{len(verdict.wrong)} wrong; the first:\n{verdict.wrong[0]}"
    assert sum(verdict.statuses.values()) == BODIES
    assert verdict.slowest < SLOWEST
    assert verdict.rise < MOST_GROWTH
    assert len(verdict.reasons) >= FEWEST_REASONS, verdict.reasons
    assert set(verdict.reasons) <= set(Reason)
    assert verdict.events > BODIES // 10

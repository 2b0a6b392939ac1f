"""Other people's SQL: two hundred ways out that lead nowhere, and honest questions that are answered."""

import os
import random
from collections import Counter
from collections.abc import Iterator
from time import monotonic, sleep
from typing import NamedTuple

import pytest

from pipeline.errors import FootfallError, WarehouseRefused, WarehouseUnavailable
from pipeline.warehouse.embedded import EmbeddedWarehouse
from pipeline.warehouse.native import read_native
from tests.dashboards import shop
from tests.hostile.sql_effects import Ground
from tests.hostile.sql_escapes import Attack, attacks
from tests.hostile.sql_honest import PARAMS, questions
from tests.pipeline.warehouse.rows import until_readable

ATTACKS = int(os.environ.get("SQL_ATTACKS", "200"))
QUESTIONS = int(os.environ.get("SQL_QUESTIONS", "300"))
HARM = {"read", "written", "connected"}
SEED = int(os.environ.get("SQL_SEED", "0")) or random.randrange(2**32)


class Place(NamedTuple):
    warehouse: EmbeddedWarehouse
    ground: Ground
    guarded: bool


@pytest.fixture(scope="module", params=[True, False], ids=["guarded", "sandbox alone"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A shop's warehouse; without a guard, statements run as they come, and may also write."""
    folder = tmp_path_factory.mktemp("outside")
    with Ground(folder) as ground:
        path = tmp_path_factory.mktemp("warehouse")
        warehouse = EmbeddedWarehouse(
            path, guarded=request.param, answer_seconds=60 if request.param else 3
        )
        try:
            shop.fill(warehouse)
            until_readable(warehouse, "events")
            yield Place(warehouse, ground, request.param)
        finally:
            warehouse.close()


def said(warehouse: EmbeddedWarehouse, attack: Attack) -> tuple[bytes, bool]:
    """All that came back, and whether it was an answer."""
    try:
        return warehouse.raw(attack.sql, attack.fmt, attack.params), True
    except FootfallError as error:
        return str(error).encode(), False


def patiently(warehouse: EmbeddedWarehouse, sql: str) -> bytes:
    """The answer, where need be of the next reader: without a guard some statements end it."""
    deadline = monotonic() + 30
    while True:
        try:
            return warehouse.raw(sql, "CSV")
        except WarehouseUnavailable:
            if monotonic() > deadline:
                raise
            sleep(0.1)


def test_no_way_out_leads_anywhere_and_the_next_one_is_answered(place: Place) -> None:
    print(f"SQL_SEED={SEED}")
    answered = Counter[bool]()
    many = ATTACKS if place.guarded else ATTACKS // 4
    for number, attack in enumerate(attacks(random.Random(SEED), place.ground.target, many)):
        back, ran = said(place.warehouse, attack)
        answered[ran] += 1
        assert not place.ground.effects(back), (place.ground.effects(back), attack, back[:500])
        probe = patiently(place.warehouse, f"SELECT {number} AS n, 'ours' AS t")
        assert probe == f'{number},"ours"\n'.encode(), (attack, probe)
    print(f"{answered[True]} ran and did nothing, {answered[False]} were refused")


def test_the_same_statements_do_harm_where_nothing_holds_them(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The engine as it is, in a process of its own: what the oracle is there to see."""
    from tests.hostile.sql_unheld import run_unheld

    folder = tmp_path_factory.mktemp("outside")
    with Ground(folder) as ground:
        seen = Counter[str]()
        tried = 0
        for back in run_unheld(attacks(random.Random(SEED), ground.target, 1000)):
            tried, did = tried + 1, ground.effects(back)
            seen.update(name for name, done in did._asdict().items() if done)
            if seen.keys() >= HARM:
                break
    print(f"SQL_SEED={SEED}: after {tried} statements {dict(seen)}")
    assert seen.keys() >= HARM


@pytest.mark.parametrize("place", [True], indirect=True)
def test_honest_questions_are_answered_as_the_worker_would(place: Place) -> None:
    print(f"SQL_SEED={SEED}")
    for sql in questions(random.Random(SEED), QUESTIONS):
        try:
            answer = read_native(place.warehouse.raw(sql, "Native", PARAMS))
        except WarehouseRefused as error:
            raise AssertionError(f"refused: {sql}") from error
        if "system." in sql or sql.startswith(("SHOW", "EXPLAIN", "EXISTS", "DESCRIBE e")):
            assert answer.rows
        else:
            assert str(answer.rows) == str(place.warehouse.query(sql, PARAMS).rows), sql

"""`up`: when a role that died is started again, and when not."""

import asyncio
import sys
from collections.abc import Mapping

import pytest

from footfall.operations import up
from footfall.operations.up import (
    PAUSES_SECONDS,
    SELDOM_SECONDS,
    STEADY_SECONDS,
    deaths_after,
    pause_after,
)


def pauses(*ran_seconds: float) -> list[float]:
    """The pauses of a role that died each time after running so long."""
    deaths, found = 0, []
    for seconds in ran_seconds:
        deaths = deaths_after(deaths, seconds)
        found.append(pause_after(deaths))
    return found


def test_pauses_grow_and_the_last_one_repeats() -> None:
    assert pauses(*[0.1] * 7) == [*PAUSES_SECONDS, PAUSES_SECONDS[-1], PAUSES_SECONDS[-1]]


def test_what_dies_ten_times_in_a_row_is_tried_seldom_until_it_ran_steadily() -> None:
    found = pauses(*[0.1] * 12, STEADY_SECONDS + 1)
    assert found[8:] == [PAUSES_SECONDS[-1], *[SELDOM_SECONDS] * 3, PAUSES_SECONDS[0]]


def test_a_role_that_keeps_dying_is_told_once_and_not_given_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(up, "SELDOM_SECONDS", 0.0)
    roles = Roles(worker=[1] * 15)
    assert ended(monkeypatch, roles) == 0
    assert roles.started == {"collect": 1, "worker": 16}
    assert capsys.readouterr().out.count("role_keeps_dying") == 1


def test_a_role_that_ran_steadily_begins_with_the_first_pause() -> None:
    steady = STEADY_SECONDS + 1
    assert pauses(steady) == [0.5]
    assert pauses(0.1, 0.1, 0.1, steady, 0.1) == [0.5, 1.0, 2.0, 0.5, 1.0]


class Roles:
    """Roles that end with the codes they are given, in turn; then they run until the end."""

    def __init__(self, **codes: list[int]) -> None:
        self.codes, self.started = codes, dict.fromkeys(up.ROLES, 0)

    async def run(
        self, role: str, environment: Mapping[str, str], stop: asyncio.Event
    ) -> int | None:
        self.started[role] += 1
        if codes := self.codes.get(role):
            return codes.pop(0)
        if not any(self.codes.values()):
            stop.set()
        await stop.wait()
        return -15


def ended(monkeypatch: pytest.MonkeyPatch, roles: Roles) -> int:
    monkeypatch.setattr(up, "_run", roles.run)
    monkeypatch.setattr(up, "PAUSES_SECONDS", (0.0,))
    return asyncio.run(up.run_up({}))


def test_a_role_that_cannot_run_ends_all_with_its_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    roles = Roles(worker=[1, 2, 0])
    assert ended(monkeypatch, roles) == 2
    assert roles.started == {"collect": 1, "worker": 2}
    assert "role_cannot_run" in capsys.readouterr().out


@pytest.mark.parametrize("code", [0, 1, -9])
def test_a_role_that_ends_otherwise_is_started_again(
    code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = Roles(worker=[code, code])
    assert ended(monkeypatch, roles) == 0
    assert roles.started == {"collect": 1, "worker": 3}


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_wrong_setting_ends_up_with_two() -> None:
    async def story() -> int:
        return await asyncio.wait_for(up.run_up({"FOOTFALL_PARTITIONS": "many"}), 60)

    assert asyncio.run(story()) == 2

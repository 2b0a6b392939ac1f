"""Connections are shared out one to a caller, kept, and closed once."""

from itertools import count

import pytest

from pipeline.errors import WarehouseUnavailable
from pipeline.warehouse.pool import Pool


class Connections:
    """Numbered connections, and those that were closed."""

    def __init__(self) -> None:
        self.closed: list[int] = []
        self.pool = Pool(count().__next__, self.closed.append)


def test_a_connection_is_used_again() -> None:
    connections = Connections()
    for _ in range(3):
        with connections.pool.lease() as connection:
            assert connection == 0


def test_callers_at_one_time_have_one_each() -> None:
    pool = Connections().pool
    with pool.lease() as one, pool.lease() as other:
        assert (one, other) == (0, 1)


def test_closing_closes_idle_ones_now_and_those_in_use_when_they_come_back() -> None:
    connections = Connections()
    with connections.pool.lease():
        with connections.pool.lease():
            pass
        connections.pool.close()
        assert connections.closed == [1]
    assert connections.closed == [1, 0]
    with pytest.raises(WarehouseUnavailable), connections.pool.lease():
        pass


def test_a_connection_is_closed_after_any_error() -> None:
    connections = Connections()
    for number, error in enumerate((ValueError, KeyboardInterrupt)):
        with pytest.raises(error), connections.pool.lease() as connection:
            raise error
        assert connections.closed[-1] == connection == number
    with connections.pool.lease() as connection:
        assert connection == 2

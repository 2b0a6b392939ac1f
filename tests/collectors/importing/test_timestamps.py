"""Times in files, in every form that a mapping can name."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.importing.mapping import TimeFormat
from collectors.importing.timestamps import reader

NOON = 1_780_056_000_000  # 2026-05-29T12:00:00Z


@pytest.mark.parametrize(
    ("form", "zone", "cell"),
    [
        ("iso", "UTC", "2026-05-29T12:00:00"),
        ("iso", "Europe/Berlin", "2026-05-29 14:00:00"),
        ("iso", "Europe/Berlin", "2026-05-29T12:00:00Z"),
        ("iso", "UTC", "2026-05-29T08:00:00-04:00"),
        ("ms", "UTC", "1780056000000"),
        ("ms", "UTC", 1_780_056_000_000),
        ("s", "America/New_York", "1780056000"),
        ("s", "UTC", 1_780_056_000.0),
        ("%d.%m.%Y %H:%M", "America/New_York", "29.05.2026 08:00"),
        ("%d.%m.%Y %H:%M", "UTC", datetime(2026, 5, 29, 12, tzinfo=UTC)),
        ("iso", "UTC", datetime(2026, 5, 29, 14, tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_noon_is_noon(form: str, zone: str, cell: Any) -> None:
    assert reader(TimeFormat(form, zone))(cell) == NOON


def test_a_date_is_its_midnight_in_the_zone() -> None:
    midnight = reader(TimeFormat("iso", "America/New_York"))(date(2026, 5, 29))
    assert midnight == NOON - 8 * 3_600_000


@pytest.mark.parametrize("form", ["iso", "ms", "s", "%Y-%m-%d"])
@pytest.mark.parametrize("cell", ["", "soon", "2026-13-45", "inf", "nan", None, [1]])
def test_what_is_no_time_is_none(form: str, cell: Any) -> None:
    assert reader(TimeFormat(form, "UTC"))(cell) is None


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)))  # noqa: DTZ001 - zone in mapping
def test_iso_times_without_a_zone_are_exact_to_the_millisecond(moment: datetime) -> None:
    expected = moment.replace(tzinfo=UTC)
    found = reader(TimeFormat("iso", "UTC"))(moment.isoformat())
    assert found == (expected - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)

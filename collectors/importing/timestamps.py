"""Times as files write them → milliseconds since 1970 UTC."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from collectors.importing.mapping import TimeFormat

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_UNITS: Final = {"ms": 1, "s": 1000}


def reader(form: TimeFormat) -> Callable[[Any], int | None]:
    """A function from a cell to ms; it gives None where the cell is no time of that form.

    Cells that are dates or timestamps already (Parquet) are taken as they are.
    """
    zone = ZoneInfo(form.zone)
    parse = _parser(form.format)

    def read(cell: Any) -> int | None:
        try:
            moment = cell if isinstance(cell, date) else parse(cell)
            return moment if isinstance(moment, int) else _ms(moment, zone)
        except (ValueError, TypeError, OverflowError):
            return None

    return read


def _parser(form: str) -> Callable[[Any], datetime | date | int]:
    if form == "iso":
        return lambda cell: datetime.fromisoformat(str(cell).strip())
    if form in _UNITS:
        unit = _UNITS[form]
        return lambda cell: round(float(cell) * unit)
    return lambda cell: datetime.strptime(str(cell).strip(), form)  # noqa: DTZ007 - `_ms` adds the zone


def _ms(moment: datetime | date, zone: ZoneInfo) -> int:
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=zone)
    elif moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return (moment - _EPOCH) // _MILLISECOND

"""Foreign bodies → Events, one dialect per file. Every path that takes events is listed here."""

from typing import Final

from collectors.dialects.contract import Dialect
from collectors.dialects.segment import Segment
from collectors.dialects.typed import Typed

ALL: Final[tuple[Dialect, ...]] = (Segment(), Typed())
BY_PATH: Final = {path: dialect for dialect in ALL for path in sorted(dialect.paths)}

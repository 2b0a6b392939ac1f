"""What one enrichment says of an event."""

from collections.abc import Mapping
from typing import Final

Fields = Mapping[str, str]
"""Fields of `schemas.events.Event` by name; a field that is not there stays as it is."""

NOTHING: Final[Fields] = {}
REMEMBERED: Final = 512
"""Characters of the longest text whose reading is remembered, and of ASCII alone: strangers may make up
as many as they like, and all readings together are to stay below 40 MB."""
LONGEST: Final = 256
"""Characters of a name or a value that are kept."""

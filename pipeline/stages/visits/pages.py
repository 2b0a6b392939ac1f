"""Page templates: /product/1234 and /product/77 are the same page, /product/:id."""

import re
from functools import lru_cache
from typing import Final

_VARIABLE: Final = re.compile(
    r"(?=[^/]*\d)(?:\d+|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{12,}|[^/]*\d{4,}[^/]*)", re.IGNORECASE
)

MAX_LENGTH: Final = 200


@lru_cache(maxsize=16_384)
def template(path: str) -> str:
    """The path with numbers, UUIDs, hex strings and segments with long numbers as `:id`.

    A trailing slash does not count; the root stays "/". Cut at MAX_LENGTH characters.
    """
    segments = path.split("?", 1)[0].split("#", 1)[0].strip("/").split("/")
    templates = (":id" if _VARIABLE.fullmatch(segment) else segment for segment in segments)
    return ("/" + "/".join(templates))[:MAX_LENGTH]

"""Form fields and Base64 as senders put events into them. Every function raises Refused."""

from base64 import b64decode
from typing import Final
from urllib.parse import parse_qsl

from collectors import limits
from collectors.dialects.contract import Refused
from schemas.rejects import Reason

_MAX_FIELDS: Final = 512
_FROM_URL: Final = str.maketrans("-_ ", "+/+")
"""The URL alphabet, and a plus that a form's reader took for a space."""


def fields(form: bytes) -> dict[str, str]:
    """A form or query. Of a field that is there twice the first counts. Empty values stay.

    Raises Refused: too large, too many fields, or not UTF-8.
    """
    if len(form) > limits.MAX_FORM:
        raise Refused(Reason.BODY_TOO_LARGE, f"More than {limits.MAX_FORM} bytes of form fields")
    try:
        pairs = parse_qsl(
            form.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict"
        )
    except UnicodeDecodeError as error:
        raise Refused(Reason.BAD_ENCODING, "A form field is not UTF-8") from error
    except ValueError as error:
        raise Refused(Reason.BAD_SHAPE, f"More than {_MAX_FIELDS} form fields") from error
    return dict(reversed(pairs))


def from_base64(text: str, name: str) -> bytes:
    """Text in UTF-8 out of Base64 in either alphabet, padded or not. Raises Refused."""
    plain = text.translate(_FROM_URL).rstrip("=")
    try:
        data = b64decode(plain + "=" * (-len(plain) % 4), validate=True)
        data.decode()  # a decoder of JSON does not look into what it skips
    except ValueError as error:
        raise Refused(Reason.BAD_ENCODING, f"Not UTF-8 in Base64 - at `{name}`") from error
    return data

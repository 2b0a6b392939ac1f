"""What a ClickHouse error code means to Footfall: try again later, or somebody must act."""

from typing import Final

from pipeline.errors import FootfallError, StateDamaged, WarehouseRefused, WarehouseUnavailable

RETRYABLE_CODES: Final = frozenset(
    {
        74,
        75,
        76,
        77,  # a file cannot be read, written, opened or closed: a disk in trouble
        159,
        209,
        210,  # timeout, socket timeout, network error
        173,
        241,  # out of memory, over a memory limit
        202,
        439,  # too many queries, no free threads
        242,
        243,
        252,  # table is read-only, disk is full, too many parts
        100,
        101,
        102,  # packets that make no sense: the connection was cut or mixed up
        279,
        319,  # all connections failed, unknown status of an insert
        394,
        999,  # query was cancelled, no coordination service
    }
)
"""Codes after which the same statement may succeed. Names: src/Common/ErrorCodes.cpp."""

DAMAGE_CODES: Final = frozenset(
    {
        40,
        246,  # a checksum does not match, data that cannot be
        107,
        226,
        231,  # a file is not there, or is not as long as it was
        271,
        432,  # what cannot be decompressed, an unknown codec
    }
)
"""Codes that mean damaged files: the same statement will fail for ever."""

_LIMIT: Final = 2_000


def failure(code: int, text: str, statement: str) -> FootfallError:
    """The error to raise for a code. `statement` is SQL text of our own, never event content."""
    if code in DAMAGE_CODES:
        return StateDamaged(
            f"The warehouse's files are damaged: {text[:_LIMIT]} Put it back from a copy, or run "
            "`footfall rebuild`."
        )
    kind = WarehouseUnavailable if code in RETRYABLE_CODES else WarehouseRefused
    return kind(f"{text[:_LIMIT]} (statement: {' '.join(statement.split())[:200]})")

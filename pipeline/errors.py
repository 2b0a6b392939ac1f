"""Every error that `pipeline` raises on purpose; tests/pipeline/test_errors.py holds it to that.

Retryable and permanent ones are different types. Each says what happened, to which input, and what to
do. The command (`footfall/`) adds two permanent ones of its own, for its demonstration and measurements.
"""


class FootfallError(Exception):
    """Anything Footfall raises on purpose. The text is for the person who can act on it."""


class Retryable(FootfallError):
    """Trying again later may help; nothing was lost."""


class Permanent(FootfallError):
    """Trying again will not help; somebody must change something."""


class WarehouseUnavailable(Retryable):
    """The warehouse did not answer, or is out of memory or connections."""


class WarehouseRefused(Permanent):
    """The warehouse understood and said no: bad SQL, a missing table, a wrong type."""


class ValueRefused(WarehouseRefused):
    """A row holds what its column cannot: what made the row is wrong. Names the column, not the value."""


class StageFailed(Permanent):
    """A stage cannot fold what Footfall itself made: a fault of the program's. Names no content."""


class LogUnavailable(Retryable):
    """The log cannot be written or read now."""


class StateDamaged(Permanent):
    """A stage's deltas have a gap or cannot be decoded: the partition must not go on."""


class FolderInUse(Permanent):
    """Another process works in the folder: two of them would damage what is there."""


class FolderUnusable(Permanent):
    """A data folder or file cannot be one: it is of another kind, version or owner, or damaged."""


class LogDamaged(Permanent):
    """A file of the log is not what was written: the text says which, where, and what to do."""


class BadSetting(Permanent):
    """A setting's value cannot be used; the text names the setting, the value and what it takes."""


class HalfMerged(RuntimeError):
    """Ends the worker like a bug, so that it is started again; nobody has to act.

    The next start puts the part aside and takes what it was merged from again.
    """

    def __init__(self, part: str, table: str) -> None:
        super().__init__(
            f"part {part} of {table} was merged on a full disk and is not whole; ending, "
            "so that the next start takes what it was merged from instead"
        )

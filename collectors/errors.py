"""Every error that `collectors` raises on purpose; tests/collectors/test_errors.py holds it to that.

The command (`footfall/`) adds one of its own, for its demonstration. What is decided about input (`Refused`,
`RateLimited`, `ClientDisconnected`) is no error, and stands beside what decides.
"""


class CollectorError(Exception):
    """Anything a collector raises on purpose. The text is for the person who can act on it."""


class Overloaded(CollectorError):  # as `pipeline.errors`: names say what is so
    """The log cannot take more now; nothing was promised, and trying again later may help."""


class LogMismatch(CollectorError):
    """The log was made with other settings; trying again will not help."""


class LogDamaged(CollectorError):
    """The log's file is not what was written; the text says which and what to do."""


class LogUnusable(CollectorError):
    """The log's folder or file is of another kind, version or owner; see its text."""


class CannotListen(CollectorError):
    """The address or the port cannot be used; trying again will not help."""


class PathTaken(CollectorError):
    """The snippet cannot be served where something else is served."""


class EnrichmentError(CollectorError):
    """The settings of the enrichment do not fit together."""


class CountriesError(CollectorError):
    """The file of countries cannot be used."""


class MappingError(CollectorError):
    """The mapping file cannot be used; the text says what to change in it."""


class FileError(CollectorError):
    """The file cannot be read as what its name says, or lacks a mapped column."""


class WebhookMappingError(CollectorError):
    """The mapping file cannot be used; the text says what to change in it."""


class WebhookError(CollectorError):
    """The settings of webhooks cannot be used."""

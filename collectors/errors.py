"""What can go wrong between the outside world and the log: a closed set."""


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

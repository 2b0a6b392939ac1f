"""The numbers the `people` stage decides by. Times are milliseconds unless the name says days."""

from msgspec import Struct

from schemas.time_units import DAY_MS


class Policy(Struct, frozen=True):
    """What a site's owner may tune. The defaults are those that the tests and scores use."""

    lead_ms: int = 3 * DAY_MS
    """`repurchase.due` is emitted this long before the expected date, at most a quarter interval."""
    fresh_ms: int = 3 * DAY_MS
    """What is older than this when it is first seen is recorded without a trigger."""
    cooldown_ms: int = DAY_MS
    """Within this, at most one trigger of a rule is emitted for a person."""
    window_days: int = 14
    chance: float = 0.2
    """A return is expected where, when its reminder would go out, the chance of a purchase within
    `window_days` is at least this. Below, no forecast is good enough to act on."""
    cycles_per_tick: int = 1_000
    """Cycles looked at in one tick, so that no tick's delta outgrows a log record."""

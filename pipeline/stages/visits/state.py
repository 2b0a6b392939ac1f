"""The `visits` stage's state of one partition, and by what it is decided."""

import sys
from operator import attrgetter
from typing import NamedTuple

from pipeline.engine.state.keyed import Keyed, State
from pipeline.engine.state.timers import Timers
from pipeline.stages.visits import dedup_window
from pipeline.stages.visits.calendar import Calendar
from pipeline.stages.visits.device import Device, all_packed
from pipeline.stages.visits.funnel import Funnel


class Limits(NamedTuple):
    """How long and how much is remembered; see `pipeline.settings`.

    `state_limit_bytes` is what one partition's state may take. When it takes more, sessions are
    forgotten before their lateness, those that ended first, but none within half an hour.
    """

    horizon_ms: int
    lateness_ms: int
    funnel: Funnel
    state_limit_bytes: int = sys.maxsize


class VisitsState(State):
    """`devices` by site and device; `recent` ids of messages without one, `timers` to forget them.

    `clock`: the log's time as `now`, when it was last `passed_on`, and while it lags behind the
    ticks, the newest one as `heard`. When the state was last `weighed`, whether it was too `large`,
    and until when devices' sessions ended that were `forgotten` for that.
    """

    def __init__(self) -> None:
        self.devices: Keyed[Device] = Keyed(Device, all_packed)
        self.recent: Keyed[list[int]] = Keyed(list[int])
        self.clock: Keyed[int] = Keyed(int)
        timers: Keyed[int] = Keyed(int)
        self.timers = Timers(timers)
        self.reviews = Calendar(self.devices, attrgetter("wake_at"), bits=10)
        self.oldest_blocks = Calendar(self.devices, attrgetter("oldest_at"), bits=16)
        super().__init__(devices=self.devices, recent=self.recent, clock=self.clock, timers=timers)

    @property
    def now(self) -> int:
        """The log's time, ms; 0 until the first tick."""
        return self.clock.get("now") or 0

    @property
    def newest_tick(self) -> int:
        """The newest tick, ms: not below `now`, which may be on its way there."""
        return self.clock.get("heard") or self.now

    def remembered_ms(self, lateness_ms: int) -> int:
        """For how long devices are remembered now: `lateness_ms`, or less where room is short."""
        forgotten_before = self.clock.get(dedup_window.FORGOTTEN_BEFORE) or 0
        return max(0, min(lateness_ms, self.now - forgotten_before))

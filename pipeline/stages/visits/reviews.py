"""Reviews of devices at ticks: final outcomes are emitted, sessions packed, old events forgotten."""

from pipeline.engine.stage import Emit
from pipeline.stages.visits import attempts, dedup_window, packed_sessions, rows, sessions
from pipeline.stages.visits.device import MAX_RECENT_EVENTS, Device, RecentEvent
from pipeline.stages.visits.state import Limits, VisitsState


def schedule(
    state: VisitsState, limits: Limits, key: str, device: Device, recent: RecentEvent
) -> None:
    """Have a tick review the device when the event can be final."""
    wait_ms = limits.horizon_ms if recent.view else sessions.GAP_MS
    deadline = recent.time + wait_ms + 1 + device.skew
    if not device.wake_at or deadline < device.wake_at:
        device.wake_at = deadline
        state.reviews.add(key, deadline)


def review(state: VisitsState, limits: Limits, key: str, now: int, emit: Emit) -> None:
    """Emit what is final about a device by now, and set its next deadline."""
    device = state.devices.get(key)
    if device is None:
        return
    if len(device.events) + device.packed_events > MAX_RECENT_EVENTS:
        packed_sessions.unpack(device, 0, limits.horizon_ms, limits.funnel)
    site, _, name = key.partition("\n")
    watermark = now - device.skew
    waiting: list[attempts.Attempt] = []
    newest = packed_sessions.newest_time(device)
    if device.events:
        _emit_sessions(site, name, device, watermark, emit)
        waiting = _emit_outcomes(site, name, device, limits, now, emit)
        sessions.forget(device, watermark - limits.lateness_ms, MAX_RECENT_EVENTS)
    packed_sessions.forget(device, watermark - limits.lateness_ms)
    packed_sessions.pack(device, watermark)
    if not device.events and not device.packed_blocks:
        state.devices.delete(key)
        dedup_window.forget_device(state.clock, newest, now)
        return
    device.wake_at = 0
    if device.events:
        device.wake_at = device.skew + _next_review(device, limits, waiting, watermark)
        state.reviews.add(key, device.wake_at)
    store(state, key, device)


def store(state: VisitsState, key: str, device: Device) -> None:
    """Put a device back whose packed sessions have changed."""
    oldest = device.skew + device.packed_blocks[0].end if device.packed_blocks else 0
    if oldest != device.oldest_at:
        device.oldest_at = oldest
        state.oldest_blocks.add(key, oldest)
    state.devices.put(key, device)


def shrink(site: str, name: str, device: Device, limits: Limits, emit: Emit) -> None:
    """Forget a device's oldest events, after emitting what they decide by its newest one."""
    packed_sessions.unpack(device, 0, limits.horizon_ms, limits.funnel)
    newest = device.events[-1].time
    _emit_sessions(site, name, device, newest, emit)
    _emit_outcomes(site, name, device, limits, newest + device.skew, emit)
    sessions.forget(device, -(2**62), MAX_RECENT_EVENTS)


def _emit_sessions(site: str, name: str, device: Device, watermark: int, emit: Emit) -> None:
    changes = sessions.diff(device, watermark)
    for span in changes.withdrawals:
        rows.session_row(site, name, span, emit, deleted=True)
    for span in changes.updates:
        rows.session_row(site, name, span, emit, deleted=False)


def _emit_outcomes(
    site: str, name: str, device: Device, limits: Limits, now: int, emit: Emit
) -> list[attempts.Attempt]:
    changes, withdrawals, waiting = attempts.diff(
        device, limits.horizon_ms, limits.funnel, now - device.skew
    )
    for outcome in withdrawals:
        rows.withdrawn_outcome(site, name, outcome, now, emit)
    for change in changes:
        rows.outcome(site, name, change, now, emit)
    return waiting


def _next_review(
    device: Device, limits: Limits, waiting: list[attempts.Attempt], watermark: int
) -> int:
    """In the device's own time, of what is not packed: horizon, session end, end of lateness."""
    spans = sessions.spans(device.events, device.carry)
    times = [attempt.time + limits.horizon_ms + 1 for attempt in waiting]
    times += [t for span in spans if (t := sessions.close_time(span)) > watermark]
    if device.carry is None:
        times.append(device.events[-1].time + sessions.GAP_MS + 1)  # then it can be packed
    oldest = spans[0].end if spans else device.events[0].time
    times.append(oldest + limits.lateness_ms + 1)
    return max(min(times), watermark + 1)

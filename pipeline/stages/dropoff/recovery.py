"""While a flag is open: whether the share has come back, and how the flag closes."""

from typing import Final

from pipeline.stages.dropoff import baseline, detector, flags
from pipeline.stages.dropoff.context import Context, PageRef
from pipeline.stages.dropoff.state import Flag
from pipeline.stages.dropoff.views import CountedView
from schemas.rows import FlagRow
from schemas.time_units import HOUR_MS

ACCEPT_AFTER_MS: Final = 14 * 24 * HOUR_MS
"""What stays broken for so long is how the page is now: the flag closes and learning starts anew."""

DEVICES: Final = ("desktop", "mobile", "tablet", "unknown")


def follow(context: Context, page_ref: PageRef, flag: Flag, view: CountedView, now: int) -> None:
    """Fold a view of a flagged segment in; close the flag where it says enough. `now` is in ms."""
    if view.time < flag.time:
        return
    usual = _usual(context, page_ref, flag, view)
    if usual > baseline.NO_BASELINE:
        _update_evidence(flag, view, usual)
    if flag.evidence >= detector.RECOVERY_THRESHOLD:
        _close_as_recovered(context, page_ref, flag, now)
    elif view.time > flag.time + ACCEPT_AFTER_MS:
        _close_as_accepted(context, page_ref, flag, now)


def _update_evidence(flag: Flag, view: CountedView, usual: float) -> None:
    if view.forward_before is not None:
        if view.time >= flag.since and (view.forward_before != view.forward_now or view.views):
            once = detector.recovery(1.0, view.forward_now, usual, flag.gap)
            flag.evidence *= once / detector.recovery(1.0, view.forward_before, usual, flag.gap)
            flag.back_forward += view.forward_now - view.forward_before
            flag.back_views += view.views
        return
    if flag.evidence <= 1.0:
        flag.since, flag.back_views, flag.back_forward = view.time, 0, 0
    flag.evidence = detector.recovery(flag.evidence, view.forward_now, usual, flag.gap)
    flag.back_views += 1
    flag.back_forward += view.forward_now


def _usual(context: Context, page_ref: PageRef, flag: Flag, view: CountedView) -> float:
    hour = view.time // HOUR_MS
    if hour != flag.hour:
        flag.hour, flag.usual = hour, {}
    usual = flag.usual.get(view.device)
    if usual is None:
        usual = baseline.predict(context.baseline(page_ref, view.device), hour)[0]
        flag.usual[view.device] = usual
    return usual


def _close_as_recovered(context: Context, page_ref: PageRef, flag: Flag, now: int) -> None:
    numbers = flags.Numbers(now, flag.expected, flag.back_views, flag.back_forward)
    ending = "went on: as usual again."
    text = flags.sentence(page_ref, flag.segment, flag.since, numbers, ending)
    flags.emit_flag(context, page_ref, "dropoff.recovered", flag, text, numbers)
    _close(context, page_ref, flag)


def _close_as_accepted(context: Context, page_ref: PageRef, flag: Flag, now: int) -> None:
    devices = "" if flag.segment == detector.ALL else flag.segment
    numbers = flags.Numbers(now, flag.expected, flag.back_views, flag.back_forward)
    text = f"After 14 days the new share of {page_ref.path} counts as usual; learning starts anew."
    context.emit.row(
        FlagRow(
            site=page_ref.name,
            page=page_ref.path,
            device_class=devices,
            time=now,
            state="accepted",
            expected=numbers.expected,
            observed=numbers.observed,
            views=numbers.views,
            failed_views=numbers.failed_views,
            trigger_id="",
            reason=text,
        )
    )
    for device in DEVICES if flag.segment == detector.ALL else flag.devices:
        if page_ref.of(device) in context.tables.baselines:
            context.tables.baselines.delete(page_ref.of(device))
    flag.since = page_ref.site.clock
    _close(context, page_ref, flag)


def _close(context: Context, page_ref: PageRef, flag: Flag) -> None:
    page = page_ref.page
    page.flags = [open_flag for open_flag in page.flags if open_flag is not flag]
    for device in (detector.ALL,) if flag.segment == detector.ALL else flag.devices:
        page.since[device] = flag.since
    page.stale = True
    if not page.flags and page_ref.site.broken.pop(page_ref.path, None) is not None:
        context.tables.sites.put(page_ref.name, page_ref.site)

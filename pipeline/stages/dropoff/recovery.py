"""While a flag is open: has the share come back? And what becomes of the flag."""

from typing import Final, NamedTuple

from pipeline.stages.dropoff import baseline, detector, flags
from pipeline.stages.dropoff.context import Scene, Spot
from pipeline.stages.dropoff.state import HOUR, Flag
from schemas.rows import FlagRow

ACCEPTED_AFTER: Final = 14 * 24 * HOUR
"""What stays broken for so long is how the page is now: the flag closes and learning starts anew."""

DEVICES: Final = ("desktop", "mobile", "tablet", "unknown")


class Back(NamedTuple):
    """A view of a flagged segment; as `watch.Seen`."""

    time: int
    device: str
    went: bool
    was: bool | None
    views: int


def follow(scene: Scene, spot: Spot, flag: Flag, back: Back, now: int) -> None:
    """Fold a view of a flagged segment in; close the flag where it says enough. `now` is in ms."""
    if back.time < flag.time:
        return
    usual = _usual(scene, spot, flag, back)
    if usual > baseline.UNKNOWN:
        _weigh(flag, back, usual)
    if flag.evidence >= detector.RECOVERED:
        _recovered(scene, spot, flag, now)
    elif back.time > flag.time + ACCEPTED_AFTER:
        _accepted(scene, spot, flag, now)


def _weigh(flag: Flag, back: Back, usual: float) -> None:
    if back.was is not None:
        if back.time >= flag.since and (back.was != back.went or back.views):
            once = detector.recovery(1.0, back.went, usual, flag.gap)
            flag.evidence *= once / detector.recovery(1.0, back.was, usual, flag.gap)
            flag.back_forward += back.went - back.was
            flag.back_views += back.views
        return
    if flag.evidence <= 1.0:
        flag.since, flag.back_views, flag.back_forward = back.time, 0, 0
    flag.evidence = detector.recovery(flag.evidence, back.went, usual, flag.gap)
    flag.back_views += 1
    flag.back_forward += back.went


def _usual(scene: Scene, spot: Spot, flag: Flag, back: Back) -> float:
    hour = back.time // HOUR
    if hour != flag.hour:
        flag.hour, flag.usual = hour, {}
    usual = flag.usual.get(back.device)
    if usual is None:
        usual = baseline.predict(scene.baseline(spot, back.device), hour)[0]
        flag.usual[back.device] = usual
    return usual


def _recovered(scene: Scene, spot: Spot, flag: Flag, now: int) -> None:
    numbers = flags.Numbers(now, flag.expected, flag.back_views, flag.back_forward)
    ending = "went on: as usual again."
    text = flags.sentence(spot, flag.segment, flag.since, numbers, ending)
    flags.tell(scene, spot, "dropoff.recovered", flag, text, numbers)
    _close(scene, spot, flag)


def _accepted(scene: Scene, spot: Spot, flag: Flag, now: int) -> None:
    devices = "" if flag.segment == detector.ALL else flag.segment
    numbers = flags.Numbers(now, flag.expected, flag.back_views, flag.back_forward)
    text = f"After 14 days the new share of {spot.path} counts as usual; learning starts anew."
    scene.emit.row(
        FlagRow(
            site=spot.name,
            page=spot.path,
            device_class=devices,
            time=now,
            state="accepted",
            expected=numbers.expected,
            observed=numbers.observed,
            views=numbers.views,
            failed_views=numbers.failed,
            trigger_id="",
            reason=text,
        )
    )
    for device in DEVICES if flag.segment == detector.ALL else flag.devices:
        if spot.of(device) in scene.tables.baselines:
            scene.tables.baselines.delete(spot.of(device))
    flag.since = spot.site.clock
    _close(scene, spot, flag)


def _close(scene: Scene, spot: Spot, flag: Flag) -> None:
    page = spot.page
    page.flags = [other for other in page.flags if other is not flag]
    for device in (detector.ALL,) if flag.segment == detector.ALL else flag.devices:
        page.since[device] = flag.since
    page.stale = True
    if not page.flags and spot.site.broken.pop(spot.path, None) is not None:
        scene.tables.sites.put(spot.name, spot.site)

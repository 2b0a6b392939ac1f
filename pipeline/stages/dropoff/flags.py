"""From an alarm to a flag: which segment it is about, since when, and how to say so once."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from pipeline.stages.dropoff import baseline, detector
from pipeline.stages.dropoff.context import Scene, Spot
from pipeline.stages.dropoff.state import HOUR, Block, Cell, Flag, Page
from pipeline.stages.triggers import emit_trigger
from schemas.rows import FlagRow
from schemas.triggers import Rule, Trigger, trigger_id

JOIN: Final = 3 * HOUR
"""An alarm whose onset is this near to a flag's time on the same page is the same break."""

FRESH: Final = 24 * HOUR
"""Breaks older than this when found (an import of the past) are recorded, not triggered."""


def covering(page: Page, device: str) -> Flag | None:
    """The open flag that covers a device class."""
    if page.flags:
        for flag in page.flags:
            if flag.segment == detector.ALL or device in flag.devices:
                return flag
    return None


def alarm(scene: Scene, spot: Spot, segment: str, now: int) -> None:
    """The statistic of `segment` crossed 1: flag it, or join it to what is flagged already."""
    blocks = [*scene.past(spot.key).blocks, spot.page.block]
    segment = _most_specific(blocks, segment)
    run = detector.worst(blocks, segment)
    run_blocks = blocks[run.first :]
    if run_blocks and not _consequence(spot):
        onset = run_blocks[0].start
        known = _same_break(spot.page, onset)
        if known is None:
            _flag(scene, spot, segment, run_blocks, now)
        elif segment == detector.ALL:
            known.segment = segment
        else:
            known.devices.append(segment)
    _forget(scene, spot, segment)


def tell(scene: Scene, spot: Spot, rule: Rule, flag: Flag, text: str, numbers: "Numbers") -> None:
    """Emit a flag's row and, where it is fresh, its trigger."""
    devices = "" if flag.segment == detector.ALL else flag.segment
    subject = f"{spot.path} ({devices})" if devices else spot.path
    identity = trigger_id(rule, spot.name, subject, str(flag.onset))
    fresh = numbers.now - flag.onset <= FRESH or rule == "dropoff.recovered"
    scene.emit.row(
        FlagRow(
            site=spot.name,
            page=spot.path,
            device_class=devices,
            time=numbers.now,
            state=rule.removeprefix("dropoff."),
            expected=numbers.expected,
            observed=numbers.observed,
            views=numbers.views,
            failed_views=numbers.failed,
            trigger_id=identity if fresh else "",
            reason=text,
        )
    )
    if not fresh:
        return
    evidence = {
        "page": spot.path,
        "device_class": devices,
        "since": flag.onset,
        "expected": round(numbers.expected, 4),
        "observed": round(numbers.observed, 4),
        "views": numbers.views,
        "failed_views": numbers.failed,
    }
    trigger = Trigger(
        id=identity,
        rule=rule,
        site=spot.name,
        subject=subject,
        time=numbers.now,
        reason=text,
        evidence=evidence,
        origin=scene.emit.origin,
    )
    emit_trigger(scene.emit, trigger)


class Numbers(msgspec.Struct, frozen=True):
    """What a flag says: shares are fractions; `now` is the log's time, ms."""

    now: int
    expected: float
    views: int
    forward: int

    @property
    def observed(self) -> float:
        """The share that went forward."""
        return self.forward / self.views if self.views else 0.0

    @property
    def failed(self) -> int:
        """Views that did not go forward."""
        return self.views - self.forward


def sentence(spot: Spot, segment: str, since: int, numbers: Numbers, ending: str) -> str:
    """`Of 48 people who reached /checkout on mobile since 14:05 UTC, 3 went on; usually 71 % do.`"""
    at = datetime.fromtimestamp(since / 1000, UTC).strftime("%H:%M UTC")
    where = spot.path if segment == detector.ALL else f"{spot.path} on {segment}"
    return f"Of {numbers.views} people who reached {where} since {at}, {numbers.forward} {ending}"


def _most_specific(blocks: Sequence[Block], segment: str) -> str:
    """ALL where the device classes but the worst speak for a drop too, else the worst one."""
    run = detector.worst(blocks, segment)
    devices = sorted({device for block in blocks[run.first :] for device in block.cells})
    spoken = {device: detector.speaks(blocks, run, device) for device in devices}
    if not spoken:
        return segment
    leader = segment if segment in spoken else max(devices, key=spoken.__getitem__)
    others = sum(evidence for device, evidence in spoken.items() if device != leader)
    return detector.ALL if others > 0 else leader


def _consequence(spot: Spot) -> bool:
    """People sent back from a broken page leave from the pages before it: not news."""
    return any(step in spot.site.broken for step in spot.page.forward)


def _same_break(page: Page, onset: int) -> Flag | None:
    for flag in page.flags:
        if flag.onset - JOIN <= onset <= flag.time + JOIN:
            return flag
    return None


def _flag(scene: Scene, spot: Spot, segment: str, blocks: Sequence[Block], now: int) -> None:
    cells = [cell for block in blocks for cell in detector.cells_of(block, segment)]
    numbers = _numbers(cells, now)
    gap = baseline.odds_of(numbers.expected * numbers.views, numbers.views) - baseline.odds_of(
        numbers.forward, numbers.views
    )
    clock = spot.site.clock
    flag = Flag(
        blocks[0].start, clock, segment, [segment], max(gap, 1.0), numbers.expected, since=clock
    )
    spot.page.flags.append(flag)
    spot.site.broken[spot.path] = flag.onset
    scene.tables.sites.put(spot.name, spot.site)
    ending = f"went on; usually {numbers.expected:.0%} do.".replace("%", " %")
    text = sentence(spot, segment, flag.onset, numbers, ending)
    tell(scene, spot, "dropoff.broke", flag, text, numbers)


def _numbers(cells: Sequence[Cell], now: int) -> Numbers:
    views = sum(cell.views for cell in cells)
    forward = min(max(sum(cell.forward for cell in cells), 0), views)
    usual = sum(cell.views * baseline.share(cell.usual) for cell in cells)
    return Numbers(now, usual / views, views, forward)


def _forget(scene: Scene, spot: Spot, segment: str) -> None:
    """Take a segment's views out of the quarantine: they are never learned from."""
    past = scene.past(spot.key)
    for block in (*past.blocks, spot.page.block):
        if segment == detector.ALL:
            block.cells.clear()
        else:
            block.cells.pop(segment, None)
    past.blocks = [block for block in past.blocks if block.cells]
    spot.page.stale = True
    scene.tables.pasts.put(spot.key, past)

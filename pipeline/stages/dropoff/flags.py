"""From an alarm to a flag: which segment it is about, since when, and its one row and trigger."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from pipeline.stages.dropoff import baseline, detector
from pipeline.stages.dropoff.context import Context, PageRef
from pipeline.stages.dropoff.state import Block, Cell, Flag, Page
from pipeline.stages.triggers import emit_trigger
from schemas.rows import FlagRow
from schemas.time_units import HOUR_MS
from schemas.triggers import Rule, Trigger, trigger_id

JOIN_MS: Final = 3 * HOUR_MS
"""An alarm whose onset is this near to a flag's time on the same page is the same break."""

FRESH_MS: Final = 24 * HOUR_MS
"""Breaks older than this when found (an import of the past) are recorded, not triggered."""


def covering(page: Page, device: str) -> Flag | None:
    """The open flag that covers a device class."""
    if page.flags:
        for flag in page.flags:
            if flag.segment == detector.ALL or device in flag.devices:
                return flag
    return None


def alarm(context: Context, page_ref: PageRef, segment: str, now: int) -> None:
    """The statistic of `segment` crossed 1: flag it, or join it to what is flagged already."""
    blocks = [*context.quarantine(page_ref.key).blocks, page_ref.page.block]
    segment = _most_specific(blocks, segment)
    run = detector.strongest_run(blocks, segment)
    run_blocks = blocks[run.first :]
    if run_blocks and not _is_consequence(page_ref):
        onset = run_blocks[0].start
        flag = _same_break(page_ref.page, onset)
        if flag is None:
            _flag(context, page_ref, segment, run_blocks, now)
        elif segment == detector.ALL:
            flag.segment = segment
        else:
            flag.devices.append(segment)
    _exclude_from_learning(context, page_ref, segment)


def emit_flag(
    context: Context, page_ref: PageRef, rule: Rule, flag: Flag, text: str, numbers: "Numbers"
) -> None:
    """Emit a flag's row and, where it is fresh, its trigger."""
    devices = "" if flag.segment == detector.ALL else flag.segment
    subject = f"{page_ref.path} ({devices})" if devices else page_ref.path
    identity = trigger_id(rule, page_ref.name, subject, str(flag.onset))
    fresh = numbers.now - flag.onset <= FRESH_MS or rule == "dropoff.recovered"
    context.emit.row(
        FlagRow(
            site=page_ref.name,
            page=page_ref.path,
            device_class=devices,
            time=numbers.now,
            state=rule.removeprefix("dropoff."),
            expected=numbers.expected,
            observed=numbers.observed,
            views=numbers.views,
            failed_views=numbers.failed_views,
            trigger_id=identity if fresh else "",
            reason=text,
        )
    )
    if not fresh:
        return
    evidence = {
        "page": page_ref.path,
        "device_class": devices,
        "since": flag.onset,
        "expected": round(numbers.expected, 4),
        "observed": round(numbers.observed, 4),
        "views": numbers.views,
        "failed_views": numbers.failed_views,
    }
    trigger = Trigger(
        id=identity,
        rule=rule,
        site=page_ref.name,
        subject=subject,
        time=numbers.now,
        reason=text,
        evidence=evidence,
        origin=context.emit.origin,
    )
    emit_trigger(context.emit, trigger)


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
    def failed_views(self) -> int:
        """Views that did not go forward."""
        return self.views - self.forward


def sentence(page_ref: PageRef, segment: str, since: int, numbers: Numbers, ending: str) -> str:
    """`Of 48 people who reached /checkout on mobile since 14:05 UTC, 3 went on; usually 71 % do.`"""
    at = datetime.fromtimestamp(since / 1000, UTC).strftime("%H:%M UTC")
    where = page_ref.path if segment == detector.ALL else f"{page_ref.path} on {segment}"
    return f"Of {numbers.views} people who reached {where} since {at}, {numbers.forward} {ending}"


def _most_specific(blocks: Sequence[Block], segment: str) -> str:
    """ALL where the device classes but the worst speak for a drop too, else the worst one."""
    run = detector.strongest_run(blocks, segment)
    devices = sorted({device for block in blocks[run.first :] for device in block.cells})
    evidence_by_device = {device: detector.evidence_for(blocks, run, device) for device in devices}
    if not evidence_by_device:
        return segment
    leader = (
        segment
        if segment in evidence_by_device
        else max(devices, key=evidence_by_device.__getitem__)
    )
    other_evidence = sum(
        evidence for device, evidence in evidence_by_device.items() if device != leader
    )
    return detector.ALL if other_evidence > 0 else leader


def _is_consequence(page_ref: PageRef) -> bool:
    """Whether a page after this one is broken: people whom it sends back leave from this one."""
    return any(step in page_ref.site.broken for step in page_ref.page.forward)


def _same_break(page: Page, onset: int) -> Flag | None:
    for flag in page.flags:
        if flag.onset - JOIN_MS <= onset <= flag.time + JOIN_MS:
            return flag
    return None


def _flag(
    context: Context, page_ref: PageRef, segment: str, blocks: Sequence[Block], now: int
) -> None:
    cells = [cell for block in blocks for cell in detector.cells_of(block, segment)]
    numbers = _numbers(cells, now)
    gap = baseline.odds_of(numbers.expected * numbers.views, numbers.views) - baseline.odds_of(
        numbers.forward, numbers.views
    )
    clock = page_ref.site.clock
    flag = Flag(
        blocks[0].start, clock, segment, [segment], max(gap, 1.0), numbers.expected, since=clock
    )
    page_ref.page.flags.append(flag)
    page_ref.site.broken[page_ref.path] = flag.onset
    context.tables.sites.put(page_ref.name, page_ref.site)
    ending = f"went on; usually {numbers.expected:.0%} do.".replace("%", " %")
    text = sentence(page_ref, segment, flag.onset, numbers, ending)
    emit_flag(context, page_ref, "dropoff.broke", flag, text, numbers)


def _numbers(cells: Sequence[Cell], now: int) -> Numbers:
    views = sum(cell.views for cell in cells)
    forward = min(max(sum(cell.forward for cell in cells), 0), views)
    usual = sum(cell.views * baseline.share(cell.usual) for cell in cells)
    return Numbers(now, usual / views, views, forward)


def _exclude_from_learning(context: Context, page_ref: PageRef, segment: str) -> None:
    """Take a segment's views out of the quarantine: they are never learned from."""
    quarantine = context.quarantine(page_ref.key)
    for block in (*quarantine.blocks, page_ref.page.block):
        if segment == detector.ALL:
            block.cells.clear()
        else:
            block.cells.pop(segment, None)
    quarantine.blocks = [block for block in quarantine.blocks if block.cells]
    page_ref.page.stale = True
    context.tables.quarantines.put(page_ref.key, quarantine)

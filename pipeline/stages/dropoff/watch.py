"""Counts one outcome on its page, and what follows from it: blocks, quarantine, alarms."""

from collections.abc import Sequence
from typing import Final

from pipeline.stages.dropoff import baseline, detector, flags, recovery
from pipeline.stages.dropoff.context import Context, PageRef
from pipeline.stages.dropoff.forward import first_step, verdict
from pipeline.stages.dropoff.state import Block, Cell, Page, Quarantine, Site, Window
from pipeline.stages.dropoff.views import CountedView
from schemas.outcomes import PageOutcome
from schemas.time_units import HOUR_MS

BLOCK_VIEWS: Final = 24
"""Views that close a block; the end of an hour does too."""

SLACK_MS: Final = HOUR_MS // 6
"""Attempts this much older than the open block still count there; older ones in their own block."""

RECENT_BLOCKS: Final = 24
MAX_BLOCKS: Final = 48
"""Past MAX_BLOCKS, neighbours of one hour become one block, but for the RECENT_BLOCKS newest."""

MAX_STEPS: Final = 32
"""Distinct first next steps counted per page and hour."""

MIN_QUARANTINE_MS: Final = HOUR_MS
MAX_QUARANTINE_MS: Final = 24 * HOUR_MS
SUSPECT_LIMIT_MS: Final = 72 * HOUR_MS
"""What stays suspect for so long without an alarm is drift, and is learned from."""


def watch(context: Context, page_ref: PageRef, outcome: PageOutcome, goal: str) -> None:
    """Count an outcome of a page; flag a break or a recovery that it shows. Puts `page_ref.page`."""
    time = min(outcome.time, outcome.decided_at)
    if time // HOUR_MS > page_ref.page.hour:
        _start_hour(context, page_ref, time)
    _count_step(context, page_ref, outcome, time, goal)
    forward_now = _forward_now(outcome, page_ref.page)
    if forward_now is not None and time >= _since(page_ref.page, outcome.device_class):
        was = _forward_before(outcome, page_ref.page) if outcome.revision else None
        views = -1 if outcome.withdrawn else int(not outcome.revision)
        view = CountedView(time, outcome.device_class or "unknown", forward_now, was, views)
        _count(context, page_ref, view, outcome.decided_at)
    context.tables.pages.put(page_ref.key, page_ref.page)


def _forward_now(outcome: PageOutcome, page: Page) -> bool | None:
    if outcome.withdrawn:
        return None if _forward_before(outcome, page) is None else False
    return verdict(outcome.forward, outcome.next, page.forward)


def _forward_before(outcome: PageOutcome, page: Page) -> bool | None:
    return verdict(outcome.was_forward, outcome.was_next, page.forward)


def quarantine_ms(site: Site) -> int:
    """How old a block must be before it is learned from, ms: a sixth of the site's history.

    A day where there are six; an hour at least, so that a site's first day can be judged by its
    own morning.
    """
    age = site.clock - site.first
    return min(max(age // 6, MIN_QUARANTINE_MS), MAX_QUARANTINE_MS)


def _since(page: Page, device: str) -> int:
    if not page.since:
        return -1
    device = device or "unknown"
    return max(page.since.get(device, -1), page.since.get(detector.ALL, -1))


def _count(context: Context, page_ref: PageRef, view: CountedView, now: int) -> None:
    flag = flags.covering(page_ref.page, view.device)
    if flag is not None:
        recovery.follow(context, page_ref, flag, view, now)
        return
    has_block = _count_in_block(context, page_ref, view)
    if has_block and (not view.forward_now or view.forward_before is not None):
        _test_open_block(context, page_ref, now)
    block = page_ref.page.block
    if sum([cell.views for cell in block.cells.values()]) >= BLOCK_VIEWS:
        _close_block(context, page_ref, max(view.time, block.start))


def _count_in_block(context: Context, page_ref: PageRef, view: CountedView) -> bool:
    """Whether there was a block to count in: what was learned from already is not corrected."""
    page = page_ref.page
    if view.time >= page.block.start - SLACK_MS:
        return _count_in_cell(context, page_ref, page.block, view)
    quarantine = context.quarantine(page_ref.key)
    block = _block_at(quarantine.blocks, view.time)
    if block is None or not _count_in_cell(context, page_ref, block, view):
        return False
    page.stale, page.patience = True, 0
    context.tables.quarantines.put(page_ref.key, quarantine)
    return True


def _count_in_cell(context: Context, page_ref: PageRef, block: Block, view: CountedView) -> bool:
    cell = block.cells.get(view.device)
    if cell is None:
        if view.forward_before is not None:
            return False
        page_baseline = context.baseline(page_ref, view.device)
        cell = Cell(0, 0, *baseline.predict(page_baseline, block.start // HOUR_MS))
        block.cells[view.device] = cell
        page_ref.page.patience = 0
    if view.forward_before is not None:
        page_ref.page.patience = 0
    cell.views += view.views
    cell.forward += view.change
    return True


def _block_at(blocks: Sequence[Block], time: int) -> Block | None:
    for block in reversed(blocks):
        if block.start <= time:
            return block if block.start // HOUR_MS == time // HOUR_MS else None
    return None


def _test_open_block(context: Context, page_ref: PageRef, now: int) -> None:
    """Ask the test about every segment in the open block, unless its answer cannot have changed."""
    page = page_ref.page
    if page.patience > 0:
        page.patience -= 1
        return
    if not page.block.cells:
        return
    if page.stale:
        _recompute(context, page_ref)
    top = 0.0
    for segment in (*page.block.cells, detector.ALL):
        cells = detector.cells_of(page.block, segment)
        views = max(sum([cell.views for cell in cells]), 1)
        evidence, ratios = page.evidence.get(segment), detector.joint_ratios(cells)
        m = detector.statistic(evidence, page_ref.site.stake * views, ratios)
        if m >= 1.0:
            flags.alarm(context, page_ref, segment, now)
            return
        top = max(top, m * BLOCK_VIEWS / views)
    page.patience = detector.patience(top, page.block)


def _recompute(context: Context, page_ref: PageRef) -> None:
    page_ref.page.evidence = {}
    for block in context.quarantine(page_ref.key).blocks:
        detector.close(page_ref.page.evidence, block, page_ref.site.stake)
    page_ref.page.stale = False


def _close_block(context: Context, page_ref: PageRef, start: int) -> None:
    page = page_ref.page
    if page.block.cells:
        if not page.stale:
            detector.close(page.evidence, page.block, page_ref.site.stake)
        quarantine = context.quarantine(page_ref.key)
        quarantine.blocks.append(page.block)
        if len(quarantine.blocks) > MAX_BLOCKS:
            quarantine.blocks = _compact(quarantine.blocks)
        context.tables.quarantines.put(page_ref.key, quarantine)
    page.block, page.patience = Block(start), 0


def _compact(blocks: list[Block]) -> list[Block]:
    merged_blocks: list[Block] = []
    for block in blocks[:-RECENT_BLOCKS]:
        if merged_blocks and merged_blocks[-1].start // HOUR_MS == block.start // HOUR_MS:
            _merge(merged_blocks[-1], block)
        else:
            merged_blocks.append(block)
    return merged_blocks + blocks[-RECENT_BLOCKS:]


def _merge(into: Block, block: Block) -> None:
    for device, cell in block.cells.items():
        target = into.cells.get(device)
        if target is None:
            into.cells[device] = cell
        else:
            target.views += cell.views
            target.forward += cell.forward


def _count_step(
    context: Context, page_ref: PageRef, outcome: PageOutcome, time: int, goal: str
) -> None:
    page = page_ref.page
    steps: dict[str, int] | None = page.steps
    if time // HOUR_MS < page.hour:
        quarantine = context.quarantine(page_ref.key)
        steps = next((w.steps for w in quarantine.windows if w.hour == time // HOUR_MS), None)
        if steps is not None:
            context.tables.quarantines.put(page_ref.key, quarantine)
    if steps is None:
        return
    if not outcome.withdrawn:
        _add(steps, first_step(outcome.next, goal), 1)
    if outcome.revision:
        _add(steps, first_step(outcome.was_next, goal), -1)


def _add(steps: dict[str, int], step: str, change: int) -> None:
    count = steps.get(step, 0) + change
    if count:
        if step in steps or len(steps) < MAX_STEPS:
            steps[step] = count
    else:
        steps.pop(step, None)


def _start_hour(context: Context, page_ref: PageRef, time: int) -> None:
    page = page_ref.page
    quarantine = context.quarantine(page_ref.key)
    if page.steps:
        quarantine.windows.append(Window(page.hour, page.steps))
        page.steps = {}
    context.tables.quarantines.put(page_ref.key, quarantine)
    _close_block(context, page_ref, time)
    page.hour = time // HOUR_MS
    _learn(context, page_ref, quarantine)


def _learn(context: Context, page_ref: PageRef, quarantine: Quarantine) -> None:
    """Train baselines on what left the quarantine and is not suspect."""
    if not quarantine.blocks:
        return
    if page_ref.page.stale:
        _recompute(context, page_ref)
    evidence = page_ref.page.evidence
    released_until = page_ref.site.clock - quarantine_ms(page_ref.site)
    suspect_until = page_ref.site.clock - SUSPECT_LIMIT_MS
    everywhere = detector.suspect(evidence.get(detector.ALL))
    page_ref.page.suspect = everywhere
    for device in sorted({device for block in quarantine.blocks for device in block.cells}):
        suspect = everywhere or detector.suspect(evidence.get(device))
        page_ref.page.suspect |= suspect
        _train(context, page_ref, quarantine, device, suspect_until if suspect else released_until)
    quarantine.blocks = [block for block in quarantine.blocks if block.cells]


def _train(
    context: Context, page_ref: PageRef, quarantine: Quarantine, device: str, until: int
) -> None:
    hours: dict[int, Cell] = {}
    for block in quarantine.blocks:
        hour = block.start // HOUR_MS
        if (hour + 1) * HOUR_MS > until:
            break
        if cell := block.cells.pop(device, None):
            total = hours.setdefault(hour, Cell(0, 0, cell.usual, cell.floor))
            total.views += cell.views
            total.forward += cell.forward
    if hours:
        page_baseline = context.baseline(page_ref, device)
        for hour, cell in hours.items():
            baseline.train(page_baseline, hour, cell.views, cell.forward, cell.usual)
        context.tables.baselines.put(page_ref.of(device), page_baseline)

"""One outcome's way into a page's counts, and what follows from it: blocks, quarantine, alarms."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from pipeline.stages.dropoff import baseline, detector, flags, recovery
from pipeline.stages.dropoff.context import Scene, Spot
from pipeline.stages.dropoff.forward import first_step, verdict
from pipeline.stages.dropoff.state import HOUR, Block, Cell, Page, Past, Site, Window
from schemas.outcomes import PageOutcome

BLOCK_VIEWS: Final = 24
"""Views that close a block; the end of an hour does too."""

SLACK: Final = HOUR // 6
"""Attempts this much older than the open block still count there; older ones seek their own."""

RECENT_BLOCKS: Final = 24
MAX_BLOCKS: Final = 48
"""Past MAX_BLOCKS, neighbours of one hour become one block, but for the RECENT_BLOCKS newest."""

MAX_STEPS: Final = 32
"""Distinct first next steps counted per page and hour."""

SHORTEST_QUARANTINE: Final = HOUR
LONGEST_QUARANTINE: Final = 24 * HOUR
PATIENCE: Final = 72 * HOUR
"""What stays suspect for so long without an alarm is drift, and learned."""


class Seen(NamedTuple):
    """An outcome as far as counting goes. `was` is None where it corrects nothing.

    `views` is 1 for a new attempt, 0 for a correction, −1 for one that is withdrawn.
    """

    time: int
    device: str
    went: bool
    was: bool | None
    views: int

    @property
    def change(self) -> int:
        """By how much the count of forward views moves."""
        return self.went - bool(self.was)


def watch(scene: Scene, spot: Spot, outcome: PageOutcome, goal: str) -> None:
    """Count an outcome of a known page and raise what there is to raise. Puts `spot.page`."""
    time = min(outcome.time, outcome.decided_at)
    if time // HOUR > spot.page.hour:
        _turn_hour(scene, spot, time)
    _count_step(scene, spot, outcome, time, goal)
    went = _went(outcome, spot.page)
    if went is not None and time >= _since(spot.page, outcome.device_class):
        was = _was(outcome, spot.page) if outcome.revision else None
        views = -1 if outcome.withdrawn else int(not outcome.revision)
        seen = Seen(time, outcome.device_class or "unknown", went, was, views)
        _count(scene, spot, seen, outcome.decided_at)
    scene.tables.pages.put(spot.key, spot.page)


def _went(outcome: PageOutcome, page: Page) -> bool | None:
    if outcome.withdrawn:
        return None if _was(outcome, page) is None else False
    return verdict(outcome.forward, outcome.next, page.forward)


def _was(outcome: PageOutcome, page: Page) -> bool | None:
    return verdict(outcome.was_forward, outcome.was_next, page.forward)


def quarantine(site: Site) -> int:
    """How old a block must be before it is learned from, ms: a sixth of the site's history.

    A day where there are six; an hour at least, so that a site's first day can be judged by its
    own morning.
    """
    age = site.clock - site.first
    return min(max(age // 6, SHORTEST_QUARANTINE), LONGEST_QUARANTINE)


def _since(page: Page, device: str) -> int:
    if not page.since:
        return -1
    device = device or "unknown"
    return max(page.since.get(device, -1), page.since.get(detector.ALL, -1))


def _count(scene: Scene, spot: Spot, seen: Seen, now: int) -> None:
    flag = flags.covering(spot.page, seen.device)
    if flag is not None:
        back = recovery.Back(seen.time, seen.device, seen.went, seen.was, seen.views)
        recovery.follow(scene, spot, flag, back, now)
        return
    counted = _into_block(scene, spot, seen)
    if counted and (not seen.went or seen.was is not None):
        _look(scene, spot, now)
    block = spot.page.block
    if sum([cell.views for cell in block.cells.values()]) >= BLOCK_VIEWS:
        _close_block(scene, spot, max(seen.time, block.start))


def _into_block(scene: Scene, spot: Spot, seen: Seen) -> bool:
    """Whether there was a block to count in: what is older than the quarantine is past mending."""
    page = spot.page
    if seen.time >= page.block.start - SLACK:
        return _into_cell(scene, spot, page.block, seen)
    past = scene.past(spot.key)
    block = _block_at(past.blocks, seen.time)
    if block is None or not _into_cell(scene, spot, block, seen):
        return False
    page.stale, page.patience = True, 0
    scene.tables.pasts.put(spot.key, past)
    return True


def _into_cell(scene: Scene, spot: Spot, block: Block, seen: Seen) -> bool:
    cell = block.cells.get(seen.device)
    if cell is None:
        if seen.was is not None:
            return False
        learned = scene.baseline(spot, seen.device)
        cell = Cell(0, 0, *baseline.predict(learned, block.start // HOUR))
        block.cells[seen.device] = cell
        spot.page.patience = 0
    if seen.was is not None:
        spot.page.patience = 0
    cell.views += seen.views
    cell.forward += seen.change
    return True


def _block_at(blocks: Sequence[Block], time: int) -> Block | None:
    for block in reversed(blocks):
        if block.start <= time:
            return block if block.start // HOUR == time // HOUR else None
    return None


def _look(scene: Scene, spot: Spot, now: int) -> None:
    """Ask the test about every segment in the open block, unless its answer cannot have changed."""
    page = spot.page
    if page.patience > 0:
        page.patience -= 1
        return
    if not page.block.cells:
        return
    if page.stale:
        _recompute(scene, spot)
    top = 0.0
    for segment in (*page.block.cells, detector.ALL):
        cells = detector.cells_of(page.block, segment)
        views = max(sum([cell.views for cell in cells]), 1)
        known, ratios = page.evidence.get(segment), detector.together(cells)
        m = detector.statistic(known, spot.site.stake * views, ratios)
        if m >= 1.0:
            flags.alarm(scene, spot, segment, now)
            return
        top = max(top, m * BLOCK_VIEWS / views)
    page.patience = detector.patience(top, page.block)


def _recompute(scene: Scene, spot: Spot) -> None:
    spot.page.evidence = {}
    for block in scene.past(spot.key).blocks:
        detector.close(spot.page.evidence, block, spot.site.stake)
    spot.page.stale = False


def _close_block(scene: Scene, spot: Spot, start: int) -> None:
    page = spot.page
    if page.block.cells:
        if not page.stale:
            detector.close(page.evidence, page.block, spot.site.stake)
        past = scene.past(spot.key)
        past.blocks.append(page.block)
        if len(past.blocks) > MAX_BLOCKS:
            past.blocks = _compact(past.blocks)
        scene.tables.pasts.put(spot.key, past)
    page.block, page.patience = Block(start), 0


def _compact(blocks: list[Block]) -> list[Block]:
    kept: list[Block] = []
    for block in blocks[:-RECENT_BLOCKS]:
        if kept and kept[-1].start // HOUR == block.start // HOUR:
            _merge(kept[-1], block)
        else:
            kept.append(block)
    return kept + blocks[-RECENT_BLOCKS:]


def _merge(into: Block, block: Block) -> None:
    for device, cell in block.cells.items():
        known = into.cells.get(device)
        if known is None:
            into.cells[device] = cell
        else:
            known.views += cell.views
            known.forward += cell.forward


def _count_step(scene: Scene, spot: Spot, outcome: PageOutcome, time: int, goal: str) -> None:
    page = spot.page
    steps: dict[str, int] | None = page.steps
    if time // HOUR < page.hour:
        past = scene.past(spot.key)
        steps = next((w.steps for w in past.windows if w.hour == time // HOUR), None)
        if steps is not None:
            scene.tables.pasts.put(spot.key, past)
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


def _turn_hour(scene: Scene, spot: Spot, time: int) -> None:
    page = spot.page
    past = scene.past(spot.key)
    if page.steps:
        past.windows.append(Window(page.hour, page.steps))
        page.steps = {}
    scene.tables.pasts.put(spot.key, past)
    _close_block(scene, spot, time)
    page.hour = time // HOUR
    _learn(scene, spot, past)


def _learn(scene: Scene, spot: Spot, past: Past) -> None:
    """Train baselines on what left the quarantine and is not suspect."""
    if not past.blocks:
        return
    if spot.page.stale:
        _recompute(scene, spot)
    evidence = spot.page.evidence
    ripe = spot.site.clock - quarantine(spot.site)
    overdue = spot.site.clock - PATIENCE
    everywhere = detector.suspect(evidence.get(detector.ALL))
    spot.page.suspect = everywhere
    for device in sorted({device for block in past.blocks for device in block.cells}):
        suspect = everywhere or detector.suspect(evidence.get(device))
        spot.page.suspect |= suspect
        _train(scene, spot, past, device, overdue if suspect else ripe)
    past.blocks = [block for block in past.blocks if block.cells]


def _train(scene: Scene, spot: Spot, past: Past, device: str, until: int) -> None:
    hours: dict[int, Cell] = {}
    for block in past.blocks:
        hour = block.start // HOUR
        if (hour + 1) * HOUR > until:
            break
        if cell := block.cells.pop(device, None):
            known = hours.setdefault(hour, Cell(0, 0, cell.usual, cell.floor))
            known.views += cell.views
            known.forward += cell.forward
    if hours:
        learned = scene.baseline(spot, device)
        for hour, cell in hours.items():
            baseline.train(learned, hour, cell.views, cell.forward, cell.usual)
        scene.tables.baselines.put(spot.of(device), learned)

"""At the start of a site's hour or day: its traffic, and what forward means on its pages."""

from typing import Final

from pipeline.stages.dropoff import detector, forward
from pipeline.stages.dropoff.context import Context
from pipeline.stages.dropoff.recovery import DEVICES
from pipeline.stages.dropoff.state import Block, Page, PageIndex, Site, Steps
from pipeline.stages.dropoff.watch import quarantine_ms
from schemas.rows import ForwardSetRow
from schemas.time_units import HOUR_MS

MAX_PAGES: Final = 1_000
"""Pages watched per site; a page nobody visits for weeks makes room for another."""

YOUNG_SITE_MS: Final = 48 * HOUR_MS
"""A site younger than this is learned from every hour, an older one once a day."""

DAILY_DECAY: Final = 0.95
"""Step counts are multiplied by this every day: they halve in a fortnight."""

MIN_COUNT: Final = 0.2
"""Step counts faded below this are forgotten: a step taken once, after a month."""

MIN_MOVED_SHARE: Final = 0.05
"""A changed forward set that moves a larger share than this starts the page's baseline anew."""


def new_site(clock: int) -> Site:
    """A site whose first outcome was at `clock`, ms."""
    return Site(first=clock, clock=clock, stake=detector.stake(0))


def new_page(context: Context, name: str, path: str, time: int) -> Page | None:
    """A page seen for the first time; None where the site has too many."""
    page_index = context.tables.page_indexes.get(name) or PageIndex()
    if len(page_index.pages) >= MAX_PAGES:
        return None
    page_index.pages.append(path)
    context.tables.page_indexes.put(name, page_index)
    return Page(Block(time), time // HOUR_MS)


def start_hour(context: Context, name: str, site: Site, goal: str) -> None:
    """The site's clock entered another hour."""
    site.hour = site.clock // HOUR_MS
    day = site.hour // 24
    new_day = day != site.day
    if new_day:
        site.week = [*site.week[-6:], site.views] if site.day >= 0 else []
        site.day, site.views = day, 0
        site.stake = detector.stake(sum(site.week))
    if new_day or site.clock - site.first < YOUNG_SITE_MS:
        _learn(context, name, site, goal, DAILY_DECAY if new_day else 1.0)


def _learn(context: Context, name: str, site: Site, goal: str, fade: float) -> None:
    page_index = context.tables.page_indexes.get(name) or PageIndex()
    released_until = (site.clock - quarantine_ms(site)) // HOUR_MS
    counts = {
        path: _released_counts(context, f"{name}\n{path}", released_until, fade)
        for path in page_index.pages
    }
    value = forward.values(counts, goal)
    for path in page_index.pages if value else ():
        _update_forward_set(context, name, path, counts[path], value)
    if fade < 1.0:
        _drop_unvisited_pages(context, name, page_index, counts)


def _released_counts(
    context: Context, key: str, released_until: int, fade: float
) -> dict[str, float]:
    """A page's step counts with the windows that left the quarantine added."""
    steps = context.tables.steps.get(key) or Steps()
    page, quarantine = context.tables.pages.get(key), context.quarantine(key)
    windows = [window for window in quarantine.windows if window.hour < released_until]
    if fade == 1.0 and (not windows or page is None or page.suspect):
        return steps.counts
    steps.counts = {step: n * fade for step, n in steps.counts.items() if n * fade > MIN_COUNT}
    if page is not None and not page.suspect and windows:
        for window in () if page.flags else windows:
            for step, count in window.steps.items():
                steps.counts[step] = steps.counts.get(step, 0.0) + count
        quarantine.windows = [
            window for window in quarantine.windows if window.hour >= released_until
        ]
        context.tables.quarantines.put(key, quarantine)
    context.tables.steps.put(key, steps)
    return steps.counts


def _update_forward_set(
    context: Context, name: str, path: str, steps: dict[str, float], value: dict[str, float]
) -> None:
    key = f"{name}\n{path}"
    page = context.tables.pages.get(key)
    if page is None or page.flags or page.suspect:
        return
    current, chosen = page.forward, forward.choose(path, steps, value, page.forward)
    if chosen == current:
        return
    total = sum(steps.values()) or 1.0
    changed_steps = [step for step in (*current, *chosen) if (step in current) != (step in chosen)]
    for step in changed_steps:
        context.emit.row(
            ForwardSetRow(
                site=name,
                page=path,
                next=step,
                share=steps.get(step, 0.0) / total,
                version=context.emit.version,
                deleted=int(step in current),
            )
        )
    page.forward = chosen
    if sum(steps.get(step, 0.0) for step in changed_steps) > MIN_MOVED_SHARE * total:
        _reset_learning(context, key, page)
    context.tables.pages.put(key, page)


def _reset_learning(context: Context, key: str, page: Page) -> None:
    """Counts under another forward set are counts of something else."""
    quarantine = context.quarantine(key)
    quarantine.blocks = []
    context.tables.quarantines.put(key, quarantine)
    page.block, page.evidence, page.stale = Block((page.hour + 1) * HOUR_MS), {}, False
    page.since = {detector.ALL: page.block.start}
    for device in DEVICES:
        if f"{key}\n{device}" in context.tables.baselines:
            context.tables.baselines.delete(f"{key}\n{device}")


def _drop_unvisited_pages(
    context: Context, name: str, page_index: PageIndex, counts: dict[str, dict[str, float]]
) -> None:
    """Forget pages without recent visits."""
    tables, unvisited = context.tables, []
    for path in page_index.pages:
        key = f"{name}\n{path}"
        page = tables.pages.get(key)
        if (
            counts[path]
            or page is None
            or page.steps
            or page.flags
            or context.quarantine(key).windows
        ):
            continue
        unvisited.append(path)
        for table in (tables.pages, tables.quarantines, tables.steps):
            table.delete(key)
        for device in DEVICES:
            tables.baselines.delete(f"{key}\n{device}")
    if unvisited:
        page_index.pages = [path for path in page_index.pages if path not in unvisited]
        tables.page_indexes.put(name, page_index)

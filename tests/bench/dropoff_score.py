"""Scores drop-off on generated sites: false alarms per site-week, failed views until the flag.

`python -m tests.bench.dropoff_score [--seeds N] [--tuning] [--json]`. The held-out sites (the
default) are not to be tuned on; `--tuning` takes others, which may. Failed views are those of the
planted page and devices that were decided between the planted onset and the flag, the ones that
would have failed anyway included. Every flag on another page, on other devices only, or before the
onset is a false alarm.
"""

import argparse
import json
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import islice
from statistics import median
from typing import Any, Final

import msgspec
from msgspec import structs

from pipeline.engine.stage import Emit, Record
from pipeline.stages.dropoff.stage import Dropoff
from schemas import topics
from schemas.outcomes import PageOutcome
from schemas.rows import FlagRow, Row
from tests.bench import sites

HELD_OUT: Final = 9_000
TUNING: Final = 1_000
"""The first seed of each."""

SITES: Final = 30
PER_RECORD: Final = 100


@dataclass
class Score:
    """The result for one site. `failed`: views that failed until the flag, None where there was none."""

    kind: str
    seed: int
    weeks: float
    outcomes: int = 0
    seconds: float = 0.0
    broken: bool = False
    failed: int | None = None
    recovered: int = 0
    false: list[str] = field(default_factory=list)


def score(kind: str, seed: int) -> Score:
    """Play one site through the stage."""
    spec = sites.site(kind, seed)
    result = Score(kind, seed, spec.days / 7, broken=spec.broken is not None)
    stage = Dropoff()
    state = stage.new_state()
    encode = msgspec.json.Encoder().encode_lines
    stream = sites.outcomes(spec)
    failed_views = 0
    batches = iter(lambda: list(islice(stream, PER_RECORD)), [])
    for offset, batch in enumerate(batches):
        record = Record(offset, len(batch), encode(batch))
        emit = Emit(topics.PAGES, 0)
        emit.begin(offset)
        start = time.process_time()
        stage.process(state, record, emit)
        result.seconds += time.process_time() - start
        result.outcomes += len(batch)
        failed_views += sum(_is_failed_view(spec, outcome) for outcome in batch)
        for row, _, _ in emit.rows.get(FlagRow, ()):
            _note(spec, result, row, failed_views)
    return result


def _is_failed_view(spec: sites.SiteSpec, outcome: PageOutcome) -> bool:
    planted_break = spec.broken
    if planted_break is None or outcome.page != planted_break.page:
        return False
    if outcome.device_class not in planted_break.devices or outcome.time < planted_break.onset:
        return False
    after = sites.STEPS[sites.STEPS.index(planted_break.page) + 1 :]
    return not any(step in after for step in outcome.next)


def _note(spec: sites.SiteSpec, result: Score, row: Row, failed_views: int) -> None:
    flag = structs.asdict(row)
    planted_break = spec.broken
    if flag["state"] != "broke":
        result.recovered += 1
        return
    is_right = (
        planted_break is not None
        and flag["page"] == planted_break.page
        and flag["time"] >= planted_break.onset
        and (flag["device_class"] in planted_break.devices or not flag["device_class"])
    )
    if not is_right:
        result.false.append(f"{flag['device_class'] or 'all'}: {flag['reason']}")
    elif result.failed is None:
        result.failed = failed_views


def summary(scores: Sequence[Score]) -> dict[str, Any]:
    """The numbers over all sites."""
    failed_views = sorted(s.failed for s in scores if s.failed is not None)
    weeks = sum(s.weeks for s in scores)
    false = sum(len(s.false) for s in scores)
    return {
        "sites": len(scores),
        "site_weeks": round(weeks, 1),
        "false_alarms": false,
        "false_alarms_per_site_week": round(false / weeks, 4),
        "breaks": sum(s.broken for s in scores),
        "missed": sum(s.broken and s.failed is None for s in scores),
        "failed_views_median": median(failed_views) if failed_views else None,
        "failed_views_p90": failed_views[int(0.9 * (len(failed_views) - 1) + 0.5)]
        if failed_views
        else None,
        "false_recoveries": sum(s.recovered for s in scores),
        "outcomes_per_second": round(
            sum(s.outcomes for s in scores) / sum(s.seconds for s in scores)
        ),
    }


def run(first_seed: int, count: int, processes: int = 2) -> list[Score]:
    """Score `count` sites, kinds in turn."""
    kinds = [sites.KINDS[n % len(sites.KINDS)] for n in range(count)]
    seeds = [first_seed + n for n in range(count)]
    if processes == 1:
        return list(map(score, kinds, seeds))
    with ProcessPoolExecutor(processes) as pool:
        return list(pool.map(score, kinds, seeds))


def main() -> None:
    """Print scores per site and in sum."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SITES, help="how many sites")
    parser.add_argument("--tuning", action="store_true", help="the sites that may be tuned on")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    first = TUNING if options.tuning else HELD_OUT
    scores = run(first, options.seeds)
    if options.json:
        print(
            json.dumps({"first_seed": first, **summary(scores), "each": list(map(asdict, scores))})
        )
        return
    print(
        f"seeds {first}…{first + options.seeds - 1}; {'tuning' if options.tuning else 'held out'}"
    )
    for s in scores:
        result = (
            "no break" if not s.broken else "missed" if s.failed is None else f"{s.failed} failed"
        )
        print(f"{s.seed} {s.kind:13} {s.outcomes:7} outcomes  {result:12}", *s.false, sep="  ")
    for name, value in summary(scores).items():
        print(f"{name:28} {value}")


if __name__ == "__main__":
    main()

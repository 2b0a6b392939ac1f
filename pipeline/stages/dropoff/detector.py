"""Has the share that goes forward dropped? A test that may be looked at after every view.

Null: every view goes forward with at least its cell's floor share, whatever else the shares do
(`baseline.floor`: the usual less TOLERANCE standard deviations, overdispersion included). For a
drop of d log-odds below the floor, the likelihood ratio of one view is exp(gain − d·forward),
gain = log(1+e^floor) − log(1+e^(floor−d)); under the null its mean is at most 1, as the ratio
falls with the share. From every view on, such a bet is started with a stake; the sum of all bets

    R ← (R + stake · views) · exp(Σ views·gain − forward·d),   M = mean of R over DROPS

is a Shiryaev–Roberts e-detector (Shin, Ramdas & Rinaldo 2022, "E-detectors: a nonparametric
framework for sequential change detection"). M less the stakes laid so far is a supermartingale,
so the chance that M reaches 1 within a week is at most the stakes of that week: BUDGET, shared
over all pages, device classes and whole pages by their traffic, however often one looks.

Bets start per block rather than per view, so an alarm's onset is known to a block.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import exp, log, log1p
from typing import Final, NamedTuple

from pipeline.stages.dropoff.state import Block, Cell, Evidence

BUDGET: Final = 0.05
"""False alarms per site and week at most, while shares stay above their floors."""

WEEK_VIEWS: Final = 20_000
"""A site's week counts as at least so many views, so that its first days do not overspend."""

DROPS: Final = (0.6, 1.5, 3.0)
"""Bets: drops below the floor, log-odds."""

ALL: Final = "*"
"""The segment of all device classes."""

CEILING: Final = 500.0
"""Log ratios are cut here, far above any alarm, so that no float overflows."""

SUSPECT_EVIDENCE: Final = 1.0
"""Log evidence of a run from which on it is not learned from."""

RECOVERY_THRESHOLD: Final = 10_000.0
"""The recovery test's threshold: at most one false recovery in so many broken views."""


class Run(NamedTuple):
    """The run of blocks, up to now, that speaks most for a drop: its log evidence and the bet."""

    evidence: float
    drop: int
    first: int


def stake(week_views: int) -> float:
    """The budget of one view: half goes to device classes, half to whole pages."""
    return BUDGET / 2 / max(week_views, WEEK_VIEWS)


def ratios_of(cell: Cell) -> list[float]:
    """Log likelihood ratios of a cell, one per drop."""
    views = max(cell.views, 0)  # a withdrawal may meet a block beside that of its view
    forward = min(max(cell.forward, 0), views)
    return [
        views * gain - forward * drop for gain, drop in zip(_gains(cell.floor), DROPS, strict=True)
    ]


def joint_ratios(cells: Sequence[Cell]) -> list[float]:
    """Log likelihood ratios of the same drop in all cells."""
    return [sum(column) for column in zip(*map(ratios_of, cells), strict=True)]


def statistic(evidence: Evidence | None, stakes: float, ratios: Sequence[float]) -> float:
    """M with one more block, whose views laid `stakes` and whose log ratios are `ratios`."""
    if evidence is None:
        return sum([stakes * exp(min(ratio, CEILING)) for ratio in ratios]) / len(DROPS)
    after = [
        (bet + stakes) * exp(min(ratio, CEILING))
        for bet, ratio in zip(evidence.bets, ratios, strict=True)
    ]
    return sum(after) / len(DROPS)


def patience(m: float, block: Block) -> int:
    """How many more views may fail in `block` before `m`, so far, can have reached 1."""
    gain = max([_gains(cell.floor)[-1] for cell in block.cells.values()])
    return int(-log(m) / gain) if 0.0 < m < 1.0 and gain > 0.01 else 0


def close(evidence: dict[str, Evidence], block: Block, view_stake: float) -> None:
    """Fold a closed block into the evidence on its segments and on ALL."""
    total, views = [0.0] * len(DROPS), 0
    for device, cell in block.cells.items():
        ratios = ratios_of(cell)
        _advance(evidence, device, view_stake * cell.views, ratios)
        total = [a + b for a, b in zip(total, ratios, strict=True)]
        views += cell.views
    _advance(evidence, ALL, view_stake * views, total)


def _advance(
    by_segment: dict[str, Evidence], segment: str, stakes: float, ratios: Sequence[float]
) -> None:
    evidence = by_segment.get(segment)
    if evidence is None:
        evidence = by_segment[segment] = Evidence([0.0] * len(DROPS), [0.0] * len(DROPS))
    for n, ratio in enumerate(ratios):
        evidence.bets[n] = (evidence.bets[n] + max(stakes, 0.0)) * exp(min(ratio, CEILING))
        evidence.runs[n] = max(evidence.runs[n], 0.0) + ratio


def suspect(evidence: Evidence | None) -> bool:
    """Whether some run up to the last closed block speaks for a drop."""
    return evidence is not None and max(evidence.runs) > SUSPECT_EVIDENCE


def strongest_run(blocks: Sequence[Block], segment: str) -> Run:
    """The most telling run of a segment that ends with the last block."""
    best = Run(0.0, 0, len(blocks))
    sums = [0.0] * len(DROPS)
    for first in range(len(blocks) - 1, -1, -1):
        cells = cells_of(blocks[first], segment)
        if not cells:
            continue
        sums = [a + b for a, b in zip(sums, joint_ratios(cells), strict=True)]
        top = max(sums)
        if top > best.evidence:
            best = Run(top, sums.index(top), first)
    return best


def evidence_for(blocks: Sequence[Block], run: Run, device: str) -> float:
    """Log evidence of one device class for the drop that `run` found."""
    return sum(
        ratios_of(block.cells[device])[run.drop]
        for block in blocks[run.first :]
        if device in block.cells
    )


def cells_of(block: Block, segment: str) -> list[Cell]:
    """A block's cells of a segment."""
    if segment == ALL:
        return list(block.cells.values())
    cell = block.cells.get(segment)
    return [] if cell is None else [cell]


def recovery(evidence: float, forward_now: bool, usual: float, gap: float) -> float:
    """The recovery statistic after one more view: a CUSUM e-detector that restarts below 1.

    Null: the share is at most half-way (in log-odds) between broken and usual. Bet: it is usual.
    """
    half = usual - gap / 2
    gain = _softplus(half) - _softplus(usual)
    return max(evidence, 1.0) * exp(gain + (gap / 2 if forward_now else 0.0))


@lru_cache(maxsize=8_192)
def _gains(floor: float) -> tuple[float, ...]:
    top = _softplus(floor)
    return tuple(top - _softplus(floor - drop) for drop in DROPS)


def _softplus(x: float) -> float:
    return max(x, 0.0) + log1p(exp(-abs(x)))

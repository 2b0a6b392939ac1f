"""What `footfall bench collector` found, and where it stands against the targets."""

from typing import Any, Final

import msgspec

from footfall.bench.collector import Result
from footfall.bench.cores import Cores
from footfall.bench.report import Target

_TARGETS: Final = {
    1: ("requests/s per core, 1 event each", 8_000),
    100: ("events/s per core, 100 a request", 80_000),
}
_P99_MS: Final = 100


class CollectorReport(msgspec.Struct):
    """`pinned`: server and sender had cores of their own. `costs`: by events in a request, the
    collector's CPU time for one, in times the echo server's."""

    log: str
    pinned: bool
    results: list[Result]
    costs: dict[str, float]
    targets: list[Target]


def report(log: str, results: list[Result]) -> CollectorReport:
    """Everything in one. `results` have the collector and the echo server under each load."""
    by_name = {(result.server, result.per_request): result for result in results}
    costs = {
        str(per_request): by_name["echo", per_request].requests_per_cpu_second
        / result.requests_per_cpu_second
        for (server, per_request), result in by_name.items()
        if server == "collector"
    }
    scheme = log.partition("://")[0]
    return CollectorReport(scheme, bool(Cores.found().server), results, costs, _targets(results))


def _targets(results: list[Result]) -> list[Target]:
    matches: list[Target] = []
    for result in results:
        if result.server == "collector" and result.per_request in _TARGETS:
            name, least = _TARGETS[result.per_request]
            events = result.requests_per_cpu_second * result.per_request
            matches += [
                Target(name, least, events, at_most=False),
                Target(
                    f"p99 at half load, {result.per_request} a request, ms",
                    _P99_MS,
                    result.p99_ms,
                    at_most=True,
                ),
            ]
    return matches


def table(found: CollectorReport) -> list[tuple[tuple[str, ...], list[tuple[Any, ...]]]]:
    """The report as tables: column names and rows."""
    rows: list[tuple[Any, ...]] = [
        (
            item.server,
            item.per_request,
            f"{item.requests_per_second:,.0f}",
            f"{item.requests_per_cpu_second:,.0f}",
            f"{item.requests_per_cpu_second * item.per_request:,.0f}",
            f"{item.p50_ms:.1f}",
            f"{item.p99_ms:.1f}",
            f"{max(run.sender_busy for run in item.runs):.0%}",
        )
        for item in found.results
    ]
    costs = [(f"{entry} a request", f"{cost:.1f}") for entry, cost in found.costs.items()]
    return [
        (
            (
                "server",
                "events a request",
                "requests/s",
                "per CPU-s",
                "events per CPU-s",
                "p50 ms at half load",
                "p99 ms",
                "sender busy",
            ),
            rows,
        ),
        (("CPU, times the echo server's", ""), costs),
        (("target", "", "measured", "reached"), [target.row() for target in found.targets]),
    ]

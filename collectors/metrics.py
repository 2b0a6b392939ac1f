"""What a collector tells Prometheus: every name, unit and label in one place."""

from collections import Counter as Counts
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from collectors.producers.reject_quota import QuotaSplit

COMMIT_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)
"""Seconds: an fsync on a good disk is 1 ms, a broker's answer 5 ms, trouble begins at 250."""


class _Counted(NamedTuple):
    """A counter's name and meaning, its labels, and what was counted by their values."""

    name: str
    about: str
    labels: tuple[str, ...]
    counts: Mapping[tuple[str, ...], int]


class Metrics(Collector):
    """Counts kept as plain numbers, as one request may cost some 60 µs, and read out when asked.

    Labels are bounded: HTTP statuses, sites of write keys and the closed list of reject reasons.
    """

    def __init__(self) -> None:
        self.requests: Counts[int] = Counts()
        self.events = 0
        self.rejects: Counts[str] = Counts()
        self.not_kept: Counts[str] = Counts()
        self.limited: Counts[str] = Counts()
        self.withheld: Counts[tuple[str, ...]] = Counts()
        self.waiting: Callable[[], int] = lambda: 0
        self.clock: Callable[[], int] = lambda: 0
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self._commit_seconds = Histogram(
            "footfall_collector_commit_seconds",
            "Seconds until gathered events were durable",
            buckets=COMMIT_BUCKETS,
            registry=self.registry,
        )
        self._commit_bytes = 0

    def durable(self, events: int, withheld: Sequence[tuple[str, str]]) -> None:
        """So many events are in the log; `withheld`: see `Admission`. Of rejects `refused` hears."""
        self.events += events
        if withheld:
            self.withheld.update(withheld)

    def refused(self, rejects: QuotaSplit) -> None:
        """Some are in the log, and the others only counted, see `collectors.producers.reject_quota`."""
        self.rejects.update(item.reason.value for item in rejects.within)
        self.not_kept.update(item.reason.value for item in rejects.beyond)

    def committed(self, size: int, seconds: float) -> None:
        """A commit of `size` bytes ended after `seconds`, well or not."""
        self._commit_bytes += size
        self._commit_seconds.observe(seconds)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Metric]:
        """Called by the registry."""
        for name, about, labels, counts in self._counted():
            family = CounterMetricFamily(f"footfall_collector_{name}", about, labels=labels)
            for values, count in sorted(counts.items()):
                family.add_metric(values, count)
            yield family
        yield GaugeMetricFamily(
            "footfall_collector_clock_seconds",
            "The collector's clock, seconds since 1970",
            value=self.clock() / 1000,
        )
        yield GaugeMetricFamily(
            "footfall_collector_waiting_bytes", "Bytes not yet durable", value=self.waiting()
        )

    def _counted(self) -> Iterator[_Counted]:
        yield _Counted("requests", "Requests answered, by status", *_by("status", self.requests))
        yield _Counted(
            "limited_requests",
            "Requests answered 429, as their write key sent too much",
            *_by("site", self.limited),
        )
        yield _Counted(
            "withheld_events",
            "Events that lost what their write key has no right to say",
            ("site", "right"),
            self.withheld,
        )
        yield _Counted("rejects", "Rejects made durable, by reason", *_by("reason", self.rejects))
        yield _Counted(
            "rejects_not_kept",
            "Rejects that were counted only, as more came than are kept, by reason",
            *_by("reason", self.not_kept),
        )
        yield _Counted("events", "Events made durable", (), {(): self.events})
        yield _Counted("commit_bytes", "Bytes handed to the log", (), {(): self._commit_bytes})


def _by(
    label: str, counts: Mapping[int, int] | Mapping[str, int]
) -> tuple[tuple[str], Mapping[tuple[str, ...], int]]:
    return (label,), {(str(value),): count for value, count in counts.items()}

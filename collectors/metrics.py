"""What a collector tells Prometheus: every name, unit and label in one place."""

from collections import Counter as Counts
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from collectors.admission import Admitted
from schemas.rejects import Reject

COMMIT_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)
"""Seconds: an fsync on a good disk is 1 ms, a broker's answer 5 ms, trouble begins at 250."""


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
        self.withheld: Counts[tuple[str, str]] = Counts()
        self.waiting: Callable[[], int] = lambda: 0
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self._commit_seconds = Histogram(
            "footfall_collector_commit_seconds",
            "Seconds until gathered events were durable",
            buckets=COMMIT_BUCKETS,
            registry=self.registry,
        )
        self._commit_bytes = 0

    def durable(self, admitted: Admitted) -> None:
        """These events are in the log, and so are the rejects, but for those that are not kept."""
        self.events += len(admitted.events)
        self.withheld.update(admitted.withheld)
        for reject in admitted.rejects:
            self.rejects[reject.reason.value] += 1

    def left(self, rejects: Iterable[Reject]) -> None:
        """These were refused and are not kept, see `collectors.keeping`; call before `durable`."""
        for reject in rejects:
            self.not_kept[reject.reason.value] += 1
            self.rejects[reject.reason.value] -= 1

    def committed(self, size: int, seconds: float) -> None:
        """A commit of `size` bytes ended after `seconds`, well or not."""
        self._commit_bytes += size
        self._commit_seconds.observe(seconds)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Metric]:
        """Called by the registry."""
        requests = CounterMetricFamily(
            "footfall_collector_requests", "Requests answered, by status", labels=["status"]
        )
        for status, count in sorted(self.requests.items()):
            requests.add_metric([str(status)], count)
        rejects = CounterMetricFamily(
            "footfall_collector_rejects", "Rejects made durable, by reason", labels=["reason"]
        )
        for reason, count in sorted(self.rejects.items()):
            rejects.add_metric([reason], count)
        not_kept = CounterMetricFamily(
            "footfall_collector_rejects_not_kept",
            "Rejects that were counted only, as more came than are kept, by reason",
            labels=["reason"],
        )
        for reason, count in sorted(self.not_kept.items()):
            not_kept.add_metric([reason], count)
        limited = CounterMetricFamily(
            "footfall_collector_limited_requests",
            "Requests answered 429, as their write key sent too much",
            labels=["site"],
        )
        for site, count in sorted(self.limited.items()):
            limited.add_metric([site], count)
        withheld = CounterMetricFamily(
            "footfall_collector_withheld_events",
            "Events that lost what their write key has no right to say",
            labels=["site", "right"],
        )
        for (site, right), count in sorted(self.withheld.items()):
            withheld.add_metric([site, right], count)
        yield requests
        yield limited
        yield withheld
        yield rejects
        yield not_kept
        yield CounterMetricFamily(
            "footfall_collector_events", "Events made durable", value=self.events
        )
        yield CounterMetricFamily(
            "footfall_collector_commit_bytes", "Bytes handed to the log", value=self._commit_bytes
        )
        yield GaugeMetricFamily(
            "footfall_collector_waiting_bytes", "Bytes not yet durable", value=self.waiting()
        )

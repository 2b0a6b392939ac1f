"""Every metric of the worker: name, kind, unit, meaning, labels. Labels are bounded by the code."""

from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pipeline.clock import wall
from pipeline.engine.stage import Record

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_EVENTS: Final = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)


class Metrics:
    """One worker's registry."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        stage, partition = ("stage",), ("stage", "partition")
        self.events = Counter(
            "footfall_stage_events_total", "Events or messages folded in.", stage, registry=registry
        )
        self.records = Counter(
            "footfall_stage_records_total", "Log records folded in.", stage, registry=registry
        )
        self.batch = Histogram(
            "footfall_stage_batch_events",
            "Events per batch.",
            stage,
            buckets=_EVENTS,
            registry=registry,
        )
        self.flush = Histogram(
            "footfall_stage_flush_seconds",
            "Rows, outputs and delta of a batch made durable.",
            stage,
            buckets=_SECONDS,
            registry=registry,
        )
        self.retries = Counter(
            "footfall_stage_retries_total",
            "Batches tried again: warehouse or log was away.",
            stage,
            registry=registry,
        )
        self.applied = Gauge(
            "footfall_stage_applied_offset",
            "Offset of the last record folded in.",
            partition,
            registry=registry,
        )
        self.lag = Gauge(
            "footfall_stage_lag_records",
            "Records in the log that are not folded in yet.",
            partition,
            registry=registry,
        )
        self.progress = Gauge(
            "footfall_stage_progress_timestamp_seconds",
            "When a batch was last finished.",
            partition,
            registry=registry,
        )
        self.rejects = Counter(
            "footfall_rejects_total", "Rejects stored, by reason.", ("reason",), registry=registry
        )
        self.accounting = Gauge(
            "footfall_books_events",
            "The books: received = stored + repeats + merged + rejected + "
            "in_flight; what is missing is the difference.",
            ("entry",),
            registry=registry,
        )

        self.alarms = Gauge(
            "footfall_alarms",
            "What is wrong now, by part; doctor and the pages say it in words.",
            ("part",),
            registry=registry,
        )

        self.state_bytes = Gauge(
            "footfall_state_bytes",
            "Memory of what is remembered, as counted against the limit.",
            ("stage", "partition", "table"),
            registry=registry,
        )
        self.state_limit_bytes = Gauge(
            "footfall_state_limit_bytes", "FOOTFALL_STATE_LIMIT.", registry=registry
        )
        self.remembered_seconds = Gauge(
            "footfall_remembered_seconds",
            "For how long devices' events are remembered: "
            "FOOTFALL_LATENESS, or less where their memory is short.",
            ("partition",),
            registry=registry,
        )

    def alarm(self, part: str, count: int) -> None:
        """So many alarms of a part stand."""
        self.alarms.labels(part).set(count)

    def stage(self, name: str) -> "StageMetrics":
        """The metrics of one stage, labels bound."""
        return StageMetrics(self, name)


class StageMetrics:
    """What a runner counts."""

    def __init__(self, metrics: Metrics, stage: str) -> None:
        self._metrics, self._stage = metrics, stage
        self.flush = metrics.flush.labels(stage)
        self.retries = metrics.retries.labels(stage)

    def batch_of(self, partition: int, records: Sequence[Record], applied: int) -> None:
        """A batch is durable."""
        metrics, stage = self._metrics, self._stage
        events = sum(record.events for record in records)
        metrics.events.labels(stage).inc(events)
        metrics.records.labels(stage).inc(len(records))
        metrics.batch.labels(stage).observe(events)
        metrics.applied.labels(stage, partition).set(applied)
        metrics.progress.labels(stage, partition).set(wall() / 1000)

    def rejected(self, reason: str) -> None:
        """A reject's row is in the warehouse."""
        self._metrics.rejects.labels(reason).inc()

    def lag(self, partition: int, records: int) -> None:
        """How far a partition task is behind."""
        self._metrics.lag.labels(self._stage, partition).set(records)

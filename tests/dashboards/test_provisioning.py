"""What Grafana and Prometheus are provisioned with refers to things that exist."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

import dashboards
from collectors.metrics import Metrics as CollectorMetrics
from dashboards.boards import ALL
from dashboards.grafana import CLICKHOUSE, PROMETHEUS
from pipeline.engine.metrics import Metrics as WorkerMetrics
from pipeline.settings import BY_NAME

FOLDER = Path(dashboards.__file__).parent
_METRIC = re.compile(r"\bfootfall_\w+")
_SUFFIX = re.compile(r"_(bucket|sum|count)$")


def _yaml(path: str) -> Any:
    return yaml.safe_load((FOLDER / path).read_text(encoding="utf-8"))


def _known(registry: CollectorRegistry) -> Iterator[str]:
    for family in registry.collect():
        yield family.name + ("_total" if family.type == "counter" else "")


METRICS = {*_known(WorkerMetrics().registry), *_known(CollectorMetrics().registry)}
RULES = [rule for group in _yaml("prometheus/alerts.yml")["groups"] for rule in group["rules"]]
PROMQL = [rule["expr"] for rule in RULES]
PROMQL += [panel.promql for board in ALL for panel in board.panels if panel.promql]


@pytest.mark.parametrize("promql", PROMQL)
def test_expressions_name_metrics_that_are_exposed(promql: str) -> None:
    named = {_SUFFIX.sub("", name) for name in _METRIC.findall(promql)}
    assert named <= METRICS
    assert named or "up{" in promql


@pytest.mark.parametrize("promql", PROMQL)
def test_brackets_close(promql: str) -> None:
    for opening, closing in ("()", "{}", "[]"):
        assert promql.count(opening) == promql.count(closing)


def test_there_is_an_alert_for_each_thing_that_must_not_go_unseen() -> None:
    assert {rule["alert"] for rule in RULES} >= {
        "FootfallLag",
        "FootfallStalled",
        "FootfallBooksOutOfBalance",
        "FootfallRejects",
        "FootfallCollectorRefuses",
        "FootfallDown",
    }


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["action"]


def test_the_panels_sources_are_provisioned() -> None:
    sources = {
        source["uid"]: source["type"]
        for source in _yaml("provisioning/datasources/footfall.yml")["datasources"]
    }
    assert sources == {each["uid"]: each["type"] for each in (CLICKHOUSE, PROMETHEUS)}


def test_prometheus_scrapes_the_ports_of_the_settings() -> None:
    jobs = {
        job["job_name"]: job["dns_sd_configs"][0]["port"]
        for job in _yaml("prometheus/prometheus.yml")["scrape_configs"]
    }
    ports = {name: int(BY_NAME[name].default) for name in ("port", "worker_port")}
    assert jobs == {"collector": ports["port"], "worker": ports["worker_port"]}


def test_no_secret_is_written_down() -> None:
    for source in _yaml("provisioning/datasources/footfall.yml")["datasources"]:
        assert all(value.startswith("$") for value in source.get("secureJsonData", {}).values())

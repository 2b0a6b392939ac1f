"""docker-compose.yml cannot run here: what it says is held against what it must agree with."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from footfall.cli import cli
from pipeline.settings import BY_NAME, SETTINGS, Setting, Settings

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
_GIVEN = {"FOOTFALL_WRITE_KEYS": "k3y:myshop identify", "FOOTFALL_WORKER_TOKEN": "secret" * 4}
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def resolved(value: str) -> str:
    """A value as compose hands it over, with secrets set and nothing else."""
    return _VARIABLE.sub(
        lambda found: _GIVEN.get(found[1], "secret") if found[2] == "?" else found[3], value
    )


def environment(service: dict[str, Any]) -> dict[str, str]:
    return {name: resolved(value) for name, value in service.get("environment", {}).items()}


def mounts() -> Iterator[Any]:
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            yield pytest.param(volume, id=f"{name} {volume}")


def test_the_scaled_out_form_is_complete() -> None:
    assert set(SERVICES) == {"kafka", "clickhouse", "collector", "worker", "prometheus", "grafana"}
    assert set(OURS) == {"collector", "worker"}
    assert SERVICES["worker"]["deploy"]["replicas"] > 1


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_variable_of_ours_is_a_setting_and_is_taken(name: str) -> None:
    given = environment(OURS[name])
    assert set(given) <= {setting.variable for setting in SETTINGS}
    settings = Settings(env=given)
    assert settings.log.startswith("kafka://")
    assert settings.warehouse.startswith("clickhouse://")
    assert settings.host == "0.0.0.0"


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_setting_that_a_role_reads_is_passed_to_it(name: str) -> None:
    (command,) = OURS[name]["command"]
    names = {parameter.name for parameter in cli.commands[command].params}
    read = {setting.variable for setting in SETTINGS if setting.name in names}
    assert len(read) > 10
    assert read - environment(OURS[name]).keys() == set()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: one.name)
def test_what_env_does_not_set_is_as_it_is_everywhere(setting: Setting) -> None:
    given = environment(SERVICES["collector"])
    value = SERVICES["collector"]["environment"][setting.variable]
    found = _VARIABLE.fullmatch(value)
    if found and found[2] == "-":
        assert (found[1], given[setting.variable]) == (setting.variable, setting.default)


@pytest.mark.parametrize("name", sorted(OURS))
def test_the_commands_exist(name: str) -> None:
    result = CliRunner().invoke(cli, [*OURS[name]["command"], "--help"])
    assert result.exit_code == 0, result.output


def test_there_are_partitions_for_every_worker() -> None:
    settings = Settings(env=environment(SERVICES["worker"]))
    assert settings.partitions >= SERVICES["worker"]["deploy"]["replicas"]


@pytest.mark.parametrize(("name", "setting"), [("collector", "port"), ("worker", "worker_port")])
def test_ports_are_the_settings(name: str, setting: str) -> None:
    service = SERVICES[name]
    port = str(getattr(Settings(env=environment(service)), setting))
    assert port == BY_NAME[setting].default
    listed = service.get("ports", []) + service.get("expose", [])
    inside = [each.rpartition(":")[2] for each in listed]
    assert inside == [port]
    assert service["healthcheck"]["test"][-1] == port


def test_nobody_outside_reaches_what_has_no_password() -> None:
    published = {name for name, service in SERVICES.items() if "ports" in service}
    assert published == {"collector", "grafana"}
    assert SERVICES["grafana"]["ports"] == ["127.0.0.1:3000:3000"]


def test_the_worker_has_a_token_which_prometheus_can_show() -> None:
    Settings(env=environment(SERVICES["worker"])).check_worker_open()
    (secret,) = SERVICES["prometheus"]["secrets"]
    assert COMPOSE["secrets"][secret] == {"environment": "FOOTFALL_WORKER_TOKEN"}
    scraped = yaml.safe_load((ROOT / "dashboards/prometheus/prometheus.yml").read_text())
    (job,) = [job for job in scraped["scrape_configs"] if job["job_name"] == "worker"]
    assert job["authorization"] == {"credentials_file": f"/run/secrets/{secret}"}


def test_log_and_warehouse_are_the_services_of_this_file() -> None:
    given = environment(SERVICES["worker"])
    host, _, port = given["FOOTFALL_LOG"].removeprefix("kafka://").partition(":")
    assert SERVICES[host]["environment"]["KAFKA_ADVERTISED_LISTENERS"].endswith(f"{host}:{port}")
    user, password, host, database = re.fullmatch(  # type: ignore[union-attr]
        r"clickhouse://(\w+):(\w+)@(\w+):9000/(\w+)", given["FOOTFALL_WAREHOUSE"]
    ).groups()
    server = environment(SERVICES[host])
    assert (user, password, database) == (
        server["CLICKHOUSE_USER"],
        server["CLICKHOUSE_PASSWORD"],
        server["CLICKHOUSE_DB"],
    )


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_has_a_health_check_a_limit_and_comes_back(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"]
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_images_are_pinned(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].partition(":")
    assert re.fullmatch(r"v?\d+\.\d+(\.\d+)*", tag)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_what_a_service_waits_for_can_become_healthy(name: str) -> None:
    for other, condition in SERVICES[name].get("depends_on", {}).items():
        assert condition == {"condition": "service_healthy"}
        assert "healthcheck" in SERVICES[other]


@pytest.mark.parametrize("volume", list(mounts()))
def test_mounts_are_there(volume: str) -> None:
    source, _, rest = volume.partition(":")
    if source.startswith("./"):
        assert (ROOT / source).exists()
        assert rest.endswith(":ro")
    else:
        assert source in COMPOSE["volumes"]


def test_secrets_come_from_outside() -> None:
    hidden = {setting.variable for setting in SETTINGS if setting.secret}
    secrets = [
        value
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if "PASSWORD" in name or "SECRET" in name or name in hidden
    ]
    assert secrets
    assert all(_VARIABLE.fullmatch(value) for value in secrets)


def test_the_servers_own_logs_do_not_fill_its_disk() -> None:
    config = (ROOT / "dashboards/clickhouse/server.xml").read_text(encoding="utf-8")
    kept = re.findall(r"<(\w+_log)><ttl>event_date \+ INTERVAL \d DAY DELETE</ttl></\1>", config)
    removed = re.findall(r'<(\w+_log) remove="1"/>', config)
    assert set(kept) == {"query_log", "part_log", "error_log"}
    assert {"text_log", "trace_log", "metric_log", "asynchronous_metric_log"} <= set(removed)


def test_the_image_holds_every_package_that_is_shipped() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = set(re.findall(r"^COPY (\w+) \1$", dockerfile, re.MULTILINE))
    assert copied == {"footfall", "schemas", "collectors", "pipeline", "sql", "dashboards"}
    assert dockerfile.index("USER footfall") < dockerfile.index("ENTRYPOINT")

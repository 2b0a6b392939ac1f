"""Imports point down, every dependency has one home, and the project speaks of itself alone."""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES: dict[str, tuple[str, ...]] = {  # package → the others that it may import
    "schemas": (),
    "sql": (),
    "collectors": ("schemas", "sql"),
    "pipeline": ("schemas", "sql"),
    "dashboards": ("sql",),
    "footfall": ("schemas", "sql", "collectors", "pipeline", "dashboards"),
}
ROOMS: dict[str, tuple[str, ...]] = {  # room of pipeline → the others that it may import
    "engine": (),
    "stages": ("engine",),
    "warehouse": (),
    "web": ("warehouse",),
    "recovery": ("engine", "warehouse"),
}
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
AGENTS = (
    "pipeline.stages.visits",
    "pipeline.stages.people",
    "pipeline.stages.dropoff",
    "pipeline.stages.delivery",
)
HOMES = {  # package → the only places that may import it
    "faust": ("pipeline/app.py", "pipeline/engine/transports/", "footfall/bench/"),
    "mode": ("pipeline/engine/transports/",),
    "aiokafka": ("pipeline/engine/transports/",),
    "kafka": ("collectors/producers/kafka.py",),
    "chdb": ("pipeline/warehouse/",),
    "clickhouse_driver": ("pipeline/warehouse/",),
    "sqlite3": ("pipeline/engine/transports/", "collectors/producers/embedded.py"),
    "uvicorn": ("collectors/",),
    "aiohttp": ("pipeline/web/", "pipeline/stages/delivery/deliverer.py", "footfall/demo/shop/"),
    "yarl": ("pipeline/addresses.py",),
    "prometheus_client": (
        "pipeline/engine/metrics.py",
        "collectors/metrics.py",
        "pipeline/web/",
        "footfall/operations/doctor.py",
    ),
    "ua_parser": ("collectors/enrichment/agents.py",),
    "crc32c": ("schemas/logfile.py",),
    "maxminddb": ("collectors/enrichment/countries.py",),
    "click": ("footfall/cli.py", "footfall/commands/"),
}
IMPURE = {
    "faust",
    "aiokafka",
    "kafka",
    "chdb",
    "clickhouse_driver",
    "aiohttp",
    "sqlite3",
    "time",
    "datetime.now",
    "random",
    "asyncio",
    "socket",
    "os",
    "pathlib",
}
PURE = (
    "pipeline/stages/visits/",
    "pipeline/stages/people/",
    "pipeline/stages/dropoff/",
    "pipeline/engine/stage.py",
    "pipeline/engine/state/",
    "pipeline/stages/rejects.py",
    "pipeline/engine/outputs.py",
    "schemas/",
    "pipeline/stages/delivery/stage.py",
    "pipeline/addresses.py",
    "pipeline/masking.py",
    "collectors/dialects/",
    "collectors/admission.py",
    "collectors/webhooks/",
)


FILES = (
    "schemas/export.py",  # writes the JSON Schemas
    "schemas/folder_format.py",
    "schemas/logfile.py",
)
"""In a pure package, but about files: what stands on the disk is known to both sides of a log."""


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in SOURCES}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def modules(path: Path) -> Iterator[str]:
    """Modules of ours that a module imports, also `from package import module`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_imports_point_down(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    tops = {module.partition(".")[0] for module in imports(path)}
    assert tops & set(PACKAGES) <= {package, *PACKAGES[package]}


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_rooms_of_the_pipeline_know_only_those_below_them(path: Path) -> None:
    _, room, *_ = (*path.relative_to(ROOT).parts, "")
    below = ROOMS.get(room)
    if below is None or relative(path).partition("/")[0] != "pipeline":
        return
    known = {name.split(".")[1] for name in modules(path) if name.startswith("pipeline.")}
    assert known & set(ROOMS) <= {room, *below}


def test_no_module_imports_itself_through_others() -> None:
    graph = {module_of(path): set(modules(path)) & MODULES.keys() for path in SOURCES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" → ".join(circle.args[1]))


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_agents_meet_at_a_topic_and_never_in_code(path: Path) -> None:
    name = relative(path)
    home = next((a for a in AGENTS if name.startswith(a.replace(".", "/") + "/")), None)
    if home:
        others = [m for m in imports(path) if m.startswith(AGENTS) and not m.startswith(home)]
        assert others == []


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_dependency_is_imported_only_at_its_home(path: Path) -> None:
    name = relative(path)
    for module in imports(path):
        home = HOMES.get(module.partition(".")[0])
        assert home is None or name.startswith(home), f"{module} belongs in {home}"


DECIDING = [p for p in SOURCES if relative(p).startswith(PURE) and relative(p) not in FILES]


@pytest.mark.parametrize("path", DECIDING, ids=relative)
def test_deciding_modules_import_nothing_that_acts_and_open_no_file(path: Path) -> None:
    roots = {module.partition(".")[0] for module in imports(path)}
    assert roots & IMPURE == set()
    calls = (n.func for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call))
    assert "open" not in {call.id for call in calls if isinstance(call, ast.Name)}


def tracked() -> list[Path]:
    skip = {".git", ".venv", "build", "data", "node_modules"}
    return [p for p in ROOT.rglob("*") if p.is_file() and not skip & set(p.relative_to(ROOT).parts)]


def test_no_registry_host_stands_in_a_file() -> None:
    hosts = re.compile(r"https?://[^\s\"']*\b(pypi|pythonhosted|npmjs|debian|maven)\b")
    texts = (p for p in tracked() if p.suffix in {".py", ".lock", ".toml", ".xml", ".json", ".md"})
    assert [relative(p) for p in texts if hosts.search(p.read_text(errors="replace"))] == []

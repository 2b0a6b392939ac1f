"""The Makefile: what its recipes leave behind can be removed, and nothing else is."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests import licences
from tests.licences import pins

ROOT = Path(__file__).parent.parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
_OF_PYTHON = {"__pycache__/", "*.egg-info/"}
_OF_THE_OWNER = {"/data/", "/files/*", "!/files/README.md"}


def test_help_names_every_target_that_is_for_people() -> None:
    """And is what `make` alone does. `sdk-packages` is a step of others."""
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = re.findall(r"^\.PHONY: ((?:.*\\\n)*.*)", MAKEFILE, re.M)[0].replace("\\", " ").split()
    assert set(re.findall(r"^make ([a-z-]+) +\S", shown, re.M)) == set(phony) - {"sdk-packages"}


def test_every_target_is_declared_to_be_no_file() -> None:
    """Three of them (`dashboards`, `schemas`, `sources`) are called as folders are."""
    phony = re.findall(r"^\.PHONY: ((?:.*\\\n)*.*)", MAKEFILE, re.M)[0].replace("\\", " ").split()
    assert set(re.findall(r"^([a-z-]+):(?!=)", MAKEFILE, re.M)) == set(phony)


def test_hooks_run_what_check_runs() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    entries = [hook["entry"] for repo in hooks["repos"] for hook in repo["hooks"]]
    recipe = re.split(r"\ncheck:.*\n", MAKEFILE)[1].partition("\n\n")[0]
    assert entries == [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe.splitlines()]


def _removed_by_clean() -> list[str]:
    recipe = re.split(r"\nclean:.*\n", MAKEFILE)[1].partition("\n\n")[0]
    return recipe.replace("$(VENV)", ".venv").split()


def test_clean_removes_all_that_is_not_in_the_repository() -> None:
    ignored = set((ROOT / ".gitignore").read_text(encoding="utf-8").split())
    names = {Path(path).name for path in _removed_by_clean()}
    left = ignored - _OF_PYTHON - _OF_THE_OWNER
    assert {path.strip("/") for path in left} <= names


def test_clean_leaves_what_is_the_owner_s() -> None:
    assert not {"data", "files"} & set(_removed_by_clean())


def test_what_is_shipped_has_no_tool_for_tests_and_tests_run_on_what_is_shipped() -> None:
    shipped, all_ = pins("requirements.lock"), pins("requirements-dev.lock")
    assert len(shipped) > 30
    assert set(shipped) < set(all_)
    tools = {pin.name for pin in all_} - {pin.name for pin in shipped}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {
        re.split(r"[\[>=<;! ]", one)[0].lower() for one in project["optional-dependencies"]["dev"]
    }
    assert named <= tools
    assert {"pytest", "mypy", "ruff", "hypothesis"} <= tools


def test_the_image_and_the_installation_take_the_lock_of_what_is_shipped() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "pip install --require-hashes -r requirements.lock\n" in dockerfile
    assert "requirements-dev" not in dockerfile
    assert "COPY tests" not in dockerfile
    assert re.findall(r"^(\w+): \$\(STAMP\)", MAKEFILE, re.M) == [
        "install",
        "demo",
        "bench",
        "sources",
        "dashboards",
        "schemas",
    ]
    assert set(re.findall(r"^(\w+): \$\(DEV\)", MAKEFILE, re.M)) == {
        "test",
        "check",
        "format",
        "hooks",
        "faults",
        "mutants",
        "licences",
        "sdks",
    }


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_pin_has_hashes_and_no_lock_names_an_index(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    pinned = re.findall(r"^[a-z0-9].*\n    --hash=sha256:[0-9a-f]{64}", text, re.M)
    assert len(pinned) == len(pins(lock)) == len(re.findall(r"^[^ #\n]", text, re.M))
    assert "://" not in text


def test_the_page_of_licences_is_what_is_shipped() -> None:
    text = licences.PAGE.read_text(encoding="utf-8")
    if sys.version_info[:2] == (3, 11) and sys.platform == "linux":
        assert text == licences.page(), "`make licences` writes it anew"
    for pin in pins("requirements.lock"):
        assert f"| {pin.name} | {pin.version} |" in text


def test_licences_that_ask_something_of_who_passes_a_package_on_are_named_on_top() -> None:
    top, _, table = licences.PAGE.read_text(encoding="utf-8").partition("## All")
    copyleft = [
        row.split(" | ")[0].strip("| ")
        for row in table.splitlines()
        if licences.COPYLEFT.search(row) or "Lesser General" in row
    ]
    assert copyleft == ["crc32c"]
    assert all(f"**{name}**" in top for name in copyleft)


@pytest.mark.parametrize(
    ("report", "code", "said"),
    [
        (
            '{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}',
            0,
            "No known vulnerability",
        ),
        ('{"dependencies": [{"name": "a", "skip_reason": "not found"}]}', 0, "NOT AUDITED"),
        (
            '{"dependencies": [{"name": "a", "vulns": []}, {"name": "b", "skip_reason": "x"}]}',
            0,
            "NOT AUDITED",
        ),
        ("", 1, "NOT AUDITED"),
        ('{"dependencies": [{"name": "a", "vulns": [{"id": "CVE-1"}]}]}', 1, "CVE-1"),
    ],
)
def test_an_audit_that_did_not_happen_is_not_taken_for_a_good_one(
    tmp_path: Path, report: str, code: int, said: str
) -> None:
    """With a pip-audit that reports what it is told and ends with `code`."""
    tool = tmp_path / "bin" / "pip-audit"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\nprintf %s '{report}' > {tmp_path}/found.json\nexit {code}\n")
    tool.chmod(0o755)
    (tmp_path / ".installed").touch()
    ended = subprocess.run(
        ["make", "audit", f"AUDIT={tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said in ended.stdout
    assert (ended.returncode == 0) == (said == "No known vulnerability")

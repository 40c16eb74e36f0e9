"""The files around the code say the same thing as the code, and as one another."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.oldest import oldest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONDA_NAMES = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}  # as conda-forge has them
MODULES = sorted([*ROOT.glob("minseg/**/*.py"), *ROOT.glob("kernels/**/*.py")])


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def name_and_bound(requirement: str) -> tuple[str, str]:
    """("numpy", ">=2") of "numpy>=2"; conda writes == as =."""
    match = re.fullmatch(r"([\w-]+)\s*(.*?)\s*(;.*)?", requirement)
    assert match, requirement
    return match[1].lower(), re.sub(r"^==?", "==", match[2])


def test_environment_file_lists_what_pyproject_does():
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = PROJECT["project"]["dependencies"] + extras["lab"] + extras["test"]
    expected = {name_and_bound(one) for one in wanted if "sys_platform" not in one}
    expected = {(CONDA_NAMES.get(name, name), bound) for name, bound in expected}
    listed = yaml.safe_load(text("environment.yml"))["dependencies"]
    packages = {name_and_bound(one) for one in listed if isinstance(one, str)}
    extra = {"python", "pip"}
    assert {one for one in packages if one[0] not in extra} == expected
    assert {"pip": ["-e .[triton]"]} in listed


def test_constraints_leave_the_choice_of_pytorch_to_the_user():
    lines = [line for line in text("constraints.txt").splitlines() if not line.startswith("#")]
    assert len(lines) > 50
    for line in lines:
        assert re.match(r"[a-z0-9][a-z0-9._-]*==[\w.]+( ; .+)?$", line), line
        assert not re.match(r"(torch|triton|nvidia|cuda)", line), line


def test_constraints_fit_the_bounds():
    pinned = {re.split("==", line)[0] for line in text("constraints.txt").splitlines()}
    extras = PROJECT["project"]["optional-dependencies"]
    for requirement in sum(extras.values(), PROJECT["project"]["dependencies"]):
        name, _ = name_and_bound(requirement)
        assert name in pinned | {"torch", "triton"}, f"{name} is not in constraints.txt"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(path):
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring
    assert docstring.splitlines()[0].endswith("."), "the first line is a sentence"


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):(?!=)", text("Makefile"), re.MULTILINE))


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_each_command_named_exists(name):
    named = set(re.findall(r"`make ([a-z-]+)", text(name)))
    named |= set(re.findall(r"^make ([a-z-]+)", text(name), re.MULTILINE))
    assert named
    assert named <= targets()


def test_help_lists_every_target():
    lines = text("Makefile").replace("\\\n", " ")
    phony = set(re.findall(r"^\.PHONY: (.+)$", lines, re.MULTILINE)[0].split())
    helped = set(re.findall(r"^([a-z-]+):.*## ", text("Makefile"), re.MULTILINE))
    assert helped == phony == targets()


ECHO = '#!/bin/sh\necho "$@"\n'


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
@pytest.mark.parametrize("target", ["check", "lessons", "lab", "test-unit", "bench", "gpu"])
def test_an_environment_whose_path_has_a_space_will_do(tmp_path, target):
    """A Python that only says what it was called with stands there."""
    there = tmp_path / "my environments" / "bin"
    there.mkdir(parents=True)
    (there / "python").write_text(ECHO)
    (there / "python").chmod(0o755)
    command = ["make", target, f"BIN={there}", f"MINE={tmp_path}/my lessons"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    said = {"lessons": "lessons/build.py build", "lab": "refresh", "test-unit": "-m pytest"}
    said["gpu"] = "benchmarks/gpu/run.py --out"
    assert said.get(target, target) in ran.stdout


def test_no_registry_is_named():
    for name in ("Makefile", "README.md", "constraints.txt", "pyproject.toml", ".ci/run"):
        found = re.search(r"index-url|pypi\.org|download\.pytorch|--find-links", text(name))
        assert not found, f"{name}: {found and found.group()}"


def test_licence_files_exist():
    for name in PROJECT["project"]["license-files"]:
        assert text(name).strip()
    assert "MIT License" in text("LICENSE")
    assert "CC-BY-4.0" in text("LICENSE-lessons")


def test_versions_agree():
    version = PROJECT["project"]["version"]
    assert yaml.safe_load(text("CITATION.cff"))["version"] == version
    first, *released = re.findall(r"^## (\S+)", text("CHANGELOG.md"), re.MULTILINE)
    assert first == "[Unreleased]" and released[:1] in ([], [version])


def test_the_changelog_sorts_changes_by_their_kind():
    kinds = re.findall(r"^### (.+)$", text("CHANGELOG.md").split("\n## ")[1], re.MULTILINE)
    assert kinds == [
        kind
        for kind in ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
        if kind in kinds
    ]


def test_continuous_integration_runs_the_readme_command():
    assert {"make test", "make test-slow"} <= set(text(".ci/run").splitlines())
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    steps = workflow()["test"]["steps"]
    assert any(step.get("run", "").startswith("make test ") for step in steps)


def workflow() -> dict[str, Any]:
    """Jobs of the GitHub workflow."""
    return yaml.safe_load(text(".github/workflows/test.yml"))["jobs"]


def recipe(target: str) -> str:
    """What a target of the Makefile runs."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", text("Makefile"), re.MULTILINE)
    assert found, target
    return found[1]


def test_the_workflow_runs_every_part_of_the_slow_tests():
    parts = re.findall(r"\$\(MAKE\) (\S+)", recipe("test-slow"))
    assert sorted(workflow()["slow"]["strategy"]["matrix"]["part"]) == sorted(parts)
    commands = [step.get("run", "") for job in workflow().values() for step in job["steps"]]
    named = {match[1] for one in commands if (match := re.match(r"make ([a-z-]+)", one))}
    assert {"test", "coverage", "size"} <= named <= targets()


def test_every_mark_of_a_test_belongs_somewhere():
    """A test is in make test, or in make test-slow, or needs a GPU: none is run by nobody."""
    chosen = re.search(r"^UNIT = (.+)$", text("Makefile"), re.MULTILINE)
    assert chosen
    assert chosen[1] == "not browser and not long and not attack"
    assert '-m "attack or long"' in recipe("test-attacks")
    assert "not long and not attack" in PROJECT["tool"]["pytest"]["ini_options"]["addopts"]
    marks = {one.split(":")[0] for one in PROJECT["tool"]["pytest"]["ini_options"]["markers"]}
    assert marks == {"attack", "browser", "gpu", "long", "slow"}


def test_each_file_that_begins_first_exists():
    import conftest

    for part in conftest.LONGEST:
        folder, _, name = part.rpartition("/")
        assert any(path.name.startswith(name) for path in (ROOT / folder).iterdir()), part


def test_hooks_before_a_commit_are_commands_that_exist():
    hooks = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    assert [repo["repo"] for repo in hooks] == ["local"], "others are fetched from the network"
    for hook in hooks[0]["hooks"]:
        python, *words = hook["entry"].split()
        assert python == "python" and hook["language"] == "system"
        assert words[0] == "-m" or (ROOT / words[0]).is_file(), hook["entry"]


def test_a_large_file_is_refused_and_there_is_none(tmp_path):
    script = [sys.executable, str(ROOT / ".ci" / "large_files.py")]
    (tmp_path / "large").write_bytes(bytes(2**22 + 1))
    (tmp_path / "small").write_bytes(bytes(2**22))
    ran = subprocess.run([*script, "small", "large"], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 1 and ran.stdout == "large: 4.0 MB, at most 4\n"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    files = [name for name in listed.stdout.split("\0") if name]
    assert subprocess.run([*script, *files], cwd=ROOT).returncode == 0


def test_the_oldest_releases_are_the_lower_bounds():
    requirements = oldest("lab", "test")
    assert {"torch==2.8", "numpy==2", "nbval==0.11.*"} <= set(requirements)
    assert not any(sign in one for one in requirements for sign in "<>~!")
    assert len(requirements) == len(set(requirements)) + 1  # pycocotools, in both extras


def result(name: str) -> dict[str, Any]:
    return json.loads(text(f"benchmarks/results/{name}.json"))


def test_the_three_figures_of_readme_are_those_of_the_benchmarks():
    rows = [row for row in result("roi_align_cpu")["rows"] if row["case"] == "7×7"]
    planes, pixels = (row["torchvision"]["total_ms"] / row["minseg"]["total_ms"] for row in rows)
    times = result("metrics")["ap"]["milliseconds"]
    runs = [run["ap"] for run in result("train")["runs"] if run["budget_s"] == 180]
    said = " ".join(text("README.md").split())
    assert f"backward: {planes:.0f} times as fast as torchvision's, {int(pixels)} times on" in said
    assert f"{times['pycocotools'] / times['minseg']:.1f} times as fast as pycocotools" in said
    assert f"three minutes on two cores: mask AP {statistics.median(runs):.2f}" in said


def test_each_table_of_measurements_says_when_they_were_made():
    parts = re.split(r"^## ", text("docs/measured.md"), flags=re.MULTILINE)
    tables = [(name, part) for part in parts for name in re.findall(r"<!-- table: (.+) -->", part)]
    assert len(tables) >= 6
    for names, part in tables:
        for name in names.split(", "):
            assert result(name)["machine"]["date"] in part, name


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/*.md"]
)
def test_links_lead_to_files_that_exist(name):
    for path in ROOT.glob(name):
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8")):
            assert target.startswith("http") or (path.parent / target).exists(), f"{path}: {target}"


def units(name: str) -> list[tuple[str, str, str]]:
    """(number, title, file) of each row of a table of units."""
    row = re.compile(r"^(?:# )?\| (\d\d) \| \[(.+?)\]\((\S+?)\) \|", re.MULTILINE)
    return [(number, title, Path(link).name) for number, title, link in row.findall(text(name))]


def test_readme_and_unit_00_draw_the_same_map():
    rows = [row for row in units("README.md") if row[0] != "00"]
    listed = [row for row in units("lessons/src/00_start_here.py") if row[0] != "00"]
    assert listed == rows


def test_the_map_links_each_notebook_and_no_other():
    links = [link for _, _, link in units("README.md")]
    assert links == [path.name for path in sorted((ROOT / "lessons").glob("[0-9][0-9]_*.ipynb"))]


def test_titles_on_the_map_are_those_of_the_notebooks():
    for number, title, link in units("README.md"):
        opening = text(f"lessons/src/{Path(link).stem}.py")
        assert f"# # {number} · {title}\n" in opening, link


def test_each_unit_has_a_row_for_its_reading():
    rows = re.findall(r"^\| (\d\d) (.+?) \|", text("lessons/readings.md"), re.MULTILINE)
    assert rows == [(number, title) for number, title, _ in units("README.md") if number < "9"]


def test_the_glossary_links_units():
    rows = re.findall(r"^\| .+ \| \[(\d\d)\]\((.+)\) \|$", text("lessons/glossary.md"), re.M)
    assert len(rows) > 100
    assert set(rows) <= {(number, link) for number, _, link in units("README.md")}


def test_jupyterlab_is_told_not_to_ask_about_news():
    """By default it asks, whatever the address of the news is."""
    assert '--LabApp.app_settings_dir="$(CURDIR)/lessons/jupyterlab"' in text("Makefile")
    settings = json.loads(text("lessons/jupyterlab/overrides.json"))
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


def test_widgets_are_answered_in_order():
    """In a thread of their own, which starts late, questions of a drag overtake one another."""
    settings = json.loads(text("lessons/jupyterlab/overrides.json"))
    kernels = settings["@jupyterlab/apputils-extension:kernels-settings"]
    assert kernels == {"commsOverSubshells": "disabled"}

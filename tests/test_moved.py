"""Imports of earlier lessons still work: learners hold edited copies of those notebooks."""

from __future__ import annotations

import subprocess
import sys
import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import minseg
from minseg.course.catalogue import find
from minseg.course.renumbered import EXERCISES
from minseg.moved import DIVIDED, MOVED, RENAMED

ROOT = Path(minseg.__file__).parents[1]

# What the lessons of the earlier course imported: a module and its names in each line.
LINES = Path(__file__).with_name("earlier_imports.txt").read_text(encoding="utf-8").splitlines()
EARLIER = dict(line.split(": ") for line in LINES)


@pytest.mark.parametrize(("module", "names"), EARLIER.items(), ids=EARLIER)
def test_what_earlier_lessons_imported_is_there(module, names):
    if module.startswith("minseg_kernels"):
        pytest.importorskip("triton")
    for name in names.split():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            exec(f"from {module} import {name}", {})


@pytest.mark.parametrize("module", MOVED)
def test_an_old_name_leads_to_a_module_that_exists(module):
    file = ROOT / Path(*module.split("."))
    assert not file.with_suffix(".py").exists() and not file.is_dir()
    for place in MOVED[module]:
        assert find_spec(place) is not None


@pytest.mark.parametrize("package", DIVIDED)
def test_a_lesson_that_was_divided_leads_to_its_units(package):
    assert not (ROOT / Path(*package.split("."))).is_dir()
    for place in DIVIDED[package]:
        assert find_spec(place) is not None


@pytest.mark.parametrize(("old", "new"), [pair for pair in EXERCISES.items() if pair[1]])
def test_each_exercise_can_be_imported_from_where_it_was(old, new):
    if new[:2] in ("23", "24"):
        pytest.importorskip("triton")
    was, now = (f"minseg.course.exercises.lesson_{id}" for id in (old, new))
    sys.modules.pop(was, None)
    with pytest.warns(DeprecationWarning, match=f"{was} has moved to {now}"):
        module = import_module(was)
    name = next(name for name, value in vars(import_module(now)).items() if value is find(new))
    assert getattr(module, name) is find(new)


@pytest.mark.parametrize("module", RENAMED)
def test_a_renamed_name_exists_under_its_new_one(module):
    places = [import_module(place) for place in MOVED[module]]
    for new in RENAMED[module].values():
        assert any(hasattr(place, new) for place in places)


def test_an_old_import_warns_once_and_says_where_it_went():
    code = "from minseg.explore.roi_view import feature_map"
    said = subprocess.run(
        [sys.executable, "-W", "default", "-c", code + "\n" + code],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    assert said.count("has moved to") == 1
    assert "minseg.explore.roi_view has moved to minseg.explore.roi_explorer.numbers" in said


def test_a_name_that_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError):
        import_module("minseg.explore.no_such_module")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old = import_module("minseg.trace")
    with pytest.raises(AttributeError, match="no_such_name"):
        old.no_such_name  # noqa: B018

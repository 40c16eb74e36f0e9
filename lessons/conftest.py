"""Lessons are tested as they are built: no learner's state, one thread, no network.

Where MINSEG_LESSON_STEPS is set, training cells are short, and the cells that need what long
training would have brought, tagged `full-length`, are skipped.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from unittest import mock

import pytest

from lessons.build import STEPS, hermetic, missing

_folder = tempfile.TemporaryDirectory()  # gone when the tests end


def pytest_configure(config: pytest.Config) -> None:
    """A plain `pytest --nbval lessons` knows which differences are none."""
    if getattr(config.option, "nbval_sanitize_with", "") is None:
        config.option.nbval_sanitize_with = str(Path(__file__).with_name("nbval.cfg"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What cannot run on this system or lacks its training is skipped, with the reason."""
    shortened = f"training was cut short by {STEPS}" if os.environ.get(STEPS) else ""
    for item in items:
        if item.path.suffix != ".ipynb":
            continue
        untrained = shortened if "full-length" in tags(item) else ""
        if reason := missing(item.path) or untrained:
            item.add_marker(pytest.mark.skip(reason=reason))


def tags(item: pytest.Item) -> list[str]:
    """The tags of a cell that nbval has collected."""
    cell = getattr(item, "cell", None)
    return [] if cell is None else cell.metadata.get("tags", [])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> object:
    """The kernel starts with a lesson's first cell and inherits what is set here."""
    with mock.patch.dict(os.environ, hermetic(Path(_folder.name) / item.path.stem)):
        return (yield)

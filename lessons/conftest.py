"""Lessons are tested as they are built: no learner's state, one thread, no network."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from unittest import mock

import pytest

from lessons.build import hermetic, missing

_folder = tempfile.TemporaryDirectory()  # gone when the tests end


def pytest_configure(config: pytest.Config) -> None:
    """A plain `pytest --nbval lessons` knows which differences are none."""
    if getattr(config.option, "nbval_sanitize_with", "") is None:
        config.option.nbval_sanitize_with = str(Path(__file__).with_name("nbval.cfg"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A lesson that cannot run on this system is skipped, with the reason."""
    for item in items:
        if item.path.suffix == ".ipynb" and (reason := missing(item.path)):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> object:
    """The kernel starts with a lesson's first cell and inherits what is set here."""
    with mock.patch.dict(os.environ, hermetic(Path(_folder.name) / item.path.stem)):
        return (yield)

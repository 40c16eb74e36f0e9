"""What all tests share: one thread, and a folder of their own for progress and guesses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from unittest import mock

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read once, when torch is imported
os.environ.setdefault("MINSEG_CHECK_FIGURES", "1")  # a figure with unreadable texts raises

import pytest


@pytest.fixture(scope="session", autouse=True)
def empty_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the progress of whoever runs it."""
    folder = tmp_path_factory.mktemp("state")
    with mock.patch.dict(os.environ, MINSEG_STATE=str(folder)):
        yield

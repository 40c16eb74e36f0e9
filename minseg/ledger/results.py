"""Figures that took too long for a notebook, as the project's benchmarks recorded them.

`results.toml` repeats what the claims need of benchmarks/results/, with the command that made it; a
test compares the two, so that none is typed by hand.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _file() -> dict[str, Any]:
    text = files("minseg.ledger").joinpath("results.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def result(name: str) -> dict[str, Any]:
    """One table of figures; its `command` made them.

    Raises:
        ValueError: if there is no table of that name.

    >>> result("weights")["command"]
    'python benchmarks/ledger.py --write'
    """
    if name not in _file():
        raise ValueError(f"name must be one of {', '.join(_file())}, got {name!r}")
    return dict(_file()[name])

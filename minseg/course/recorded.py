"""Figures of runs that are too long for a lesson, as the benchmarks of this project recorded them.

A lesson that trains for a minute cannot train six networks. What it shows instead stands in
`recorded.toml`: means over seeds with the number of steps, and next to them what the paper
published. A test compares the means with the benchmark's own file, so none is typed by hand.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any


def recorded(name: str) -> dict[str, Any]:
    """One table of figures.

    Args:
        name: such as "roi_ablation".

    Raises:
        ValueError: if there is no table of that name.

    Example:
        >>> recorded("roi_ablation")["fpn"].keys()
        dict_keys(['pool', 'warp', 'align'])
    """
    text = files("minseg.course").joinpath("recorded.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    if name not in tables:
        raise ValueError(f"name must be one of {', '.join(tables)}, got {name!r}")
    return tables[name]

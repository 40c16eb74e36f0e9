"""The words of each claim: what the notes say, a verdict, what is precisely so, and where from.

`claims.toml` holds them, `measure` finds the function that goes with them.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any

from minseg.ledger.measured import Measured

VERDICTS = {"holds": "✓ holds", "imprecise": "≈ imprecise", "wrong": "✗ wrong"}
NOTEBOOKS = {
    "91": "91_masks_and_tasks.ipynb",
    "92": "92_regions_and_mask_rcnn.ipynb",
    "93": "93_panoptic_and_metrics.ipynb",
    "94": "94_without_boxes.ipynb",
    "95": "95_costs.ipynb",
}


@cache
def _file() -> dict[str, Any]:
    text = files("minseg.ledger").joinpath("claims.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def entries(notebook: str | None = None) -> dict[str, dict[str, str]]:
    """The claims that are measured, by id: notebook, topic, kind, verdict, notes, precise, source.

    Args:
        notebook: those of one notebook only, such as "92".

    >>> entries()["C39"]["topic"], entries()["C39"]["verdict"]
    ('rounding', 'imprecise')
    """
    measured = {id: entry for id, entry in _file().items() if id != "to_come"}
    return _of(measured, notebook)


def to_come(notebook: str | None = None) -> dict[str, dict[str, str]]:
    """The claims that nothing measures yet, by id: notebook and notes.

    >>> to_come()["C134"]["notes"]
    'Real time means less than 100 ms.'
    """
    return _of(_file()["to_come"], notebook)


def measure(id: str) -> Measured:
    """Run the function of a claim.

    Raises:
        ValueError: if no claim has that id, or nothing measures it yet.

    >>> measure("C82").supports
    True
    """
    if id in to_come():
        raise ValueError(f"id must be a claim that is measured, and {id} is not measured yet")
    if id not in entries():
        raise ValueError(f"id must be a claim, C01 to C140, got {id!r}")
    topic = import_module(f"minseg.ledger.{entries()[id]['topic']}")
    found: Measured = getattr(topic, id.lower())()
    return found


def _of(claims: dict[str, Any], notebook: str | None) -> dict[str, dict[str, str]]:
    """In order of their numbers; those of one notebook if it is given."""
    if notebook is not None and notebook not in NOTEBOOKS:
        raise ValueError(f"notebook must be one of {', '.join(NOTEBOOKS)}, got {notebook!r}")
    order = sorted(claims, key=lambda id: int(id[1:]))
    return {id: claims[id] for id in order if notebook in (None, claims[id]["notebook"])}

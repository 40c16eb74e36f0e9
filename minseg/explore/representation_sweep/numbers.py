"""What the sweep shows of a mask: what comes back at one budget, and the price list of all."""

from __future__ import annotations

from functools import cache
from typing import Any

from minseg.experiments.representations import Written, parts_and_holes, specimen, sweep
from minseg.explore.base.svg_path import curve_path, errors_paths
from minseg.masks import encode_rle


@cache
def exact_bytes(thing: str) -> int:
    """Bytes of a specimen's compressed run lengths, which lose nothing.

    >>> exact_bytes("disc")
    166
    """
    return len(encode_rle(specimen(thing), compressed=True)["counts"])


@cache
def numbers(thing: str, kind: str, step: int) -> dict[str, Any]:
    """What the browser draws of a specimen, a representation and a step of its budgets.

    Returns:
        Paths `kept`, `missed`, `added`, `outline`; `marks`, points; `grid`; `points`, one
        (bytes, IoU, boundary IoU) for each step; `step`, which of them; `exact`, bytes of the run
        lengths; `what`, `rows`, `facts`, texts.
    """
    truth, steps = specimen(thing), sweep(thing, kind)
    step = min(max(step, 0), len(steps) - 1)
    now = steps[step]
    return {
        **errors_paths(truth, now.mask),
        "outline": curve_path(now.outline),
        "marks": [[round(v, 2) for v in mark] for mark in now.marks.tolist()],
        "grid": list(now.grid),
        "points": [[one.size, one.iou, one.boundary_iou] for one in steps],
        "step": step,
        "exact": exact_bytes(thing),
        "what": now.what,
        "rows": [
            ["bytes", str(now.size)],
            ["IoU", f"{now.iou:.3f}"],
            ["boundary IoU", f"{now.boundary_iou:.3f}"],
            ["the mask has", _topology(*parts_and_holes(truth))],
            ["what comes back has", _topology(*parts_and_holes(now.mask))],
        ],
        "facts": f"{thing} as {kind}, {_facts(now)}",
    }


def _facts(now: Written) -> str:
    return f"{now.what}: {now.size} bytes, IoU {now.iou:.3f}, boundary IoU {now.boundary_iou:.3f}"


def _topology(parts: int, holes: int) -> str:
    return f"{parts} part{'s' * (parts != 1)}, {holes} hole{'s' * (holes != 1)}"

"""What each task's answer keeps of painted masks: boxes, a semantic map, a panoptic map.

A panoptic map holds one number a pixel, so where masks overlap a rule decides who owns the pixel,
and a mask that lost pixels cannot be read back. `explain` says so for a set of masks, with all
numbers from the package; `MaskPainter` (lesson 01) shows it while somebody paints.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from scipy.ndimage import label
from torch import Tensor

from minseg.boxes import box_area
from minseg.instances import Instances
from minseg.panoptic import decode, from_instances

HEIGHT, WIDTH = 24, 32  # cells
CLASSES = {1: "cat", 2: "dog"}
RULES = {"score": "the best score", "order": "who comes last in the list"}
LARGEST = 7  # cells across, the widest brush


def example() -> Instances:
    """Two cats that overlap, and a dog that the first cat covers."""
    y, x = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    masks = torch.stack([
        ((x - 11) / 8) ** 2 + ((y - 11) / 7.5) ** 2 < 1,
        ((x - 21) / 7) ** 2 + ((y - 14) / 8) ** 2 < 1,
        (abs(x - 7) < 3) & (abs(y - 11) < 3),
    ])  # fmt: skip
    return Instances(masks, torch.tensor([1, 1, 2]), torch.tensor([0.9, 0.8, 0.7]))


def brush(points: Sequence[tuple[int, int]], size: int, shape: tuple[int, int]) -> Tensor:
    """The cells that a round brush covers on its way.

    Args:
        points: cells (column, row), joined by straight lines between their centres.
        size: cells across.
        shape: (height, width).

    Returns:
        (height, width) bool: cells whose centre lies within size / 2 of the line.
    """
    cell = torch.cartesian_prod(torch.arange(float(shape[0])), torch.arange(float(shape[1])))
    covered = torch.zeros(len(cell), dtype=torch.bool)
    for (x1, y1), (x2, y2) in pairwise([points[0], *points]):
        start, way = torch.tensor([y1, x1]), torch.tensor([float(y2 - y1), float(x2 - x1)])
        share = ((cell - start) @ way / max(float(way @ way), 1e-9)).clamp(0, 1)
        nearest = start + share[:, None] * way  # on the line, (cells, 2)
        covered |= (cell - nearest).norm(dim=1) <= size / 2
    return covered.view(shape)


def explain(instances: Instances, rule: str = "score") -> dict[str, Any]:
    """What each task's answer keeps of a set of masks.

    Args:
        instances: masks of one image, overlapping or not, some perhaps empty.
        rule: "score", the best owns a pixel claimed twice; "order", the last in the list does.

    Returns:
        What the browser draws: `masks`, `semantic`, `panoptic` and `twice`, shapes with a `fill`
        and a `line`; `boxes`; `rows`, one for each mask; `notes`, one line for each answer; and
        `facts`.
    """
    masks, n = instances.masks, len(instances)
    there = masks.flatten(1).any(dim=1)
    priority = instances.scores if rule == "score" else torch.arange(n)
    ids = from_instances(instances, priority=priority)
    semantic, number = decode(ids)
    owned = number == torch.arange(1, n + 1)[:, None, None]  # (N, H, W), what can be read back
    returns = (owned == masks).flatten(1).all(dim=1) & there
    claims = masks.sum(dim=0)
    fills = masks.flatten(1).sum(dim=1) / box_area(instances.boxes).clamp(min=1)
    names = [CLASSES[int(c)] for c in instances.labels]
    regions = sum(label((semantic == c).numpy())[1] for c in CLASSES)
    total, whole, twice = int(there.sum()), int(returns.sum()), int((claims > 1).sum())
    square = int(((fills == 1) & there).sum())
    return {
        "masks": [_shape(mask, k) for k, mask in enumerate(masks)],
        "boxes": instances.boxes.tolist(),
        "semantic": [_shape(semantic == c, c) for c in CLASSES],
        "panoptic": [_shape(mask, k) for k, mask in enumerate(owned)],
        "twice": [_shape(claims == k, k) for k in range(2, n + 1)],
        "rows": [
            [
                names[k],
                str(int(masks[k].sum())),
                f"{100 * fills[k]:.0f} %" if there[k] else "–",
                str(int(owned[k].sum())),
                ("yes" if returns[k] else "no") if there[k] else "–",
            ]
            for k in range(n)
        ],
        "notes": {
            "boxes": f"{square} of {total} fill their box",
            "semantic": f"{_count(regions, 'region')} for {_count(total, 'mask')}",
            "panoptic": f"gives {whole} of {_count(total, 'mask')} back",
            "twice": f"{_count(twice, 'pixel')}, at most {int(claims.max())} claims",
        },
        "facts": f"{_count(total, 'mask')}, {_count(twice, 'pixel')} claimed twice or more; the "
        f"panoptic map gives {whole} back",
    }


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _shape(mask: Tensor, key: int) -> dict[str, Any]:
    """SVG paths of a mask's pixels and outline, and where its number belongs, in cells."""
    fill, line, at = _paths(mask.numpy().tobytes(), mask.shape[1])
    return {"key": key, "fill": fill, "line": line, "at": at}


@lru_cache(maxsize=64)  # a stroke changes few of the masks that are drawn
def _paths(cells: bytes, width: int) -> tuple[str, str, tuple[float, ...]]:
    from minseg.draw.overlay import deepest_point, outline  # matplotlib, only where one draws

    pixels = np.frombuffer(cells, dtype=bool).reshape(-1, width)
    steps = np.diff(np.pad(pixels, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    runs = zip(np.argwhere(steps == 1), np.argwhere(steps == -1), strict=True)
    fill = "".join(f"M{a} {i}H{b}V{i + 1}H{a}Z" for (i, a), (_, b) in runs)
    line = "".join(f"M{a:g} {b:g}L{c:g} {d:g}" for (a, b), (c, d) in outline(pixels))
    return fill, line, deepest_point(pixels) if pixels.any() else ()

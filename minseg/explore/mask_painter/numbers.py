"""What each task's answer keeps of painted masks: boxes, a semantic map, a panoptic map.

A panoptic map holds one number for each pixel, so where masks overlap a rule decides which of them
gets the pixel, and a mask that lost pixels cannot be read back. `numbers` says so of a set of
masks; all figures come from the package. `MaskPainter` shows them as one paints. Unit 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import torch
from scipy import ndimage
from torch import Tensor

from minseg.boxes import box_area
from minseg.explore.base.svg_path import outline_path, pixels_path
from minseg.instances import Instances
from minseg.panoptic import decode, from_instances

HEIGHT, WIDTH = 24, 32  # cells
CLASSES = {1: "cat", 2: "dog"}
RULES = ("score", "order")  # a pixel goes to the best score, or to the last in the list
LARGEST = 7  # cells across, the widest brush


def example() -> Instances:
    """Two cats that overlap, and a dog that the first cat covers."""
    y, x = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    left_cat = ((x - 11) / 8) ** 2 + ((y - 11) / 7.5) ** 2 < 1
    right_cat = ((x - 21) / 7) ** 2 + ((y - 14) / 8) ** 2 < 1
    dog = (abs(x - 7) < 3) & (abs(y - 11) < 3)
    masks = torch.stack([left_cat, right_cat, dog])
    return Instances(masks, torch.tensor([1, 1, 2]), torch.tensor([0.9, 0.8, 0.7]))


def brush(points: Sequence[tuple[int, int]], size: int, shape: tuple[int, int]) -> Tensor:
    """The cells that a round brush covers on its way.

    Args:
        points: cells (column, row), joined by straight lines between their centres.
        size: cells across.
        shape: (height, width).

    Returns:
        (height, width) bool: cells whose centre lies within size / 2 of the line.

    >>> brush([(0, 0), (3, 0)], size=1, shape=(2, 5)).int().tolist()
    [[1, 1, 1, 1, 0], [0, 0, 0, 0, 0]]
    """
    cell = torch.cartesian_prod(torch.arange(float(shape[0])), torch.arange(float(shape[1])))
    covered = torch.zeros(len(cell), dtype=torch.bool)
    for (x1, y1), (x2, y2) in pairwise([points[0], *points]):
        start, way = torch.tensor([y1, x1]), torch.tensor([float(y2 - y1), float(x2 - x1)])
        share = ((cell - start) @ way / max(float(way @ way), 1e-9)).clamp(0, 1)
        nearest = start + share[:, None] * way  # on the line, (cells, 2)
        covered |= (cell - nearest).norm(dim=1) <= size / 2
    return covered.view(shape)


def numbers(instances: Instances, rule: str = "score") -> dict[str, Any]:
    """What each task's answer keeps of a set of masks.

    Args:
        instances: masks of one image, overlapping or not, some perhaps empty.
        rule: one of `RULES`, for pixels that are claimed twice.

    Returns:
        What the browser draws: `masks`, `semantic`, `panoptic` and `twice`, shapes with a `fill`
        and a `line`; `boxes`; `rows`, one for each mask; `notes`, one line for each answer; and
        `facts`.
    """
    masks, n = instances.masks, len(instances)  # (N, H, W)
    there = masks.flatten(1).any(dim=1)
    # The panoptic map, and which masks can be read back from it.
    priority = instances.scores if rule == "score" else torch.arange(n)
    ids = from_instances(instances, priority=priority)
    semantic, number = decode(ids)
    owned = number == torch.arange(1, n + 1)[:, None, None]  # (N, H, W)
    returns = (owned == masks).flatten(1).all(dim=1) & there
    # Pixels claimed twice, boxes that are filled, regions of the semantic map.
    claims = masks.sum(dim=0)  # (H, W)
    fills = masks.flatten(1).sum(dim=1) / box_area(instances.boxes).clamp(min=1)
    regions = sum(ndimage.label((semantic == c).numpy())[1] for c in CLASSES)
    total, whole, twice = int(there.sum()), int(returns.sum()), int((claims > 1).sum())
    square = int(((fills == 1) & there).sum())
    return {
        "masks": [_shape(mask, k) for k, mask in enumerate(masks)],
        "boxes": instances.boxes.tolist(),
        "semantic": [_shape(semantic == c, c) for c in CLASSES],
        "panoptic": [_shape(mask, k) for k, mask in enumerate(owned)],
        "twice": [_shape(claims == k, k) for k in range(2, n + 1)],
        "rows": [_row(*of) for of in zip(instances.labels, masks, owned, fills, strict=True)],
        "notes": {
            "boxes": f"{square} of {total} fill their box",
            "semantic": f"{_count(regions, 'region')} for {_count(total, 'mask')}",
            "panoptic": f"gives {whole} of {_count(total, 'mask')} back",
            "twice": f"{_count(twice, 'pixel')}, at most {int(claims.max())} claims",
        },
        "facts": f"{_count(total, 'mask')}, {_count(twice, 'pixel')} claimed twice or more; the "
        f"panoptic map gives {whole} back",
    }


def _row(label: Tensor, mask: Tensor, owned: Tensor, fill: Tensor) -> list[str]:
    """What the table says of a mask (H, W), of which `owned` (H, W) is left in the panoptic map."""
    there = bool(mask.any())
    back = "yes" if torch.equal(owned, mask) else "no"
    return [
        CLASSES[int(label)],
        str(int(mask.sum())),
        f"{100 * fill:.0f} %" if there else "–",
        str(int(owned.sum())),
        back if there else "–",
    ]


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _shape(mask: Tensor, key: int) -> dict[str, Any]:
    """SVG paths of a mask's pixels and outline, and where its number belongs, in cells."""
    fill, line, at = _paths(mask.numpy().tobytes(), mask.shape[1])
    return {"key": key, "fill": fill, "line": line, "at": at}


@lru_cache(maxsize=64)  # a stroke changes few of the masks that are drawn
def _paths(cells: bytes, width: int) -> tuple[str, str, tuple[float, ...]]:
    from minseg.draw.overlay import deepest_point  # matplotlib, only where one draws

    mask = torch.frombuffer(bytearray(cells), dtype=torch.bool).view(-1, width)
    at = deepest_point(mask.numpy()) if mask.any() else ()
    return pixels_path(mask), outline_path(mask), at

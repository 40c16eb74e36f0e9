"""What a grid can reach at best, by what its cells hold and by how it is pasted.

Two decisions are made when a mask becomes a grid and a grid a mask again. Going in, a cell holds
the share of its area that the mask covers, or that share rounded to 0 or 1. Coming back, a pixel
takes the value of the cell that it lies in ("nearest"), or reads between the four around it
("bilinear"). Nothing is learnt here: the error that is left is that of the grid alone. Unit 11.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from minseg.instances import tight_boxes
from minseg.masks import from_grid, to_grid
from minseg.metrics import mask_iou

WAYS = {  # name → (whether cells are rounded, how they are pasted)
    "rounded, nearest": (True, "nearest"),
    "shares, nearest": (False, "nearest"),
    "rounded, bilinear": (True, "bilinear"),
    "shares, bilinear": (False, "bilinear"),
}


def grid_error(masks: Tensor, m: int, *, rounded: bool, mode: str) -> float:
    """Mean 1 - IoU of masks (N, H, W) after m × m cells in their tight boxes, and back.

    >>> import torch
    >>> disc = torch.cartesian_prod(torch.arange(64), torch.arange(64)).sub(31.5).norm(dim=1) < 30
    >>> round(grid_error(disc.view(1, 64, 64), 7, rounded=True, mode="nearest"), 3)
    0.115
    """
    boxes = tight_boxes(masks)
    grids = to_grid(masks, boxes, m, binary=rounded)
    back = from_grid(grids, boxes, *masks.shape[1:], mode=mode)
    return 1 - mask_iou(masks, back).diagonal().mean().item()


def four_ways(masks: Tensor, sizes: Sequence[int]) -> dict[str, list[float]]:
    """`grid_error` at each size, for each of `WAYS`."""
    return {
        name: [grid_error(masks, m, rounded=rounded, mode=mode) for m in sizes]
        for name, (rounded, mode) in WAYS.items()
    }


def print_ways(errors: dict[str, list[float]], sizes: Sequence[int]) -> None:
    """A table: a row for each way, a column for each size."""
    print(f"{'1 - IoU':20}" + "".join(f"{f'm = {m}':>10}" for m in sizes))
    for name, row in errors.items():
        print(f"{name:20}" + "".join(f"{error:10.4f}" for error in row))

"""Which cell owns which thing: the targets of SOLO's grid.

The image is cut into S × S cells, and a thing belongs to the cells that its centre region touches:

    centre region = mass centre ± ½ · ε · (width, height),   ε = 0.2,     at most 3 × 3 cells

(Wang et al., SOLO: Segmenting Objects by Locations, 2020, section 3.) Large things need few, coarse
cells and small ones many, so each level of the pyramid has a grid of its own and takes the things
whose √(width · height) lies in its range. Ranges overlap, and a thing in two of them trains both.

A cell has one mask, so it owns one thing. Where two claim it, the *smaller* keeps it here, as it
has fewer cells to fall back on; SOLO's code lets the one that comes later in the file have it. A
thing that loses all of its cells is not taught, and a grid can never hold more than S² things. With
n centres at random, all find a cell of their own with probability

    Π_{k<n} (1 − k / S²)            S = 12 and n = 10: 0.73;  S = 24: 0.92

Unit 50 lets you drag things until they collide. G counts things, "…" stands for a batch.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

NOTHING = -1  # in a cell that no thing owns


def mass_centres(masks: Tensor) -> Tensor:
    """(…, G, 2) x and y of the mean pixel centre of (…, G, H, W) bool masks; 0 where one is empty.

    >>> mask = torch.tensor([[[False, True, True, True]]])  # columns 1 to 3 of one row
    >>> mass_centres(mask)
    tensor([[2.5000, 0.5000]])
    """
    height, width = masks.shape[-2:]
    of_columns, of_rows = masks.sum(-2).float(), masks.sum(-1).float()  # (…, G, W), (…, G, H)
    area = of_rows.sum(-1).clamp(min=1)  # (…, G)
    x = of_columns @ (torch.arange(width, device=masks.device) + 0.5) / area
    y = of_rows @ (torch.arange(height, device=masks.device) + 0.5) / area
    there = of_rows.sum(-1) > 0
    return torch.stack([x * there, y * there], dim=-1)


def grid_targets_loop(
    boxes: Tensor,
    centres: Tensor,
    shape: tuple[int, int],
    grid: int,
    *,
    sizes: tuple[float, float] = (0.0, math.inf),
    epsilon: float = 0.2,
) -> Tensor:
    """The definition, thing by thing, for one image: meant to be read. See `grid_targets`."""
    owner = torch.full((grid, grid), NOTHING)
    (height, width), things = shape, []
    for g, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
        size = math.sqrt((x2 - x1) * (y2 - y1))
        if size > 0 and sizes[0] <= size <= sizes[1]:
            things.append((size, g))
    for _, g in sorted(things, reverse=True):  # the smallest is written last
        (x, y), (x1, y1, x2, y2) = centres[g].tolist(), boxes[g].tolist()
        half_x, half_y = epsilon * (x2 - x1) / 2, epsilon * (y2 - y1) / 2
        column, row = int(x * grid / width), int(y * grid / height)
        for i in range(max(row - 1, 0), min(row + 1, grid - 1) + 1):
            for j in range(max(column - 1, 0), min(column + 1, grid - 1) + 1):
                across = int((x - half_x) * grid / width) <= j <= int((x + half_x) * grid / width)
                down = int((y - half_y) * grid / height) <= i <= int((y + half_y) * grid / height)
                if across and down:
                    owner[i, j] = g
    return owner


def grid_targets(
    boxes: Tensor,
    centres: Tensor,
    shape: tuple[int, int],
    grid: int,
    *,
    sizes: tuple[float, float] = (0.0, math.inf),
    epsilon: float = 0.2,
) -> Tensor:
    """Which thing each cell of a grid owns.

    Args:
        boxes: (…, G, 4) tight boxes in pixels; one without area is no thing and claims no cell.
        centres: (…, G, 2) of mass, x and y in pixels (`mass_centres`).
        shape: (H, W) of the image, which the grid covers.
        grid: S, cells each way.
        sizes: smallest and largest √(width · height) that belong here, both included.
        epsilon: ε, the share of the box that the centre region takes. With 0 it is one cell.

    Returns:
        (…, S, S) int64, rows and columns: the number of the thing, or −1. Of several that claim a
        cell the smallest has it, of equal ones the first.

    Raises:
        ValueError: if shapes do not fit, or grid or epsilon are out of range.

    >>> boxes = torch.tensor([[0.0, 0, 8, 8], [2, 2, 4, 4]])
    >>> centres = torch.tensor([[4.0, 4], [3, 3]])
    >>> grid_targets(boxes, centres, (8, 8), 4)  # the small thing keeps the cell that both claim
    tensor([[-1, -1, -1, -1],
            [-1,  1,  0, -1],
            [-1,  0,  0, -1],
            [-1, -1, -1, -1]])
    """
    _check(boxes, centres, grid, epsilon)
    size = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0)  # (…, G, 2) width and height
    extent = size.prod(dim=-1).sqrt()  # (…, G)
    here = (extent > 0) & (sizes[0] <= extent) & (extent <= sizes[1])
    # The cells that a centre region touches, but none beyond the neighbours of its centre's.
    whole, half = centres.new_tensor([shape[1], shape[0]]), epsilon * size / 2  # x and y
    centre_cell = (centres * grid / whole).floor()  # (…, G, 2)
    first = ((centres - half) * grid / whole).floor().maximum(centre_cell - 1)
    last = ((centres + half) * grid / whole).floor().minimum(centre_cell + 1)
    cells = torch.arange(grid, device=boxes.device)[:, None]  # against (…, G, 1, 2): (…, G, S, 2)
    inside = (first[..., None, :] <= cells) & (cells <= last[..., None, :])
    across, down = inside.unbind(dim=-1)  # (…, G, S) each
    claims = down[..., :, None] & across[..., None, :] & here[..., None, None]  # (…, G, S, S)
    # The smallest of those that claim a cell; by rank, so that no two are equal.
    rank = extent.argsort(dim=-1, stable=True).argsort(dim=-1)  # (…, G)
    most = extent.shape[-1]
    contest = torch.where(claims, rank[..., None, None], most)
    best, owner = contest.min(dim=-3)  # (…, S, S) each
    return torch.where(best < most, owner, NOTHING)


def _check(boxes: Tensor, centres: Tensor, grid: int, epsilon: float) -> None:
    if boxes.shape[-1:] != (4,) or boxes.shape[:-1] != centres.shape[:-1] or boxes.ndim < 2:
        raise ValueError(
            f"boxes must be (…, G, 4) and centres (…, G, 2), got {tuple(boxes.shape)} "
            f"and {tuple(centres.shape)}"
        )
    if boxes.shape[-2] == 0:
        raise ValueError("boxes must hold one row or more: pad with zeros where there is no thing")
    if grid < 1:
        raise ValueError(f"grid must have 1 or more cells each way, got {grid}")
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon must lie in [0, 1], got {epsilon}")

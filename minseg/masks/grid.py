"""A mask as a small grid in its box: what Mask R-CNN's head predicts.

The box is cut into m × m cells. Going in, a cell's value is the share of its area that the mask
covers. A cell and a pixel overlap by a product, width times height, so two matrices do it:

    G = A_y M A_xᵀ,      A_x[k, j] = |cell k ∩ pixel j| / |cell k|          on the x axis, A_y alike

Coming back, the image is read at pixel centres: column j lies at u = (j + ½ - x_1) / (x_2 - x_1)
across the box, or m u - ½ cells from the first cell's centre. Bilinear weights separate, too:

    M̂ = W_y G W_xᵀ,      W_x[j, k] = max(0, 1 - |m u_j - ½ - k|)           and then  M̂ ≥ 0.5

This is `grid_sample(align_corners=False)` with zeros outside, as detectron2 pastes the masks of
Mask R-CNN (He et al., 2017, section 3.1, "Inference"). Without its halves, masks move.

The error of binary cells is a fraction of a cell, all along the outline of a box with sides L:

    1 - IoU ≈ c · (perimeter / area) · L / m

with c near 0.2 for a nearest paste, so each doubling of m halves it. Area shares know where in the
cell the outline passes: pasted bilinearly they are 4 to 5 times better. Unit 11 measures both.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from minseg.masks.runs import Crop, tight_crop
from minseg.precision import exact_device

CHUNK = 64  # masks at once
SMALL = 2**15  # pixels of an image up to which cutting out boxes costs more than it saves


def to_grid_loop(masks: Tensor, boxes: Tensor, size: int, *, binary: bool = False) -> Tensor:
    """The definition, one cell and one pixel at a time, meant to be read. See `to_grid`."""
    grids = torch.zeros(len(masks), size, size)
    for n, (x1, y1, x2, y2) in enumerate(boxes.double().tolist()):
        cell_width, cell_height = (x2 - x1) / size, (y2 - y1) / size
        if cell_width * cell_height == 0:
            continue
        for k in range(size):
            for q in range(size):
                top, left = y1 + k * cell_height, x1 + q * cell_width
                covered = 0.0
                for i, j in masks[n].nonzero().tolist():
                    shared_height = min(top + cell_height, i + 1) - max(top, i)
                    shared_width = min(left + cell_width, j + 1) - max(left, j)
                    covered += max(shared_height, 0) * max(shared_width, 0)
                grids[n, k, q] = covered / (cell_height * cell_width)
    return (grids >= 0.5).float() if binary else grids


def to_grid(masks: Tensor, boxes: Tensor, size: int, *, binary: bool = False) -> Tensor:
    """Crop masks to their boxes, at `size` × `size` cells.

    Args:
        masks: (N, H, W) bool; outside the image is background.
        boxes: (N, 4) x1, y1, x2, y2 in pixels, anywhere, fractions included.
        size: m, cells along each side.
        binary: whether to return 1 where the share is at least a half, and 0 elsewhere.

    Returns:
        (N, size, size) float32, the exact area share of each cell. A box without area gives zeros.

    Raises:
        TypeError: if `masks` is not bool.
        ValueError: if shapes are not as above, a box is not finite or has x2 < x1 or y2 < y1, or
            `size` is below 1.

    Example:
        >>> left = torch.arange(6).expand(1, 4, 6) < 3  # three columns of six
        >>> to_grid(left, torch.tensor([[0.0, 0, 6, 4]]), 4)[0, 0].tolist()
        [1.0, 1.0, 0.0, 0.0]
        >>> to_grid(left, torch.tensor([[1.0, 0, 5, 4]]), 3)[0, 0].numpy().round(2).tolist()
        [1.0, 0.5, 0.0]
    """
    if masks.dtype != torch.bool:
        raise TypeError(f"masks must be bool, got {masks.dtype}: threshold them, `masks >= 0.5`")
    _check(masks, "masks", boxes)
    if size < 1:
        raise ValueError(f"size must be 1 or more cells, got {size}")
    where = exact_device(masks.device)  # shares are counted in double
    parts = [
        _cropped(some_masks.to(where), some_boxes.to(where).double(), size)
        for some_masks, some_boxes in zip(masks.split(CHUNK), boxes.split(CHUNK), strict=True)
    ]
    grids = torch.cat(parts) if parts else torch.zeros(0, size, size)
    return ((grids >= 0.5).float() if binary else grids).to(masks.device)


def _cropped(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    """`to_grid` for so few masks that the matrices of all of them fit into memory."""
    across = _shares(boxes[:, 0], boxes[:, 2], size, masks.shape[2])  # (N, m, W)
    down = _shares(boxes[:, 1], boxes[:, 3], size, masks.shape[1])  # (N, m, H)
    if masks.shape[1] * masks.shape[2] <= SMALL:
        return (down @ masks.double() @ across.mT).float()  # A_y M A_xᵀ, (N, m, m)
    # Of a large picture only the box: beyond it A is zero.
    grids = torch.zeros(len(masks), size, size, device=masks.device)
    for k, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
        rows, columns = _pixels(y1, y2, masks.shape[1]), _pixels(x1, x2, masks.shape[2])
        inside = masks[k, rows, columns].double()  # (h, w) in the box
        grids[k] = down[k, :, rows] @ inside @ across[k, :, columns].T  # (m, m)
    return grids


def from_grid(
    grids: Tensor,
    boxes: Tensor,
    height: int,
    width: int,
    *,
    mode: str = "bilinear",
    threshold: float | None = 0.5,
) -> Tensor:
    """Paste grids into their boxes on an image.

    Args:
        grids: (N, m, m) floating point, probabilities.
        boxes: (N, 4) x1, y1, x2, y2 in pixels, anywhere, fractions included.
        height, width: of the image.
        mode: "bilinear", or "nearest" for the value of the cell that holds the pixel's centre (a
            centre on the border of two cells belongs to the right or lower one).
        threshold: pixels with at least this value are inside, in (0, 1]; None returns the values.

    Returns:
        (N, height, width) bool, or with `threshold=None` float32, differentiable with respect to
        `grids`. Bilinear values fade to 0 within half a cell on both sides of the box's edge,
        which rounds the corners of a box that is full. A box without area pastes nothing.

    Raises:
        ValueError: if shapes, boxes, mode or threshold are not as above.

    Example:
        >>> half = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])
        >>> from_grid(half, torch.tensor([[1.0, 0, 5, 2]]), 2, 6).int().tolist()[0]
        [[0, 1, 1, 0, 0, 0], [0, 1, 1, 0, 0, 0]]
    """
    _check_paste(grids, boxes, mode, threshold)
    pasted = []
    for grid, box in zip(grids, boxes.tolist(), strict=True):
        values, rows, columns = _paste(grid, box, height, width, mode)
        inside = values if threshold is None else values >= threshold
        beside = (columns.start, width - columns.stop, rows.start, height - rows.stop)
        pasted.append(F.pad(inside, beside))  # 0 where the grid does not reach
    empty = torch.zeros(0, height, width, dtype=torch.float32 if threshold is None else torch.bool)
    return torch.stack(pasted) if pasted else empty.to(grids.device)


def crops_from_grid(
    grids: Tensor, boxes: Tensor, height: int, width: int, *, threshold: float = 0.5
) -> list[Crop]:
    """`from_grid`, bilinear, without the rest of the image: what large pictures can afford.

    Args:
        grids, boxes, height, width, threshold: as in `from_grid`.

    Returns:
        For each grid the part of its mask in its tight box; without a pixel if the mask is empty.
        On the CPU.

    Raises:
        ValueError: as in `from_grid`.

    Example:
        >>> box = torch.tensor([[2.0, 1.0, 5.0, 3.0]])
        >>> crop = crops_from_grid(torch.ones(1, 7, 7), box, 3000, 4000)[0]
        >>> crop.mask.shape, crop.x, crop.y
        ((2, 3), 2, 1)
    """
    _check_paste(grids, boxes, "bilinear", threshold)
    crops = []
    for grid, box in zip(grids.detach().cpu(), boxes.tolist(), strict=True):
        values, rows, columns = _paste(grid, box, height, width, "bilinear")
        crops.append(tight_crop((values >= threshold).numpy(), columns.start, rows.start))
    return crops


def _paste(
    grid: Tensor, box: list[float], height: int, width: int, mode: str
) -> tuple[Tensor, slice, slice]:
    """(h, w) float32 values on the pixels that a grid reaches, and which rows and columns."""
    (x1, y1, x2, y2), (down_cells, across_cells) = box, grid.shape
    fade_x, fade_y = (x2 - x1) / max(2 * across_cells, 1), (y2 - y1) / max(2 * down_cells, 1)
    columns = _pixels(x1 - fade_x, x2 + fade_x, width)  # half a cell beyond the box
    rows = _pixels(y1 - fade_y, y2 + fade_y, height)
    where = exact_device(grid.device)
    across = _weights(x1, x2, across_cells, width, mode)[columns].to(where)  # (w, m)
    down = _weights(y1, y2, down_cells, height, mode)[rows].to(where)  # (h, m)
    # W_y G W_xᵀ; float32 at the end: a value of exactly a half may come out as 0.5 - 1e-16 before
    values = (down @ grid.to(where).double() @ across.T).float()
    return values.to(grid.device), rows, columns


def from_grid_loop(
    grids: Tensor, boxes: Tensor, height: int, width: int, *, threshold: float | None = 0.5
) -> Tensor:
    """The definition of the bilinear paste, one pixel at a time. See `from_grid`."""
    m = grids.shape[1]
    values = torch.zeros(len(grids), height, width)
    for n, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
        for i in range(height if x1 < x2 and y1 < y2 else 0):
            for j in range(width):
                y = m * (i + 0.5 - y1) / (y2 - y1) - 0.5  # in cells, from the first cell's centre
                x = m * (j + 0.5 - x1) / (x2 - x1) - 0.5
                for k in range(max(math.floor(y), 0), min(math.floor(y) + 2, m)):
                    for q in range(max(math.floor(x), 0), min(math.floor(x) + 2, m)):
                        values[n, i, j] += (1 - abs(y - k)) * (1 - abs(x - q)) * grids[n, k, q]
    return values if threshold is None else values >= threshold


def _pixels(low: float, high: float, length: int) -> slice:
    """The pixels of an axis that [low, high] touches."""
    start = min(max(math.floor(low), 0), length)
    return slice(start, min(max(math.ceil(high), start), length))


def _shares(low: Tensor, high: Tensor, cells: int, length: int) -> Tensor:
    """(N, cells, length): the share of each cell of [low, high] (N,) that lies in each pixel."""
    low, side = low[:, None], (high - low)[:, None]
    count = torch.arange(cells + 1, dtype=torch.float64, device=low.device)
    edge = low + side * count / cells  # (N, cells + 1)
    pixel = torch.arange(length + 1, dtype=torch.float64, device=low.device)
    below = torch.minimum(edge[..., None], pixel)  # (N, cells + 1, length + 1)
    # how much of a cell and a pixel overlap, from where both of them begin and end
    shared = below[:, 1:, 1:] - below[:, 1:, :-1] - below[:, :-1, 1:] + below[:, :-1, :-1]
    return torch.where(side[..., None] > 0, shared * cells / side[..., None], 0.0)


def _weights(low: float, high: float, cells: int, length: int, mode: str) -> Tensor:
    """(length, cells): the weight of each cell of [low, high] at each pixel centre."""
    if low == high:
        return torch.zeros(length, cells, dtype=torch.float64)
    centre = torch.arange(length, dtype=torch.float64) + 0.5
    at = cells * (centre - low) / (high - low)  # 0 at the left of the first cell
    cell = torch.arange(cells, dtype=torch.float64)
    if mode == "nearest":
        return (at.floor()[:, None] == cell).double()
    return (1 - (at[:, None] - 0.5 - cell).abs()).clamp(min=0)


def _check(values: Tensor, name: str, boxes: Tensor) -> None:
    """Raise ValueError unless there are N planes and N boxes that are boxes."""
    if values.ndim != 3:
        raise ValueError(f"{name} must be (N, rows, columns), got {tuple(values.shape)}")
    if boxes.shape != (len(values), 4):
        raise ValueError(f"boxes must be ({len(values)}, 4), got {tuple(boxes.shape)}")
    if not (boxes.isfinite().all() and (boxes[:, :2] <= boxes[:, 2:]).all()):
        raise ValueError("boxes must be finite x1, y1, x2, y2 with x1 <= x2 and y1 <= y2")


def _check_paste(grids: Tensor, boxes: Tensor, mode: str, threshold: float | None) -> None:
    _check(grids, "grids", boxes)
    if not grids.is_floating_point():
        raise TypeError(f"grids must be floating-point probabilities, got {grids.dtype}")
    if mode not in ("bilinear", "nearest"):
        raise ValueError(f'mode must be "bilinear" or "nearest", got {mode!r}')
    if threshold is not None and not 0 < threshold <= 1:
        raise ValueError(f"threshold must be in (0, 1] or None, got {threshold}")

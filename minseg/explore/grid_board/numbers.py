"""What the grid board shows: who owns which cell of SOLO's grid, and what one cell is taught.

Cells belong to the thing whose centre region touches them; where two claim one cell, the smaller
has it. All of it is `minseg.models.solo.grid_targets`'s answer, once for all things together and
once for each alone, which tells what it claims. Unit 50.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from minseg.explore.base.shape_board import HEIGHT, WIDTH
from minseg.explore.base.shapes import shape_masks
from minseg.explore.base.values import Box, rounded
from minseg.instances import tight_boxes
from minseg.models.solo import grid_targets, mass_centres

THINGS: tuple[tuple[str, Box], ...] = (  # kind, box in pixels
    ("disc", (22.0, 24.0, 86.0, 88.0)),
    ("box", (126.0, 28.0, 150.0, 52.0)),
    ("arch", (140.0, 66.0, 224.0, 140.0)),
    ("triangle", (44.0, 98.0, 112.0, 152.0)),
    ("disc", (172.0, 84.0, 204.0, 116.0)),
)
RANGES: dict[str, tuple[float, float]] = {  # √(width · height) in pixels of what a grid takes
    "of all sizes": (0.0, math.inf),
    "up to 40 px": (0.0, 40.0),
    "30 to 80 px": (30.0, 80.0),
    "from 60 px": (60.0, math.inf),
}


def numbers(
    things: Sequence[tuple[str, Box]],
    *,
    grid: int = 12,
    epsilon: float = 0.2,
    sizes: str = "of all sizes",
    decoupled: bool = False,
    cell: tuple[int, int] = (0, 0),
) -> dict[str, Any]:
    """What the browser draws.

    Args:
        things: kind and box in pixels of each of N.
        grid: S, cells each way. epsilon: of the centre region. sizes: one of `RANGES`.
        decoupled: whether the cell is told as a row and a column.
        cell: (row, column) of the cell that is asked about.

    Returns:
        `owner`, S² numbers row by row, −1 for none; `contested`, numbers of cells that several
        claim; `centres` and `regions`, of each thing; `rows`, texts for each thing; `taught`, the
        thing of the cell or −1; `cell`, what it is in words; `facts`, and `spoken`, both together.
    """
    boxes, centres = places(things)
    law: dict[str, Any] = {"sizes": RANGES[sizes], "epsilon": epsilon}
    frame = (HEIGHT, WIDTH), grid
    owner = grid_targets(boxes, centres, *frame, **law)  # (S, S)
    alone = grid_targets(boxes[:, None], centres[:, None], *frame, **law) >= 0  # (N, S, S)
    claimed, kept = alone.flatten(1).sum(dim=1).tolist(), _kept(owner, len(things))
    contested = (alone.sum(dim=0) > 1).flatten().nonzero().flatten().tolist()
    extent = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1).sqrt().tolist()
    half = epsilon * (boxes[:, 2:] - boxes[:, :2]) / 2  # (N, 2)
    taught = int(owner[cell])
    about = cell_text(cell, grid, taught, decoupled)
    told = _facts(grid, owner, contested, claimed, kept)
    return {
        "owner": owner.flatten().tolist(),
        "contested": contested,
        "centres": rounded(centres, 2),
        "regions": rounded(torch.cat([centres - half, centres + half], dim=1), 2),
        "rows": [
            [f"{size:.0f}", str(all_), str(own), _verdict(size, all_, own, RANGES[sizes])]
            for size, all_, own in zip(extent, claimed, kept, strict=True)
        ],
        "taught": taught,
        "cell": about,
        "facts": told,
        "spoken": f"{about} {told}",
    }


def places(things: Sequence[tuple[str, Box]]) -> tuple[Tensor, Tensor]:
    """(N, 4) tight boxes of the masks and (N, 2) their centres of mass, in pixels."""
    kinds, boxes = zip(*things, strict=True)
    masks = shape_masks(kinds, boxes, (HEIGHT, WIDTH))
    return tight_boxes(masks), mass_centres(masks)


def cell_text(cell: tuple[int, int], grid: int, taught: int, decoupled: bool) -> str:
    """Which channels hold a cell's mask, and what they are taught.

    >>> cell_text((3, 5), 12, 1, False)
    'Row 3, column 5: channel 3 · 12 + 5 = 41 of 144. It is taught the mask of thing 2.'
    """
    i, j = cell
    channel = f"channel {i} · {grid} + {j} = {i * grid + j} of {grid**2}"
    if decoupled:
        channel = f"row channel {i} times column channel {j}, of {grid} + {grid}"
    taught_what = f"taught the mask of thing {taught + 1}" if taught >= 0 else "taught no mask"
    return f"Row {i}, column {j}: {channel}. It is {taught_what}."


def _kept(owner: Tensor, count: int) -> list[int]:
    return torch.bincount(owner[owner >= 0], minlength=count).tolist()


def _verdict(size: float, claimed: int, kept: int, sizes: tuple[float, float]) -> str:
    if not sizes[0] <= size <= sizes[1]:
        return "another grid's"
    if not kept:
        return "lost them all: not taught"
    return "taught" if kept == claimed else "taught, but lost some"


def _facts(
    grid: int, owner: Tensor, contested: list[int], claimed: list[int], kept: list[int]
) -> str:
    positive = int((owner >= 0).sum())
    lost = [str(k + 1) for k, (a, b) in enumerate(zip(claimed, kept, strict=True)) if a and not b]
    fate = f"; not taught: thing {' and '.join(lost)}" if lost else ""
    return (
        f"{positive} of {grid} × {grid} = {grid**2} cells are positive, {len(contested)} claimed "
        f"by several things{fate}."
    )

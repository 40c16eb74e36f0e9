"""Pictures of distances between outlines: from each point an arrow to the nearest of the other.

Chamfer averages the arrows, Hausdorff takes the longest. Unit 15 draws them.
"""

from __future__ import annotations

import torch
from matplotlib.axes import Axes
from torch import Tensor

from minseg.draw.figure import ALIGN_COLOUR, POOL_COLOUR, TRUTH_COLOUR


def nearest_points(a: Tensor, b: Tensor) -> Tensor:
    """(n, 2): of each point of `a` (n, 2) the nearest point of `b` (m, 2).

    >>> nearest_points(torch.tensor([[0.0, 0], [9, 0]]), torch.tensor([[0.0, 3], [8, 0]])).tolist()
    [[0.0, 3.0], [8.0, 0.0]]
    """
    return b[torch.cdist(a, b).argmin(dim=1)]


def draw_arrows(
    ax: Axes, start: Tensor, end: Tensor, title: str = "", *, truth_first: bool = False
) -> None:
    """Two outlines as points, an arrow from each of the first, the longest one drawn wide.

    Args:
        ax: where to draw.
        start, end: (n, 2) and (m, 2) points x, y; arrows go from the first to the second.
        title: what to see.
        truth_first: whether `start` is the true outline (green, wide); else `end` is.
    """
    goals = nearest_points(start, end)
    lengths = (goals - start).norm(dim=1)
    for (x1, y1), (x2, y2) in zip(start.tolist(), goals.tolist(), strict=True):
        ax.plot([x1, x2], [y1, y2], color="#999999", linewidth=0.8)
    longest = int(lengths.argmax())
    if lengths[longest] > 0:
        ax.annotate(
            "",
            xy=tuple(goals[longest].tolist()),
            xytext=tuple(start[longest].tolist()),
            arrowprops={"arrowstyle": "->", "color": POOL_COLOUR, "linewidth": 2},
        )
    truth, prediction = (start, end) if truth_first else (end, start)
    ax.plot(*truth.T, ".", color=TRUTH_COLOUR, markersize=9)  # wide: it shows below the other
    ax.plot(*prediction.T, ".", color=ALIGN_COLOUR, markersize=4)
    ax.set(aspect="equal", xticks=[], yticks=[], title=title)
    ax.spines[:].set(visible=True, color="#bbbbbb")


def ring_points(mask: Tensor) -> Tensor:
    """(n, 2) float64 x, y: the centres of a mask's outermost pixels, those next to an outside one.

    >>> ring_points(torch.ones(3, 3, dtype=torch.bool)).shape  # the frame counts as outside
    torch.Size([8, 2])
    """
    inner = torch.nn.functional.pad(mask, (1, 1, 1, 1))
    enclosed = inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:]
    rows, columns = (mask & ~enclosed).nonzero().double().T
    return torch.stack([columns + 0.5, rows + 0.5], dim=1)

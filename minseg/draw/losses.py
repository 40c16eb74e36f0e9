"""Pictures of a loss's push: which pixels a step would raise, which lower, and how much.

Colour alone does not say which way: each block of pixels that is pushed carries a + or a −. Unit
14 draws its errors with them, `LossBoard` its picture for pages without a kernel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from torch import Tensor

from minseg.draw.figure import ALIGN_COLOUR, EXACT_COLOUR, POOL_COLOUR, TRUTH_COLOUR

BLOCK = 4  # pixels: at most one mark in a block of 4 × 4
FAINT = 0.1  # of the largest push: a block that is pushed less carries no mark
PUSH = LinearSegmentedColormap.from_list("push", [POOL_COLOUR, "#ffffff", ALIGN_COLOUR])


def block_marks(field: Tensor) -> list[tuple[float, float, str]]:
    """(x, y, "+" or "−") for each block of a push (H, W), at its strongest pixel.

    Where all are about equally strong, one of the four in the middle is taken: marks stand in rows.

    >>> field = torch.zeros(8, 8)
    >>> field[1, 6] = -1.0
    >>> block_marks(field)
    [(6.5, 1.5, '−')]
    """
    centred = torch.tensor([0.6, 1.0, 1.0, 0.6])
    blocks = F.unfold(field[None, None], BLOCK, stride=BLOCK)[0]  # (BLOCK², blocks)
    strongest = (blocks.abs() * torch.outer(centred, centred).view(-1, 1)).argmax(dim=0)
    values = blocks.gather(0, strongest[None])[0]
    columns = field.shape[1] // BLOCK
    marks = []
    for k in torch.nonzero(values.abs() > FAINT * field.abs().max()).flatten().tolist():
        i, j = divmod(int(strongest[k]), BLOCK)
        x, y = BLOCK * (k % columns) + j + 0.5, BLOCK * (k // columns) + i + 0.5
        marks.append((x, y, "+" if values[k] > 0 else "−"))
    return marks


def draw_push(ax: Axes, field: Tensor, truth: Tensor, title: str = "") -> None:
    """A push (H, W), blue and + where it raises, orange and − where it lowers.

    Args:
        ax: where to draw.
        field: from `minseg.experiments.loss_pair.push`; its largest value is drawn darkest.
        truth: (H, W) signed distances of the true mask, whose outline is drawn in green.
        title: what to see.
    """
    height, width = field.shape
    most = float(field.abs().max()) or 1.0
    extent = (0, width, height, 0)
    look: dict[str, Any] = {"cmap": PUSH, "alpha": 0.7, "interpolation": "nearest"}  # marks show
    ax.imshow(field.numpy(), vmin=-most, vmax=most, extent=extent, **look)
    draw_outline(ax, truth, TRUTH_COLOUR, width=1.8)
    for x, y, mark in block_marks(field):
        ax.plot(x, y, "+" if mark == "+" else "_", color=EXACT_COLOUR, markersize=4, mew=0.9)
    ax.set(xticks=[], yticks=[], title=title)
    ax.spines[:].set(visible=True, color="#bbbbbb")


def draw_outline(
    ax: Axes, distances: Tensor, colour: str, *, width: float = 1.5, linestyle: str = "-"
) -> None:
    """The curve where distances (H, W) cross 0, in continuous image coordinates."""
    y, x = (np.arange(length) + 0.5 for length in distances.shape)
    ax.contour(x, y, distances.numpy(), [0], colors=colour, linewidths=width, linestyles=linestyle)

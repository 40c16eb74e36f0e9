"""Pictures of outlines: circles that add up to one, and the row of centres that fills one.

Unit 12 draws with them what a Fourier descriptor and the even-odd rule do.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from minseg.draw.figure import ALIGN_COLOUR, EXACT_COLOUR, POOL_COLOUR, figure
from minseg.draw.masks import KEPT
from minseg.masks import from_fourier, from_polygons

PALE = "#b9c6da"  # of circles, behind all that they draw


def arms(descriptor: Tensor, t: float) -> Tensor:
    """Where the tips of the turning arms are at time t, the largest circles first.

    Args:
        descriptor: (2K + 1,) complex, from -K to K.
        t: 0 to 1.

    Returns:
        (2K + 1,) complex: the centre c_0, then one tip after the other; the last lies on the curve.

    >>> circle_on_circle = torch.tensor([1, 0, 5 + 5j, 3, 0])  # c_-2 … c_2
    >>> arms(circle_on_circle, 0.0)[:3].real.tolist()  # from the centre by 3, then by 1
    [5.0, 8.0, 9.0]
    """
    orders = torch.arange(len(descriptor)) - len(descriptor) // 2
    turned = descriptor.to(torch.complex128) * torch.exp(2j * torch.pi * orders * t)
    by_size = descriptor.abs().argsort(descending=True, stable=True)
    centre = orders[by_size] == 0
    return torch.cat([turned[by_size[centre]], turned[by_size[~centre]]]).cumsum(0)


def draw_circles(ax: Axes, mask: Tensor, descriptor: Tensor, t: float, title: str = "") -> None:
    """The circles of a descriptor at time t, and the stretch of the outline drawn until then.

    Args:
        ax: where to draw.
        mask: (H, W) bool, the shape that is to be drawn, in grey.
        descriptor: (2K + 1,) complex, from -K to K.
        t: 0 to 1; 0 draws the whole outline, so that the picture is worth looking at alone.
        title: what to see.
    """
    height, width = mask.shape
    ax.imshow(mask, cmap="Greys", vmin=0, vmax=5, extent=(0, width, height, 0))
    tips = arms(descriptor, t)
    for start, end in pairwise(tips):
        turn = np.exp(2j * np.pi * np.linspace(0, 1, 61)) * abs(end - start).item() + start.item()
        ax.plot(turn.real, turn.imag, color=PALE, linewidth=1)
    ax.plot(tips.real, tips.imag, color=EXACT_COLOUR, linewidth=1)
    outline = from_fourier(descriptor, 721)
    drawn = outline if t == 0 else outline[: round(t * 721) + 1]
    ax.plot(*drawn.T, color=ALIGN_COLOUR, linewidth=2)
    ax.plot(tips[-1].real, tips[-1].imag, "o", color=POOL_COLOUR, markersize=5)
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal", xticks=[], yticks=[], title=title)
    ax.spines[:].set_visible(False)


def turning_circles(mask: Tensor, descriptor: Tensor, frames: int, title: str) -> Iterator[Figure]:
    """`draw_circles` at equal times, once round: first whole, then as it comes about."""
    for k in range(frames + 1):
        fig, ax = figure(width=380, height=400)
        draw_circles(ax, mask, descriptor, k / frames, title)
        yield fig


def draw_crossings(ax: Axes, polygon: Tensor, height: int, width: int, row: int) -> None:
    """A polygon over pixels, the centres of one row, and where sides cross that row.

    Args:
        ax: where to draw.
        polygon: (n, 2) x, y.
        height, width: of the image, in pixels.
        row: whose centres are drawn, inside ones filled.
    """
    inside = from_polygons([polygon], height, width)
    ax.imshow(inside, cmap="Greys", vmin=0, vmax=6, extent=(0, width, height, 0))
    ax.fill(*polygon.T, fill=False, edgecolor=EXACT_COLOUR, linewidth=1.6)
    y = row + 0.5
    ax.axhline(y, color=POOL_COLOUR, linewidth=1, linestyle="--")
    for j in range(width):
        look = ALIGN_COLOUR if inside[row, j] else "white"
        ax.plot(j + 0.5, y, "o", color=look, mec=ALIGN_COLOUR, markersize=6)
    for x in crossings(polygon, y):
        ax.plot(x, y, "x", color=POOL_COLOUR, markersize=9, markeredgewidth=2.2)
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal", xlabel="x", ylabel="y")
    ax.set_xticks(range(width + 1))
    ax.set_yticks(range(height + 1))
    ax.grid(color=KEPT, linewidth=0.8)
    ax.set_axisbelow(True)


def crossings(polygon: Tensor, y: float) -> list[float]:
    """Where the sides of a polygon (n, 2) cross the height y, from left to right.

    >>> crossings(torch.tensor([[0.0, 0], [4, 0], [0, 4]]), 1.0)
    [0.0, 3.0]
    """
    found = []
    for a, b in zip(polygon.tolist(), polygon.roll(-1, 0).tolist(), strict=True):
        (x1, y1), (x2, y2) = sorted((a, b), key=lambda point: point[1])
        if y1 <= y < y2:
            found.append(x1 + (y - y1) * (x2 - x1) / (y2 - y1))
    return sorted(found)

"""Pictures of written masks: what came back, what was lost, and the IoU for each byte.

Units 11 to 13 draw their comparisons with them, and two widgets their pictures for pages without a
kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from minseg.draw.figure import ALIGN_COLOUR, EXACT_COLOUR, POOL_COLOUR
from minseg.draw.segmentation import draw_image
from minseg.experiments.representations import Written
from minseg.masks import signed_distance

KEPT, MISSED, ADDED = "#d6d6d6", ALIGN_COLOUR, POOL_COLOUR
LOOKS = {  # representation → colour and mark
    "binary grid": ("#d55e00", "s"),
    "grid of shares": ("#0050c8", "o"),
    "grid of distances": ("#00a884", "D"),
    "polygon": ("#1a1a1a", "^"),
    "Fourier": ("#832db6", "v"),
    "B-spline": ("#a96b59", "P"),
}


def draw_errors(
    ax: Axes,
    truth: Tensor,
    mask: Tensor,
    outline: Sequence[Tensor] = (),
    marks: Tensor | None = None,
    title: str = "",
    grid: Sequence[float] = (),
) -> None:
    """Pixels kept in grey, lost in blue, added in orange; an outline and its points above.

    Args:
        ax: where to draw.
        truth, mask: (H, W) bool.
        outline: polygons (n, 2) x, y.
        marks: (n, 2) corners or control points.
        title: what to see.
        grid: x1, y1, x2, y2 and how many cells to draw along each side.
    """
    height, width = truth.shape
    canvas = np.ones((height, width, 3))
    for pixels, colour in ((truth & mask, KEPT), (truth & ~mask, MISSED), (mask & ~truth, ADDED)):
        canvas[pixels.numpy()] = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    ax.imshow(canvas, extent=(0, width, height, 0), interpolation="nearest")
    if grid:
        x1, y1, x2, y2, m = grid
        x, y = (np.linspace(low, high, int(m) + 1) for low, high in ((x1, x2), (y1, y2)))
        ax.vlines(x, y1, y2, colors=EXACT_COLOUR, linewidths=0.4, alpha=0.4)
        ax.hlines(y, x1, x2, colors=EXACT_COLOUR, linewidths=0.4, alpha=0.4)
    for ring in outline:
        ax.fill(*ring.T.numpy(), fill=False, edgecolor=EXACT_COLOUR, linewidth=1.2)
    if marks is not None and len(marks):
        ax.plot(*marks.T.numpy(), "o", color="white", mec=EXACT_COLOUR, markersize=3.5)
    ax.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[], title=title)
    ax.spines[:].set_visible(False)


def draw_price(
    ax: Axes,
    sweeps: Mapping[str, Sequence[Written]],
    exact: int,
    now: Written | None = None,
    title: str = "What each byte buys",
) -> None:
    """IoU over bytes for some representations, the lossless size, and the present one circled.

    Args:
        ax: where to draw.
        sweeps: representation → what it makes of a mask at each budget.
        exact: bytes of the run lengths.
        now: one of them, which gets the circle.
        title: what to see. The legend is the caller's.
    """
    for kind, steps in sweeps.items():
        colour, mark = LOOKS[kind]
        points = [one.size for one in steps], [one.iou for one in steps]
        ax.semilogx(*points, mark + "-", color=colour, markersize=4, linewidth=1.2, label=kind)
    ax.axvline(exact, color="#777777", linestyle=":", label="run lengths, exact")
    if now is not None:
        ax.plot(now.size, now.iou, "o", fillstyle="none", color=EXACT_COLOUR, markersize=12)
    ax.set(xlabel="bytes", ylabel="IoU", ylim=(0, 1.03), title=title)
    ticks = [10, 100, 1000]
    ax.set_xticks(ticks, labels=map(str, ticks))
    ax.minorticks_off()


def draw_laws(
    axes: Sequence[Axes],
    sizes: np.ndarray,
    binary: np.ndarray,
    soft: np.ndarray,
    power: Callable[..., np.ndarray],
    logarithm: Callable[..., np.ndarray],
) -> None:
    """Errors of two kinds of grid over their cells, twice: both axes logarithmic, and only m.

    Args:
        axes: two.
        sizes: cells along a side, m.
        binary, soft: 1 - IoU at each.
        power, logarithm: laws fitted to `binary`, functions of m; drawn beyond the data, to 448.
    """
    fine = np.geomspace(sizes[0], 448, 60)
    for ax, scale in zip(axes, ("log", "linear"), strict=True):
        ax.plot(sizes, binary, "s", color=POOL_COLOUR, label="binary cells")
        ax.plot(sizes, soft, "o", color=ALIGN_COLOUR, label="area shares")
        ax.plot(fine, power(fine), color=EXACT_COLOUR, label="power law")
        ax.plot(fine, logarithm(fine), "--", color=EXACT_COLOUR, label="logarithm")
        ax.set(xscale="log", yscale=scale, xlabel="cells along a side, m", ylabel="1 − IoU")
        ticks = [*sizes.tolist(), 224, 448]
        ax.set_xticks(ticks, labels=map(str, ticks))
        ax.minorticks_off()
    axes[0].set(ylim=(1e-4, 0.3), title="Both axes logarithmic: a power law is straight")
    axes[1].set(ylim=(-0.06, 0.12), title="Only m logarithmic: a logarithm is straight")
    axes[1].axhspan(-0.06, 0, color="#e4e4e4")
    axes[1].text(7, -0.05, "IoU above 1", fontsize=9)
    axes[1].legend(loc="upper right", fontsize=9)


def draw_slope(ax: Axes, mask: Tensor, title: str = "") -> None:
    """The slope of the signed distance of a mask (H, W): white where 1, dark where less."""
    distance = signed_distance(mask)
    draw_image(ax, torch.hypot(*torch.gradient(distance)), title, limits=(0, 1))
    draw_level(ax, distance)


def draw_level(ax: Axes, field: Tensor) -> None:
    """Where a field (H, W) is 0, at its place between the pixels."""
    y, x = (np.arange(length) + 0.5 for length in field.shape)
    ax.contour(x, y, field.numpy(), [0], colors=POOL_COLOUR, linewidths=1.8)

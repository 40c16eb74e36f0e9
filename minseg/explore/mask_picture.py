"""Still pictures of written masks: what came back, what it lost, and what each byte buys.

Lesson 02 draws its comparisons with them, and two widgets their pictures for pages without a
kernel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from minseg.draw import ALIGN_COLOUR, EXACT_COLOUR, POOL_COLOUR
from minseg.explore.representations import Written

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
) -> None:
    """Pixels kept in grey, lost in blue, added in orange; an outline and its points above.

    Args:
        ax: where to draw.
        truth, mask: (H, W) bool.
        outline: polygons (n, 2) x, y.
        marks: (n, 2) corners or control points.
        title: what to see.
    """
    height, width = truth.shape
    canvas = np.ones((height, width, 3))
    for pixels, colour in ((truth & mask, KEPT), (truth & ~mask, MISSED), (mask & ~truth, ADDED)):
        canvas[pixels.numpy()] = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    ax.imshow(canvas, extent=(0, width, height, 0), interpolation="nearest")
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
        now: one of them.
        title: what to see.
    """
    for kind, steps in sweeps.items():
        colour, mark = LOOKS[kind]
        points = [one.size for one in steps], [one.iou for one in steps]
        ax.semilogx(*points, mark + "-", color=colour, markersize=4, linewidth=1.2, label=kind)
    ax.axvline(exact, color="#777777", linestyle=":", label=f"run lengths: exact, {exact} bytes")
    if now is not None:
        ax.plot(now.size, now.iou, "o", fillstyle="none", color=EXACT_COLOUR, markersize=12)
    ax.set(xlabel="bytes", ylabel="IoU", ylim=(0, 1.03), title=title)
    ticks = [10, 30, 100, 300, 1000, 3000]
    ax.set_xticks(ticks, labels=map(str, ticks))
    ax.minorticks_off()
    ax.legend(loc="lower right", fontsize=8)

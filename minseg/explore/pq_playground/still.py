"""The PQ playground as a still picture, for where there is no kernel to run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from torch import Tensor

from minseg.draw import draw_panoptic, figure, png

EDGE = 0.15  # of the width: a name whose place is nearer to a side begins, or ends, there


def picture(
    target: Tensor,
    prediction: Tensor,
    names: Mapping[int, str],
    quality: float,
    parts: Sequence[tuple[str, float, str]],
) -> bytes:
    """A PNG: both maps (H, W), and the bar of PQ's losses; parts: as `numbers` gives them."""
    fig, axes = figure(columns=3, height=300, width_ratios=[5, 5, 2.4])
    draw_panoptic(axes[0], target, names=names, title="Truth")
    draw_panoptic(axes[1], prediction, names=names, title="Prediction")
    for ax in axes[:2]:
        keep_names_inside(ax, target.shape[1])
    words, shares, colours = zip(*parts, strict=True)
    axes[2].barh(words, shares, color=colours)
    axes[2].invert_yaxis()
    axes[2].set(xlim=(0, 1), xticks=(0, 0.5, 1), title=f"PQ {quality:.3f}, and losses")
    return png(fig)


def keep_names_inside(ax: Axes, width: int) -> None:
    """Names near the left or right side of a map of that width start, or end, at the side."""
    for text in ax.texts:
        x, y = text.xy  # type: ignore[attr-defined]  # annotations, all of them
        if x < EDGE * width:
            text.set(ha="left")
            text.xy = 1, y  # type: ignore[attr-defined]
        elif x > (1 - EDGE) * width:
            text.set(ha="right")
            text.xy = width - 1, y  # type: ignore[attr-defined]

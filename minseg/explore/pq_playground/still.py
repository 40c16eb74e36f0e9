"""The PQ playground as a still picture, for where there is no kernel to run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from minseg.draw import draw_panoptic, figure, png


def picture(
    target: Tensor,
    prediction: Tensor,
    names: Mapping[int, str],
    quality: float,
    parts: Sequence[tuple[str, float, str]],
) -> bytes:
    """A PNG: both maps (H, W), and the bar of PQ's losses; parts: as `numbers` gives them."""
    fig, axes = figure(columns=3, height=290, width_ratios=[4, 4, 3])
    draw_panoptic(axes[0], target, names=names, title="Truth")
    draw_panoptic(axes[1], prediction, names=names, title="Prediction")
    words, shares, colours = zip(*parts, strict=True)
    axes[2].barh(words, shares, color=colours)
    axes[2].invert_yaxis()
    axes[2].set(xlim=(0, 1), title=f"PQ {quality:.3f} and its losses")
    return png(fig)

"""A still picture of the balance board: length and direction of each loss's gradient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from torch import Tensor

from minseg.draw import ALIGN_COLOUR, EXACT_COLOUR, POOL_COLOUR, figure
from minseg.draw.losses import PUSH
from minseg.experiments.shared_gradients import SharedGradients, balance


def draw_balance(names: Sequence[str], found: SharedGradients, weights: Tensor) -> Figure:
    """Three panels: pulls for weights (K,), cosines with the weighted sum, and with each other."""
    now = balance(found, weights)
    fig, (left, middle, right) = figure(columns=3, height=290, width_ratios=(1.3, 1, 1.2))
    at = np.arange(len(names))
    norms, pulls, cosines = (v.numpy() for v in (found.norms, now.pulls, now.cosines))
    left.hlines(at, norms, pulls, color=ALIGN_COLOUR, lw=4)
    left.plot(norms, at, "|", color=EXACT_COLOUR, ms=14)
    left.plot(pulls, at, "o", color=ALIGN_COLOUR, ms=8)
    lowest = pulls[pulls > 0].min(initial=1)  # a pull of 0 has no place on this axis
    for k, share in enumerate(now.shares.tolist()):
        left.text(
            pulls[k] or lowest, k - 0.22, f"{share:.0%}", ha="center", va="bottom", fontsize=9
        )
    left.set(xscale="log", yticks=at, yticklabels=names, title="Pull w‖g‖; tick: w = 1")
    left.xaxis.set_minor_formatter(NullFormatter())  # labels for 2, 3, 4 … would overlap
    middle.barh(at, cosines, color=[ALIGN_COLOUR if c > 0 else POOL_COLOUR for c in cosines])
    middle.axvline(0, color=EXACT_COLOUR, lw=1)
    for k, cosine in enumerate(cosines.tolist()):
        text = f"{cosine:+.2f}".replace("-", "−")
        middle.text(max(cosine, 0) + 0.04, k, text, va="center", fontsize=9)
    middle.set(xlim=(-1, 1.4), xticks=(-1, 0, 1), yticks=[], title="Cosine with the sum")
    for ax in (left, middle):
        ax.set_ylim(len(names) - 0.5, -0.7)
    _draw_cosines(right, found.cosines, names)
    return fig


def _draw_cosines(ax: Axes, cosines: Tensor, names: Sequence[str]) -> None:
    """(K, K) as a map with numbers."""
    ax.imshow(cosines.numpy(), cmap=PUSH, vmin=-1, vmax=1, alpha=0.7)
    at = range(len(names))
    for i in at:
        for j in at:
            text = f"{float(cosines[i, j]):.2f}".replace("-", "−")
            text = text.replace("0.", ".")  # or it would not fit its cell
            ax.text(j, i, text, ha="center", va="center", fontsize=9)
    ax.set(yticks=at, yticklabels=names, title="Cosines of every two")
    ax.set_xticks(at, [name.replace("_", "\n") for name in names], rotation=90, fontsize=9)
    ax.tick_params(length=0)

"""Pictures of units 43 to 45: where rules end, where gradients point, which points a rule picked.

`draw_decades` and `draw_ends` show the dial of `minseg.experiments.two_tasks`, `draw_angles` what
`shared_gradients` found, `draw_picks` the circle of `wrong_labels`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from minseg.draw.figure import ALIGN_COLOUR, POOL_COLOUR
from minseg.experiments.shared_gradients import SharedGradients
from minseg.experiments.two_tasks import WANTED, dial, resting_place
from minseg.experiments.wrong_labels import score


def draw_decades(ax: Axes, title: str) -> None:
    """Both losses of the dial at rest, for weights λ over four decades; above, its angle.

    Args:
        ax: where to draw.
        title: what to see.
    """
    weights = torch.logspace(-2, 2, 161, dtype=torch.float64)
    losses = dial(resting_place(weights))
    ax.semilogx(weights, losses[:, 0], "--", color=ALIGN_COLOUR, label="task a")
    ax.semilogx(weights, losses[:, 1], "-", color=POOL_COLOUR, label="task b")
    ax.set(xlabel="weight λ of task b", ylabel="loss, in its first unit", ylim=(0, 0.95))
    ax.set_title(title)
    ax.legend(loc="center right")
    # A second axis above: the angle for some λ, by the formula of two_tasks solved for λ.
    degrees = torch.tensor([1.0, 5, 15, 30, 45, 55, 59], dtype=torch.float64)
    twice = 2 * degrees.deg2rad()
    at = twice.sin() / (2 * WANTED[1] - twice).sin()
    top = ax.twiny()
    top.set(xscale="log", xlim=ax.get_xlim(), xlabel="where the dial rests")
    top.set_xticks(at.tolist(), [f"{d:.0f}°" for d in degrees])
    top.minorticks_off()


RUNS = ((20.0, 1.0), (20.0, 100.0), (45.0, 1.0), (45.0, 100.0))  # start and unit


def draw_ends(ax: Axes, ends: Mapping[str, Sequence[float]], title: str) -> None:
    """Where each rule ends, with a mark for each of `RUNS`.

    Args:
        ax: where to draw.
        ends: rule → where it ends, in degrees, for each of `RUNS`.
        title: what to see.
    """
    for y, places in enumerate(ends.values()):
        for k, ((start, unit), place) in enumerate(zip(RUNS, places, strict=True)):
            colour = ALIGN_COLOUR if unit == 1 else POOL_COLOUR
            marker = "o" if start < 30 else "s"
            label = f"from {start:.0f}°, $L_b$ × {unit:.0f}" if y == 0 else None
            ax.plot(place, y + 0.2 * k - 0.3, marker, color=colour, ms=8, label=label)
    ax.set(yticks=range(len(ends)), yticklabels=list(ends), xlim=(-2, 92))
    ax.set_ylim(len(ends) - 0.4, -0.6)
    ax.set_xticks(range(0, 61, 15), ["0°\na wants", "15°", "30°", "45°", "60°\nb wants"])
    ax.grid(axis="x", color="#dddddd")
    ax.set_axisbelow(True)
    ax.set_title(title)
    ax.legend(loc="center right")


def draw_angles(ax: Axes, found: SharedGradients, title: str) -> None:
    """Cosines between every two gradients; their lengths beside the names.

    Args:
        ax: where to draw.
        found: the gradients of a batch.
        title: what to see.
    """
    names = [name.replace("_", "\n") for name in found.names]
    others = found.cosines.clone().fill_diagonal_(torch.nan)  # of each with itself it is 1
    ax.imshow(others.numpy(), cmap="PuOr", vmin=-1, vmax=1)
    lengths = found.norms.tolist()
    rows = [f"{name}  {v:.2f}" for name, v in zip(found.names, lengths, strict=True)]
    ax.set_yticks(range(len(names)), rows)
    ax.set_xticks(range(len(names)), names, fontsize=9)
    for i, j in np.ndindex(*found.cosines.shape):
        text = f"{found.cosines[i, j]:+.1f}".replace("-", "−")
        bare = i == j or text[1:] == "0.0"
        ax.text(j, i, text[1:] if bare else text, ha="center", va="center")
    ax.set_title(title)


def draw_picks(ax: Axes, w: Tensor, x: Tensor, written: Tensor, wrong: Tensor, title: str) -> None:
    """The learnt border, and points by label, with a ring where the label is wrong.

    Args:
        ax: where to draw.
        w: (WAVES + 1,) weights of the classifier.
        x: (N, 2) points.
        written, wrong: (N,) bool, the label and whether it is wrong.
        title: what to see.
    """
    side = torch.linspace(-1, 1, 101, dtype=torch.float64)
    logits = score(torch.cartesian_prod(side, side), w).view(101, 101).T  # rows are y
    ax.contour(side, side, logits, [0], colors="black", linewidths=1.5)
    for mask, colour, marker in ((written, ALIGN_COLOUR, "+"), (~written, POOL_COLOUR, "_")):
        ax.plot(*x[mask].T, marker, color=colour, ms=7, mew=1.5)
    ax.plot(*x[wrong].T, "o", mfc="none", color="black", ms=11)
    ax.set(aspect="equal", xticks=[], yticks=[], xlim=(-1.08, 1.08), ylim=(-1.08, 1.08))
    ax.set_title(title)


def draw_cosines(ax: Axes, found: Mapping[str, Any], title: str) -> None:
    """Cosines of every two gradients over batches: mean, SD, and pooled where there is one.

    Args:
        ax: where to draw.
        found: "pairs", "cosine, mean", "cosine, SD" and perhaps "cosine, pooled", a list each.
        title: what to see.
    """
    names = [
        pair.replace("rpn_box", "RPN box").replace("rpn_", "").replace(", ", " – ")
        for pair in found["pairs"]
    ]
    at = np.arange(len(names))
    ax.barh(at, found["cosine, mean"], xerr=found["cosine, SD"], color=ALIGN_COLOUR, alpha=0.7)
    if "cosine, pooled" in found:
        ax.plot(found["cosine, pooled"], at, "o", mfc="none", color=POOL_COLOUR)
        ax.set_xlabel("cosine (ring: gradients added up)")
    ax.axvline(0, color="black", lw=1)
    ax.set(yticks=at, yticklabels=names, xlim=(-0.5, 1), xticks=(-0.5, 0, 0.5, 1), title=title)
    ax.invert_yaxis()

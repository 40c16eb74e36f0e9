"""Pictures of unit 45: rates and losses over steps, singular values, bytes by part and by segments.

`draw_part_four` is `draw_network` with the number of the unit that explains each part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from minseg.draw.figure import ALIGN_COLOUR, EXACT_COLOUR, POOL_COLOUR
from minseg.draw.network import LOWER, SIDE, UPPER, draw_network
from minseg.experiments.activations_by_part import REST
from minseg.experiments.mask_rcnn_trace import MaskRCNNTrace

# Where each arrow of `draw_network` has its middle, and the units that are about it.
UPPER_UNITS = ((162, "45"), (443, "41, 43"), (731, "40"))
LOWER_UNITS = ((159, "41, 43, 44"), (356, "22"), (556, "41, 43"), (747, "42"))


def draw_rates(ax: Axes, rates: Mapping[str, Sequence[float]], title: str) -> None:
    """Learning rates over the steps, one line for each schedule."""
    for (name, values), style in zip(rates.items(), ("-", "--", ":"), strict=False):
        colour = ALIGN_COLOUR if style == "-" else POOL_COLOUR
        ax.plot(values, style, color=colour, lw=2, label=name)
    ax.set(xlabel="step", ylabel="learning rate")
    ax.set_title(title)
    ax.legend(loc="upper right")


def draw_runs(
    ax: Axes, runs: Mapping[str, Sequence[Sequence[float]]], every: int, blind: float, title: str
) -> None:
    """The loss of several seeds over the steps: dashed the first kind of run, solid the second.

    Args:
        ax: where to draw.
        runs: name → a curve for each seed, a value for each `every` steps.
        every: steps.
        blind: the loss of one answer for all pixels, a dotted line.
        title: what to see.
    """
    ax.axhline(blind, color=EXACT_COLOUR, ls=":", lw=1.5, label="one answer for all pixels")
    colours, styles = (POOL_COLOUR, ALIGN_COLOUR), ("--", "-")
    for (name, curves), colour, style in zip(runs.items(), colours, styles, strict=True):
        for k, curve in enumerate(curves):
            steps = [every * i for i in range(len(curve))]
            label = name if k == 0 else None
            ax.plot(steps, curve, style, color=colour, lw=1.6, label=label)
    ax.set(xlabel="step", ylabel="loss on unseen scenes", ylim=(0.2, 0.95))
    ax.set_title(title)
    ax.legend(loc="upper right")


def draw_singular_values(ax: Axes, values: Mapping[str, Tensor], title: str) -> None:
    """Singular values, largest first, as shares of the largest."""
    styles = ("o", EXACT_COLOUR), ("s", POOL_COLOUR), ("D", ALIGN_COLOUR)
    for (name, v), (marker, colour) in zip(values.items(), styles, strict=True):
        ax.plot(range(1, len(v) + 1), v, marker + "-", color=colour, ms=5, label=name)
    ax.set(xlabel="direction, strongest first", ylabel="share of the largest", ylim=(0, 1.05))
    ax.set_title(title)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def draw_bytes(ax: Axes, sizes: Mapping[str, float], title: str) -> None:
    """A bar for each name with its MiB, coloured by what it grows with."""
    kinds = {
        "always there": (EXACT_COLOUR, ("weights", "gradients", "optimiser")),
        "grows with the number of RoIs": (POOL_COLOUR, ("box head", "mask head")),
        "some of both": ("#999999", (REST,)),
    }
    known = [name for _, names in kinds.values() for name in names]
    others = tuple(name for name in sizes if name not in known)
    kinds["grows with the image"] = (ALIGN_COLOUR, others)
    for label, (colour, names) in kinds.items():
        rows = [row for row, name in enumerate(sizes) if name in names]
        ax.barh(rows, [size for name, size in sizes.items() if name in names], color=colour)
        ax.plot([], [], "s", color=colour, ms=8, label=label)
    ax.set_yticks(range(len(sizes)), list(sizes))
    ax.legend(loc="upper right")
    for y, size in enumerate(sizes.values()):
        ax.text(size + 0.01 * max(sizes.values()), y, f"{size:.1f}", va="center")
    ax.set(xlabel="MiB", xlim=(0, 1.12 * max(sizes.values())))
    ax.invert_yaxis()
    ax.set_title(title)


def draw_peaks(ax: Axes, peaks: Mapping[int, float], plain: float, title: str) -> None:
    """Memory at the peak for each number of segments, and without checkpointing."""
    places = range(len(peaks))
    ax.axhline(plain, color=POOL_COLOUR, ls="--", lw=2, label="no checkpointing")
    ax.plot(places, list(peaks.values()), "o-", color=ALIGN_COLOUR, lw=2, label="at the peak")
    ax.set_xticks(places, [str(k) for k in peaks])
    ax.set(xlabel="segments", ylabel="MiB of activations", ylim=(0, 1.1 * plain))
    ax.set_title(title)
    ax.legend(loc="center right")


def draw_part_four(trace: MaskRCNNTrace) -> Figure:
    """`draw_network`, with the units of part 4 beside its parts."""
    fig = draw_network(trace)
    (ax,) = fig.axes
    box = {"boxstyle": "round,pad=0.25", "fc": "white", "ec": ALIGN_COLOUR}
    style: dict[str, Any] = {
        "ha": "center",
        "va": "center",
        "fontsize": 9.5,
        "color": ALIGN_COLOUR,
        "bbox": box,
    }
    for row, units in ((UPPER, UPPER_UNITS), (LOWER, LOWER_UNITS)):
        for x, text in units:
            ax.text(x, row + SIDE / 2 + 28, text, **style)
    return fig

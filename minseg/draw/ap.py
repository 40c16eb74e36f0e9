"""Pictures of average precision: detections over truths, and the curve that they make.

Lesson 07 draws its first example with them, and `APPlayground` its picture for pages without a
kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from minseg.draw.figure import ALIGN_COLOUR, EXACT_COLOUR, POOL_COLOUR, TRUTH_COLOUR
from minseg.draw.segmentation import draw_boxes
from minseg.metrics.ap_curve import envelope

LOOKS = {  # verdict → colour, line, mark
    "TP": (ALIGN_COLOUR, "-", "o"),
    "FP": (POOL_COLOUR, "--", "X"),
    "ignored": ("#777777", ":", ""),
}


def draw_scene(
    ax: Axes, truths: Tensor, detections: Tensor, verdicts: Sequence[str], title: str = ""
) -> None:
    """Truths (M, 4), wide and lettered from A, and detections (N, 4), numbered from 1.

    Args:
        ax: where to draw; its limits are the caller's.
        truths, detections: boxes in image pixels.
        verdicts: "TP", "FP" or "ignored" for each detection.
        title: what to see.
    """
    draw_boxes(ax, truths, TRUTH_COLOUR, width=4)
    for k, (x1, y1, _, _) in enumerate(truths.tolist()):
        ax.text(x1 + 3, y1 + 15, chr(65 + k), color=TRUTH_COLOUR, weight="bold", fontsize=12)
    for k, (x1, _, x2, y2) in enumerate(detections.tolist()):
        colour, line, _ = LOOKS[verdicts[k]]
        draw_boxes(ax, detections[k], colour, linestyle=line)
        style: dict[str, Any] = {"color": colour, "weight": "bold", "fontsize": 9}
        if any(_near((x2, y2), other) for other in detections[:k, 2:].tolist()):
            ax.text(x1 + 3, y2 - 4, str(k + 1), **style)
        else:
            ax.text(x2 - 3, y2 - 4, str(k + 1), ha="right", **style)
    ax.set(aspect="equal", facecolor="#f4f4f4", xticks=[], yticks=[], title=title)
    ax.spines[:].set_visible(False)


def _near(corner: tuple[float, float], other: Sequence[float]) -> bool:
    """Whether the numbers of two detections that end there would overlap."""
    return abs(corner[0] - other[0]) < 14 and abs(corner[1] - other[1]) < 12


def draw_curve(
    ax: Axes,
    precision: Sequence[float],
    recall: Sequence[float],
    names: Sequence[object],
    verdicts: Sequence[str],
    title: str = "",
) -> None:
    """Precision over recall, a named mark for each detection that counts, and the envelope.

    Args:
        ax: where to draw.
        precision, recall: (n,), by decreasing score, without ignored detections.
        names, verdicts: what to write at each mark, and the detection's verdict.
        title: what to see.
    """
    best = envelope(np.append(precision, 0.0))[:-1]  # (n,) the best precision from here on
    staircase = np.append(best[:1], best), np.append(0, recall)
    ax.step(staircase[1], staircase[0], where="pre", color=EXACT_COLOUR)
    ax.plot(recall, precision, color=ALIGN_COLOUR)
    steps = zip(precision, recall, names, verdicts, strict=True)
    for k, (p, r, name, verdict) in enumerate(steps):
        colour, _, mark = LOOKS[verdict]
        ax.plot(r, p, mark, color=colour)
        close = k > 0 and recall[k - 1] == r and k % 2 == 1  # one below another: on both sides
        ax.annotate(
            str(name),
            (r, p),
            (-6 if close else 6, 2),
            textcoords="offset points",
            ha="right" if close else "left",
        )
    ax.set(xlim=(0, 1.04), ylim=(0, 1.08), xlabel="recall", ylabel="precision", title=title)

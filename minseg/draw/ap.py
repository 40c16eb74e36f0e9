"""Pictures of average precision: detections over truths, the curve that they make, its area.

Unit 30 draws its first example with them, and `APPlayground` its picture for pages without a
kernel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from minseg.draw.figure import ALIGN_COLOUR, EXACT_COLOUR, POOL_COLOUR, TRUTH_COLOUR
from minseg.draw.segmentation import draw_boxes
from minseg.metrics.ap_curve import envelope, precision_at

LOOKS = {  # verdict → colour, line, mark
    "TP": (ALIGN_COLOUR, "-", "o"),
    "FP": (POOL_COLOUR, "--", "X"),
    "ignored": ("#777777", ":", ""),
}
BADGE = {"boxstyle": "round,pad=0.12", "fc": "white", "ec": "none", "alpha": 0.85}

MIDDLE: dict[str, Any] = {"weight": "bold", "ha": "center", "va": "center"}


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
    taken = []  # where texts stand already
    for k, (x1, y1, x2, y2) in enumerate(truths.tolist()):
        place = (x1 + x2) / 2, (y1 + y2) / 2
        taken.append(place)
        style: dict[str, Any] = {
            "color": TRUTH_COLOUR,
            "weight": "bold",
            "ha": "center",
            "va": "center",
        }
        ax.text(*place, chr(65 + k), fontsize=13, **style)
    for k, box in enumerate(detections.tolist()):
        colour, line, _ = LOOKS[verdicts[k]]
        draw_boxes(ax, detections[k], colour, linestyle=line)
        place = _roomiest_corner(box, taken)
        taken.append(place)
        ax.text(*place, str(k + 1), fontsize=9, color=colour, bbox=BADGE, **MIDDLE)
    ax.set(aspect="equal", facecolor="#f4f4f4", xticks=[], yticks=[], title=title)
    ax.spines[:].set_visible(False)


def print_overlaps(overlaps: Tensor, scores: Sequence[float]) -> None:
    """Print the IoU of N detections, numbered from 1, with M truths from A on: a dot for none.

    >>> print_overlaps(Tensor([[0.9, 0.0], [0.0, 0.66]]), [0.8, 0.7])
    detection  score     A     B
            1   0.80  0.90     ·
            2   0.70     ·  0.66
    """
    letters = (chr(65 + k) for k in range(overlaps.shape[1]))
    print("detection  score" + "".join(f"{letter:>6}" for letter in letters))
    for k, row in enumerate(overlaps.tolist()):
        cells = "".join(f"{iou:6.2f}" if iou else f"{'·':>6}" for iou in row)
        print(f"{k + 1:9} {scores[k]:6.2f}{cells}")


def _roomiest_corner(
    box: Sequence[float], taken: Sequence[tuple[float, float]]
) -> tuple[float, float]:
    """The corner (x, y) of a box (x1, y1, x2, y2) that is farthest from all places taken.

    >>> _roomiest_corner((0, 0, 10, 4), [(9, 5), (1, 1)])
    (10, 0)
    """
    x1, y1, x2, y2 = box
    corners = [(x2, y2), (x2, y1), (x1, y2), (x1, y1)]
    return max(corners, key=lambda at: min((math.dist(at, p) for p in taken), default=0.0))


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
    steps_down = 0  # marks one below the other: their names stand right and left in turn,
    for k, (p, r, name, verdict) in enumerate(zip(precision, recall, names, verdicts, strict=True)):
        steps_down = steps_down + 1 if k and r == recall[k - 1] else 0
        goes_right = k + 1 < len(recall) and recall[k + 1] > r  # and left where the line goes right
        colour, _, mark = LOOKS[verdict]
        ax.plot(r, p, mark, color=colour)
        right = steps_down == 0 or (steps_down % 2 == 0 and not goes_right)
        offset = (7 if right else -7, 0 if steps_down else 5)
        side: dict[str, Any] = {"ha": "left" if right else "right", "va": "center"}
        ax.annotate(str(name), (r, p), offset, textcoords="offset points", **side)
    ax.set(xlim=(0, 1.04), ylim=(0, 1.08), xlabel="recall", ylabel="precision", title=title)


def draw_area(
    ax: Axes,
    precision: np.ndarray,
    recall: np.ndarray,
    points: np.ndarray | None = None,
    *,
    raw: bool = False,
    title: str = "",
) -> None:
    """What one way of averaging takes of a curve: an area, or the envelope at some recalls.

    Args:
        ax: where to draw.
        precision, recall: (n,) float64, as `minseg.metrics.ap_curve.precision_recall` gives them.
        points: (P,) the recalls at which the envelope is read; None for an area.
        raw: whether the area is that below the saw-tooth's own steps, not below the envelope.
        title: what to see.
    """
    height = precision if raw else envelope(precision)
    grows = np.diff(recall, prepend=0) > 0  # what lies between two recalls, and nothing else
    heights = np.append(np.append(height[grows][:1], height[grows]), 0)
    recalls = np.append(np.append(0, recall[grows]), recall[-1])  # and down to 0 at the end
    if points is None:
        ax.fill_between(recalls, heights, step="pre", color=ALIGN_COLOUR, alpha=0.25, lw=0)
    else:
        width = 1.5 if len(points) < 20 else 0.6
        tops = precision_at(points, precision, recall)
        ax.vlines(points, 0, tops, color=ALIGN_COLOUR, lw=width)
    ax.step(recalls, heights, where="pre", color=EXACT_COLOUR)
    ax.set(xlim=(-0.02, 1.02), ylim=(0, 1.08), xticks=np.arange(6) / 5, title=title)
    ax.set(xlabel="recall")

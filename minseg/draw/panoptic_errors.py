"""The picture of `panoptic_errors`: bars of length 1, of PQ and of what it was lost to.

Six parts of a bar must be told apart whatever the reader's colour vision: each has its colour, its
place in the fixed order, and its number where there is room. Unit 34.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from minseg.draw.figure import ALIGN_COLOUR, INSTANCE_COLOURS, TRUTH_COLOUR
from minseg.metrics.pq_errors import PanopticErrors, PQParts

PARTS = {  # part: its words and its colour
    "pq": ("PQ", TRUTH_COLOUR),
    "boundary_only": ("boundary only", INSTANCE_COLOURS[9]),
    "poor_mask": ("poor mask", ALIGN_COLOUR),
    "confused_class": ("confused class", INSTANCE_COLOURS[1]),
    "missed": ("missed", INSTANCE_COLOURS[3]),
    "invented": ("invented", INSTANCE_COLOURS[2]),
}
LEGIBLE = 0.06  # of a bar's length: shorter parts carry no number


def draw_panoptic_errors(
    ax: Axes, errors: PanopticErrors, names: Mapping[int, str] | None = None, title: str = ""
) -> None:
    """One bar for all classes and one for each class that occurs, cut into the six parts.

    Args:
        ax: where to draw.
        errors: what `minseg.metrics.panoptic_errors` returned.
        names: category id to name.
        title: what to see.
    """
    rows: list[tuple[str, PQParts]] = [("all classes", errors)]
    for category, parts in errors.per_class.items():
        rows.append(((names or {}).get(category, f"class {category}"), parts))
    draw_parts(ax, rows, title)


def draw_parts(ax: Axes, rows: Sequence[tuple[str, PQParts]], title: str = "") -> None:
    """Draw a bar for each row, from the top down, with a legend above.

    Args:
        ax: where to draw.
        rows: labels, and parts that add up to 1.
        title: what to see.
    """
    left = [0.0] * len(rows)
    for part, (words, colour) in PARTS.items():
        values = [getattr(parts, part) for _, parts in rows]
        ax.barh(range(len(rows)), values, left=left, color=colour, edgecolor="white", label=words)
        for k, value in enumerate(values):
            if value >= LEGIBLE:
                middle = left[k] + value / 2
                ax.text(middle, k, f"{value:.2f}", ha="center", va="center", color=_ink(colour))
            left[k] += value
    ax.set_yticks(range(len(rows)), [label for label, _ in rows])
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    ax.set_xlabel("share of a perfect PQ")
    ax.set_title(title, pad=30)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=6, frameon=False, fontsize=9)


def _ink(colour: str) -> str:
    """Black or white, whichever is easier to read on the colour.

    >>> _ink("#ffa90e"), _ink("#0050c8")
    ('black', 'white')
    """
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue  # ITU-R BT.601, 0 to 255
    return "black" if luma > 140 else "white"

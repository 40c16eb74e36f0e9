"""The look of every static picture: one palette, one figure style, alt text on each image.

A reader must tell colours apart, whatever their colour vision. Instances take the ten colours of
petroff10 (M. A. Petroff, Accessible Color Sequences for Data Visualization, 2021); stuff stays
pale, so that things stand out from it; four roles have one colour each in every lesson. A test
simulates the three colour vision deficiencies and measures how far apart the colours stay.
Unit 10 introduces the look; what is drawn in it begins with `minseg.draw.segmentation`.
"""

from __future__ import annotations

import base64
import io
import os
import sys
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from minseg.draw.texts import text_faults

INSTANCE_COLOURS = [  # petroff10
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
]
STUFF_COLOURS = ["#e2d1bc", "#cdd4cd", "#f7e8d1", "#ebeeee", "#f7f0e6", "#d5f6ff"]
VOID_COLOUR = "#ffffff"

# One role, one colour, in every lesson: what RoI pooling does, what RoIAlign does, the closed form
# or exact integral, the ground truth.
POOL_COLOUR = "#d55e00"
ALIGN_COLOUR = "#0050c8"
EXACT_COLOUR = "#1a1a1a"
TRUTH_COLOUR = "#00a884"

MAX_WIDTH = 900  # px: wider figures do not fit a notebook's column on a laptop
CHECK = "MINSEG_CHECK_FIGURES"  # in the environment: refuse figures whose texts cannot be read
DPI = 100  # a figure's pixel is a pixel of the page
LOOK: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "figure.facecolor": "white",
    "figure.dpi": DPI,
}


def figure(
    columns: int = 1,
    rows: int = 1,
    *,
    width: int = MAX_WIDTH,
    height: int | None = None,
    width_ratios: Sequence[float] | None = None,
) -> tuple[Figure, Any]:
    """A new figure in the course's style, outside of pyplot's global state.

    Args:
        columns, rows: the grid of axes.
        width, height: in pixels; the height is chosen to suit if left out.
        width_ratios: how wide the columns are relative to each other; equal if left out.

    Returns:
        The figure, and its axes as `plt.subplots` gives them: one `Axes`, or an array of them,
        (columns,) or (rows,) or (rows, columns).

    Raises:
        ValueError: if the figure would be wider than 900 px, the width of a notebook's column.
    """
    if not 0 < width <= MAX_WIDTH:
        raise ValueError(f"width must be between 1 and {MAX_WIDTH} px, got {width}")
    if height is None:
        height = round(rows * min(0.8 * width / columns, 360))
    with rc_context(LOOK):
        fig = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, layout="constrained")
        axes = fig.subplots(rows, columns, width_ratios=width_ratios)
        for ax in np.atleast_1d(axes).flat:
            ax.set_prop_cycle(color=INSTANCE_COLOURS)
    return fig, axes


def png(fig: Figure, dpi: float = DPI, software: str | None = None) -> bytes:
    """The figure as a PNG file, signed by `software`.

    matplotlib would sign with its version, which would change the bytes.

    Raises:
        ValueError: if MINSEG_CHECK_FIGURES is set and a text in it cannot be read.
    """
    if os.environ.get(CHECK) and (faults := text_faults(fig)):
        raise ValueError("fig has texts that cannot be read: " + "; ".join(faults))
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=dpi, metadata={"Software": software})
    return buffer.getvalue()


def show(fig: Figure, *, alt: str, facts: str) -> None:
    """Display a figure with alt text, print its line of facts, close it.

    Args:
        fig: at most 900 px wide.
        alt: what a reader who cannot see the picture needs to know.
        facts: one line with the picture's numbers. Notebook tests compare this line, as pixels
            differ from machine to machine.

    Raises:
        ValueError: if the figure is too wide, `alt` or `facts` is empty, or `facts` has two lines.
    """
    width, height = round(fig.get_figwidth() * fig.dpi), round(fig.get_figheight() * fig.dpi)
    if width > MAX_WIDTH:
        raise ValueError(f"fig must be at most {MAX_WIDTH} px wide, got {width} px")
    if not alt.strip():
        raise ValueError("alt must say what the picture shows, got an empty text")
    if not facts.strip() or "\n" in facts:
        raise ValueError(f"facts must be one line of text, got {facts!r}")
    display_png(png(fig), alt, width, height)
    print(facts)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(fig)


def display_png(data: bytes, alt: str, width: int, height: int) -> None:
    """The picture twice: JupyterLab drops a PNG's alt text, and keeps the one of an HTML image.

    Exporters read the alt text from the PNG's metadata; what shows neither, shows the text.
    """
    from IPython.display import display

    picture = base64.b64encode(data).decode()
    source = f"data:image/png;base64,{picture}"
    bundle = {
        "image/png": picture,
        "text/html": f'<img alt="{escape(alt)}" width="{width}" src="{source}">',
        "text/plain": alt,
    }
    metadata = {"image/png": {"alt": alt, "width": width, "height": height}}
    display(bundle, metadata=metadata, raw=True)

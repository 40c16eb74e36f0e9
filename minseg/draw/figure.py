"""Every static picture of the course: one palette, one look, alt text on each image.

A picture of a segmentation has two jobs: to show which pixels belong together, and to let a
reader tell the groups apart, whatever their colour vision. So instances are told apart three
times over: by colour (petroff10: M. A. Petroff, Accessible Color Sequences for Data
Visualization, 2021), by an outline (black on white, visible on any ground) and by a number.
Stuff stays pale, so that things stand out from it. A test simulates the three colour vision
deficiencies and measures how far apart the colours stay. Lesson 01 introduces the look.

Image axes are in continuous coordinates: pixel (i, j) covers [j, j + 1) × [i, i + 1), so a box of
a mask, a grid line and a sampling point are drawn where the arithmetic says, with no half pixel
to remember.
"""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from minseg.draw.overlay import (
    coarse_step,
    draw_labels,
    draw_outlines,
    paint,
    paint_crop,
    pixels,
    rgb,
)
from minseg.instances import Instances
from minseg.masks.runs import Crop, tight_crop
from minseg.panoptic import decode

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

MOST_DRAWN = 2**21  # pixels of an image, twice as many as a figure has
MAX_WIDTH = 900  # px: wider figures do not fit a notebook's column on a laptop
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
    """
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
    _display(png(fig), alt, width, height)
    print(facts)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(fig)


def _display(data: bytes, alt: str, width: int, height: int) -> None:
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


def draw_image(
    ax: Axes,
    image: Tensor,
    title: str = "",
    *,
    cmap: str = "gray",
    limits: tuple[float, float] | None = None,
) -> None:
    """An image or a feature map in continuous coordinates, each pixel a square.

    Args:
        ax: where to draw.
        image: (3, H, W) float RGB in [0, 1], or (H, W) of any numbers.
        title: what to see.
        cmap: colours for (H, W).
        limits: the values drawn darkest and brightest for (H, W); its own range if left out.

    Raises:
        ValueError: if `image` has another shape.
    """
    low, high = limits if limits is not None else (None, None)
    _draw_canvas(ax, pixels(image), title, cmap=cmap, vmin=low, vmax=high)


def draw_instances(
    ax: Axes, image: Tensor, instances: Instances, title: str = "", *, alpha: float = 0.5
) -> None:
    """An image with its instances: filled, outlined and numbered from 1, in their order.

    Args:
        ax: where to draw.
        image: (3, H, W) float RGB in [0, 1], or (H, W).
        instances: masks (N, H, W); where two overlap, both colours shine through.
        title: what to see.
        alpha: how much of the fill covers the image, 0 to 1.

    Raises:
        ValueError: if `image` has another shape or size.
    """
    masks = instances.masks.cpu().numpy()
    if tuple(image.shape[-2:]) != masks.shape[1:]:
        rgb(image, masks.shape[1:])  # says what is wrong
    draw_crops(ax, image, [tight_crop(mask) for mask in masks], title, alpha=alpha)


def draw_crops(
    ax: Axes, image: Tensor, crops: Sequence[Crop], title: str = "", *, alpha: float = 0.5
) -> None:
    """`draw_instances` with masks as crops: for images of many megapixels.

    Of an image of more than `MOST_DRAWN` pixels some rows and columns are drawn, evenly apart: no
    figure shows more.
    """
    height, width = image.shape[-2:]
    step = coarse_step(height, width, MOST_DRAWN)
    rows, columns = _every(step, height), _every(step, width)
    shown = image if step == 1 else image[..., rows[:, None], columns]
    canvas = rgb(shown, tuple(shown.shape[-2:]))
    for k, crop in enumerate(crops):
        paint_crop(canvas, crop, rows, columns, _instance_colour(k), alpha)
    _draw_canvas(ax, canvas, title, step)
    draw_outlines(ax, crops)
    draw_labels(ax, crops, [str(k + 1) for k in range(len(crops))], (height, width))


def draw_panoptic(
    ax: Axes,
    panoptic_map: Tensor,
    image: Tensor | None = None,
    names: Mapping[int, str] | None = None,
    title: str = "",
    *,
    max_instances: int = 1000,
) -> None:
    """A panoptic map: stuff pale, things saturated, outlined and numbered, void white.

    Args:
        ax: where to draw.
        panoptic_map: (H, W) int64 ids, category × max_instances + instance.
        image: (3, H, W), seen through the colours if given.
        names: category id to name; named segments carry it.
        title: what to see.
        max_instances: the encoding's, as in `minseg.panoptic.decode`.

    Raises:
        ValueError: if `panoptic_map` is not (H, W), or `image` has another size.
    """
    if panoptic_map.ndim != 2:
        raise ValueError(f"panoptic_map must be (H, W), got {tuple(panoptic_map.shape)}")
    ids = panoptic_map.cpu().numpy()
    canvas = np.ones((*ids.shape, 3)) if image is None else rgb(image, ids.shape)
    paint(canvas, ids == 0, VOID_COLOUR, 1)
    things: list[Crop] = []
    masks, texts = [], []
    segments = panoptic_map[panoptic_map > 0].unique()
    for segment, category, instance in zip(segments, *decode(segments, max_instances), strict=True):
        mask, name = ids == segment.item(), (names or {}).get(int(category), "")
        if instance > 0:
            paint(canvas, mask, _instance_colour(len(things)), 0.8 if image is not None else 1)
            things.append(tight_crop(mask))
            name = f"{name} {instance}".strip()
        else:
            paint(canvas, mask, _stuff_colour(int(category)), 0.9 if image is not None else 1)
        masks.append(tight_crop(mask))
        texts.append(name)
    _draw_canvas(ax, canvas, title)
    draw_outlines(ax, things)
    draw_labels(ax, masks, texts, panoptic_map.shape)


def draw_boxes(
    ax: Axes, boxes: Tensor, colour: str = EXACT_COLOUR, *, linestyle: str = "-", width: float = 2
) -> None:
    """Outlines of boxes (N, 4) or one box (4,), as (x1, y1, x2, y2) in the axes' coordinates."""
    for x1, y1, x2, y2 in boxes.detach().cpu().reshape(-1, 4).tolist():
        box = Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, ec=colour, ls=linestyle, lw=width)
        ax.add_patch(box)


def draw_grid(
    ax: Axes, height: float, width: float, stride: float = 1, colour: str = "#888888"
) -> None:
    """The cells of a feature map over an image of (height, width): a line at every stride."""
    columns, rows = np.arange(0, width + 1e-9, stride), np.arange(0, height + 1e-9, stride)
    lines = [[(x, 0), (x, height)] for x in columns] + [[(0, y), (width, y)] for y in rows]
    ax.add_collection(LineCollection(lines, colors=colour, linewidths=0.6, alpha=0.8))
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)


def _instance_colour(k: int) -> str:
    return INSTANCE_COLOURS[k % len(INSTANCE_COLOURS)]


def _stuff_colour(category: int) -> str:
    return STUFF_COLOURS[(category - 1) % len(STUFF_COLOURS)]


def _every(step: int, length: int) -> np.ndarray:
    """The middle of each `step` pixels of an axis; of the last ones, if fewer, one of them."""
    return np.minimum(np.arange(step // 2, length + step // 2, step), length - 1)


def _draw_canvas(ax: Axes, canvas: np.ndarray, title: str, step: int = 1, **options: Any) -> None:
    """Draw pixels, each of which stands for step × step of the image."""
    height, width = canvas.shape[0] * step, canvas.shape[1] * step
    ax.imshow(canvas, extent=(0, width, height, 0), interpolation="nearest", **options)
    ax.set_axis_off()
    ax.set_title(title)

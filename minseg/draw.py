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
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from torch import Tensor

from minseg.instances import Instances

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
STUFF_COLOURS = ["#dde3ea", "#d8dcc8", "#e8dfd3", "#cfcbc6", "#e6dbe4", "#eeeeee"]
VOID_COLOUR = "#ffffff"

# One role, one colour, in every lesson: what RoI pooling does, what RoIAlign does, the closed form
# or exact integral, the ground truth.
POOL_COLOUR = "#d55e00"
ALIGN_COLOUR = "#2f7fd0"
EXACT_COLOUR = "#1a1a1a"
TRUTH_COLOUR = "#00a37a"

MAX_WIDTH = 900  # px: wider figures do not fit a notebook's column on a laptop
DPI = 100  # a figure's pixel is a CSS pixel
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
    columns: int = 1, rows: int = 1, *, width: int = MAX_WIDTH, height: int | None = None
) -> tuple[Figure, Any]:
    """A new figure in the course's style, outside of pyplot's global state.

    Args:
        columns, rows: the grid of axes.
        width, height: in pixels; the height is chosen to suit if left out.

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
        axes = fig.subplots(rows, columns)
        for ax in np.atleast_1d(axes).flat:
            ax.set_prop_cycle(color=INSTANCE_COLOURS)
    return fig, axes


def png(fig: Figure, dpi: float = DPI) -> bytes:
    """The figure as a PNG file; no version of the software inside, which would change the bytes."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
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
    pixels = _pixels(image)
    height, width = pixels.shape[:2]
    low, high = limits if limits is not None else (None, None)
    ax.imshow(
        pixels,
        extent=(0, width, height, 0),
        interpolation="nearest",
        cmap=cmap,
        vmin=low,
        vmax=high,
    )
    ax.set_axis_off()
    ax.set_title(title)


def draw_instances(
    ax: Axes, image: Tensor, instances: Instances, title: str = "", *, alpha: float = 0.5
) -> None:
    """An image with its instances: filled, outlined and numbered from 1, in their order.

    Args:
        ax: where to draw.
        image: (3, H, W) float RGB in [0, 1], or (H, W).
        instances: masks (N, H, W); where two overlap, the later one is drawn on top.
        title: what to see.
        alpha: how much of the fill covers the image, 0 to 1.
    """
    canvas = _rgb(image)
    masks = instances.masks.cpu().numpy()
    if masks.shape[1:] != canvas.shape[:2]:
        raise ValueError(f"masks are {masks.shape[1:]}, image is {canvas.shape[:2]}: sizes differ")
    for k, mask in enumerate(masks):
        canvas[mask] = (1 - alpha) * canvas[mask] + alpha * _instance_colour(k)
    _draw_canvas(ax, canvas, title)
    _outline(ax, list(masks))
    for k, mask in enumerate(masks):
        _label(ax, mask, str(k + 1))


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
    """
    ids = panoptic_map.cpu().numpy()
    canvas = np.ones((*ids.shape, 3)) if image is None else _rgb(image)
    names = names or {}
    things: list[np.ndarray] = []
    labels: list[tuple[np.ndarray, str]] = []
    for segment in np.unique(ids[ids > 0]).tolist():
        category, instance = divmod(segment, max_instances)
        mask, name = ids == segment, names.get(category, "")
        if instance:
            colour, strength = _instance_colour(len(things)), 0.8
            things.append(mask)
            labels.append((mask, f"{name} {instance}".strip()))
        else:
            colour = np.array(to_rgb(STUFF_COLOURS[(category - 1) % len(STUFF_COLOURS)]))
            strength = 0.9
            labels.append((mask, name))
        strength = 1.0 if image is None else strength
        canvas[mask] = (1 - strength) * canvas[mask] + strength * colour
    canvas[ids == 0] = to_rgb(VOID_COLOUR)
    _draw_canvas(ax, canvas, title)
    _outline(ax, things)
    for mask, text in labels:
        _label(ax, mask, text)


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


def _pixels(image: Tensor) -> np.ndarray:
    """(H, W, 3) in [0, 1] or (H, W), as imshow takes them."""
    pixels = image.detach().cpu().numpy()
    if pixels.ndim == 3 and len(pixels) == 3:
        return np.clip(pixels.transpose(1, 2, 0), 0, 1)
    if pixels.ndim == 2:
        return pixels.astype(np.float64)
    raise ValueError(f"image must be (3, H, W) or (H, W), got {tuple(image.shape)}")


def _rgb(image: Tensor) -> np.ndarray:
    """(H, W, 3) float64, a copy to paint on."""
    pixels = _pixels(image)
    if pixels.ndim == 2:
        pixels = np.repeat(np.clip(pixels, 0, 1)[..., None], 3, axis=2)
    return pixels.astype(np.float64)


def _draw_canvas(ax: Axes, canvas: np.ndarray, title: str) -> None:
    height, width = canvas.shape[:2]
    ax.imshow(canvas, extent=(0, width, height, 0), interpolation="nearest")
    ax.set_axis_off()
    ax.set_title(title)


def _instance_colour(k: int) -> np.ndarray:
    return np.array(to_rgb(INSTANCE_COLOURS[k % len(INSTANCE_COLOURS)]))


def _outline(ax: Axes, masks: list[np.ndarray]) -> None:
    """Black 1.1 px on white 2.6 px along the pixels' edges."""
    lines = [line for mask in masks for line in _edges(mask)]
    for colour, pixels in (("white", 2.6), ("black", 1.1)):
        points = pixels * 72 / DPI
        ax.add_collection(
            LineCollection(lines, colors=colour, linewidths=points, capstyle="projecting")
        )


def _edges(mask: np.ndarray) -> list[list[tuple[int, int]]]:
    """Runs of pixel edges between inside and outside, each a straight line of two points."""
    padded = np.pad(mask, 1)
    across, down = np.diff(padded, axis=1), np.diff(padded, axis=0)  # an edge wherever it changes
    vertical = [[(x, a - 1), (x, b - 1)] for x, a, b in _runs(across.T)]
    horizontal = [[(a - 1, y), (b - 1, y)] for y, a, b in _runs(down)]
    return vertical + horizontal


def _runs(rows: np.ndarray) -> list[list[int]]:
    """(row, start, end) of each run of true values in a row."""
    steps = np.diff(np.pad(rows, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    starts, ends = np.argwhere(steps == 1), np.argwhere(steps == -1)
    return np.column_stack([starts, ends[:, 1]]).tolist()


def _label(ax: Axes, mask: np.ndarray, text: str) -> None:
    """Text at the point deepest inside the mask, so that a ring's number lies on the ring.

    A mask too small to be seen behind its number has it beside it.
    """
    from scipy.ndimage import distance_transform_edt

    if not text or not mask.any():
        return
    depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    i, j = np.unravel_index(depth.argmax(), depth.shape)
    beside = depth.max() < 0.04 * max(mask.shape)
    ax.annotate(
        text, (j + 0.5, i + 0.5), (8, 8) if beside else (0, 0), textcoords="offset points",
        color="white", weight="bold", fontsize=9, ha="center", va="center",
        path_effects=[withStroke(linewidth=2, foreground="black")],
    )  # fmt: skip

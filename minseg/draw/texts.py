"""Texts in a figure that cannot be read: they overlap, leave the figure, or are too small.

Nobody sees this happen where labels come from data, so figures are asked: after drawing, each text
has a box in pixels, and two boxes must not share more than a sliver. With MINSEG_CHECK_FIGURES set,
a figure with such a text raises as soon as it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

SMALLEST = 9.0  # points, in a figure as wide as the page
SLIVER = 1.5  # pixels: boxes are a little larger than the ink in them


def text_faults(fig: Figure) -> list[str]:
    """What is wrong with the texts of a figure, a line each; none if all can be read.

    Example:
        >>> from minseg.draw import figure
        >>> fig, ax = figure(width=300)
        >>> _ = ax.text(0.5, 0.5, "one"), ax.text(0.52, 0.5, "two")
        >>> text_faults(fig)
        ["'one' and 'two' overlap"]
    """
    fig.draw_without_rendering()
    texts = [text for text in _drawn(fig) if text.get_text().strip()]
    boxes = [_ink(text) for text in texts]
    faults = [
        f"{text.get_text()!r} has {_points(text):.3g} points, less than {SMALLEST:g}"
        for text in texts
        if _points(text) < SMALLEST and any(map(str.isalnum, text.get_text()))  # no marks
    ]
    faults += [
        f"{text.get_text()!r} leaves the figure"
        for text, box in zip(texts, boxes, strict=True)
        if not _within(box, fig.bbox.frozen())
    ]
    for (one, box), (other, other_box) in combinations(zip(texts, boxes, strict=True), 2):
        shared = Bbox.intersection(box, other_box)
        if shared is not None and min(shared.width, shared.height) > SLIVER:
            faults.append(f"{one.get_text()!r} and {other.get_text()!r} overlap")
    return faults


def _drawn(fig: Figure) -> Iterator[Text]:
    """The texts that are drawn: an axis keeps labels that are not."""
    hidden = {text for ax in fig.findobj(Axes) for text in _hidden(ax)}
    for text in fig.findobj(Text):
        if text.get_visible() and text not in hidden:
            yield text


def _hidden(ax: Axes) -> Iterator[Text]:
    """Labels of axes that are switched off, and of ticks beyond their limits."""
    for axis in (ax.xaxis, ax.yaxis):
        if not (ax.get_visible() and ax.axison and axis.get_visible()):
            yield from axis.findobj(Text)
        low, high = sorted(axis.get_view_interval())
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            if not low - 1e-9 <= tick.get_loc() <= high + 1e-9:
                yield from (tick.label1, tick.label2)
    if not ax.get_visible():
        yield from ax.findobj(Text)


def _points(text: Text) -> float:
    return float(text.get_fontsize())


def _ink(text: Text) -> Bbox:
    """Its box in pixels, without an arrow or a frame that belongs to it."""
    return Text.get_window_extent(text)


def _within(box: Bbox, page: Bbox) -> bool:
    return (
        box.x0 >= page.x0 - SLIVER
        and box.y0 >= page.y0 - SLIVER
        and box.x1 <= page.x1 + SLIVER
        and box.y1 <= page.y1 + SLIVER
    )

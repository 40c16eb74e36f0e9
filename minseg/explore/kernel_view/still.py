"""The kernel view as a still picture, for where there is no kernel to run it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from minseg.draw import ALIGN_COLOUR, POOL_COLOUR, draw_boxes, draw_grid, figure, png
from minseg.explore.kernel_view.numbers import BINS, COLUMNS, ROWS


def picture(boxes: Sequence[tuple[float, ...]], program: int, view: dict[str, Any]) -> bytes:
    """A PNG: the pixels that a program reads, and the bytes; view: as `numbers` gives it."""
    fig, (ax, bars) = figure(columns=2, height=330, width_ratios=(3, 2))
    k, p = divmod(program, BINS)
    counts = torch.zeros(ROWS * COLUMNS, dtype=torch.int64)
    for load in view["shown"]:
        for pixel in load:
            counts[pixel] += pixel >= 0
    ax.imshow(
        counts.view(ROWS, COLUMNS).numpy(), extent=(0, COLUMNS, ROWS, 0), cmap="Oranges", vmax=8
    )
    draw_grid(ax, ROWS, COLUMNS, 1)
    for pixel in counts.nonzero().flatten().tolist():
        at = (pixel % COLUMNS + 0.5, pixel // COLUMNS + 0.5)
        ax.annotate(str(int(counts[pixel])), at, ha="center", va="center", fontsize=9)
    for number, box in enumerate(boxes):
        style = "-" if number == k else ":"
        draw_boxes(ax, torch.tensor(box), colour=ALIGN_COLOUR, linestyle=style)
    ax.set_title(f"Program {program} makes row {p} of RoI {k}: pixels it reads")
    names, numbers, of_the_floor = zip(*view["table"], strict=True)
    drawn = bars.barh(names, [float(share) for share in of_the_floor], color=POOL_COLOUR)
    bars.bar_label(drawn, [f" {number}" for number in numbers], fontsize=9)
    bars.invert_yaxis()
    bars.margins(x=0.3)
    bars.set(xlabel="of the floor", title="Bytes")
    return png(fig)

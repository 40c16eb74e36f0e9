"""What the kernel board shows of a cell: its classes, its kernel, its mask, channel by channel.

All of it is read off a `SOLOv2Trace` of the model. Unit 51.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from minseg.data import THINGS
from minseg.experiments.solov2_trace import CellMask, SOLOv2Trace
from minseg.explore.base.colours import data_url, signed
from minseg.explore.base.svg_path import pixels_path
from minseg.explore.base.values import rounded
from minseg.metrics.iou import mask_iou

MOST_SHOWN = 6  # channels with a picture of their own
DECIMALS = 3  # of what is sent


def numbers(trace: SOLOv2Trace, cell: int, count: int) -> dict[str, Any]:
    """What the browser draws of a cell.

    Args:
        cell: among all A of them.
        count: how many of the strongest channels draw the mask, 1 to E.

    Returns:
        `mask`, an SVG path, and `probability`, a picture; `scores`, a name and a probability for
        each class; `kernel`, a number for each channel, and `used`, which of them draw;
        `strongest`, the channel, its weight and a picture of what it adds, for a few; `facts`.
    """
    terms = trace.terms(cell)  # (E, h, w)
    order = trace.strongest(terms)
    whole, part = trace.mask(terms.sum(dim=0)), trace.mask(trace.partial(terms, order, count))
    weights = kernel_weights(trace.kernels[cell])
    names = names_of(trace)
    return {
        "mask": pixels_path(part.mask),
        "probability": data_url(part.logits.sigmoid()),
        "scores": [
            [name, p] for name, p in zip(names, rounded(trace.classes[cell], DECIMALS), strict=True)
        ],
        "kernel": rounded(weights, DECIMALS),
        "used": sorted(order[:count].tolist()),
        "strongest": [
            [e, _signed(weights[e].item()), data_url(signed(terms[e] - terms[e].mean()))]
            for e in order[:MOST_SHOWN].tolist()
        ],
        "facts": facts(trace, cell, count, whole, part),
    }


def levels(trace: SOLOv2Trace) -> list[dict[str, Any]]:
    """For each level: `grid`, S; `sure`, the probability of each cell's likeliest class."""
    sure = trace.classes.amax(dim=1)  # (A,)
    bounds = zip(trace.starts[:-1], trace.starts[1:], strict=True)
    return [
        {"grid": grid, "sure": rounded(sure[a:b], 2)}
        for grid, (a, b) in zip(trace.model.grids, bounds, strict=True)
    ]


def kernel_weights(kernel: Tensor) -> Tensor:
    """(E,) one number for each channel of a kernel (E, t, t): the sum of its weights."""
    return kernel.flatten(1).sum(dim=1)


def names_of(trace: SOLOv2Trace) -> list[str]:
    """A word for each of the model's classes."""
    return [THINGS.get(c, f"class {c}") for c in trace.model.categories]


def facts(trace: SOLOv2Trace, cell: int, count: int, whole: CellMask, part: CellMask) -> str:
    """The sentence under the board."""
    level, row, column = trace.place(cell)
    best = int(trace.classes[cell].argmax())
    name, p = names_of(trace)[best], trace.classes[cell, best].item()
    fit = f"IoU {part.iou:.2f} with thing {part.thing + 1}" if part.thing >= 0 else "on no thing"
    said = f"its mask has {int(part.mask.sum())} pixels, {fit}"
    channels, grid = len(trace.features), trace.model.grids[level]
    if count < channels:
        alike = mask_iou(part.mask[None], whole.mask[None]).item()
        said += f"; drawn by {count} of {channels} channels, IoU {alike:.2f} with that of all"
    return f"Grid {grid} × {grid}, row {row}, column {column}: {name} {p:.2f}; {said}."


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")

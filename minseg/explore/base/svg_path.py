"""Masks and curves as SVG paths, in pixels of the image: what a widget's page draws as it is."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from torch import Tensor


def pixels_path(mask: Tensor) -> str:
    """The pixels of a mask (H, W) bool: a rectangle for each run of a row.

    >>> import torch
    >>> pixels_path(torch.tensor([[False, True, True], [True, False, False]]))
    'M1 0H3V1H1ZM0 1H1V2H0Z'
    """
    steps = np.diff(np.pad(mask.numpy(), ((0, 0), (1, 1))).astype(np.int8), axis=1)
    runs = zip(np.argwhere(steps == 1), np.argwhere(steps == -1), strict=True)
    return "".join(f"M{a} {i}H{b}V{i + 1}H{a}Z" for (i, a), (_, b) in runs)


def outline_path(mask: Tensor) -> str:
    """The border of a mask (H, W) bool, along the edges of its pixels.

    >>> import torch
    >>> outline_path(torch.tensor([[True]])).count("M")
    4
    """
    from minseg.draw.overlay import outline  # matplotlib, only where one draws

    return "".join(f"M{a:g} {b:g}L{c:g} {d:g}" for (a, b), (c, d) in outline(mask.numpy()))


def curve_path(polygons: Iterable[Tensor]) -> str:
    """Closed polygons, each (n, 2) x, y, to a hundredth of a pixel.

    >>> import torch
    >>> curve_path([torch.tensor([[0.0, 0], [2, 0], [1, 1.5]])])
    'M0.00 0.00L2.00 0.00L1.00 1.50Z'
    """
    lines = ("L".join(f"{x:.2f} {y:.2f}" for x, y in ring.tolist()) for ring in polygons)
    return "".join(f"M{line}Z" for line in lines if line)


def errors_paths(truth: Tensor, mask: Tensor) -> dict[str, str]:
    """Pixels that both have, that the mask has lost, and that it has too many."""
    return {
        "kept": pixels_path(truth & mask),
        "missed": pixels_path(truth & ~mask),
        "added": pixels_path(mask & ~truth),
    }

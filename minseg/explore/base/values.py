"""Numbers between Python and a browser: finite, inside the picture, and short when they are sent.

A trait may be set from anywhere: by the page, whose picture ends at its border, or by a cell in
which somebody types NaN. `finite` refuses what makes no sense; `box_inside` and `point_inside` move
the rest to the nearest place where it does.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any

import traitlets as t
from torch import Tensor

Box = tuple[float, float, float, float]  # x1, y1, x2, y2
Point = tuple[float, float]  # x, y
Size = tuple[float, float]  # height, width


def finite(name: str, values: Iterable[Any], count: int) -> tuple[float, ...]:
    """The values as `count` floats.

    >>> finite("box", [1, 2, 3, 4.5], 4)
    (1.0, 2.0, 3.0, 4.5)

    Raises:
        TraitError: if there are not so many, or one is NaN or infinite.
    """
    numbers = tuple(float(value) for value in values)
    if len(numbers) != count or not all(map(isfinite, numbers)):
        raise t.TraitError(f"{name} must be {count} finite numbers, got {numbers}")
    return numbers


def box_inside(box: Iterable[float], size: Size, smallest: float) -> Box:
    """A box (x1, y1, x2, y2) kept in a picture of `size`, each side at least `smallest` long.

    >>> box_inside((-5, 10, 30, 5), size=(20, 40), smallest=2)
    (0.0, 10, 30, 12)
    """
    (x1, y1, x2, y2), (height, width) = box, size
    x1, y1 = min(max(x1, 0.0), width - smallest), min(max(y1, 0.0), height - smallest)
    return x1, y1, min(max(x2, x1 + smallest), width), min(max(y2, y1 + smallest), height)


def point_inside(point: Iterable[float], size: Size, margin: float = 0.0) -> Point:
    """A point (x, y) kept in a picture of `size`, or within `margin` of it.

    >>> point_inside((-5, 10), size=(20, 40))
    (0.0, 10)
    """
    (x, y), (height, width) = point, size
    return min(max(x, 0.0 - margin), width + margin), min(max(y, 0.0 - margin), height + margin)


def rounded(values: Tensor, decimals: int) -> Any:
    """Plain numbers, nested as the tensor is: what a screen can show, in few bytes to send.

    >>> import torch
    >>> rounded(torch.tensor([1 / 3, 2.0]), 3)
    [0.333, 2.0]
    """
    scale = 10.0**decimals
    return (values.double() * scale).round().div(scale).tolist()

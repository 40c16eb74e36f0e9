"""Exercise 11.half_cell: read a row of cells at the centres of pixels, without moving it.

To write: f(cells, low, high, length), (m,) values of equal cells that fill [low, high], to the
(length,) values at the centres of pixels 0 to length - 1. Between the centres of two cells, the
mean of both, weighted by how near they are; beyond the first and the last one, fading to 0. The
answer is `read_cells`; `minseg.masks.from_grid` does the same along both axes.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor

from minseg.course.exercise import Exercise


def read_cells(cells: Tensor, low: float, high: float, length: int) -> Tensor:
    """Values at the centres of `length` pixels, of (m,) cells that fill [low, high]."""
    m = len(cells)
    centre = torch.arange(length) + 0.5  # of each pixel, in pixels
    at = m * (centre - low) / (high - low) - 0.5  # in cells, from the first cell's centre
    weights = (1 - (at[:, None] - torch.arange(m)).abs()).clamp(min=0)  # (length, m)
    return weights.to(cells.dtype) @ cells


def rows_of_cells(generator: torch.Generator) -> Iterable[tuple[Tensor, float, float, int]]:
    """Cells larger and smaller than pixels, a box between pixels, one that reaches out, one cell.

    The last image has no columns.
    """
    row = torch.tensor([0.0, 1.0, 1.0, 0.0])
    yield row, 0.0, 8.0, 8
    yield row, 1.5, 9.25, 12
    yield torch.rand(7, generator=generator), -3.0, 6.5, 9
    yield torch.rand(5, generator=generator), 2.0, 5.0, 7  # cells smaller than a pixel
    yield torch.rand(3, generator=generator), 6.0, 15.0, 10
    yield torch.ones(1), 1.0, 5.0, 6
    yield torch.zeros(4), 0.0, 4.0, 0


def _read(
    cells: Tensor,
    low: float,
    high: float,
    length: int,
    *,
    pixel: float = 0.5,
    cell: float = 0.5,
    last: int = 0,
    border: bool = False,
    nearest: bool = False,
) -> Tensor:
    """`read_cells` with a switch for each way to be wrong."""
    m = len(cells)
    centre = torch.arange(length) + pixel
    at = (m - last) * (centre - low) / (high - low) - cell
    if border:
        at = at.clamp(0, m - 1)
    if nearest:
        at = at.round()
    weights = (1 - (at[:, None] - torch.arange(m)).abs()).clamp(min=0)
    return weights.to(cells.dtype) @ cells


def from_the_image_s_edge(cells: Tensor, low: float, high: float, length: int) -> Tensor:
    return _read(cells, 0.0, high - low, length)


def by_the_image_s_length(cells: Tensor, low: float, high: float, length: int) -> Tensor:
    return _read(cells, low, low + length, length) if length else cells.new_zeros(0)


HALF_CELL = Exercise(
    "11.half_cell",
    reference=read_cells,
    cases=rows_of_cells,
    hints=(
        "The first cell's centre lies half a cell to the right of the box's edge, not on the edge. "
        "Which number must `at` have there, so that cell 0 has the weight 1?",
        "(centre - low) / (high - low) is the share of the way across the box; times m, it counts "
        "cells from the edge. From the first centre it is half a cell less.",
        "at = m * (centre - low) / (high - low) - 0.5, and all the rest as it was.",
    ),
    mistakes={
        "as_it_was": (
            partial(_read, cell=0.0),
            "This is the colleague's function: a pixel on the edge of the box reads the whole of "
            "cell 0, whose centre lies half a cell further. Masks move up and to the left.",
        ),
        "adds_the_half": (
            partial(_read, cell=-0.5),
            "You add half a cell where it has to be taken off, so the mask moves by a whole cell. "
            "The first centre lies half a cell *behind* the edge.",
        ),
        "half_a_pixel": (
            partial(_read, pixel=0.0),
            "The cells are right now, and the pixels are not: pixel j has its centre at j + ½, and "
            "yours is read at its left edge.",
        ),
        "moves_the_pixel_instead": (
            partial(_read, pixel=0.0, cell=0.0),
            "You took half a *pixel* off. The cell's half is missing: they are equal only where a "
            "cell is as large as a pixel.",
        ),
        "ends_on_centres": (
            partial(_read, cell=0.0, last=1),
            "You stretch the cells so that the first and the last centre lie on the box's edges: "
            "`align_corners=True`. Cells *fill* the box, so there are m of them, not m - 1.",
        ),
        "repeats_the_border": (
            partial(_read, border=True),
            "Right inside. Beyond the first and the last centre you repeat the border cell, and "
            "everything outside of the box gets its value; it has to fade to 0.",
        ),
        "nearest": (
            partial(_read, nearest=True),
            "Your places are right, and you read the nearest cell only. Between two centres, take "
            "the mean of both, weighted by how near they are.",
        ),
        "from_the_image_s_edge": (
            from_the_image_s_edge,
            "You measure from the left edge of the image. The box begins at `low`.",
        ),
        "by_the_image_s_length": (
            by_the_image_s_length,
            "You divide by the length of the image. The share of the way is across the box, "
            "high - low.",
        ),
    },
)

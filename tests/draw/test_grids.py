"""Pictures of grids: cells lie where the arithmetic says."""

import numpy as np
import pytest
import torch

from minseg.draw import figure, png
from minseg.draw.grids import (
    LOOKS,
    draw_cells,
    draw_grid_errors,
    draw_row,
    draw_shares,
    draw_writes,
)
from minseg.experiments.grid_targets import WAYS
from minseg.masks import deconvolution_overlap


def test_a_row_shows_each_pixel_and_each_cell():
    _, ax = figure()
    draw_row(ax, torch.tensor([True, False, False]), 0.5, 2.5, cells=2)
    assert [text.get_text() for text in ax.texts] == ["1", "0", "0", "cell 0", "cell 1"]
    cells = [bar for bar in ax.patches if bar.get_y() == 0]
    assert [(bar.get_x(), bar.get_width()) for bar in cells] == [(0.5, 1), (1.5, 1)]


def test_every_way_has_a_look_of_its_own():
    assert LOOKS.keys() == WAYS.keys()
    assert len(set(LOOKS.values())) == len({colour for colour, _, _ in LOOKS.values()}) == 4
    _, ax = figure()
    draw_grid_errors(ax, [7, 14], {name: [0.1, 0.05] for name in WAYS})
    assert [line.get_label() for line in ax.lines] == list(WAYS)


def test_writes_stand_in_their_places():
    _, ax = figure()
    counts = deconvolution_overlap(2, 3)
    draw_writes(ax, counts, "k = 3")
    said = np.array([int(text.get_text()) for text in ax.texts]).reshape(counts.shape)
    assert (said == counts.numpy()).all()


@pytest.mark.parametrize("size", [1, 14])
def test_a_mask_with_its_cells_can_be_drawn(size):
    fig, axes = figure(columns=2)
    draw_cells(axes[0], torch.ones(9, 12), torch.tensor([1.0, 2, 8, 7]), size, "cells")
    draw_shares(axes[1], torch.ones(size, size), "shares")
    assert png(fig).startswith(b"\x89PNG")

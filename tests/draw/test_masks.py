"""Pictures of written masks: lost and added pixels in their colours, bytes on their axis."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from minseg.draw import figure
from minseg.draw.masks import ADDED, KEPT, MISSED, draw_errors, draw_laws, draw_price
from minseg.experiments.representations import KINDS, sweep


def test_pixels_kept_lost_and_added_have_a_colour_each():
    truth, mask = torch.tensor([[[1, 1, 0, 0]], [[1, 0, 1, 0]]]).bool()
    _, ax = figure()
    ring = torch.tensor([[0.0, 0], [1, 0], [1, 1]])
    draw_errors(ax, truth, mask, [ring], torch.tensor([[2.0, 0.5]]), "errors", (0, 0, 4, 1, 2))
    (row,) = np.asarray(ax.images[0].get_array())
    np.testing.assert_allclose(row, [to_rgb(c) for c in (KEPT, MISSED, ADDED, "#ffffff")])
    assert [list(line.get_xydata()[0]) for line in ax.get_lines()] == [[2, 0.5]]
    columns = [segment[0, 0] for segment in ax.collections[0].get_segments()]
    assert columns == [0, 2, 4], "a grid of two cells over the box"


def test_each_representation_is_a_line_of_iou_over_bytes():
    steps = {kind: sweep("disc", kind)[:3] for kind in KINDS}
    _, ax = figure()
    draw_price(ax, steps, exact=99, now=steps["polygon"][1])
    lines = {line.get_label(): line for line in ax.get_lines()}
    for kind, written in steps.items():
        assert list(lines[kind].get_xdata()) == [one.size for one in written]
        assert list(lines[kind].get_ydata()) == [one.iou for one in written]
    assert list(lines["run lengths, exact"].get_xdata()) == [99, 99]
    assert ax.get_xscale() == "log"
    assert list(ax.get_lines()[-1].get_xdata()) == [steps["polygon"][1].size], "the circle"


def test_a_power_law_is_straight_where_both_axes_are_logarithmic():
    sizes = np.array([7, 14, 28])
    _, axes = figure(2)
    draw_laws(axes, sizes, 1 / sizes, 1 / sizes**2, lambda m: 1 / m, lambda m: -np.log(m))
    x, y = axes[0].get_lines()[2].get_data()
    assert (axes[0].get_xscale(), axes[0].get_yscale()) == ("log", "log")
    assert np.diff(np.log(y)) / np.diff(np.log(x)) == pytest.approx(-1)

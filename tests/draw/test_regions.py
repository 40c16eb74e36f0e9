"""Pictures of a region being read: bins, cells, points and weights lie where the operators read."""

import numpy as np
import torch

from minseg.draw import figure
from minseg.draw.regions import (
    box_read,
    draw_axis_bins,
    draw_map,
    draw_samples,
    draw_weights,
    reading_figure,
)
from minseg.roi import roi_average, roi_pool


def bars(ax):
    """Start and end of each bar, feature pixels."""
    return [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]


def test_what_is_read_is_rounded_and_one_cell_longer():
    boxes = torch.tensor([[37.0, 32, 101.4, 96], [24.0, 40, 24, 40]])  # 24 / 16 is 1.5: to 2
    assert box_read(boxes, stride=16).tolist() == [[32, 32, 112, 112], [32, 48, 48, 64]]


def test_exact_bins_lie_above_those_of_roi_pooling():
    _, ax = figure()
    draw_axis_bins(ax, start=2.0, end=8.0, bins=3)
    assert bars(ax) == [(2, 4), (2, 5), (4, 6), (4, 7), (6, 8), (6, 9)]


def test_a_reading_shows_both_boxes_and_both_answers():
    image = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    features = torch.nn.functional.avg_pool2d(image.mean(dim=0)[None, None], 8)
    box = torch.tensor([10.0, 12, 38, 41])
    photo, exact, pooled = reading_figure(image, features, box, stride=8, bins=2).axes
    shown = [patch.get_bbox().extents.tolist() for patch in photo.patches]
    assert shown == [box.tolist(), box_read(box, 8).tolist()]
    rois = torch.tensor([[0, *box]])
    for ax, operator in ((exact, roi_average), (pooled, roi_pool)):
        values = operator(features, rois, 2, 1 / 8).flatten()
        assert [text.get_text() for text in ax.texts] == [f"{v:.2f}" for v in values.tolist()]
    assert pooled.get_xlim() == (8, 48) and exact.get_xlim() == (10, 38)


def test_a_map_says_its_numbers_and_whole_ones_without_decimals():
    for values, said in (([[0.0, 9.0]], ["0", "9"]), ([[4.4375, 4.0]], ["4.44", "4.00"])):
        _, ax = figure()
        draw_map(ax, torch.tensor(values))
        assert [text.get_text() for text in ax.texts] == said


def test_index_coordinates_are_drawn_half_a_pixel_on():
    _, ax = figure()
    draw_samples(ax, x=[1.75, 2.75], y=[0.5])
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[2.25, 1], [3.25, 1]])


def test_pixels_that_do_not_count_have_no_number():
    _, ax = figure()
    draw_weights(ax, torch.tensor([[0.0, 0.25], [0.75, 0.0]]))
    assert {text.get_position(): text.get_text() for text in ax.texts} == {
        (1.5, 0.5): "0.25",
        (0.5, 1.5): "0.75",
    }

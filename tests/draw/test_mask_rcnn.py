"""Pictures of units 40 to 42: anchors fall on their levels, losses are means over steps."""

import types

import numpy as np
import pytest
import torch

from minseg.data import SceneDataset
from minseg.draw.mask_rcnn import (
    MEAN,
    draw_alignment,
    draw_mask_targets,
    draw_moved_boxes,
    draw_objectness,
    draw_training,
)


def test_each_level_shows_the_best_of_its_three_anchors():
    objectness = torch.linspace(0, 1, 3 * (16 + 4))
    boxes = torch.tensor([[8.0, 8, 24, 24]])
    fig = draw_objectness(torch.rand(3, 32, 32), boxes, objectness, boxes, cells=(4, 2))
    fine, coarse, image = fig.axes
    np.testing.assert_allclose(
        np.asarray(fine.images[0].get_array()), objectness[2:48:3].view(4, 4)
    )
    assert np.asarray(coarse.images[0].get_array()).shape == (2, 2)
    assert coarse.patches[0].get_bbox().bounds == (0.5, 0.5, 1, 1), "in the level's own cells"
    assert image.patches[0].get_bbox().bounds == (8, 8, 16, 16)


def test_targets_stand_above_the_answers():
    boxes = torch.tensor([[0.0, 0, 8, 8], [4, 4, 12, 12]])
    targets, answers = torch.zeros(2, 5, 5), torch.ones(2, 5, 5)
    fig = draw_mask_targets(torch.rand(3, 16, 16), boxes, targets, answers)
    shown = {ax.get_title(): ax.images[0].get_array() for ax in fig.axes if ax.images}
    assert (shown["target 2"] == 0).all() and (shown["answer 2"] == 1).all()
    (whole,) = (ax for ax in fig.axes if ax.get_title() == "proposals")
    assert len(whole.patches) == 2


def test_a_point_of_a_curve_is_the_mean_of_some_steps():
    scene = SceneDataset("val", size=64)[0]
    names = ["rpn_objectness", "rpn_box", "class", "box", "mask"]
    rows = [{name: float(k * step) for k, name in enumerate(names)} for step in range(2 * MEAN + 3)]
    result = types.SimpleNamespace(losses=rows)
    fig = draw_training(result, names, [scene], [scene.instances[:1]])  # type: ignore[arg-type]
    curve, picture = fig.axes
    x, y = curve.get_lines()[1].get_data()
    assert list(x) == [MEAN / 2, 3 * MEAN / 2]
    assert y == pytest.approx([(MEAN - 1) / 2, (3 * MEAN - 1) / 2])
    assert picture.get_title() == f"found 1, there are {len(scene.instances)}"


def test_masks_and_boxes_over_the_shift():
    (ax,) = draw_moved_boxes({0.0: (0.9, 1.0), 4.0: (0.6, 0.7)}).axes
    shares, ious = ax.get_lines()
    assert list(ious.get_xdata()) == [0, 4] and list(ious.get_ydata()) == [0.9, 0.6]
    assert list(shares.get_ydata()) == [1.0, 0.7]


def test_a_bar_is_the_mean_of_its_seeds():
    ways = {"pool": (20.0, 24.0), "align": (30.0, 31.0)}
    here, published = draw_alignment(ways, {"pool": 26.9, "align": 30.3}).axes
    assert [bar.get_height() for bar in here.patches] == [22, 30.5]
    assert [bar.get_height() for bar in published.patches] == [26.9, 30.3]

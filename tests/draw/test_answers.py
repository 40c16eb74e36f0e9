"""Four panels of painted masks: a pixel claimed twice belongs to one mask in the last only."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from minseg.draw import INSTANCE_COLOURS
from minseg.draw.answers import draw_answers
from minseg.instances import Instances


@pytest.fixture
def pair():
    """Two masks that share a column; the first has the higher score."""
    masks = torch.zeros(2, 4, 6, dtype=torch.bool)
    masks[0, :, 0:3], masks[1, :, 2:5] = True, True
    return Instances(masks, torch.tensor([1, 1]), torch.tensor([0.9, 0.5]))


@pytest.mark.parametrize(("rule", "owner"), [("score", 0), ("order", 1)])
def test_the_rule_decides_about_a_pixel_claimed_twice(pair, rule, owner):
    notes = {"boxes": "two", "semantic": "one class", "panoptic": rule}
    fig = draw_answers(pair, notes, rule)
    canvas = np.asarray(fig.axes[3].images[0].get_array())
    np.testing.assert_allclose(canvas[1, 2], to_rgb(INSTANCE_COLOURS[owner]))
    assert fig.axes[3].get_title() == f"Panoptic map:\n{rule}"


def test_one_class_is_one_segment_of_the_semantic_map(pair):
    fig = draw_answers(pair, {"boxes": "b", "semantic": "s", "panoptic": "p"}, names={1: "coin"})
    _, boxes, semantic, panoptic = fig.axes
    assert [box.get_bbox().bounds for box in boxes.patches] == [(0, 0, 3, 4), (2, 0, 3, 4)]
    assert [text.get_text() for text in semantic.texts] == ["coin"]
    assert {text.get_text() for text in panoptic.texts} == {"coin 1", "coin 2"}

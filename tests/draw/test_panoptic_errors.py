"""The bars of panoptic errors: one of length 1 for each class that occurs."""

import pytest
import torch

from minseg.draw import figure
from minseg.draw.panoptic_errors import PARTS, draw_panoptic_errors
from minseg.metrics import panoptic_errors


@pytest.fixture
def ax():
    """Two classes: of the square a quarter is missed at a corner, class 3 is the ground."""
    truth = torch.full((100, 100), 3000)
    truth[30:70, 30:70] = 1001
    prediction = truth.clone()
    prediction[30:50, 30:50] = 3000
    _, ax = figure()
    errors = panoptic_errors([prediction], [truth], things=[1], stuff=[3])
    draw_panoptic_errors(ax, errors, {1: "square"}, title="errors")
    return ax


def test_a_bar_for_each_class_is_of_length_one(ax):
    assert [t.get_text() for t in ax.get_yticklabels()] == ["all classes", "square", "class 3"]
    ends = [bar.get_x() + bar.get_width() for bar in ax.containers[-1]]
    assert ends == pytest.approx([1, 1, 1])
    assert ax.get_title() == "errors" and ax.yaxis_inverted()


def test_parts_are_named_in_their_order_and_long_ones_carry_their_number(ax):
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == [words for words, _ in PARTS.values()]
    square = ax.containers[0][1].get_width()
    assert square == pytest.approx(0.75)  # of the square three quarters are found: its IoU
    assert "0.75" in [text.get_text() for text in ax.texts]
    written = {round(text.get_position()[1]) for text in ax.texts}
    assert written == {0, 1, 2} and all(float(text.get_text()) >= 0.06 for text in ax.texts)

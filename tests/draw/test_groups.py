"""Masks in groups: a colour each, a legend that counts them."""

import pytest
import torch
from matplotlib.colors import to_hex

from minseg.draw import figure
from minseg.draw.groups import COLOURS, draw_groups


def test_a_later_group_lies_on_top_and_the_legend_counts() -> None:
    _, ax = figure()
    masks = torch.ones(2, 4, 6, dtype=torch.bool)
    masks[1, :, 3:] = False
    draw_groups(ax, torch.zeros(4, 6), {"right": masks[:1], "wrong": masks[1:]}, alpha=1)
    canvas = ax.images[0].get_array()
    assert [to_hex(canvas[0, x]) for x in (5, 0)] == COLOURS[:2]
    labels = [text.get_text() for text in ax.figure.legends[0].get_texts()]
    assert labels == ["right: 1", "wrong: 1"]


def test_says_what_it_needs() -> None:
    _, ax = figure()
    groups = {str(k): torch.ones(1, 4, 6, dtype=torch.bool) for k in range(5)}
    with pytest.raises(ValueError, match="groups must be at most 4, got 5"):
        draw_groups(ax, torch.zeros(4, 6), groups)

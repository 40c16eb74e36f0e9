"""Shapes and tables of the boards: names that can be told apart, cells that are marked."""

import pytest
import torch

from minseg.draw import figure
from minseg.draw.shapes import MARK, Outlined, draw_shapes, draw_table, start_board
from minseg.draw.texts import text_faults

SQUARE = torch.tensor([[20.0, 20], [80, 20], [80, 80], [20, 80]])


def test_names_of_doubles_stand_apart():
    fig, ax = figure(width=500, height=300)
    start_board(ax, "Three squares", (100, 160))
    draw_shapes(ax, [Outlined(SQUARE, str(k), "#0050c8") for k in range(3)])
    assert text_faults(fig) == []
    assert {text.get_text() for text in ax.texts} == {"0", "1", "2"}
    assert ax.get_ylim() == (100, 0)


def test_a_shape_without_a_name_has_no_text():
    _, ax = figure()
    draw_shapes(ax, [Outlined(SQUARE, "", "#0050c8")])
    assert not ax.texts and len(ax.patches) == 2


def test_a_table_has_its_heads_and_marks_its_cells():
    fig, ax = figure(width=400, height=250)
    draw_table(ax, ["", "A", "B"], [["1", "0.5", "0.7"], ["2", "0.1", "0.2"]], "Costs", [(1, 2)])
    assert text_faults(fig) == []
    grounds = {text.get_text(): text.get_bbox_patch() for text in ax.texts}
    assert [name for name, ground in grounds.items() if ground is not None] == ["0.2"]
    assert grounds["0.2"].get_facecolor()[:3] == pytest.approx(
        [int(MARK[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    )

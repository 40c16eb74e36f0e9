"""Numbers from a browser: refused if they are none, moved if they are outside."""

import math

import pytest
import torch
import traitlets
from hypothesis import given
from hypothesis import strategies as st

from minseg.explore.base.values import box_inside, finite, point_inside, rounded

NUMBER = st.floats(-1e6, 1e6)
SIZE = (30.0, 40.0)  # height, width


@pytest.mark.parametrize(
    "values", [(1, 2, 3), (1, 2, 3, 4, 5), (1, 2, math.nan, 4), (math.inf, 2, 3, 4)]
)
def test_what_is_no_box_is_refused(values):
    with pytest.raises(traitlets.TraitError, match="box must be 4 finite numbers, got"):
        finite("box", values, 4)


@given(st.tuples(NUMBER, NUMBER, NUMBER, NUMBER), st.floats(0.5, 30))
def test_a_box_is_kept_inside_and_not_too_small(box, smallest):
    x1, y1, x2, y2 = box_inside(box, SIZE, smallest)
    assert 0 <= x1 < x2 <= 40 and 0 <= y1 < y2 <= 30
    assert min(x2 - x1, y2 - y1) >= smallest - 1e-9


@given(st.tuples(st.floats(0, 10), st.floats(0, 10), st.floats(20, 40), st.floats(20, 30)))
def test_a_box_inside_stays_where_it_is(box):
    assert box_inside(box, SIZE, 10) == box


@pytest.mark.parametrize(
    ("point", "margin", "kept"),
    [
        ((-3, 31), 0, (0, 30)),
        ((41, -1), 0, (40, 0)),
        ((-3, 31), 5, (-3, 31)),
        ((-9, 99), 5, (-5, 35)),
    ],
)
def test_a_point_is_kept_inside_or_near(point, margin, kept):
    assert point_inside(point, SIZE, margin) == kept


def test_rounded_keeps_the_form():
    assert rounded(torch.tensor([[1.23456, 2], [-1.00004, 0]]), 4) == [[1.2346, 2], [-1, 0]]

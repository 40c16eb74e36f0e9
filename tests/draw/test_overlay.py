"""An outline runs around its mask, and a number lies inside."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.draw.overlay import deepest_point, outline


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 999))
def test_the_outline_encloses_exactly_the_mask(height, width, seed):
    mask = np.random.default_rng(seed).random((height, width)) < 0.5
    pieces = outline(mask)
    crossings = np.zeros((height, width))  # walk left from each centre: inside after an odd number
    for (x1, y1), (x2, y2) in pieces:
        if x1 == x2:
            crossings[int(y1) : int(y2), int(x1) :] += 1
    assert ((crossings % 2 == 1) == mask).all()
    length = sum(abs(x2 - x1) + abs(y2 - y1) for (x1, y1), (x2, y2) in pieces)
    padded = np.pad(mask, 1).astype(int)
    assert length == abs(np.diff(padded, axis=0)).sum() + abs(np.diff(padded, axis=1)).sum()


def test_a_rings_number_lies_on_the_ring():
    y, x = np.mgrid[:40, :40] + 0.5
    radius = np.hypot(x - 20, y - 20)
    column, row = deepest_point((radius < 18) & (radius > 8))
    assert 11 < np.hypot(column - 20, row - 20) < 15


def test_the_deepest_point_of_a_large_mask_is_inside(monkeypatch):
    mask = np.zeros((60, 80), bool)
    mask[11:51, 20:79] = True
    monkeypatch.setattr("minseg.draw.overlay.MOST_MEASURED", 300)
    x, y = deepest_point(mask)
    assert abs(y - 31) <= 4 and 36 <= x <= 64 and mask[int(y), int(x)]
    thin = np.zeros((60, 80), bool)
    thin[7] = True  # between the rows that are looked at
    assert deepest_point(thin)[1] == 7.5

"""Bands of runs: those of the pixels, to the last one, whatever the masks and the width."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.masks.runs import Runs
from minseg.metrics.boundary import boundary_of
from minseg.metrics.boundary_runs import boundary_runs


@settings(deadline=None, max_examples=200)
@given(
    st.integers(0, 4),
    st.integers(1, 16),
    st.integers(1, 16),
    st.floats(0, 1),
    st.floats(0.01, 0.7),
    st.integers(0, 999),
)
def test_equals_the_bands_of_pixels(n, height, width, holes, ratio, seed):
    """Rectangles that touch the frame and each other's numbers, with holes; noise; nothing."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((n, height, width), dtype=bool)
    for mask in masks:
        y, x = np.sort(rng.integers(0, height + 1, 2)), np.sort(rng.integers(0, width + 1, 2))
        mask[y[0] : y[1], x[0] : x[1]] = True
    masks &= rng.random(masks.shape) >= holes * rng.choice([0, 0.05, 1], (n, 1, 1))
    pixels = boundary_of(torch.from_numpy(masks), dilation_ratio=ratio)
    bands = boundary_runs(Runs.of_masks(torch.from_numpy(masks)), dilation_ratio=ratio)
    assert torch.equal(bands.masks(), pixels)
    assert np.array_equal(bands.edges, Runs.of_masks(pixels).edges)  # no two runs that touch
    assert bands.first.tolist() == Runs.of_masks(pixels).first.tolist()


def test_a_large_image_costs_what_its_outlines_cost():
    """A square of 9000 in a picture of 2 · 10^9 pixels: its band is as wide as 2 % say, 1301."""
    side, height = 9000, 46_000
    begin = np.arange(side) * height + 100
    square = Runs((height, height), [np.stack([begin, begin + side], axis=1).ravel()])
    assert boundary_runs(square).areas().item() == side**2 - (side - 2 * 1301) ** 2


def test_says_what_it_needs():
    with pytest.raises(ValueError, match="dilation_ratio must be a positive number, got 0"):
        boundary_runs(Runs((2, 2), []), dilation_ratio=0)

"""B-splines: equal to scipy's, the best fit, and an error of h⁴ where smooth, h at corners."""

import math

import numpy as np
import pytest
import torch
from helpers.outlines import SQUARE, assert_ring_comes_back, awkward_masks, smooth_curve
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from minseg.masks import (
    bspline_basis,
    fit_bspline,
    from_bspline,
    from_bspline_loop,
    resample,
)

CONTROLS = torch.rand(7, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 50


def error(polygon, controls):
    decoded = from_bspline(fit_bspline(polygon, controls), 512)
    return (decoded - resample(polygon, 512)).norm(dim=1).max().item()


def test_by_hand():
    """Four controls on a square of side 48, two points on each segment: at t = 0 the weights are
    1/6, 4/6, 1/6, at t = ½ they are 1/48, 23/48, 23/48, 1/48."""
    controls = torch.tensor([[0.0, 0], [48, 0], [48, 48], [0, 48]])
    curve = [[8, 8], [24, 2], [40, 8], [46, 24], [40, 40], [24, 46], [8, 40], [2, 24]]
    for function in (from_bspline_loop, from_bspline):
        assert np.allclose(function(controls, 8).numpy(), curve, atol=1e-12), function


@settings(deadline=None, max_examples=40)
@given(st.integers(4, 9), st.integers(1, 40), st.integers(0, 999))
def test_equals_the_definition(controls, samples, seed):
    points = np.random.default_rng(seed).random((controls, 2)) * 40
    fast, slow = from_bspline(points, samples), from_bspline_loop(points, samples)
    torch.testing.assert_close(fast, slow, atol=1e-12, rtol=0)


@pytest.mark.parametrize("controls", [4, 5, 7, 12])
def test_equals_scipy(controls):
    """A periodic spline: as many knots before and after as a cubic reaches."""
    points = np.random.default_rng(controls).random((controls, 2)) * 40
    wrapped = points[np.arange(-1, controls + 2) % controls]  # P_-1 first: segment 0 begins with it
    spline = BSpline(np.arange(-3, controls + 4), wrapped, 3)
    expected = spline(np.arange(97) * controls / 97)
    assert np.allclose(from_bspline(points, 97).numpy(), expected, atol=1e-12)


def test_weights_sum_to_one_and_are_never_negative():
    t = torch.linspace(0, 1, 101, dtype=torch.float64)
    basis = bspline_basis(t)
    assert basis.shape == (101, 4) and (basis >= 0).all()
    torch.testing.assert_close(basis.sum(dim=1), torch.ones_like(t))
    torch.testing.assert_close(basis[0], torch.tensor([1, 4, 1, 0], dtype=torch.float64) / 6)
    torch.testing.assert_close(basis[-1, 1:], basis[0, :3])  # the next segment goes on from there


def test_affine_maps_of_controls_and_curve_are_one():
    matrix = torch.tensor([[1.5, -0.7], [0.2, 2.0]], dtype=torch.float64)
    shift = torch.tensor([30.0, -5], dtype=torch.float64)
    moved = from_bspline(CONTROLS @ matrix + shift, 90)
    torch.testing.assert_close(moved, from_bspline(CONTROLS, 90) @ matrix + shift)


def test_curvature_is_continuous_where_segments_meet():
    """Third differences of a cubic's samples are h³ times its third derivative: all small."""
    step = 7 / 7000
    second = from_bspline(CONTROLS, 7000)
    for _ in range(2):
        second = (second.roll(-1, 0) - second) / step
    jumps = (second.roll(-1, 0) - second).abs().max()
    assert jumps < 4 * step * 300  # a jump of the second derivative would be of the order of 50


def test_a_control_moves_four_segments():
    pushed = CONTROLS.clone()
    pushed[3] += 10
    moved = (from_bspline(pushed, 700) != from_bspline(CONTROLS, 700)).any(dim=1).nonzero()
    assert moved.min() == 101 and moved.max() == 499  # 100 samples for each segment: 1 … 5


def test_fit_is_the_best():
    """No control can be moved to come nearer, and a curve that is a spline comes back."""
    points = resample(SQUARE, 512)
    best = fit_bspline(SQUARE, 9)
    least = (from_bspline(best, 512) - points).square().sum()
    for seed in range(20):
        nudge = torch.randn(
            9, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
        )
        assert (from_bspline(best + 0.01 * nudge, 512) - points).square().sum() > least
    ring = torch.tensor([[math.cos(a), math.sin(a)] for a in np.arange(8) * math.pi / 4])
    curve = from_bspline(ring * 30, 4096)  # symmetric, so nearly even in arclength
    torch.testing.assert_close(fit_bspline(curve, 8), ring.double() * 30, atol=0.02, rtol=0)


def test_error_of_a_smooth_curve_and_of_corners():
    smooth = [error(smooth_curve(4000), controls) for controls in (12, 24, 48, 96)]
    assert smooth == pytest.approx([1.19, 0.466, 0.0685, 0.00386], rel=0.02)
    assert smooth[2] / smooth[3] > 2**4 * 0.9  # O(h⁴), once segments are shorter than its bends
    corners = [error(SQUARE, controls) for controls in (16, 32, 64, 128)]
    assert corners == pytest.approx([2.83, 1.41, 0.69, 0.325], rel=0.02)  # O(h)


def test_more_controls_than_samples():
    few = from_bspline(fit_bspline(SQUARE, 40, samples=5), 512)
    assert (few - resample(SQUARE, 512)).norm(dim=1).max() < 2 and error(SQUARE, 300) < 0.2


@pytest.mark.parametrize("mask", awkward_masks().values(), ids=awkward_masks())
def test_round_trip_of_awkward_masks(mask):
    assert_ring_comes_back(mask, lambda ring: from_bspline(fit_bspline(ring, 40)))


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("controls must be 4 or more", lambda: fit_bspline(SQUARE, 3)),
        ("needs a point", lambda: fit_bspline(SQUARE[:0], 6)),
        ("finite", lambda: fit_bspline(SQUARE / 0, 6)),
        ("needs 4 controls and a sample or more, got 3 and 256",
         lambda: from_bspline(CONTROLS[:3])),
        ("got 7 and 0", lambda: from_bspline(CONTROLS, 0)),
        (r"controls must be \(n, 2\) points", lambda: from_bspline(CONTROLS.flatten())),
    ],
)  # fmt: skip
def test_says_what_it_needs(words, call):
    with pytest.raises(ValueError, match=words):
        call()

"""Fourier descriptors: exact where the curve has K terms, O(1/K) at corners, free of pose."""

import cmath
import math

import numpy as np
import pytest
import torch
from helpers.outlines import SQUARE, TERMS, assert_ring_comes_back, awkward_masks, smooth_curve
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.masks import (
    fourier_descriptor,
    from_fourier,
    from_fourier_loop,
    normalise,
    resample,
)


def error(polygon, harmonics):
    """The largest distance of a point, even in arclength, from the point that decodes it."""
    decoded = from_fourier(fourier_descriptor(polygon, harmonics), 512)
    return (decoded - resample(polygon, 512)).norm(dim=1).max().item()


def test_resample_is_even_and_stays_on_the_curve():
    uneven = torch.tensor([[0.0, 0], [8, 0], [8, 1], [8, 3], [8, 4], [0, 4], [0, 4]])
    points = resample(uneven, 12)
    assert points.tolist() == [
        [0, 0], [2, 0], [4, 0], [6, 0], [8, 0], [8, 2],
        [8, 4], [6, 4], [4, 4], [2, 4], [0, 4], [0, 2],
    ]  # fmt: skip
    assert resample(uneven.numpy()[:1], 3).tolist() == [[0, 0]] * 3
    steps = (resample(smooth_curve(900), 300).roll(-1, 0) - resample(smooth_curve(900), 300)).norm(
        dim=1
    )
    assert steps.max() / steps.min() < 1.01


def test_by_hand():
    """c_-1 = 1, c_0 = 6 + 4i, c_1 = 3: an ellipse about (6, 4) with half axes 4 and 2."""
    descriptor = torch.tensor([1, 6 + 4j, 3])
    outline = [[10, 4], [6, 6], [2, 4], [6, 2]]  # t = 0, ¼, ½, ¾
    for function in (from_fourier_loop, from_fourier):
        assert np.allclose(function(descriptor, 4).numpy(), outline, atol=1e-12), function


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 6), st.integers(1, 30), st.integers(0, 999))
def test_equals_the_definition(harmonics, samples, seed):
    generator = torch.Generator().manual_seed(seed)
    real, imaginary = torch.randn(2, 2 * harmonics + 1, generator=generator, dtype=torch.float64)
    descriptor = torch.complex(real, imaginary)
    fast, slow = from_fourier(descriptor, samples), from_fourier_loop(descriptor, samples)
    torch.testing.assert_close(fast, slow, atol=1e-12, rtol=0)


def test_coefficients_of_a_known_curve():
    """Written as a sum of circles, read back as the same sum."""
    descriptor = fourier_descriptor(smooth_curve(64), 8, samples=None)
    expected = [{0: 128 + 128j, **TERMS}.get(k, 0) for k in range(-8, 9)]
    assert descriptor.dtype == torch.complex128
    assert np.allclose(descriptor.numpy(), expected, atol=1e-12)


def test_exact_with_as_many_harmonics_as_the_curve_has():
    """In the curve's own parameter; and read at other points than it was written from."""
    curve = smooth_curve(600)
    exact = fourier_descriptor(curve, 6, samples=None)
    torch.testing.assert_close(from_fourier(exact, 600), curve, atol=1e-10, rtol=0)
    torch.testing.assert_close(from_fourier(exact, 300), curve[::2], atol=1e-10, rtol=0)
    fewer = from_fourier(fourier_descriptor(curve, 5, samples=None), 600)
    assert (fewer - curve).norm(dim=1).max() == pytest.approx(2.5, abs=0.01)  # 1.5 + 1 is left out


def test_by_arclength_a_smooth_curve_has_more_terms_that_fall_fast():
    curve = smooth_curve(4000)
    errors = [error(curve, harmonics) for harmonics in (6, 12, 24, 48)]
    assert errors == pytest.approx([1.25, 0.318, 0.0287, 0.00066], rel=0.02)


def test_a_corner_costs_one_over_k():
    """A square of side 100."""
    errors = [error(SQUARE, harmonics) for harmonics in (4, 8, 16, 32)]
    assert errors == pytest.approx([7.0, 3.6, 1.8, 0.9], abs=0.05)
    descriptor = fourier_descriptor(SQUARE, 200)
    orders = torch.arange(-200, 201)
    for harmonics, measured in zip((4, 8, 16, 32), errors, strict=True):
        left_out = descriptor[orders.abs() > harmonics].abs().sum().item()
        assert 0.8 * left_out < measured < left_out + 0.3  # beyond 200, a little is left out too


def test_more_harmonics_than_points():
    descriptor = fourier_descriptor(SQUARE, 300, samples=16)
    assert descriptor.shape == (601,)
    decoded = from_fourier(descriptor, 601)
    torch.testing.assert_close(decoded, resample(SQUARE, 601), atol=1e-9, rtol=0)
    with pytest.raises(ValueError, match="polygon has 4 points, K = 2 needs 5"):
        fourier_descriptor(SQUARE, 2, samples=None)


def test_direction_does_not_matter():
    curve = smooth_curve(128)
    backwards = torch.cat([curve[:1], curve[1:].flip(0)])
    torch.testing.assert_close(fourier_descriptor(backwards, 9), fourier_descriptor(curve, 9))


def pose(polygon, scale, angle, shift):
    z = torch.view_as_complex(polygon) * cmath.rect(scale, angle) + shift
    return torch.view_as_real(z)


@settings(deadline=None)
@given(
    st.floats(0.1, 10), st.floats(-4, 4), st.complex_numbers(max_magnitude=500), st.integers(0, 511)
)
def test_normalised_descriptor_is_free_of_pose_and_start(scale, angle, shift, start):
    curve = resample(smooth_curve(2000), 512)
    moved = pose(curve, scale, angle, shift).roll(start, 0)
    one, other = (normalise(fourier_descriptor(c, 8, samples=None)) for c in (curve, moved))
    torch.testing.assert_close(one, other, atol=1e-9, rtol=0)
    assert one[8] == 0 and one[9].abs().item() == pytest.approx(1)  # c_0, c_1


@pytest.mark.parametrize("m", [-4, -2, -1, 2, 3, 5])
def test_every_start_of_a_symmetric_pair(m):
    """Two coefficients alone: |m - 1| starts look alike, a third tells them apart."""
    t = 2 * math.pi * torch.arange(256, dtype=torch.float64) / 256
    z = 10 * torch.exp(1j * t) + 2 * torch.exp(1j * (m * t + 1)) + 0.5 * torch.exp(4j * t)
    curve = torch.view_as_real(z)
    expected = normalise(fourier_descriptor(curve, 6, samples=None))
    for start in range(0, 256, 23):
        turned = normalise(fourier_descriptor(curve.roll(start, 0), 6, samples=None))
        torch.testing.assert_close(turned, expected, atol=1e-9, rtol=0)
    assert expected[6 + m].real > 0 and expected[6 + m].imag.abs() < 1e-9


def test_normalise_keeps_the_shape():
    descriptor = fourier_descriptor(smooth_curve(256), 8)
    kept = normalise(descriptor)
    sizes = descriptor.abs() / descriptor[9].abs()
    sizes[8] = 0
    torch.testing.assert_close(kept.abs(), sizes)
    circle = torch.tensor([0, 5, 3j], dtype=torch.complex128)
    assert normalise(circle).tolist() == [0, 0, 1]
    assert circle.tolist() == [0, 5, 3j]  # the argument is left alone


@pytest.mark.parametrize("mask", awkward_masks().values(), ids=awkward_masks())
def test_round_trip_of_awkward_masks(mask):
    assert_ring_comes_back(mask, lambda ring: from_fourier(fourier_descriptor(ring, 20)))


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("harmonics must be 0 or more, got -1", lambda: fourier_descriptor(SQUARE, -1)),
        (r"polygon must be \(n, 2\)", lambda: fourier_descriptor(SQUARE[0], 3)),
        ("finite", lambda: fourier_descriptor(SQUARE * math.nan, 3)),
        ("needs a point and a count of 1, got 0 and 512",
         lambda: fourier_descriptor(SQUARE[:0], 3)),
        (r"descriptor must be \(2K \+ 1,\), got \(4,\)", lambda: from_fourier(torch.ones(4))),
        ("samples must be 1 or more", lambda: from_fourier(torch.ones(3), 0)),
        ("K of at least 1", lambda: normalise(torch.ones(1))),
        ("c_1 that is not 0", lambda: normalise(torch.tensor([1, 0, 0j]))),
    ],
)  # fmt: skip
def test_says_what_it_needs(words, call):
    with pytest.raises(ValueError, match=words):
        call()

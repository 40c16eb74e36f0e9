"""Outlines against closed forms: areas, tight boxes, and that rotation happens."""

from math import hypot, pi, sin, tan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.data.scenes.shapes import THINGS, direction, make_shape

KINDS = [*THINGS.values(), "coin"]
STEP = 0.25


def sampled(shape):
    """Sample points of a window around a shape, and which of them it covers."""
    axis = np.arange(-40, 40, STEP) + STEP / 2
    x, y = axis[None, :], axis[:, None]
    return x, y, shape.covers(x, y)


def closed_form(kind, shape):
    if kind == "disc":
        return pi * shape.reach[0] ** 2
    if kind == "ring":
        return pi * (shape.reach[0] ** 2 - shape.inner**2)
    xs, ys = np.array(shape.corners).T
    if kind == "star":  # the corners follow the pentagram, whose edges are 2 R sin 72° long
        radius = hypot(xs[1] - xs[0], ys[1] - ys[0]) / (2 * sin(2 * pi / 5))
        return 10 * tan(pi / 10) / (3 - tan(pi / 10) ** 2) * radius**2
    return abs(np.sum(xs * np.roll(ys, -1) - np.roll(xs, -1) * ys)) / 2  # shoelace


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(list(THINGS.values())), st.integers(0, 999), st.floats(20, 60))
def test_area_is_the_closed_form(kind, seed, size):
    shape = make_shape(kind, size, np.random.default_rng(seed))
    covered = sampled(shape)[2].sum() * STEP**2
    assert covered == pytest.approx(closed_form(kind, shape), rel=0.03)


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(KINDS), st.integers(0, 999), st.floats(10, 60))
def test_size_is_the_longer_side_of_the_box(kind, seed, size):
    shape = make_shape(kind, size, np.random.default_rng(seed))
    x, y, covered = sampled(shape)
    right, bottom = x[0][covered.any(axis=0)], y[:, 0][covered.any(axis=1)]
    extent = (np.ptp(right) + STEP, np.ptp(bottom) + STEP)
    if kind == "coin":  # worn, so not exactly
        assert 0.75 * size < max(extent) < 1.15 * size
    else:  # a sharp tip may slip between samples
        assert size - 5 * STEP < max(extent) <= size + 2 * STEP
    assert max(extent) / 2 <= max(shape.reach) + STEP


@pytest.mark.parametrize("kind", ["box", "triangle", "star"])
def test_shapes_are_turned_at_random(kind):
    shapes = [make_shape(kind, 40, np.random.default_rng(seed)) for seed in range(20)]
    assert len({shape.corners for shape in shapes}) == 20


def test_directions_are_unit_vectors_in_all_quadrants():
    rng = np.random.default_rng(0)
    vectors = np.array([direction(rng) for _ in range(200)])
    assert np.allclose((vectors**2).sum(axis=1), 1)
    assert len({tuple(v > 0) for v in vectors}) == 4

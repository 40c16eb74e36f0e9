"""Signed distances: equal to all pairs, exact on straight borders, bounded round corners."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import interpolate

from minseg.masks import (
    from_signed_distance,
    interpolate_shapes,
    signed_distance,
    signed_distance_loop,
)

CORNER = (math.sqrt(2) - 1) / 2


def random_mask(height, width, density, seed):
    return torch.rand(height, width, generator=torch.Generator().manual_seed(seed)) < density


def disc(size, radius, x=None, y=None):
    """(size, size) bool, by pixel centres."""
    centre = torch.arange(size) + 0.5
    x, y = (size / 2 if x is None else x), (size / 2 if y is None else y)
    return (centre[None] - x) ** 2 + (centre[:, None] - y) ** 2 <= radius**2


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(st.integers(1, 9), st.integers(1, 9), st.floats(0, 1), st.integers(0, 999))
def test_equals_the_definition(height, width, density, seed):
    """Empty, full and one-row masks, and those that touch the frame, are among these."""
    mask = random_mask(height, width, density, seed)
    distance = signed_distance(mask)
    assert distance.dtype == torch.float32
    torch.testing.assert_close(distance, signed_distance_loop(mask), atol=1e-5, rtol=0)
    assert torch.equal(from_signed_distance(distance), mask)
    torch.testing.assert_close(signed_distance(~mask), -distance, atol=0, rtol=0)


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 9), st.integers(2, 9), st.floats(0.1, 0.9), st.integers(0, 999))
def test_error_to_the_staircase(height, width, density, seed):
    """Never below the distance to the nearest square of the other kind; at most 0.21 above."""
    mask = random_mask(height, width, density, seed)
    if mask.all() or not mask.any():
        return
    for i in range(height):
        for j in range(width):
            rows, columns = (mask != mask[i, j]).nonzero(as_tuple=True)
            dy, dx = ((rows - i).abs() - 0.5).clamp(min=0), ((columns - j).abs() - 0.5).clamp(min=0)
            excess = signed_distance(mask)[i, j].abs() - torch.hypot(dx, dy).min()
            assert -1e-5 <= excess <= CORNER + 1e-5


def test_straight_borders_and_the_frame():
    mask = torch.zeros(4, 6, dtype=torch.bool)
    mask[:, :2] = True  # touches three sides of the frame, none of which is an outline
    expected = torch.tensor([1.5, 0.5, -0.5, -1.5, -2.5, -3.5]).expand(4, 6)
    assert torch.equal(signed_distance(mask), expected)
    assert torch.equal(signed_distance(mask.T), expected.T)


def test_the_bound_is_reached_at_a_corner():
    mask = torch.zeros(6, 6, dtype=torch.bool)
    mask[3:, 3:] = True
    assert signed_distance(mask)[2, 2].item() == pytest.approx(0.5 - math.sqrt(2))
    assert math.sqrt(2) - 0.5 - math.sqrt(0.5) == pytest.approx(CORNER)  # its corner touches ours


def test_empty_full_and_truncated():
    masks = torch.zeros(3, 2, 4, 5, dtype=torch.bool)  # (..., H, W)
    masks[1], masks[2, :, :, 3:] = True, True
    distance, cut = signed_distance(masks), signed_distance(masks, truncate=2)
    assert (distance[0] == -math.inf).all() and (distance[1] == math.inf).all()
    assert (cut[0] == -2).all() and (cut[1] == 2).all()
    assert cut[2, 1, 3].tolist() == [-2, -1.5, -0.5, 0.5, 1.5]
    assert signed_distance(masks[:0]).shape == (0, 2, 4, 5)
    assert signed_distance(torch.zeros(0, 5, dtype=torch.bool)).shape == (0, 5)


def test_survives_a_coarse_grid_better_than_the_mask():
    """Eight times coarser and back: the zero crossing between pixels is kept."""
    mask = disc(256, 90.3, 120.7, 131.2)
    again = {}
    for name, values in {"mask": mask.float(), "sdf": signed_distance(mask)}.items():
        mode = "nearest-exact" if name == "mask" else "bilinear"
        small = interpolate(values[None, None], scale_factor=1 / 8, mode=mode)
        large = interpolate(small, scale_factor=8, mode=mode)[0, 0]
        found = from_signed_distance(large)
        again[name] = (found & mask).sum().item() / (found | mask).sum().item()
    assert again["sdf"] > 0.99 and 1 - again["mask"] > 5 * (1 - again["sdf"])


def test_a_disc_between_discs():
    small, large = disc(64, 8), disc(64, 24)
    assert torch.equal(interpolate_shapes(small, large, 0), small)
    assert torch.equal(interpolate_shapes(small, large, 1), large)
    for t in (0.25, 0.5, 0.75):
        radius = math.sqrt(interpolate_shapes(small, large, t).sum().item() / math.pi)
        assert radius == pytest.approx(8 + 16 * t, abs=0.3)


def test_nothing_between_shapes_far_apart():
    left, right = disc(64, 5, x=10), disc(64, 5, x=54)
    assert not interpolate_shapes(left, right, 0.5).any()


MASK = disc(6, 2)


@pytest.mark.parametrize(
    ("error", "words", "call"),
    [
        (
            TypeError,
            "masks must be a bool tensor, got torch.int64",
            lambda: signed_distance(MASK * 1),
        ),
        (
            TypeError,
            "masks must be a bool tensor, got ndarray",
            lambda: signed_distance(MASK.numpy()),
        ),
        (ValueError, r"masks must be \(..., H, W\), got \(6,\)", lambda: signed_distance(MASK[0])),
        (ValueError, "truncate must be a positive", lambda: signed_distance(MASK, truncate=0)),
        (ValueError, "truncate must be a pos", lambda: signed_distance(MASK, truncate=math.nan)),
        (TypeError, "distance must be a float", lambda: from_signed_distance(MASK)),
        (ValueError, "distance must be free of NaN", lambda: from_signed_distance(MASK * math.nan)),
        (
            ValueError,
            "b must be .* empty or full",
            lambda: interpolate_shapes(MASK, ~MASK & MASK, 0),
        ),
        (ValueError, "one shape, got", lambda: interpolate_shapes(MASK, MASK[1:], 0)),
        (ValueError, "t must be between 0 and 1", lambda: interpolate_shapes(MASK, MASK, 1.5)),
        (TypeError, "a must be a bool", lambda: interpolate_shapes(MASK * 1.0, MASK, 0.5)),
    ],
)
def test_says_what_it_needs(error, words, call):
    with pytest.raises(error, match=words):
        call()

"""Surface distances: equal to medpy, to all pairs of pixels, to closed forms."""

import math

import pytest
import torch
from helpers.peers import case_paths, load, name
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.metrics import (
    average_symmetric_surface_distance,
    hausdorff_distance,
    surface_distances,
)


@pytest.mark.parametrize("connectivity", [1, 2])
@pytest.mark.parametrize("path", case_paths("surface_distance"), ids=name)
def test_peer_cases(path, connectivity):
    case, meta = load(path)
    expected = meta["results"][f"medpy_connectivity{connectivity}"]
    options = {"spacing": tuple(meta["spacing"]), "connectivity": connectivity}
    masks = case["pred"], case["gt"]
    measured = {
        "assd": average_symmetric_surface_distance(*masks, pooled=True, **options),
        "hd": hausdorff_distance(*masks, **options),
        "hd95": hausdorff_distance(*masks, percentile=95, **options),
    }
    if "raises" in expected:  # one mask is empty: medpy refuses what is infinite here
        assert set(measured.values()) == {math.inf}
        return
    for metric, value in measured.items():
        assert value == pytest.approx(expected[metric], abs=1e-10)
    there, back = (d.mean().item() for d in surface_distances(*masks, **options))
    assert there == pytest.approx(expected["asd_pred_to_gt"], abs=1e-10)
    assert back == pytest.approx(expected["asd_gt_to_pred"], abs=1e-10)
    average = average_symmetric_surface_distance(*masks, **options)
    assert average == pytest.approx((there + back) / 2, abs=1e-10)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 8),
    st.integers(1, 8),
    st.sampled_from([1, 2]),
    st.sampled_from([(1, 1), (2.5, 0.5)]),
    st.integers(0, 999),
)
def test_equals_all_pairs(height, width, connectivity, spacing, seed):
    """The definition: surface pixels found one by one, each compared with each."""
    a, b = torch.rand(2, height, width, generator=torch.Generator().manual_seed(seed)) < 0.6
    pairs = torch.cdist(points(a, connectivity, spacing), points(b, connectivity, spacing))
    distances = surface_distances(a, b, spacing=spacing, connectivity=connectivity)
    for k, measured in enumerate(distances):
        far = torch.full((pairs.shape[k],), math.inf, dtype=torch.float64)
        nearest = pairs.amin(dim=1 - k) if pairs.numel() else far
        torch.testing.assert_close(measured, nearest, atol=1e-6, rtol=0)


def points(mask, connectivity, spacing):
    """(n, 2) centres of the pixels that lack a neighbour."""
    height, width = mask.shape
    found = []
    for i, j in mask.nonzero().tolist():
        steps = [(di, dj) for di in (-1, 0, 1) for dj in (-1, 0, 1)]
        near = [(i + di, j + dj) for di, dj in steps if abs(di) + abs(dj) <= connectivity]
        if not all(0 <= r < height and 0 <= c < width and mask[r, c] for r, c in near):
            found.append((i * spacing[0], j * spacing[1]))
    return torch.tensor(found, dtype=torch.float64).reshape(-1, 2)


def test_two_definitions_of_the_average():
    """One pixel against a bar of 21: the mean of the means is 5, pooled it is 9.5."""
    one, bar = torch.zeros(2, 9, 30, dtype=torch.bool)
    one[4, 5], bar[4, 5:26] = True, True
    there, back = surface_distances(one, bar)
    assert there.tolist() == [0] and back.tolist() == list(range(21))
    assert average_symmetric_surface_distance(one, bar) == 5.0
    assert average_symmetric_surface_distance(one, bar, pooled=True) == pytest.approx(210 / 22)
    assert hausdorff_distance(one, bar) == 20
    assert hausdorff_distance(one, bar, percentile=50) == 9.5


def test_spacing_is_row_then_column():
    a, b = torch.zeros(2, 9, 9, dtype=torch.bool)
    a[1, 1], b[4, 5] = True, True
    assert hausdorff_distance(a, b) == 5
    assert hausdorff_distance(a, b, spacing=(4, 1)) == pytest.approx(math.hypot(12, 4))


def test_empty_masks():
    some, none = torch.ones(4, 5, dtype=torch.bool), torch.zeros(4, 5, dtype=torch.bool)
    for metric in (average_symmetric_surface_distance, hausdorff_distance):
        assert metric(none, none) == 0
        assert metric(some, none) == metric(none, some) == math.inf
    there, back = surface_distances(some, none)
    assert there.tolist() == [math.inf] * 14 and back.shape == (0,)


MASK = torch.ones(4, 5, dtype=torch.bool)


@pytest.mark.parametrize(
    ("error", "words", "a", "b", "options"),
    [
        (TypeError, "b must be a bool tensor, got torch.float32", MASK, MASK * 1.0, {}),
        (TypeError, "a must be a bool tensor, got ndarray", MASK.numpy(), MASK, {}),
        (ValueError, r"a must be \(H, W\), got \(1, 4, 5\)", MASK[None], MASK, {}),
        (ValueError, r"one shape, got \(4, 5\) and \(5, 4\)", MASK, MASK.T, {}),
        (ValueError, "spacing must be two positive", MASK, MASK, {"spacing": (1, 0)}),
        (ValueError, "spacing must be two positive", MASK, MASK, {"spacing": (1, 1, 1)}),
        (ValueError, "connectivity must be 1", MASK, MASK, {"connectivity": 8}),
        (ValueError, "percentile must be between 0 and 100", MASK, MASK, {"percentile": 101}),
    ],
)
def test_says_what_it_needs(error, words, a, b, options):
    with pytest.raises(error, match=words):
        hausdorff_distance(a, b, **options)

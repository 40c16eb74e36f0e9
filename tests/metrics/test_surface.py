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
from minseg.metrics.surface import surface_distances_loop


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


def test_by_hand():
    """Two masks of 4 × 8 pixels: the surface of a is all but its middle, and how far it is to b."""
    a = torch.tensor([[0, 1, 1, 1, 0, 0, 0, 0],
                      [0, 1, 1, 1, 0, 0, 0, 0],
                      [0, 1, 1, 1, 0, 0, 0, 0],
                      [0, 0, 0, 0, 0, 0, 0, 0]]).bool()  # fmt: skip
    b = torch.tensor([[0, 0, 0, 0, 0, 0, 0, 0],
                      [0, 0, 0, 0, 0, 0, 1, 0],
                      [0, 0, 0, 0, 0, 0, 0, 0],
                      [0, 0, 0, 0, 0, 0, 0, 0]]).bool()  # fmt: skip
    to_b = [26**0.5, 17**0.5, 10**0.5,
            25**0.5,           9**0.5,
            26**0.5, 17**0.5, 10**0.5]  # fmt: skip
    for function in (surface_distances_loop, surface_distances):
        there, back = function(a, b)
        assert there.tolist() == pytest.approx(to_b) and back.tolist() == [3], function


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 8),
    st.integers(1, 8),
    st.sampled_from([1, 2]),
    st.sampled_from([(1, 1), (2.5, 0.5)]),
    st.integers(0, 999),
)
def test_equals_the_definition(height, width, connectivity, spacing, seed):
    """Surface pixels found one by one, each compared with each; empty masks are among these."""
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.rand(2, height, width, generator=generator) < 0.6
    options = {"spacing": spacing, "connectivity": connectivity}
    fast, slow = surface_distances(a, b, **options), surface_distances_loop(a, b, **options)
    for measured, due in zip(fast, slow, strict=True):
        torch.testing.assert_close(measured, due, atol=1e-12, rtol=0)


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

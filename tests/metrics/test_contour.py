"""Distances along outlines: equal to DeepMind's tool, and lengths that can be checked by hand."""

import math

import pytest
import torch
from peers import case_paths, load, name

from minseg.metrics.contour import (
    average_contour_distance,
    contour_distances,
    contour_hausdorff,
    contour_lengths,
)


@pytest.mark.parametrize("path", case_paths("surface_distance"), ids=name)
def test_peer_cases(path):
    case, meta = load(path)
    expected = meta["results"]["deepmind"]
    a, b, spacing = case["gt"], case["pred"], tuple(meta["spacing"])
    (there, length_a), (back, length_b) = contour_distances(a, b, spacing=spacing)
    assert (len(there), len(back)) == (expected["n_surfels_gt"], expected["n_surfels_pred"])
    assert length_a.sum().item() == pytest.approx(expected["contour_length_gt"], abs=1e-9)
    assert length_b.sum().item() == pytest.approx(expected["contour_length_pred"], abs=1e-9)
    for percentile in (100, 95):
        value = contour_hausdorff(a, b, percentile=percentile, spacing=spacing)
        assert value == float(expected[f"hausdorff_{percentile}"])
    mean, pooled = (
        average_contour_distance(a, b, spacing=spacing, pooled=pooled) for pooled in (False, True)
    )
    assert pooled == pytest.approx(float(expected["pooled"]), abs=1e-9)
    if b.any():  # the tool's own mean of an empty outline is 0/0
        assert mean == pytest.approx(expected["mean_of_both"], abs=1e-9)


def test_lengths_follow_the_spacing():
    """A bar of 2 × 4, rows 3 apart and columns 1: sides of 3 and 3 · 1, four cut corners."""
    mask = torch.zeros(6, 8, dtype=torch.bool)
    mask[2:4, 3:7] = True
    lengths = contour_lengths(mask, (3, 1))
    assert lengths[2, 4] == 1 and lengths[3, 3] == 3 and lengths[3, 4] == 0
    assert lengths.sum() == pytest.approx(2 * 3 + 2 * 3 * 1 + 4 * math.hypot(3, 1) / 2)
    crossed = torch.eye(2, dtype=torch.bool)
    assert contour_lengths(crossed, (3, 1))[1, 1] == math.hypot(3, 1)


def test_the_frame_of_the_image_is_outline():
    full = torch.ones(3, 5, dtype=torch.bool)
    assert contour_lengths(full).sum() == pytest.approx(2 * 2 + 2 * 4 + 4 * math.sqrt(2) / 2)


def test_empty_masks():
    some, none = torch.ones(4, 5, dtype=torch.bool), torch.zeros(4, 5, dtype=torch.bool)
    for metric in (average_contour_distance, contour_hausdorff):
        assert metric(none, none) == 0
        assert metric(some, none) == metric(none, some) == math.inf


def test_says_what_it_needs():
    mask = torch.ones(4, 5, dtype=torch.bool)
    with pytest.raises(ValueError, match="one shape"):
        contour_distances(mask, mask.T)
    with pytest.raises(ValueError, match="spacing must be two positive"):
        contour_distances(mask, mask, spacing=(0, 1))
    with pytest.raises(ValueError, match="percentile must be between 0 and 100"):
        contour_hausdorff(mask, mask, percentile=-1)

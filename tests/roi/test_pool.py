"""RoI pooling: equal to its loop and to torchvision, gradients and ties included."""

import pytest
import torch
from helpers.peers import case_paths, load, name
from helpers.rois import BOX, rois_of
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.roi import roi_pool, roi_pool_loop


@pytest.mark.parametrize("path", case_paths("roi_pool"), ids=name)
def test_peer_cases(path):
    case, meta = load(path)
    features = case["input"].requires_grad_()
    out = roi_pool(features, case["rois"], meta["output_size"], meta["spatial_scale"])
    assert torch.equal(out, case["output"])
    out.backward(case["grad_output"])
    torch.testing.assert_close(features.grad, case["grad_input"], atol=1e-5, rtol=0)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(BOX, max_size=3),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.sampled_from([1.0, 0.5, 0.25]),
)
def test_equals_the_definition(boxes, shape, size, scale):
    features = torch.randn(1, 2, *shape, generator=torch.Generator().manual_seed(0))
    rois = rois_of(boxes)
    assert torch.equal(
        roi_pool(features, rois, size, scale), roi_pool_loop(features, rois, size, scale)
    )


MAP = torch.tensor([[[[1.0, 2, 9, 4], [5, 6, 7, 8], [3, 0, 1, 2]]]])
BY_HAND = {  # box x1, y1, x2, y2 and bins (rows, columns): the maximum of each bin
    (0, 0, 3, 1, 1, 2): [[6, 9]],  # ends are inclusive: columns 0-1 and 2-3 of rows 0-1
    (0, 0, 2, 2, 1, 1): [[9]],
    (0, 1, 2, 2, 2, 1): [[7], [3]],  # a row for each bin
    (0.4, 0.4, 2.6, 1.4, 1, 1): [[9]],  # rounded to columns 0-3 and rows 0-1
    (8, 8, 9, 9, 1, 2): [[0, 0]],  # beyond the map: empty bins
}


@pytest.mark.parametrize("function", [roi_pool, roi_pool_loop])
@pytest.mark.parametrize("case", BY_HAND, ids=str)
def test_by_hand(function, case):
    box, bins = case[:4], case[4:]
    assert function(MAP, torch.tensor([[0.0, *box]]), bins)[0, 0].tolist() == BY_HAND[case]


def test_bins_overlap_and_ends_are_inclusive():
    """Features k, box 0 … 4 in two bins: five pixels, and the middle one belongs to both."""
    features = torch.arange(8.0).expand(1, 1, 1, 8)
    out = roi_pool(-features, torch.tensor([[0, 0, 0, 4.0, 0]]), (1, 2))
    assert out.flatten().tolist() == [0, -2]  # bins 0-2 and 2-4: the largest are 0 and -2


def test_halves_round_away_from_zero():
    """0.5 and 2.5 become 1 and 3, where rounding to even would take 0 and 2."""
    features = torch.arange(6.0).expand(1, 1, 1, 6)
    assert roi_pool(features, torch.tensor([[0, 0.5, 0, 2.5, 0]]), 1).item() == 3
    assert roi_pool(-features, torch.tensor([[0, 0.5, 0, 2.5, 0]]), 1).item() == -1


def test_a_ramp_shows_the_bias():
    """On features f(x) = x, RoI pooling reads the far end of what it rounded, not the middle."""
    ramp = torch.arange(16.0).expand(1, 1, 16, 16)
    assert roi_pool(ramp, torch.tensor([[0, 3.2, 3.2, 7.2, 7.2]]), 1).item() == 7


def test_no_boxes_still_carry_gradients():
    features = torch.randn(1, 2, 5, 5, requires_grad=True)
    out = roi_pool(features, torch.zeros(0, 5), (3, 4))
    assert out.shape == (0, 2, 3, 4)
    out.sum().backward()
    assert features.grad is not None and not features.grad.any()


def test_says_what_it_needs():
    features, rois = torch.zeros(1, 1, 4, 4), torch.tensor([[0, 0, 0, 2.0, 2]])
    with pytest.raises(ValueError, match="spatial_scale must be positive, 1/stride, got -1"):
        roi_pool(features, rois, 2, -1)
    with pytest.raises(ValueError, match="batch index, must be a whole number from 0 to 0"):
        roi_pool(features, rois + 1, 2)

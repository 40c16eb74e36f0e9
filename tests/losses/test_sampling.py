"""Sampling: quotas, ties, duplicates, and the quantile that chooses too many."""

import numpy as np
import pytest
import torch
from helpers.seeded import seeded
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.losses import (
    above_quantile,
    hard_negatives,
    hard_negatives_loop,
    ohem,
    ohem_loop,
    sample_rois,
    sample_rois_loop,
)

# Candidates 0 to 5: positive, positive, positive, negative, negative, neither.
POSITIVE = torch.tensor([True, True, True, False, False, False])
NEGATIVE = torch.tensor([False, False, False, True, True, False])
PRIORITIES = torch.tensor([0.2, 0.6, 0.4, 0.1, 0.3, 0.9])
SAMPLED_BY_HAND = {
    #  count  fraction  positives  negatives
    (4, 0.5): ([1, 2], [3, 4]),
    (2, 0.5): ([1], [4]),  # the largest priorities
    (4, 0.0): ([], [3, 4]),  # few negatives: fewer than four in all
    (5, 1.0): ([0, 1, 2], [3, 4]),  # a cap is not a composition
    (3, 0.5): ([1], [3, 4]),  # a share of 1.5 is 1
}


@pytest.mark.parametrize("function", [sample_rois, sample_rois_loop])
@pytest.mark.parametrize(("count", "fraction"), SAMPLED_BY_HAND)
def test_sampling_by_hand(function, count, fraction):
    chosen, rest = function(POSITIVE, NEGATIVE, PRIORITIES, count=count, fraction=fraction)
    positives, negatives = SAMPLED_BY_HAND[count, fraction]
    assert chosen.nonzero()[:, 0].tolist() == positives
    assert rest.nonzero()[:, 0].tolist() == negatives


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 20), st.integers(1, 25), st.floats(0, 1), st.integers(0, 999))
def test_sampling_equals_the_definition(candidates, count, fraction, seed):
    kind = torch.randint(0, 3, (3, candidates), generator=seeded(seed))
    positive, negative = kind == 0, kind == 1
    priorities = torch.rand(3, candidates, generator=seeded(seed + 1))
    limits = {"count": count, "fraction": fraction}
    chosen, rest = sample_rois(positive, negative, priorities, **limits)
    for row in range(3):
        loop = sample_rois_loop(positive[row], negative[row], priorities[row], **limits)
        assert torch.equal(chosen[row], loop[0]) and torch.equal(rest[row], loop[1])


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 20), st.floats(0, 4), st.integers(0, 999))
def test_hard_negatives_equal_the_definition(candidates, ratio, seed):
    losses = torch.rand(3, candidates, generator=seeded(seed))
    positive = torch.rand(3, candidates, generator=seeded(seed + 1)) < 0.3
    fast = hard_negatives(losses, positive, ratio=ratio)
    for row in range(3):
        assert torch.equal(fast[row], hard_negatives_loop(losses[row], positive[row], ratio=ratio))


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 20), st.integers(1, 25), st.booleans(), st.booleans(), st.integers(0, 999))
def test_ohem_equals_the_definition(candidates, count, tied, with_boxes, seed):
    losses = torch.rand(candidates, generator=seeded(seed))
    losses = (losses * 4).round() if tied else losses
    corner = 20 * torch.rand(candidates, 2, generator=seeded(seed + 1))
    boxes = torch.cat([corner, corner + 10], dim=1) if with_boxes else None
    fast = ohem(losses, count, boxes=boxes, iou_threshold=0.3)
    assert torch.equal(fast, ohem_loop(losses, count, boxes=boxes, iou_threshold=0.3))


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 40), st.integers(1, 50), st.floats(0, 1), st.integers(0, 999))
def test_sample_keeps_its_quotas(candidates, count, fraction, seed):
    kind = torch.randint(0, 3, (4, candidates), generator=seeded(seed))
    positive, negative = kind == 0, kind == 1  # kind 2 is neither
    priorities = torch.rand(4, candidates, generator=seeded(seed + 1))
    chosen, rest = sample_rois(positive, negative, priorities, count=count, fraction=fraction)
    assert not (chosen & ~positive).any() and not (rest & ~negative).any()
    for row in range(4):
        p = min(int(positive[row].sum()), int(count * fraction))
        n = min(int(negative[row].sum()), count - p)
        assert (int(chosen[row].sum()), int(rest[row].sum())) == (p, n)
        if 0 < p < positive[row].sum():  # the largest priorities win, nothing else decides
            left = positive[row] & ~chosen[row]
            assert priorities[row][chosen[row]].min() > priorities[row][left].max()


def test_a_cap_is_not_a_composition():
    """Two positives and a quota of 8: the sample is 2 and 30, not 8 and 24."""
    positive = torch.zeros(100, dtype=torch.bool)
    positive[:2] = True
    priorities = torch.rand(100, generator=seeded(0))
    chosen, rest = sample_rois(positive, ~positive, priorities, count=32)
    assert (int(chosen.sum()), int(rest.sum())) == (2, 30)


@pytest.mark.parametrize("function", [hard_negatives, hard_negatives_loop])
def test_hard_negatives_by_hand(function):
    losses, positive = torch.tensor([9.0, 1, 5, 3, 4, 2]), torch.arange(6) == 0
    by_ratio = {0.0: [], 1.5: [2], 3.0: [2, 3, 4], 99.0: [1, 2, 3, 4, 5]}
    for ratio, chosen in by_ratio.items():  # never the positive, though its loss is largest
        assert function(losses, positive, ratio=ratio).nonzero()[:, 0].tolist() == chosen


def test_hard_negatives_are_the_largest_three_for_each_positive():
    losses = torch.tensor([[9.0, 1, 5, 3, 4, 2], [9.0, 1, 5, 3, 4, 2]])
    positive = torch.zeros(2, 6, dtype=torch.bool)
    positive[0, 0] = True
    chosen = hard_negatives(losses, positive)
    assert chosen[0].nonzero()[:, 0].tolist() == [2, 3, 4]  # not the positive, though it is largest
    assert not chosen[1].any()  # no positive, no negative
    assert hard_negatives(losses, positive, ratio=99)[0].sum() == 5  # all there are


@pytest.mark.parametrize("function", [ohem, ohem_loop])
def test_ohem_without_suppression_is_filled_by_one_object(function):
    """Ten boxes on one hard object, one on a medium one, one on an easy one."""
    offset = torch.arange(10.0)[:, None] * 0.1
    boxes = torch.cat([offset + torch.tensor([0.0, 0, 20, 20]),
                       torch.tensor([[40.0, 0, 60, 20], [80, 0, 100, 20]])])  # fmt: skip
    losses = torch.cat([2 + torch.arange(10.0) / 100, torch.tensor([1.0, 0.1])])
    assert function(losses, 3).tolist() == [9, 8, 7]
    assert function(losses, 3, boxes=boxes).tolist() == [9, 10, 11]


def test_ohem_counts_where_losses_are_equal():
    assert ohem(torch.ones(6), 2).tolist() == [0, 1]
    assert len(ohem(torch.ones(3), 5)) == 3
    assert not ohem(torch.ones(3, requires_grad=True), 2).is_floating_point()


@pytest.mark.parametrize("n", [10, 100, 512])
def test_linear_quantile_chooses_exactly_k(n):
    losses = torch.rand(n, generator=seeded(n), dtype=torch.float64)
    for k in (1, n // 4, n // 2, n - 1, n):
        chosen = above_quantile(losses, k)
        assert int(chosen.sum()) == k
        assert chosen.nonzero()[:, 0].tolist() == sorted(ohem(losses, k).tolist())
        threshold = np.quantile(losses.numpy(), 1 - k / n)
        assert torch.equal(chosen, losses >= threshold)


@settings(deadline=None, max_examples=200)
@given(
    st.integers(1, 40),
    st.data(),
    st.sampled_from(["linear", "lower", "higher", "nearest", "midpoint"]),
    st.booleans(),
    st.integers(0, 999),
)
def test_quantiles_choose_as_numpys_do(n, data, method, tied, seed):
    k = data.draw(st.integers(1, n))
    losses = torch.rand(n, generator=seeded(seed))
    losses = (losses * 5).round() if tied else losses
    threshold = np.quantile(losses.double().numpy(), 1 - k / n, method=method)
    assert torch.equal(above_quantile(losses, k, method=method), losses.double() >= threshold)


def test_quantiles_need_no_double(monkeypatch):
    """Neighbours in float32, between which it has nothing."""
    losses = torch.tensor([1.0, torch.nextafter(torch.tensor(1.0), torch.tensor(2.0))])
    monkeypatch.setattr(torch.Tensor, "double", None)
    assert above_quantile(losses, 1).tolist() == [False, True]
    assert above_quantile(losses.half(), 1).tolist() == [True, True]


def test_other_quantiles_choose_one_more_and_ties_all():
    losses = torch.rand(512, generator=seeded(1), dtype=torch.float64)
    assert int(above_quantile(losses, 128, method="lower").sum()) == 129
    assert int(above_quantile(losses, 128, method="nearest").sum()) == 129
    tied = (losses * 10).round()
    assert int(above_quantile(tied, 128).sum()) > 128 == len(ohem(tied, 128))


def test_says_what_it_needs():
    flags, losses = torch.zeros(3, dtype=torch.bool), torch.zeros(3)
    with pytest.raises(ValueError, match="one shape"):
        sample_rois(flags, flags, torch.rand(4), count=2)
    with pytest.raises(ValueError, match="fraction"):
        sample_rois(flags, flags, torch.rand(3), count=2, fraction=1.5)
    with pytest.raises(ValueError, match="one shape"):
        hard_negatives(losses, flags[:2])
    with pytest.raises(ValueError, match="ratio"):
        hard_negatives(losses, flags, ratio=-1)
    with pytest.raises(ValueError, match="finite"):
        ohem(torch.tensor([1.0, float("nan")]), 1)
    with pytest.raises(ValueError, match="count"):
        ohem(losses, 0)
    with pytest.raises(ValueError, match="at most 3"):
        above_quantile(losses, 4)
    with pytest.raises(ValueError, match=r"method must be one of linear, .* got 'median'"):
        above_quantile(losses, 2, method="median")

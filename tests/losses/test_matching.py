"""Matching sets: DETR's recorded costs and pairs, and the cheapest of all permutations."""

import pytest
import torch
from helpers.peers import case_paths, load, name
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.losses import (
    detr_cost,
    hungarian_match,
    hungarian_match_loop,
    mask_cost,
    mask_cost_loop,
)


@pytest.mark.parametrize("path", case_paths("hungarian"), ids=name)
def test_peer_cases(path):
    case, meta = load(path)
    for b in range(meta["batch"]):
        cost = detr_cost(
            *(case["pred_logits"][b], case["pred_boxes"][b]),
            *(case[f"labels_{b}"], case[f"boxes_{b}"]),
            class_weight=meta["cost_class"],
            box_weight=meta["cost_bbox"],
            giou_weight=meta["cost_giou"],
        )
        exact = cost.dtype == torch.float64
        torch.testing.assert_close(cost, case[f"cost_{b}"], rtol=0, atol=1e-9 if exact else 1e-5)
        i, j = hungarian_match(cost)
        assert torch.equal(i, case[f"index_pred_{b}"])
        assert torch.equal(j, case[f"index_target_{b}"])
        assert cost[i, j].sum().item() == pytest.approx(meta["total_cost"][b])


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 6), st.integers(0, 3), st.integers(0, 999))
def test_no_permutation_is_cheaper(rows, columns, seed):
    generator = torch.Generator().manual_seed(seed)
    cost = torch.rand(max(rows, columns), columns, generator=generator)
    i, j = hungarian_match(cost)
    best_i, best_j = hungarian_match_loop(cost)
    assert torch.equal(i, best_i) and torch.equal(cost[i, j], cost[best_i, best_j])


def test_the_order_of_the_truth_does_not_matter():
    generator = torch.Generator().manual_seed(0)
    cost = torch.rand(6, 4, generator=generator)
    order = torch.tensor([2, 0, 3, 1])
    i, j = hungarian_match(cost)
    k, m = hungarian_match(cost[:, order])
    assert torch.equal(i, k) and torch.equal(j, order[m])


MATCHED_BY_HAND = [
    #  cost of prediction i (row) and truth j (column)   rows    columns
    ([[0.0, 1.0], [2.0, 9.0]], [0, 1], [1, 0]),  # the cheapest pair first would cost 9
    ([[5.0, 1.0], [1.0, 5.0]], [0, 1], [1, 0]),
    ([[3.0], [1.0], [2.0]], [1], [0]),  # two predictions are left over
    ([[4.0, 9.0], [9.0, 9.0], [9.0, 4.0]], [0, 2], [0, 1]),
]


@pytest.mark.parametrize("function", [hungarian_match, hungarian_match_loop])
@pytest.mark.parametrize(("cost", "rows", "columns"), MATCHED_BY_HAND)
def test_matching_by_hand(function, cost, rows, columns):
    assert [one.tolist() for one in function(torch.tensor(cost))] == [rows, columns]


def test_no_truth_matches_no_prediction():
    logits, boxes = torch.zeros(5, 4), torch.rand(5, 4)
    cost = detr_cost(logits, boxes, torch.zeros(0).long(), torch.zeros(0, 4))
    assert cost.shape == (5, 0)
    i, j = hungarian_match(cost)
    assert len(i) == len(j) == 0 and i.dtype == torch.int64


def test_no_gradient_flows_through_a_choice():
    logits = torch.zeros(3, 4, requires_grad=True)
    cost = detr_cost(logits, torch.rand(3, 4), torch.tensor([0]), torch.rand(1, 4))
    assert not cost.requires_grad


NAN, INF = float("nan"), float("inf")
MATCHED_IN_SPITE = [
    ([[NAN, 1.0], [2.0, 3.0]], [0, 1], [1, 0]),  # 1 + 2 and no NaN, though 0 + 3 looks cheaper
    ([[NAN, NAN], [2.0, 1.0], [0.5, 0.7]], [1, 2], [1, 0]),  # the query that is NaN stays alone
    ([[INF, 5.0], [-INF, 1.0], [9.0, NAN]], [1, 2], [1, 0]),  # −∞ is no bargain
    ([[1e30, NAN], [1e30, 1e30]], [0, 1], [0, 1]),  # more than any finite sum
    ([[NAN, NAN], [NAN, NAN]], [0, 1], [0, 1]),  # nothing else is left
]


@pytest.mark.parametrize(("cost", "rows", "columns"), MATCHED_IN_SPITE)
def test_what_is_not_finite_is_matched_last(cost, rows, columns):
    assert [one.tolist() for one in hungarian_match(torch.tensor(cost))] == [rows, columns]


def random_masks(seed, queries, things, size=(5, 7)):
    """Logits of classes and pixels, labels and true masks, the masks partly soft."""
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(queries, 4, generator=generator)
    masks = 9 * torch.randn(queries, *size, generator=generator)
    labels = torch.randint(0, 3, (things,), generator=generator)
    return logits, masks, labels, torch.rand(things, *size, generator=generator).round(decimals=1)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 4), st.integers(0, 4), st.integers(0, 999))
def test_mask_cost_is_its_definition(queries, things, seed):
    sets = random_masks(seed, queries, things)
    weights = {"class_weight": 0.5, "dice_weight": 3}
    torch.testing.assert_close(mask_cost(*sets, **weights), mask_cost_loop(*sets, **weights))


def test_masks_tell_twins_apart_where_classes_cannot():
    """Two things of one class: by class alone either pairing is as good."""
    masks = torch.zeros(2, 4, 4, dtype=torch.bool)
    masks[0, :2], masks[1, 2:] = True, True
    crossed = torch.where(masks.flip(0), 9.0, -9.0)  # query 0 shows thing 1
    cost = mask_cost(torch.zeros(2, 4), crossed, torch.tensor([1, 1]), masks)
    assert [one.tolist() for one in hungarian_match(cost)] == [[0, 1], [1, 0]]
    blind = mask_cost(torch.zeros(2, 4), crossed, torch.tensor([1, 1]), masks, dice_weight=0)
    assert blind.unique().tolist() == [-0.25]


def test_mask_cost_in_half_types_and_without_gradient():
    logits, masks, labels, true = random_masks(0, 6, 3, size=(300, 300))
    exact = mask_cost(logits, masks.bfloat16().float(), labels, true)
    cost = mask_cost(logits, masks.bfloat16().requires_grad_(), labels, true)
    assert cost.dtype == torch.float32 and not cost.requires_grad
    torch.testing.assert_close(cost, exact)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(mask_cost(logits, masks.bfloat16(), labels, true), cost)


def random_set(seed, dtype):
    """Predictions and truths whose numbers are of `dtype`, the labels aside."""
    generator = torch.Generator().manual_seed(seed)
    logits = 9 * torch.randn(7, 4, generator=generator)
    boxes, targets = torch.rand(7, 4, generator=generator), torch.rand(3, 4, generator=generator)
    labels = torch.randint(0, 3, (3,), generator=generator)
    return logits.to(dtype), boxes.to(dtype), labels, targets.to(dtype)


@settings(deadline=None)
@given(
    st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]),
    st.integers(0, 999),
)
def test_every_dtype_costs_and_matches_as_float32(dtype, seed):
    logits, boxes, labels, targets = random_set(seed, dtype)
    exact = detr_cost(logits.float(), boxes.float(), labels, targets.float())
    cost = detr_cost(logits, boxes, labels, targets)
    assert cost.dtype == torch.promote_types(dtype, torch.float32)
    torch.testing.assert_close(cost.float(), exact, rtol=0, atol=0 if dtype.itemsize < 8 else 1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(detr_cost(logits, boxes, labels, targets), cost)
    rounded = cost.to(dtype)  # costs may themselves come in a half type
    wide = [one.tolist() for one in hungarian_match(rounded.float())]
    assert [one.tolist() for one in hungarian_match(rounded)] == wide


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        ("labels must lie between 0 and 2", {"labels": torch.tensor([3])}),
        ("labels must lie between 0 and 2", {"labels": torch.tensor([-1])}),
        (r"boxes \(Q, 4\), got \(2, 4\) and \(3, 4\)", {"boxes": torch.rand(3, 4)}),
        (r"target_boxes \(n, 4\), got \(1,\) and \(2, 4\)", {"target_boxes": torch.rand(2, 4)}),
    ],
)
def test_cost_says_what_it_needs(words, changed):
    fine = {"logits": torch.ones(2, 4), "boxes": torch.rand(2, 4)}
    fine |= {"labels": torch.tensor([0]), "target_boxes": torch.rand(1, 4)}
    with pytest.raises(ValueError, match=words):
        detr_cost(**{**fine, **changed})


@pytest.mark.parametrize(
    ("words", "match", "cost"),
    [
        (r"cost must be \(Q, n\), got \(2, 2, 2\)", hungarian_match, torch.ones(2, 2, 2)),
        ("no more columns than rows", hungarian_match_loop, torch.ones(1, 2)),
    ],
)
def test_match_says_what_it_needs(words, match, cost):
    with pytest.raises(ValueError, match=words):
        match(cost)


def test_mask_cost_says_what_it_needs():
    logits, masks, labels, true = random_masks(0, 3, 2)
    with pytest.raises(ValueError, match=r"masks \(Q, …\), got \(3, 4\) and \(2, 5, 7\)"):
        mask_cost(logits, masks[:2], labels, true)
    with pytest.raises(ValueError, match=r"target_masks \(n, …\), got \(2,\) and \(2, 5, 6\)"):
        mask_cost(logits, masks, labels, true[..., 1:])
    with pytest.raises(ValueError, match="labels must lie between 0 and 2"):
        mask_cost(logits, masks, labels + 3, true)

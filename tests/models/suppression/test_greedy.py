"""Greedy suppression of masks: torchvision's kept boxes, the definition, numbers by hand."""

import pytest
import torch
from helpers.peers import case_paths, load, name
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.boxes import batched_nms, box_iou
from minseg.models import mask_nms, soft_nms
from minseg.models.suppression import mask_nms_loop, soft_nms_loop
from minseg.models.suppression.greedy import keep_greedily

EXACT = [path for path in case_paths("nms") if "QUIRK" not in path.name]


@pytest.mark.parametrize("path", EXACT, ids=name)
def test_peer_cases(path):
    """The choice is the same whether boxes overlap or masks."""
    case, meta = load(path)
    order = case["scores"].argsort(descending=True, stable=True)
    boxes = case["boxes"][order]
    for k, threshold in enumerate(meta["iou_thresholds"]):
        kept = order[keep_greedily(box_iou(boxes, boxes), threshold)]
        assert torch.equal(kept, case[f"keep_{k}"])


def rectangles(count, seed):
    """Whole boxes, their masks on 12 × 12 pixels, two classes, scores of which some are equal."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.randint(0, 7, (count, 2), generator=generator)
    boxes = torch.cat([corners, corners + torch.randint(1, 6, (count, 2), generator=generator)], 1)
    masks = torch.zeros(count, 12, 12, dtype=torch.bool)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes.tolist(), strict=True):
        mask[y1:y2, x1:x2] = True
    scores = torch.randint(1, 9, (count,), generator=generator) / 8
    return masks, torch.randint(2, (count,), generator=generator), scores, boxes.double()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 12), st.integers(0, 999), st.sampled_from([0.0, 0.2, 0.5, 0.9]))
def test_masks_that_are_boxes_are_kept_as_boxes_are(count, seed, threshold):
    masks, labels, scores, boxes = rectangles(count, seed)
    kept = mask_nms(masks, labels, scores, threshold)
    assert torch.equal(kept, mask_nms_loop(masks, labels, scores, threshold))
    assert torch.equal(kept, batched_nms(boxes, scores, labels, threshold))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 8), st.integers(0, 999), st.sampled_from(["linear", "gaussian"]))
def test_soft_equals_the_definition(count, seed, kernel):
    masks, labels, _, _ = rectangles(count, seed)
    scores = torch.rand(count, generator=torch.Generator().manual_seed(seed))  # no two are equal
    soft = soft_nms(masks, labels, scores, kernel=kernel)
    expected = soft_nms_loop(masks, labels, scores, kernel=kernel)
    torch.testing.assert_close(soft, expected, rtol=1e-4, atol=1e-6)


def test_soft_asks_who_is_best_by_then():
    """The second falls below the third, which is then the one that goes on suppressing."""
    place = torch.arange(10)
    ends = [(0, 8), (1, 9), (5, 10)]
    masks = torch.stack([((a <= place) & (place < b))[None] for a, b in ends])
    scores = torch.tensor([0.9, 0.8, 0.7])
    soft = soft_nms(masks, torch.ones(3).long(), scores, kernel="linear")
    # IoU 7/9, 3/10, 4/9: after the first 0.178 and 0.49, then the third takes 4/9 of the second
    expected = torch.tensor([0.9, 0.8 * (2 / 9) * (5 / 9), 0.7 * 0.7])
    torch.testing.assert_close(soft, expected)


def test_an_overlap_of_exactly_the_threshold_stays():
    place = torch.arange(10)
    masks = torch.stack([(place < 6)[None], (place < 10)[None]])  # IoU 0.6
    scores, labels = torch.tensor([0.9, 0.8]), torch.ones(2).long()
    assert mask_nms(masks, labels, scores, 0.6).tolist() == [0, 1]
    assert mask_nms(masks, labels, scores, 0.59).tolist() == [0]


def test_says_what_it_needs():
    masks, labels, scores, _ = rectangles(3, 0)
    with pytest.raises(ValueError, match=r"scores must be \(3,\), one for each mask, got \(2,\)"):
        mask_nms(masks, labels, scores[:2])

"""Instances: boxes and areas from masks, picking, overlaps, and every bad field named."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.instances import Instances, tight_boxes, tight_boxes_loop


def make(n=3, size=6, **fields):
    masks = torch.zeros(n, size, size, dtype=torch.bool)
    for i in range(n):
        masks[i, i : i + 2, : i + 1] = True
    return Instances(**{"masks": masks, "labels": torch.arange(n), **fields})


def test_a_mask_gives_its_tight_box_and_its_area():
    masks = torch.zeros(2, 5, 7, dtype=torch.bool)
    masks[0, 1, 2] = masks[0, 3, 5] = True
    instances = Instances(masks, torch.tensor([1, 1]))
    assert instances.boxes.tolist() == [[2, 1, 6, 4], [0, 0, 0, 0]]  # the second is empty
    assert instances.areas.tolist() == [2, 0]
    assert instances.scores.tolist() == [1, 1] and not instances.crowd.any()


BOXES_BY_HAND = {  # rows of pixels, and the box (x1, y1, x2, y2) around the crosses
    ("....", ".x..", "...."): [1, 1, 2, 2],  # one pixel has area 1
    ("x...", "....", "...x"): [0, 0, 4, 3],
    ("....", "..xx", ".x.."): [1, 1, 4, 3],
    ("....", "....", "...."): [0, 0, 0, 0],
}


@pytest.mark.parametrize("function", [tight_boxes, tight_boxes_loop])
@pytest.mark.parametrize("rows", BOXES_BY_HAND, ids=" ".join)
def test_boxes_by_hand(function, rows):
    mask = torch.tensor([[pixel == "x" for pixel in row] for row in rows])
    assert function(mask[None]).tolist() == [BOXES_BY_HAND[rows]]


@settings(deadline=None)
@given(st.integers(0, 4), st.integers(0, 5), st.integers(0, 5), st.integers(0, 99))
def test_boxes_equal_the_definition(n, height, width, seed):
    masks = torch.rand(n, height, width, generator=torch.Generator().manual_seed(seed)) > 0.7
    assert torch.equal(tight_boxes(masks), tight_boxes_loop(masks))


@settings(deadline=None)
@given(st.integers(0, 4), st.integers(0, 5), st.integers(0, 5), st.integers(0, 99))
def test_overlaps_count_shared_pixels(n, height, width, seed):
    masks = torch.rand(n, height, width, generator=torch.Generator().manual_seed(seed)) > 0.5
    instances = Instances(masks, torch.ones(n, dtype=torch.int64))
    shared = instances.overlaps()
    for i in range(n):
        for j in range(n):
            expected = 0 if i == j else int((masks[i] & masks[j]).sum())
            assert shared[i, j] == expected
    assert instances.is_disjoint() == (not shared.any())
    assert instances.boxes.shape == (n, 4)


def test_picking_keeps_all_fields_together():
    full = make(crowd=torch.tensor([False, True, False]), areas=torch.tensor([5.0, 6, 7]))
    full = Instances(
        full.masks, full.labels, torch.tensor([0.1, 0.2, 0.3]), crowd=full.crowd, areas=full.areas
    )
    for index in (1, -2, slice(1, 2), torch.tensor([1]), torch.tensor([False, True, False]), [1]):
        one = full[index]
        assert len(one) == 1 and one.labels.tolist() == [1] and one.areas.tolist() == [6]
        assert one.crowd.tolist() == [True] and one.scores.tolist() == [pytest.approx(0.2)]
        assert torch.equal(one.masks[0], full.masks[1])
    assert full.to("cpu").areas.tolist() == [5, 6, 7]


def test_no_instances_are_legal():
    none = make(0)
    assert len(none) == 0 and none.boxes.shape == (0, 4) and none.is_disjoint()
    assert none.overlaps().shape == (0, 0)


NAN = float("nan")


@pytest.mark.parametrize(
    ("error", "words", "fields"),
    [
        (ValueError, r"masks must be \(N, H, W\), got \(4, 4\)", {"masks": torch.ones(4, 4) > 0}),
        (TypeError, "masks must be bool, got torch.float32", {"masks": torch.zeros(3, 6, 6)}),
        (TypeError, "masks must be a tensor, got list", {"masks": []}),
        (ValueError, r"labels must be \(3,\).*got \(2,\)", {"labels": torch.arange(2)}),
        (TypeError, "labels must be int64", {"labels": torch.zeros(3)}),
        (ValueError, "labels must not be negative, got -1", {"labels": torch.tensor([0, -1, 2])}),
        (ValueError, r"scores must be \(3,\)", {"scores": torch.ones(3, 1)}),
        (TypeError, "scores must be floating point", {"scores": torch.ones(3).long()}),
        (ValueError, "scores must be finite", {"scores": torch.tensor([1, NAN, 1])}),
        (TypeError, "crowd must be bool", {"crowd": torch.zeros(3)}),
        (ValueError, r"crowd must be \(3,\)", {"crowd": torch.zeros(2) > 0}),
        (ValueError, r"areas must be \(3,\)", {"areas": torch.zeros(4)}),
        (TypeError, "areas must be floating point", {"areas": torch.zeros(3).int()}),
        (ValueError, "labels must be on cpu", {"labels": torch.zeros(3, device="meta").long()}),
    ],
)
def test_says_which_field_is_wrong(error, words, fields):
    with pytest.raises(error, match=words):
        make(**fields)

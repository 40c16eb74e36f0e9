"""Mask IoU: equal to its definition and to pycocotools, crowds and empty masks included."""

import numpy as np
import pytest
import torch
from helpers.peers import CASES, load
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.boxes import box_iou
from minseg.instances import Instances
from minseg.masks.runs import Runs
from minseg.metrics import mask_iou
from minseg.metrics.iou import (
    box_overlap,
    mask_area,
    mask_iou_dense,
    mask_iou_loop,
    run_iou,
)

EXACTLY = {"atol": 0, "rtol": 1e-14}


def test_peer_case():
    case, meta = load(CASES / "rle" / "03_iou_and_merge.npz")
    crowd = torch.tensor(meta["iscrowd"]).bool()
    torch.testing.assert_close(mask_iou(case["a"], case["b"], crowd), case["iou"], **EXACTLY)
    a, b = (case[name].double() for name in ("boxes_a", "boxes_b"))  # x, y, width, height
    a[:, 2:], b[:, 2:] = a[:, 2:] + a[:, :2], b[:, 2:] + b[:, :2]
    crowd = torch.tensor(meta["box_iscrowd"]).bool()
    torch.testing.assert_close(box_overlap(a, b, crowd), case["box_iou"], **EXACTLY)


def test_by_hand():
    """Two masks and a third of 2 × 4 pixels; the third is a crowd in the second table."""
    a = torch.tensor([[[1, 1, 0, 0],
                       [1, 1, 0, 0]]]).bool()  # fmt: skip
    b = torch.tensor([[[1, 1, 1, 0],
                       [0, 0, 0, 0]],
                      [[0, 1, 1, 1],
                       [0, 1, 1, 1]]]).bool()  # fmt: skip
    crowd = torch.tensor([False, True])
    for function in (mask_iou_loop, mask_iou_dense, mask_iou):
        assert function(a, b).tolist() == [[2 / 5, 2 / 8]], function
        assert function(a, b, crowd).tolist() == [[2 / 5, 2 / 4]], function


@pytest.mark.parametrize("definition", [mask_iou_loop, mask_iou_dense])
@settings(deadline=None)
@given(
    st.integers(0, 4), st.integers(0, 4), st.integers(0, 19), st.integers(0, 19), st.integers(0, 99)
)
def test_equals_the_definition(definition, n, m, height, width, seed):
    """Any size, so also those that fill no whole byte or word, and masks of no pixels."""
    a, b = masks(n, height, width, seed), masks(m, height, width, seed + 100)
    crowd = torch.from_numpy(np.random.default_rng(seed).random(m) < 0.5)
    assert torch.equal(mask_iou(a, b, crowd), definition(a, b, crowd))
    assert torch.equal(mask_iou(a, b), definition(a, b))
    assert mask_area(a).tolist() == a.sum(dim=(1, 2)).tolist()


@settings(deadline=None)
@given(
    st.integers(0, 4), st.integers(0, 4), st.integers(1, 19), st.integers(1, 19), st.integers(0, 99)
)
def test_runs_give_the_same_bits(n, m, height, width, seed):
    a, b = masks(n, height, width, seed), masks(m, height, width, seed + 100)
    rng = np.random.default_rng(seed)
    crowd, wanted = torch.from_numpy(rng.random(m) < 0.5), rng.random((n, m)) < 0.5
    runs = Runs.of_masks(a), Runs.of_masks(b)
    assert torch.equal(run_iou(*runs, crowd), mask_iou(a, b, crowd))
    expected = mask_iou(a, b, crowd) * torch.from_numpy(wanted)
    assert torch.equal(run_iou(*runs, crowd, wanted), expected)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 999))
def test_equals_pycocotools(height, width, seed):
    coco = pytest.importorskip("pycocotools.mask")
    a, b = masks(3, height, width, seed), masks(4, height, width, seed + 1)
    a[:, :1, :1] = True  # against a crowd, pycocotools' 0/0 of an empty detection is NaN
    crowd = [0, 1, 0, 1]
    rles = [
        coco.encode(np.asfortranarray(m.permute(1, 2, 0).numpy().view(np.uint8))) for m in (a, b)
    ]
    theirs = torch.from_numpy(coco.iou(*rles, crowd))
    assert torch.equal(mask_iou(a, b, torch.tensor(crowd).bool()), theirs)


@pytest.mark.parametrize("side", [2, 4, 5, 30])
def test_a_halo_of_one_pixel(side):
    """Dilating a square by a pixel leaves (s / (s + 2))²: less than a half up to side 4."""
    square = torch.zeros(1, 40, 40, dtype=torch.bool)
    dilated = square.clone()
    square[0, 5 : 5 + side, 5 : 5 + side] = True
    dilated[0, 4 : 6 + side, 4 : 6 + side] = True
    iou = mask_iou(dilated, square).item()
    assert iou == side**2 / (side + 2) ** 2
    assert (iou < 0.5) == (side <= 4)


def test_a_crowd_divides_by_the_detection():
    crowd, inside = torch.zeros(2, 1, 10, 10, dtype=torch.bool)
    crowd[0, :, :8] = True
    inside[0, :2, 6:] = True  # 8 pixels, 4 of them in the crowd
    assert mask_iou(inside, crowd, torch.tensor([True])).item() == 0.5
    assert mask_iou(inside, crowd, torch.tensor([False])).item() == 4 / 84


def test_empty_masks_have_no_overlap():
    empty, full = torch.zeros(1, 3, 5, dtype=torch.bool), torch.ones(1, 3, 5, dtype=torch.bool)
    assert mask_iou(empty, empty).item() == mask_iou(empty, full).item() == 0
    assert mask_iou(empty, full, torch.tensor([True])).item() == 0
    assert mask_iou(full[:0], empty).shape == (0, 1)


def test_boxes_of_rectangles_overlap_as_their_masks_do():
    rectangles = torch.zeros(4, 12, 15, dtype=torch.bool)
    for k, (y, x) in enumerate([(0, 0), (2, 3), (5, 1), (2, 3)]):
        rectangles[k, y : y + 5, x : x + 7 + k] = True
    boxes, crowd = Instances(rectangles, torch.ones(4).long()).boxes, torch.arange(4) % 2 == 1
    expected = mask_iou(rectangles, rectangles, crowd)
    assert torch.equal(box_overlap(boxes, boxes, crowd), expected)
    torch.testing.assert_close(box_overlap(boxes, boxes), box_iou(boxes, boxes).double())


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 10**6))
def test_boxes_of_a_file_tie_where_pycocotools_does(seed):
    """Two decimals, and heights that make the IoU a threshold's, or miss it by a digit."""
    coco = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(seed)
    truth = (rng.integers(1, 60_000, (6, 4)) / 100).astype(np.float64)
    found = truth.copy()
    share = rng.choice([0.5, 0.55, 0.6, 0.7, 0.75, 0.95], 6)
    found[:, 3] = [float(f"{h:.3f}") for h in truth[:, 3] * share]
    found[::2, 0] = np.round(found[::2, 0] + rng.integers(-200, 200, 3) / 100, 2)
    crowd = rng.random(6) < 0.3
    theirs = torch.from_numpy(coco.iou(found, truth, crowd.astype(int).tolist()))
    a, b = (torch.from_numpy(np.c_[one[:, :2], one[:, :2] + one[:, 2:]]) for one in (found, truth))
    areas = {
        name: torch.from_numpy(one[:, 2] * one[:, 3])
        for name, one in (("area_a", found), ("area_b", truth))
    }
    assert torch.equal(box_overlap(a, b, torch.from_numpy(crowd), **areas), theirs)


def test_the_areas_of_a_file_decide_a_tie():
    truth = torch.tensor([[221.49, 294.74, 221.49 + 30.97, 294.74 + 29.67]], dtype=torch.float64)
    found = torch.tensor([[221.49, 294.74, 221.49 + 30.97, 294.74 + 20.769]], dtype=torch.float64)
    areas = (
        torch.tensor([w * h], dtype=torch.float64) for w, h in [(30.97, 20.769), (30.97, 29.67)]
    )
    assert box_overlap(found, truth).item() < 0.7
    assert (
        box_overlap(found, truth, **dict(zip(("area_a", "area_b"), areas, strict=True))).item()
        >= 0.7
    )


def test_inputs_without_contiguous_memory():
    a = masks(6, 9, 11, 0)[::2].transpose(1, 2)
    assert torch.equal(mask_iou(a, a), mask_iou_dense(a, a))


MASKS = torch.zeros(2, 4, 4, dtype=torch.bool)


@pytest.mark.parametrize(
    ("error", "words", "arguments"),
    [
        (ValueError, r"a must be \(N, H, W\), got \(4, 4\)", (MASKS[0], MASKS)),
        (TypeError, "b must be bool, got torch.float32", (MASKS, MASKS.float())),
        (ValueError, r"one size, got \(4, 4\) and \(4, 3\)", (MASKS, MASKS[:, :, :3])),
        (ValueError, r"crowd must be \(2,\) bool", (MASKS, MASKS, torch.tensor([True]))),
        (ValueError, r"crowd must be \(2,\) bool", (MASKS, MASKS, torch.tensor([1, 0]))),
    ],
)
@pytest.mark.parametrize("function", [mask_iou, mask_iou_dense])
def test_says_what_it_needs(function, error, words, arguments):
    with pytest.raises(error, match=words):
        function(*arguments)


def masks(count, height, width, seed):
    """Half of them blocks, half of them noise, some of them empty."""
    rng = np.random.default_rng(seed)
    noise = rng.random((count, height, width)) < rng.choice([0, 0.1, 0.9], (count, 1, 1))
    noise[::2, height // 2 :] = False
    return torch.from_numpy(noise)

"""Panoptic quality: equal to COCO's tool, to closed forms and to a definition with sets."""

import math

import pytest
import torch
from helpers.peers import case_paths, load, name
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import tensor

from minseg.metrics import (
    PQAccumulator,
    boundary_of,
    panoptic_quality,
    panoptic_quality_loop,
)
from minseg.metrics.pq_overlaps import inner_bands
from minseg.metrics.pq_result import UNIT

TINY = {"things": [1, 2], "stuff": [3, 4], "max_instances": 10}


def from_segments(ids, segments):
    """A map of any ids and its table as a map of ours; crowds in our ids. See tests/cases."""
    ours, crowd, used = torch.zeros_like(ids, dtype=torch.int64), [], {}
    for segment in segments:
        category = segment["category_id"]
        used[category] = used.get(category, -1) + 1  # stuff of our own maps has instance 0
        new = category * 1000 + used[category] + (1 if segment["thing"] else 0)
        ours[ids == segment["id"]] = new
        if segment.get("iscrowd"):
            crowd.append(new)
    return ours, crowd


def recorded(path):
    case, meta = load(path)
    things = [c["id"] for c in meta["categories"] if c["isthing"]]
    stuff = [c["id"] for c in meta["categories"] if not c["isthing"]]
    maps = {"gt": [], "pred": []}
    for side, images in maps.items():
        for image in meta[side]:
            segments = [s | {"thing": s["category_id"] in things} for s in image["segments_info"]]
            images.append(from_segments(case[f"{side}_{image['image_id']}"], segments))
    predictions, targets = [p for p, _ in maps["pred"]], [t for t, _ in maps["gt"]]
    crowd = [c for _, c in maps["gt"]]
    return predictions, targets, {"things": things, "stuff": stuff, "crowd": crowd}, meta


# Case 09 pins what the peer does with tables that contradict their maps; ids of ours have no table.
CASES = [path for path in case_paths("pq") if "QUIRK" not in path.name]


@pytest.mark.parametrize("path", CASES, ids=name)
def test_peer_cases(path):
    predictions, targets, options, meta = recorded(path)
    quality = panoptic_quality(predictions, targets, **options)
    for category, expected in meta["per_category"].items():
        one = quality.per_class[int(category)]
        assert (one.tp, one.fp, one.fn) == (expected["tp"], expected["fp"], expected["fn"])
        for field in ("pq", "sq", "rq"):
            assert getattr(one, field) == pytest.approx(expected[field], abs=1e-12)
    for group, average in (("All", quality), ("Things", quality.things), ("Stuff", quality.stuff)):
        expected = meta["averages"][group] or dict.fromkeys(("pq", "sq", "rq"), math.nan)
        for field in ("pq", "sq", "rq"):
            value = pytest.approx(expected[field], abs=1e-12, nan_ok=True)
            assert getattr(average, field) == value


def test_by_hand():
    """Two maps of 4 × 6 pixels, and what the definition and the fast one make of them.

    Classes 1 and 2 are things, 3 and 4 stuff; 0 is void, 14 a crowd; id 11 is thing 1 of class 1.
    """
    target = tensor([[11, 11, 11, 30, 30, 30],
                     [11, 11, 11, 30, 30, 30],
                     [ 0, 12, 12, 12, 40, 40],
                     [14, 14, 22, 22, 40, 40]])  # fmt: skip
    prediction = tensor([[11, 11, 30, 30, 30, 30],
                         [11, 11, 30, 30, 30, 30],
                         [13, 13, 13, 21, 40, 40],
                         [15, 15, 40, 40, 40, 40]])  # fmt: skip
    due = {  # (Σ IoU, TP, FP, FN)
        1: (4 / 6 + 2 / 3, 2, 0, 0),  # 11 with 11: 4 of 6; 13 with 12: 2 of 3, the void left out
        2: (0, 0, 1, 1),  # 21 is invented, 22 missed; 15 lies on the crowd and is ignored
        3: (6 / 8, 1, 0, 0),
        4: (4 / 6, 1, 0, 0),
    }
    maps = [prediction], [target]
    plain = panoptic_quality_loop(*maps, crowd=[[14]], **TINY)
    for category, (total, *counts) in due.items():
        one = plain[category]
        assert [one.tp, one.fp, one.fn] == counts
        assert one.iou_units / UNIT == pytest.approx(total)
    assert panoptic_quality(*maps, crowd=[[14]], **TINY).per_class == plain


IDS = st.sampled_from([0, 11, 12, 13, 21, 30, 40])


@st.composite
def image(draw):
    """A pair of small maps that share most pixels, and the target's crowds."""
    height, width = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    cells = st.lists(IDS, min_size=height * width, max_size=height * width)
    target = tensor(draw(cells)).reshape(height, width)
    prediction = torch.where(target > 0, target, tensor(draw(cells)).reshape(height, width))
    for k in draw(st.lists(st.integers(0, height * width - 1), max_size=4)):
        prediction.view(-1)[k] = draw(IDS)
    things = [i for i in target.unique().tolist() if 10 < i < 30]
    crowd = draw(st.lists(st.sampled_from(things), unique=True, max_size=2)) if things else []
    zoom = draw(st.integers(1, 3))
    return *(m.repeat_interleave(zoom, 1) for m in (prediction, target)), crowd


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(st.lists(image(), min_size=1, max_size=3), st.sampled_from([None, None, 0.02, 0.3]))
def test_equals_the_definition(images, ratio):
    predictions, targets, crowd = (list(some) for some in zip(*images, strict=True))
    options = {"crowd": crowd, "dilation_ratio": ratio, **TINY}
    per_class = panoptic_quality(predictions, targets, **options).per_class
    assert per_class == panoptic_quality_loop(predictions, targets, **options)
    for c, one in per_class.items():  # a match above one half is unique: none counts twice
        true = [set(t.unique().tolist()) - set(ids) for t, ids in zip(targets, crowd, strict=True)]
        assert one.tp + one.fn == sum(t // 10 == c for ids in true for t in ids)


@settings(deadline=None, max_examples=50)
@given(st.lists(image(), min_size=1, max_size=3))
def test_twice_the_iou_over_all_segments(images):
    """Without void and crowds, PQ = 2 Σ IoU / (#predicted + #true), class by class."""
    pairs = [(p + (p == 0) * 30, t + (t == 0) * 40) for p, t, _ in images]
    quality = panoptic_quality(*(list(some) for some in zip(*pairs, strict=True)), **TINY)
    for c, one in quality.per_class.items():
        segments = sum(int((m.unique() // 10 == c).sum()) for pair in pairs for m in pair)
        if segments:
            assert one.pq == pytest.approx(2 * one.sq * one.tp / segments, abs=1e-12)
        assert one.pq == pytest.approx(one.sq * one.rq, abs=1e-12)


@pytest.mark.parametrize("side", range(2, 20))
def test_a_halo_of_one_pixel(side):
    """IoU (s/(s+2))²: up to a side of 4 a match becomes a false positive and a false negative."""
    target, prediction = torch.zeros(24, 24).long(), torch.zeros(24, 24).long() + 4000
    target[:], target[2 : 2 + side, 2 : 2 + side] = 4000, 1001
    prediction[1 : 3 + side, 1 : 3 + side] = 1001
    one = panoptic_quality([prediction], [target], things=[1], stuff=[4]).per_class[1]
    if side <= 4:
        assert (one.tp, one.fp, one.fn, one.pq) == (0, 1, 1, 0)
    else:
        assert one.pq == pytest.approx((side / (side + 2)) ** 2, abs=1e-15)


def test_averages_do_not_multiply():
    """Two classes, (SQ, RQ) = (1, 2/3) and (2/3, 1): PQ 2/3, but mean SQ × mean RQ is 25/36."""
    target = tensor([[11, 11, 12, 30, 30, 40, 40, 40]])
    prediction = tensor([[11, 11, 30, 30, 30, 40, 40, 40]])
    quality = panoptic_quality(prediction[None], target[None], **TINY)
    assert quality.per_class[1].sq == 1 and quality.per_class[1].rq == pytest.approx(2 / 3)
    assert quality.per_class[3].sq == pytest.approx(2 / 3) and quality.per_class[3].rq == 1
    assert quality.n == 3 and quality.pq == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert quality.sq * quality.rq == pytest.approx((8 / 9) ** 2)
    assert quality.things.pq == pytest.approx(2 / 3) and quality.stuff.pq == pytest.approx(5 / 6)


def test_all_crowds_of_a_class_count():
    """40 % of a prediction on each of two crowds: it is ignored, and the crowds are not missed."""
    target = tensor([[11, 11, 12, 12, 30]])
    prediction = torch.full_like(target, 13)
    one = panoptic_quality([prediction], [target], crowd=[[11, 12]], **TINY).per_class[1]
    assert (one.tp, one.fp, one.fn) == (0, 0, 0)
    one = panoptic_quality([prediction], [target], crowd=[[11]], **TINY).per_class[1]
    assert (one.tp, one.fp, one.fn) == (0, 1, 1)
    prediction += 10  # of class 2: crowds of class 1 excuse nothing
    quality = panoptic_quality([prediction], [target], crowd=[[11, 12]], **TINY)
    assert quality.per_class[2].fp == 1


def test_stuff_in_pieces_is_many_segments():
    target = tensor([[30, 30, 30, 30, 30, 30]])
    pieces = tensor([[30, 30, 30, 30, 31, 31]])
    one = panoptic_quality([pieces], [target], **TINY).per_class[3]
    assert (one.tp, one.fp, one.fn) == (1, 1, 0)


def test_boundary_pq_sees_what_pq_does_not():
    """A square of 100 drawn one pixel too far right: IoU 99/101, in bands of 1 pixel 1/3."""
    target = torch.full((200, 200), 40)
    prediction = target.clone()
    target[50:150, 50:150], prediction[50:150, 51:151] = 11, 11
    quality = {
        ratio: panoptic_quality([prediction], [target], dilation_ratio=ratio, **TINY).per_class[1]
        for ratio in (None, 0.02, 0.001)  # the diagonal is 283, so d is 6 and 1
    }
    assert quality[None].pq == pytest.approx(99 / 101)
    shared, either = 100 * 99 - 88 * 89, 2 * (100**2 - 88**2)
    assert quality[0.02].pq == pytest.approx(shared / (either - shared))
    assert (quality[0.001].tp, quality[0.001].fp, quality[0.001].fn) == (0, 1, 1)  # IoU 1/3


def test_boundary_pq_is_not_deceived_by_a_hollow_frame():
    """The outline alone has boundary IoU 1, so the smaller of both decides."""
    target = torch.full((100, 100), 40)
    target[20:80, 20:80] = 11
    prediction = target.clone()
    prediction[22:78, 22:78] = 40
    one = panoptic_quality([prediction], [target], dilation_ratio=0.014, **TINY).per_class[1]
    assert (one.tp, one.fp, one.fn) == (0, 1, 1)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 16), st.integers(1, 16), st.sampled_from([0.05, 0.1]), st.integers(0, 999))
def test_all_bands_at_once(height, width, ratio, seed):
    cells = torch.randint(0, 3, (4, 4), generator=torch.Generator().manual_seed(seed))
    ids = cells.repeat_interleave(4, 0).repeat_interleave(4, 1)[:height, :width] * 10
    bands = torch.from_numpy(inner_bands(ids.numpy(), ratio))
    masks = torch.stack([ids == i for i in (0, 10, 20)])
    assert torch.equal(bands, boundary_of(masks, dilation_ratio=ratio).any(dim=0))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32])
def test_small_and_non_contiguous_maps(dtype):
    target = torch.randint(11, 14, (6, 7), generator=torch.Generator().manual_seed(0))
    target, prediction = target.repeat_interleave(4, 0), target.flip(0).repeat_interleave(4, 0)
    expected = panoptic_quality([prediction], [target], **TINY)
    across = (m.T.contiguous().T.to(dtype) for m in (prediction, target))
    assert panoptic_quality(*([m] for m in across), **TINY) == expected


def test_nothing_to_average():
    quality = panoptic_quality([], [], **TINY)
    assert math.isnan(quality.pq) and math.isnan(quality.stuff.rq) and quality.n == 0
    assert quality.per_class[1].pq == 0
    empty = torch.zeros(2, 0, 5, dtype=torch.int64)
    assert math.isnan(panoptic_quality(empty, empty, **TINY).pq)


MAP = tensor([[0, 11, 21, 30]])


@pytest.mark.parametrize(
    ("error", "words", "predictions", "targets", "options"),
    [
        (ValueError, r"predictions\[1\] and targets\[1\] must have one shape, got \(1, 3\) and",
         [MAP, MAP[:, 1:]], [MAP, MAP], {}),
        (ValueError, r"targets\[0\] has id -30: ids must not be negative", [MAP], [-MAP], {}),
        (ValueError, r"predictions\[0\] has id 51: category 5 is neither", [MAP + 30], [MAP], {}),
        (ValueError, r"targets\[0\] has id 5: category 0 is void's", [MAP], [MAP * 0 + 5], {}),
        (ValueError, r"\[0\] has id 10: category 1 is a thing", [MAP - MAP % 10], [MAP], {}),
        (ValueError, "equally many maps, got 1 and 2", [MAP], [MAP] * 2, {}),
        (ValueError, r"targets must be \(B, H, W\) or a list of", [MAP], MAP, {}),
        (ValueError, r"predictions\[0\] must be \(H, W\), got \(4,\)", [MAP[0]], [MAP], {}),
        (TypeError, r"predictions\[0\] must be of integers, got .*float32", [MAP / 1], [MAP], {}),
        (TypeError, r"targets\[0\] must be of integers, got torch.bool", [MAP], [MAP > 0], {}),
        (TypeError, r"targets\[0\] must be a tensor, got list", [MAP], [MAP.tolist()], {}),
        (ValueError, r"share no category, got \[2\] in both", [MAP], [MAP], {"stuff": [2, 3]}),
        (ValueError, "stuff must be category ids from 1 on, got 0", [MAP], [MAP], {"stuff": [0]}),
        (ValueError, "max_instances must be at least 1", [MAP], [MAP], {"max_instances": 0}),
        (ValueError, "crowd must be a list for each of 1", [MAP], [MAP], {"crowd": []}),
        (ValueError, r"of targets\[0\], which has none with id 9", [MAP], [MAP], {"crowd": [[9]]}),
        (ValueError, "which has none with id 0", [MAP], [MAP], {"crowd": [[0]]}),
        (ValueError, "dilation_ratio must be a positive", [MAP], [MAP], {"dilation_ratio": 0}),
    ],
)  # fmt: skip
def test_says_what_it_needs(error, words, predictions, targets, options):
    with pytest.raises(error, match=words):
        panoptic_quality(predictions, targets, **TINY | options)


def test_a_refused_image_counts_for_nothing():
    accumulator = PQAccumulator([1], [3], max_instances=10)
    with pytest.raises(ValueError, match="prediction has id 21"):
        accumulator.add(MAP, tensor([[0, 11, 11, 30]]))
    assert accumulator.result().n == 0

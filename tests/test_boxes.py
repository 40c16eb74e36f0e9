"""Boxes: IoU and NMS equal to torchvision, regression that undoes itself, the pyramid's levels."""

import pytest
import torch
from helpers.peers import case_paths, load, name
from helpers.seeded import seeded
from hypothesis import given, settings
from hypothesis import strategies as st

import minseg.boxes
from minseg.boxes import (
    batched_nms,
    box_area,
    box_giou,
    box_iou,
    box_iou_loop,
    boxes_to_rois,
    clip_boxes,
    decode_boxes,
    encode_boxes,
    fpn_level,
    nms,
    nms_loop,
    nms_of_batch,
)


def random_boxes(*shape, seed, grid=1.0):
    """Boxes with corners on a grid, so that ties and exact thresholds happen."""
    corner, size = torch.rand(2, *shape, 2, generator=seeded(seed)) * 20
    boxes = torch.cat([corner, corner + size], dim=-1)
    return (boxes / grid).round() * grid if grid else boxes


@pytest.mark.parametrize("path", [p for p in case_paths("nms") if "QUIRK" not in p.stem], ids=name)
def test_nms_peer_cases(path):
    case, meta = load(path)
    for i, threshold in enumerate(meta["iou_thresholds"]):
        kept = nms(case["boxes"], case["scores"], threshold)
        assert torch.equal(kept, case[f"keep_{i}"])


def test_nms_compares_as_torchvision_does():
    """A float32 IoU of "exactly" 0.6 is above the double 0.6: a quirk that a drop-in shares."""
    (path,) = (p for p in case_paths("nms") if "QUIRK" in p.stem)
    case, meta = load(path)
    for i, threshold in enumerate(meta["iou_thresholds"]):
        assert torch.equal(nms(case["boxes"], case["scores"], threshold), case[f"keep_f32_{i}"])
        kept = nms(case["boxes"].double(), case["scores"].double(), threshold)
        assert torch.equal(kept, case[f"keep_f64_{i}"])


NMS_BY_HAND = {  # boxes A, B, C of 10 × 10: IoU(A, B) = 9/11, IoU(B, C) = 5/195, IoU(A, C) = 0
    #                      scores of A, B, C  threshold  kept, best first
    "the better of two": ([0.8, 0.9, 0.7], 0.5, [1, 2]),
    "the first of equals": ([0.9, 0.9, 0.9], 0.5, [0, 2]),
    "all where so much is allowed": ([0.8, 0.9, 0.7], 0.9, [1, 0, 2]),
    "the best drops both": ([0.8, 0.9, 0.7], 0.0, [1]),
    "a dropped box drops none": ([0.9, 0.8, 0.7], 0.0, [0, 2]),
}


@pytest.mark.parametrize("function", [nms, nms_loop])
@pytest.mark.parametrize("case", NMS_BY_HAND)
def test_nms_by_hand(function, case):
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [10.5, 0, 20.5, 10]])
    scores, threshold, kept = NMS_BY_HAND[case]
    assert function(boxes, torch.tensor(scores), threshold).tolist() == kept


@settings(deadline=None, max_examples=100)
@given(
    st.integers(0, 30),
    st.sampled_from([0.0, 0.3, 0.5, 0.6, 1.0]),
    st.sampled_from([0, 1.0, 4.0]),
    st.booleans(),
    st.integers(0, 9999),
)
def test_nms_equals_the_definition(n, threshold, grid, tied, seed):
    boxes, scores = random_boxes(n, seed=seed, grid=grid), torch.rand(n, generator=seeded(seed))
    scores = (scores * 4).round() if tied else scores
    assert torch.equal(nms(boxes, scores, threshold), nms_loop(boxes, scores, threshold))


def test_nms_of_many_boxes_is_computed_in_parts(monkeypatch):
    boxes, scores = random_boxes(200, seed=0), torch.rand(200, generator=seeded(1))
    at_once = nms(boxes, scores, 0.4)
    for pairs in (1, 1000, 199 * 200):
        monkeypatch.setattr(minseg.boxes, "MOST_PAIRS", pairs)
        assert torch.equal(nms(boxes, scores, 0.4), at_once)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 30), st.integers(0, 999))
def test_batched_nms_is_nms_group_by_group(count, seed):
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * 20
    boxes = torch.cat([corner, corner + torch.rand(count, 2, generator=generator) * 10], dim=1)
    scores = torch.randint(0, 5, (count,), generator=generator) / 5  # with ties
    idxs = torch.randint(0, 3, (count,), generator=generator)
    groups = [(idxs == g).nonzero()[:, 0] for g in range(3)]
    expected = torch.cat([group[nms(boxes[group], scores[group], 0.4)] for group in groups])
    kept = batched_nms(boxes, scores, idxs, 0.4)
    assert sorted(kept.tolist()) == sorted(expected.tolist())
    assert (scores[kept].diff() <= 0).all()


@settings(deadline=None, max_examples=150)
@given(
    st.integers(0, 40),
    st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]),
    st.sampled_from([0, 1.0, 4.0]),
    st.integers(0, 9999),
)
def test_nms_of_a_batch_is_batched_nms_image_by_image(n, threshold, grid, seed):
    boxes = random_boxes(3, n, seed=seed, grid=grid)
    groups = torch.randint(0, 3, (3, n), generator=seeded(seed))
    keep = nms_of_batch(boxes, groups, threshold)
    scores = torch.arange(n, 0, -1.0)  # best first
    for box, group, kept in zip(boxes, groups, keep, strict=True):
        expected = batched_nms(box, scores, group, threshold)
        assert kept.nonzero()[:, 0].tolist() == expected.tolist()


@pytest.mark.parametrize("path", case_paths("nms"), ids=name)
def test_nms_of_a_batch_of_peer_cases(path):
    """At exact thresholds too, of float32 boxes and of float64."""
    case, meta = load(path)
    for dtype in (torch.float32, torch.float64):
        boxes, scores = case["boxes"].to(dtype), case["scores"].to(dtype)
        order = scores.argsort(descending=True, stable=True)
        for threshold in meta["iou_thresholds"]:
            keep = nms_of_batch(boxes[order][None], torch.zeros(1, len(order)), threshold)[0]
            assert torch.equal(order[keep], batched_nms(boxes, scores, 0 * order, threshold))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_boxes_are_suppressed_as_in_float32(dtype):
    """Areas of up to 600 × 600 px, where float16 ends at 65504; inside autocast too."""
    boxes, groups = (30 * random_boxes(3, 40, seed=0, grid=0)).to(dtype), torch.zeros(3, 40)
    wide = nms_of_batch(boxes.float(), groups, 0.5)
    assert 0 < wide.sum() < wide.numel() and torch.equal(nms_of_batch(boxes, groups, 0.5), wide)
    assert torch.equal(box_iou(boxes, boxes), box_iou(boxes.float(), boxes.float()))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(nms_of_batch(boxes.float(), groups, 0.5), wide)


def test_suppression_of_a_long_chain():
    """Each overlaps its neighbours only: every second one stays, settled one after another."""
    left = torch.arange(30.0)[:, None] * 4
    boxes = torch.cat([left, left * 0, left + 10, left * 0 + 10], dim=1)[None]
    keep = nms_of_batch(boxes, torch.zeros(1, 30), 0.3)
    assert keep[0].nonzero()[:, 0].tolist() == list(range(0, 30, 2))


def test_iou_of_a_batch_is_that_of_each_image():
    a, b = random_boxes(3, 5, seed=0, grid=8.0), random_boxes(3, 4, seed=1, grid=8.0)
    for i, iou in enumerate(box_iou(a, b)):
        torch.testing.assert_close(iou, box_iou(a[i], b[i]))
    torch.testing.assert_close(box_iou(a[0], b)[2], box_iou(a[0], b[2]))  # one set for all


@pytest.mark.parametrize("function", [box_iou, box_iou_loop])
def test_iou_by_hand(function):
    a = torch.tensor([[0, 0, 4, 4.0], [1, 1, 1, 1]])
    b = torch.tensor([[2, 2, 6, 6.0], [0, 0, 4, 2], [9, 9, 12, 12], [1, 1, 1, 1]])
    expected = torch.tensor([[4 / 28, 8 / 16, 0, 0], [0, 0, 0, 0]])
    torch.testing.assert_close(function(a, b), expected)
    assert box_area(b).tolist() == [16, 8, 9, 0]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 9), st.integers(0, 9), st.sampled_from([0, 1.0, 8.0]), st.integers(0, 9999))
def test_iou_equals_the_definition(n, m, grid, seed):
    a, b = random_boxes(n, seed=seed, grid=grid), random_boxes(m, seed=seed + 1, grid=grid)
    torch.testing.assert_close(box_iou(a, b), box_iou_loop(a, b))


def test_giou_by_hand():
    """Side by side without a gap: 0. The farther apart, the nearer to -1, where IoU stays 0."""
    a = torch.tensor([[0, 0, 4, 4.0], [1, 1, 1, 1]])
    b = torch.tensor([[0, 0, 4, 4], [4, 0, 8, 4], [36, 0, 40, 4.0], [2, 2, 6, 6], [1, 1, 1, 1]])
    expected = torch.tensor([1, 0, -0.8, 4 / 28 - 8 / 36, 0])
    torch.testing.assert_close(box_giou(a, b)[0], expected)
    assert box_giou(a, b)[1, 4] == 0  # 0/0 everywhere


@settings(deadline=None)
@given(st.integers(0, 999))
def test_decode_undoes_encode(seed):
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(2, 6, 2, generator=generator, dtype=torch.float64) * 50
    sizes = torch.rand(2, 6, 2, generator=generator, dtype=torch.float64) * 40 + 2
    boxes, anchors = torch.cat([corners, corners + sizes], dim=2)
    deltas = encode_boxes(boxes, anchors, (10, 10, 5, 5))
    torch.testing.assert_close(decode_boxes(deltas, anchors, (10, 10, 5, 5)), boxes)


def test_encode_by_hand():
    box, anchor = torch.tensor([[4, 2, 12, 6.0]]), torch.tensor([[0, 0, 4, 8.0]])
    expected = torch.tensor([[6 / 4, 0, 2, 0.5]])
    expected[:, 2:] = expected[:, 2:].log()
    torch.testing.assert_close(encode_boxes(box, anchor), expected)


def test_decode_never_overflows():
    grown = decode_boxes(torch.tensor([[0, 0, 1e4, 1e4]]), torch.tensor([[0, 0, 16, 16.0]]))
    assert grown.isfinite().all() and box_area(grown) == pytest.approx(1e6)


def test_clipping_by_hand():
    """Each image of a batch has its own size, (height, width)."""
    boxes = torch.tensor([[[-3.0, 2, 9, 50], [5, 5, 70, 8]]]).repeat(2, 1, 1)
    clipped = clip_boxes(boxes, torch.tensor([[40, 60], [6, 7]]))
    assert clipped[0].tolist() == [[0, 2, 9, 40], [5, 5, 60, 8]]
    assert clipped[1].tolist() == [[0, 2, 7, 6], [5, 5, 7, 6]]


def test_a_roi_names_its_image():
    boxes = [torch.tensor([[1.0, 2, 3, 4], [0, 0, 1, 1]]), torch.zeros(0, 4), torch.ones(1, 4)]
    assert boxes_to_rois(boxes).tolist() == [[0, 1, 2, 3, 4], [0, 0, 0, 1, 1], [2, 1, 1, 1, 1]]


def test_levels_double_with_size():
    sides = torch.tensor([1, 55.9, 56, 111.9, 112, 224, 447.9, 448, 5000])
    boxes = torch.stack([0 * sides, 0 * sides, sides, sides], dim=1)
    assert fpn_level(boxes).tolist() == [2, 2, 2, 2, 3, 4, 4, 5, 5]


# Each on two sets of boxes and one of deltas, (N, 4) of one dtype, and scores (N,).
ALL = {
    "box_area": lambda a, b, deltas, scores: box_area(a),
    "box_iou": lambda a, b, deltas, scores: box_iou(a, b),
    "box_giou": lambda a, b, deltas, scores: box_giou(a, b),
    "encode_boxes": lambda a, b, deltas, scores: encode_boxes(a, b, (10, 10, 5, 5)),
    "decode_boxes": lambda a, b, deltas, scores: decode_boxes(deltas, b),
    "nms": lambda a, b, deltas, scores: nms(a, scores, 0.4321),
    "batched_nms": lambda a, b, deltas, scores: batched_nms(a, scores, (scores * 8).int(), 0.4321),
    "fpn_level": lambda a, b, deltas, scores: fpn_level(a),
}
KEEP_THEIR_DTYPE = ("encode_boxes", "decode_boxes")


def large_boxes(seed, dtype):
    """Boxes up to 1000 px, whose areas are beyond float16, deltas and scores, all of `dtype`."""
    generator = torch.Generator().manual_seed(seed)
    corner, side = torch.rand(2, 2, 12, 2, generator=generator) * 500
    boxes = torch.cat([corner, corner + side + 4], dim=2)
    deltas = torch.randn(12, 4, generator=generator)
    scores = torch.rand(12, generator=generator)
    return [value.to(dtype) for value in (*boxes, deltas, scores)]


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(sorted(ALL)),
    st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]),
    st.integers(0, 9999),
)
def test_every_dtype_gives_what_float32_gives(function, dtype, seed):
    """On the same numbers, up to the rounding of what is returned, and inside autocast too."""
    given = large_boxes(seed, dtype)
    exact = ALL[function](*(value.float() for value in given))
    got = ALL[function](*given)
    half = dtype in (torch.float16, torch.bfloat16)
    if not exact.is_floating_point() or not half or function in KEEP_THEIR_DTYPE:
        assert got.dtype == (dtype if exact.is_floating_point() else torch.int64)
    else:
        assert got.dtype == torch.float32
    if dtype == torch.float64 and exact.is_floating_point():
        torch.testing.assert_close(got.float(), exact, rtol=1e-5, atol=1e-4)
    else:
        assert torch.equal(got, exact.to(got.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(ALL[function](*given), got)


def test_a_mix_of_dtypes_returns_the_wider():
    boxes, anchors, deltas, _ = large_boxes(0, torch.bfloat16)
    assert encode_boxes(boxes, anchors.float()).dtype == torch.float32
    assert decode_boxes(deltas, anchors.half()).dtype == torch.float32
    assert torch.equal(box_iou(boxes, anchors.float()), box_iou(boxes.float(), anchors.float()))


@pytest.mark.parametrize("function", [box_area, lambda b: box_iou(b, b), lambda b: fpn_level(b)])
def test_says_what_it_needs(function):
    with pytest.raises(ValueError, match=r"must be \(…, N, 4\), got \(3, 5\)"):
        function(torch.zeros(3, 5))
    with pytest.raises(TypeError, match="must be floating point"):
        function(torch.zeros(3, 4, dtype=torch.int64))


def test_nms_wants_one_set_of_boxes_and_a_score_for_each():
    with pytest.raises(ValueError, match=r"boxes must be \(N, 4\), got \(3, 2, 4\)"):
        nms(torch.zeros(3, 2, 4), torch.zeros(3), 0.5)
    with pytest.raises(ValueError, match=r"scores must be \(2,\), got \(3,\)"):
        nms(torch.zeros(2, 4), torch.zeros(3), 0.5)

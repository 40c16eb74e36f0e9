"""Boxes: IoU and NMS equal to torchvision, regression that undoes itself, the pyramid's levels."""

import pytest
import torch
from helpers.peers import case_paths, load, name
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.boxes import batched_nms, box_area, box_giou, box_iou, decode, encode, fpn_level, nms


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


def test_iou_by_hand():
    a = torch.tensor([[0, 0, 4, 4.0], [1, 1, 1, 1]])
    b = torch.tensor([[2, 2, 6, 6.0], [0, 0, 4, 2], [9, 9, 12, 12], [1, 1, 1, 1]])
    expected = torch.tensor([[4 / 28, 8 / 16, 0, 0], [0, 0, 0, 0]])
    torch.testing.assert_close(box_iou(a, b), expected)
    assert box_area(b).tolist() == [16, 8, 9, 0]


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
    deltas = encode(boxes, anchors, (10, 10, 5, 5))
    torch.testing.assert_close(decode(deltas, anchors, (10, 10, 5, 5)), boxes)


def test_encode_by_hand():
    box, anchor = torch.tensor([[4, 2, 12, 6.0]]), torch.tensor([[0, 0, 4, 8.0]])
    expected = torch.tensor([[6 / 4, 0, 2, 0.5]])
    expected[:, 2:] = expected[:, 2:].log()
    torch.testing.assert_close(encode(box, anchor), expected)


def test_decode_never_overflows():
    grown = decode(torch.tensor([[0, 0, 1e4, 1e4]]), torch.tensor([[0, 0, 16, 16.0]]))
    assert grown.isfinite().all() and box_area(grown) == pytest.approx(1e6)


def test_levels_double_with_size():
    sides = torch.tensor([1, 55.9, 56, 111.9, 112, 224, 447.9, 448, 5000])
    boxes = torch.stack([0 * sides, 0 * sides, sides, sides], dim=1)
    assert fpn_level(boxes).tolist() == [2, 2, 2, 2, 3, 4, 4, 5, 5]


# Each on two sets of boxes and one of deltas, (N, 4) of one dtype, and scores (N,).
ALL = {
    "box_area": lambda a, b, deltas, scores: box_area(a),
    "box_iou": lambda a, b, deltas, scores: box_iou(a, b),
    "box_giou": lambda a, b, deltas, scores: box_giou(a, b),
    "encode": lambda a, b, deltas, scores: encode(a, b, (10, 10, 5, 5)),
    "decode": lambda a, b, deltas, scores: decode(deltas, b),
    "nms": lambda a, b, deltas, scores: nms(a, scores, 0.4321),
    "batched_nms": lambda a, b, deltas, scores: batched_nms(a, scores, (scores * 8).int(), 0.4321),
    "fpn_level": lambda a, b, deltas, scores: fpn_level(a),
}
KEEP_THEIR_DTYPE = ("encode", "decode")


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
    assert encode(boxes, anchors.float()).dtype == torch.float32
    assert decode(deltas, anchors.half()).dtype == torch.float32
    assert torch.equal(box_iou(boxes, anchors.float()), box_iou(boxes.float(), anchors.float()))


@pytest.mark.parametrize("function", [box_area, lambda b: box_iou(b, b), lambda b: fpn_level(b)])
def test_says_what_it_needs(function):
    with pytest.raises(ValueError, match=r"must be \(N, 4\), got \(3, 5\)"):
        function(torch.zeros(3, 5))
    with pytest.raises(TypeError, match="must be floating point"):
        function(torch.zeros(3, 4, dtype=torch.int64))


def test_nms_wants_a_score_for_each_box():
    with pytest.raises(ValueError, match=r"scores must be \(2,\), got \(3,\)"):
        nms(torch.zeros(2, 4), torch.zeros(3), 0.5)

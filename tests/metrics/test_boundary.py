"""Boundaries: equal to the authors' code, to the definition pixel by pixel, to closed forms."""

import math

import pytest
import torch
from helpers.peers import case_paths, load, name
from helpers.seeded import seeded
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.metrics import boundary_iou, boundary_of, mask_iou, trimap, trimap_accuracy
from minseg.metrics.boundary import band_width, boundary_of_loop, dilate, erode, min_iou


@pytest.mark.parametrize("path", case_paths("boundary_iou"), ids=name)
def test_peer_cases(path):
    """Case 09 pins Python's rounding of halves, which is the metric's definition here too."""
    case, meta = load(path)
    a, b = case["mask_a"][None], case["mask_b"][None]
    for k, expected in enumerate(meta["results"]):
        ratio = {"dilation_ratio": expected["dilation_ratio"]}
        assert band_width(a.shape[1:], **ratio) == expected["dilation_pixels"]
        assert torch.equal(boundary_of(a, **ratio)[0], case[f"boundary_a_{k}"])
        assert torch.equal(boundary_of(b, **ratio)[0], case[f"boundary_b_{k}"])
        iou = boundary_iou(a, b, **ratio).item()
        assert iou == pytest.approx(expected["boundary_iou"], abs=1e-12)
        assert min_iou(a, b, **ratio).item() == pytest.approx(expected["min_iou"], abs=1e-12)


def test_by_hand():
    """A mask of 6 × 7 pixels and its bands of one and of two pixels; it touches the frame below."""
    mask = torch.tensor([[0, 0, 0, 0, 0, 0, 0],
                         [0, 1, 1, 1, 1, 1, 0],
                         [0, 1, 1, 1, 1, 1, 0],
                         [0, 1, 1, 1, 1, 1, 0],
                         [0, 1, 1, 1, 1, 1, 0],
                         [0, 1, 1, 1, 1, 1, 0]])  # fmt: skip
    one = torch.tensor([[0, 0, 0, 0, 0, 0, 0],
                        [0, 1, 1, 1, 1, 1, 0],
                        [0, 1, 0, 0, 0, 1, 0],
                        [0, 1, 0, 0, 0, 1, 0],
                        [0, 1, 0, 0, 0, 1, 0],
                        [0, 1, 1, 1, 1, 1, 0]])  # fmt: skip
    two = torch.tensor([[0, 0, 0, 0, 0, 0, 0],
                        [0, 1, 1, 1, 1, 1, 0],
                        [0, 1, 1, 1, 1, 1, 0],
                        [0, 1, 1, 0, 1, 1, 0],
                        [0, 1, 1, 1, 1, 1, 0],
                        [0, 1, 1, 1, 1, 1, 0]])  # fmt: skip
    for ratio, band in ((0.1, one), (0.2, two)):  # the diagonal is 9.2, so d is 1 and 2
        for function in (boundary_of_loop, boundary_of):
            found = function(mask.bool()[None], dilation_ratio=ratio)
            assert found.int().tolist() == [band.tolist()], function


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2), st.integers(0, 9), st.integers(0, 9), st.floats(0.01, 1), st.integers(0, 999)
)
def test_equals_the_definition(n, height, width, ratio, seed):
    masks = torch.rand(n, height, width, generator=seeded(seed)) < 0.8
    slow = boundary_of_loop(masks, dilation_ratio=ratio)
    assert torch.equal(boundary_of(masks, dilation_ratio=ratio), slow)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 12), st.integers(0, 999))
def test_distances_are_chebyshevs(height, width, distance, seed):
    """Pixel by pixel: in the band, a pixel has background or the outside within the distance."""
    mask = torch.rand(height, width, generator=seeded(seed)) < 0.8
    eroded, dilated = erode(mask, distance), dilate(mask, distance)
    for i in range(height):
        for j in range(width):
            rows = slice(max(i - distance, 0), i + distance + 1)
            window = mask[rows, max(j - distance, 0) : j + distance + 1]
            inside = min(i, j, height - 1 - i, width - 1 - j) >= distance
            assert eroded[i, j] == (inside and window.all())
            assert dilated[i, j] == window.any()


@pytest.mark.parametrize("side", [40, 90])
@pytest.mark.parametrize("d", [1, 4, 15])
def test_a_square_moved_by_one_pixel(side, d):
    """(2d − 1)/(2d + 1) whatever its size: 1/3 in bands of one pixel, .94 in bands of fifteen."""
    a = torch.zeros(1, 120, 160, dtype=torch.bool)  # the diagonal is 200
    a[:, 10 : 10 + side, 20 : 20 + side] = True
    iou = boundary_iou(a, a.roll(1, 2), dilation_ratio=d / 200).item()
    assert iou == pytest.approx((2 * d - 1) / (2 * d + 1))


def test_thick_bands_are_the_whole_mask():
    a, b = (torch.rand(n, 30, 40, generator=seeded(n)) < 0.5 for n in (2, 3))
    torch.testing.assert_close(boundary_iou(a, b, dilation_ratio=0.5), mask_iou(a, b))


def test_a_hollow_frame_deceives_it_and_not_the_smaller_of_both():
    full = torch.zeros(1, 120, 160, dtype=torch.bool)
    full[:, 10:110, 10:110] = True
    frame = boundary_of(full)  # four pixels wide, 1536 of 10 000
    assert boundary_iou(full, frame).item() == 1
    assert min_iou(full, frame).item() == mask_iou(full, frame).item() == 0.1536


def test_trimap_as_written_and_as_meant():
    """A contour erodes to nothing, so as written the band reaches one pixel further in."""
    square = torch.zeros(80, 80, dtype=torch.bool)
    square[10:70, 10:70] = True
    assert trimap(square, 2).sum() == 64**2 - 56**2 == 960
    assert trimap(square, 2, contour_first=True).sum() == 64**2 - 54**2 == 1180


def test_trimap_accuracy_sees_its_band_only():
    """A ring of 4 · 21 pixels around a square of 20 is wrong; a blob far away does not count."""
    target = torch.zeros(90, 90, dtype=torch.bool)
    target[10:30, 10:30] = True
    prediction = dilate(target, 1)
    prediction[60:80, 60:80] = True
    accuracy = trimap_accuracy(prediction, target, [1, 2, 3])
    bands = [(20 + 2 * w) ** 2 - (20 - 2 * w) ** 2 for w in (1, 2, 3)]
    expected = torch.tensor([1 - 84 / band for band in bands], dtype=torch.float64)
    torch.testing.assert_close(accuracy, expected)
    assert math.isnan(trimap_accuracy(prediction, target & False, [3]).item())


def test_a_band_is_at_least_one_pixel():
    """2 % of a small image's diagonal round to nothing; the outermost ring is left."""
    assert boundary_of(torch.ones(1, 5, 6, dtype=torch.bool)).sum() == 5 * 6 - 3 * 4


def test_nothing_is_compared_with_nothing():
    some, none = torch.ones(2, 8, 8, dtype=torch.bool), torch.zeros(0, 8, 8, dtype=torch.bool)
    assert boundary_of(none).shape == (0, 8, 8) and boundary_iou(some, none).shape == (2, 0)
    assert boundary_iou(some & False, some & False).eq(0).all()
    assert boundary_of(torch.zeros(1, 0, 0, dtype=torch.bool)).shape == (1, 0, 0)


MASKS = torch.zeros(2, 8, 9, dtype=torch.bool)


@pytest.mark.parametrize(
    ("error", "words", "call"),
    [
        (TypeError, "masks must be a bool tensor, got torch.int64", lambda: boundary_of(MASKS * 1)),
        (TypeError, "masks must be a bool tensor, got list", lambda: boundary_of([True])),
        (ValueError, r"masks must be \(N, H, W\), got \(8, 9\)", lambda: boundary_of(MASKS[0])),
        (ValueError, "got -0.1", lambda: boundary_iou(MASKS, MASKS, dilation_ratio=-0.1)),
        (ValueError, "got nan", lambda: boundary_of(MASKS, dilation_ratio=math.nan)),
        (ValueError, "width must be at least 1 px, got 0", lambda: trimap(MASKS, 0)),
        (ValueError, r"\(H, W\), got \(2, 8, 9\)", lambda: trimap_accuracy(MASKS[0], MASKS)),
        (ValueError, "must have one shape", lambda: trimap_accuracy(MASKS[0], MASKS[0].T)),
        (ValueError, "width must be at least 1", lambda: trimap_accuracy(MASKS[0], MASKS[0], [0])),
    ],
)
def test_says_what_it_needs(error, words, call):
    with pytest.raises(error, match=words):
        call()

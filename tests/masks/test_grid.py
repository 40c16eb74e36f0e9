"""Grids: exact shares in, grid_sample's paste out, and an error that halves with the cell."""

import math

import numpy as np
import pytest
import torch
from helpers.outlines import awkward_masks, iou, smooth_curve
from helpers.seeded import seeded
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from minseg.masks import (
    from_grid,
    from_grid_loop,
    from_polygons,
    polygon_area,
    to_grid,
    to_grid_loop,
)
from minseg.masks import grid as grid_module
from minseg.masks.grid import crops_from_grid

SIZES = (7, 14, 28, 56, 112)


def tight_box(mask):
    y, x = mask.nonzero(as_tuple=True)
    return torch.tensor([[x.min(), y.min(), x.max() + 1, y.max() + 1]], dtype=torch.float64)


def round_trip(mask, size, *, binary=False, mode="bilinear", box=None):
    box = tight_box(mask) if box is None else box
    return from_grid(to_grid(mask[None], box, size, binary=binary), box, *mask.shape, mode=mode)[0]


def test_by_hand():
    """A mask of 4 × 6 pixels as 2 × 2 cells of its left part, and pasted again."""
    mask = torch.tensor([[1, 1, 1, 0, 0, 0],
                         [1, 1, 0, 0, 0, 0],
                         [1, 1, 0, 0, 0, 0],
                         [0, 1, 0, 0, 0, 1]]).bool()  # fmt: skip
    box = torch.tensor([[0.0, 0, 4, 4]])  # cells of 2 × 2 pixels
    shares = [[1.00, 0.25],
              [0.75, 0.00]]  # fmt: skip
    # A pixel of the box is ¾ of the nearer cell and ¼ of the other, on either axis; beyond the
    # box's edge cells are 0, and its values fade away there.
    pasted_64 = [[36, 39, 21, 9, 3, 0],
                 [45, 48, 24, 9, 3, 0],
                 [39, 40, 16, 3, 1, 0],
                 [27, 27,  9, 0, 0, 0]]  # fmt: skip
    for to, back in ((to_grid_loop, from_grid_loop), (to_grid, from_grid)):
        grid = to(mask[None], box, 2)
        assert grid.tolist() == [shares], to
        assert (64 * back(grid, box, 4, 6, threshold=None)).tolist() == [pasted_64], back


def test_shares_of_a_half_plane():
    """Columns 0-4 inside, cells 1.5 wide from 1.25: the edge cuts the third cell at a half."""
    mask = torch.zeros(1, 9, 9, dtype=torch.bool)
    mask[..., :5] = True
    grid = to_grid(mask, torch.tensor([[1.25, 0, 7.25, 9]]), 4)
    assert grid.dtype == torch.float32
    assert grid[0, 1].tolist() == [1, 1, 0.5, 0]
    binary = to_grid(mask, torch.tensor([[1.25, 0, 7.25, 9]]), 4, binary=True)
    assert binary[0, 1].tolist() == [1, 1, 1, 0]


def test_a_half_is_inside_although_it_is_rounded():
    """Cells of 1/7 pixel: 0.5 in real numbers, 0.49999… in some of float64's."""
    mask = torch.zeros(1, 1, 40, dtype=torch.bool)
    mask[..., :20] = True
    for cells in range(1, 40, 2):  # the middle cell is cut in half at x = 20
        for reach in (1 / 3, 0.7, 5.1, 19.9):
            box = torch.tensor([[20 - reach, 0, 20 + reach, 1]], dtype=torch.float64)
            assert to_grid(mask, box, cells, binary=True)[0, 0, cells // 2] == 1


boxes = st.tuples(st.floats(-6, 14), st.floats(-6, 14), st.floats(0.01, 20), st.floats(0.01, 20))


@settings(deadline=None, max_examples=60)
@given(boxes, st.sampled_from([1, 3, 7]), st.integers(0, 999))
def test_shares_equal_their_definition(corner_and_size, size, seed):
    """Cell by cell and pixel by pixel, the area of a rectangle cut by a rectangle."""
    generator = torch.Generator().manual_seed(seed)
    masks = torch.rand(2, 6, 9, generator=generator) < 0.5
    x1, y1, w, h = corner_and_size
    boxes = torch.tensor([[x1, y1, x1 + w, y1 + h], [x1, y1, x1, y1 + h]], dtype=torch.float64)
    grids, slow = to_grid(masks, boxes, size), to_grid_loop(masks, boxes, size)
    assert grids.dtype == slow.dtype
    torch.testing.assert_close(grids, slow, atol=1e-5, rtol=0)


def grid_sample_paste(grids, boxes, height, width, mode):
    """As detectron2 pastes: pixel centres, normalised to -1 … 1 across the box."""
    x1, y1, x2, y2 = boxes.double().T[..., None]
    x = (torch.arange(width) + 0.5 - x1) / (x2 - x1) * 2 - 1  # (N, W)
    y = (torch.arange(height) + 0.5 - y1) / (y2 - y1) * 2 - 1
    at = torch.stack(
        [x[:, None].expand(-1, height, -1), y[:, :, None].expand(-1, -1, width)], dim=3
    )
    return functional.grid_sample(
        grids[:, None].double(), at, mode=mode, padding_mode="zeros", align_corners=False
    )[:, 0]


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("size", [7, 14, 28, 41, 112])
def test_paste_equals_grid_sample(size, mode):
    """Boxes outside, on and across the image's border, some smaller than a pixel."""
    generator = torch.Generator().manual_seed(size)
    grids = torch.rand(20, size, size, generator=generator)
    corners = torch.rand(20, 2, generator=generator, dtype=torch.float64) * 60 - 15
    sides = torch.rand(20, 2, generator=generator, dtype=torch.float64) ** 3 * 60 + 0.01
    boxes = torch.cat([corners, corners + sides], dim=1)
    values = from_grid(grids, boxes, 33, 45, mode=mode, threshold=None)
    expected = grid_sample_paste(grids, boxes, 33, 45, mode)
    assert values.dtype == torch.float32
    torch.testing.assert_close(values.double(), expected, atol=1e-6, rtol=0)
    masks = from_grid(grids, boxes, 33, 45, mode=mode)
    undecided = (expected - 0.5).abs() < 1e-6
    assert torch.equal(masks | undecided, (expected >= 0.5) | undecided) and masks.any()


@settings(deadline=None, max_examples=40)
@given(boxes, st.integers(1, 5), st.integers(0, 999))
def test_paste_equals_the_definition(corner_and_size, size, seed):
    x1, y1, w, h = corner_and_size
    box = torch.tensor([[x1, y1, x1 + w, y1 + h], [x1, y1, x1, y1 + h]], dtype=torch.float64)
    grids = torch.rand(2, size, size, generator=torch.Generator().manual_seed(seed))
    fast = from_grid(grids, box, 6, 9, threshold=None)
    slow = from_grid_loop(grids, box, 6, 9, threshold=None)
    torch.testing.assert_close(fast, slow, atol=1e-5, rtol=0)


def test_the_half_pixel():
    """A grid as fine as its box is the box's pixels: every centre falls on a cell's centre."""
    grid = torch.rand(1, 6, 6, generator=torch.Generator().manual_seed(0))
    values = from_grid(grid, torch.tensor([[2.0, 1, 8, 7]]), 9, 9, threshold=None)
    assert torch.equal(values[:, 1:7, 2:8], grid) and (values > 0).sum() == 36


def test_nearest_takes_the_cell_right_of_a_border():
    """Cells half a pixel wide: each centre lies between two."""
    grid = torch.arange(1.0, 9).expand(1, 8, 8) / 10
    values = from_grid(grid, torch.tensor([[0.0, 0, 4, 4]]), 5, 5, mode="nearest", threshold=None)
    torch.testing.assert_close(values[0, 0], torch.tensor([0.2, 0.4, 0.6, 0.8, 0]))


def test_a_value_of_the_threshold_is_inside():
    """Between a 1 and a 0 bilinear gives 0.5, whatever the rounding of the box."""
    grid = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])
    for left in np.linspace(0.1, 7.3, 50):
        box = torch.tensor([[left, 0, 21 - left, 1]], dtype=torch.float64)  # centred at 10.5
        assert from_grid(grid, box, 1, 21)[0, 0, 10]


@pytest.mark.parametrize("size", [7, 10, 28, 31, 56, 112])
@pytest.mark.parametrize("mask", awkward_masks().values(), ids=awkward_masks())
def test_round_trip_of_awkward_masks(mask, size):
    """In the box of the whole image."""
    box = torch.tensor([[0.0, 0, 30, 24]])
    decoded = round_trip(mask, size, box=box)
    quality = iou(decoded, mask)
    if not mask.any():
        assert quality == 1
    elif mask.all():  # at a corner pixel (½ + ½ m/W)(½ + ½ m/H) is below ½ where cells are coarse
        assert quality == (1 if size >= 14 else 716 / 720)
    elif size >= 56:  # finer than the pixels
        assert quality > 0.9


def test_exact_at_whole_cells_a_pixel():
    mask = torch.rand(12, 12, generator=torch.Generator().manual_seed(3)) < 0.5
    box = torch.tensor([[0.0, 0, 12, 12]])
    for size in (12, 24, 36):
        assert torch.equal(round_trip(mask, size, binary=True, mode="nearest", box=box), mask)


def test_error_halves_with_the_cell():
    """1 - IoU ≈ c · (perimeter / area) · L / m: a power of m, not its logarithm."""
    curve = smooth_curve(4000)
    mask = from_polygons([curve], 256, 256)
    x1, y1, x2, y2 = tight_box(mask)[0].tolist()
    hard = np.array(
        [1 - iou(round_trip(mask, m, binary=True, mode="nearest"), mask) for m in SIZES]
    )
    slope = np.polyfit(np.log(SIZES), np.log(hard), 1)[0]
    assert -1.05 < slope < -0.85
    perimeter = (curve.roll(-1, 0) - curve).norm(dim=1).sum().item()
    side = math.sqrt((x2 - x1) * (y2 - y1))
    c = hard / (perimeter / polygon_area(curve) * side / np.array(SIZES))
    assert c.min() > 0.15 and c.max() < 0.25
    soft = np.array([1 - iou(round_trip(mask, m), mask) for m in SIZES])
    assert (soft < hard / 4).all() and soft[-1] < 0.001


def test_gradient_reaches_the_grid():
    grids = torch.rand(2, 5, 5, dtype=torch.float64, requires_grad=True)
    boxes = torch.tensor([[1.3, 2.0, 7.9, 8.1], [-3, 0, 4, 20]])
    from_grid(grids, boxes, 10, 10, threshold=None).sum().backward()
    assert (grids.grad[0] > 0).all() and grids.grad[1, :, 0].sum() == 0


def test_many_at_once_as_each_alone():
    """More masks than one set of matrices holds, and boxes in and beyond the image."""
    random = torch.Generator().manual_seed(0)
    masks = torch.rand(150, 9, 7, generator=random) < 0.5
    corners = torch.rand(150, 2, generator=random) * 12 - 3
    boxes = torch.cat([corners, corners + torch.rand(150, 2, generator=random) * 9], dim=1)
    alone = [to_grid(mask[None], box[None], 5) for mask, box in zip(masks, boxes, strict=True)]
    assert torch.equal(to_grid(masks, boxes, 5), torch.cat(alone))


def test_a_box_without_area_inside_a_pixel_gives_zeros():
    full = torch.ones(1, 4, 4, dtype=torch.bool)
    for box in ([1.5, 1, 1.5, 3], [1, 2.25, 3, 2.25]):
        assert torch.equal(to_grid(full, torch.tensor([box]), 3), torch.zeros(1, 3, 3))


def test_no_area_and_no_masks():
    flat = torch.tensor([[2.0, 3, 2, 9]])
    assert not to_grid(torch.ones(1, 9, 9, dtype=torch.bool), flat, 7).any()
    for mode in ("bilinear", "nearest"):
        assert not from_grid(torch.ones(1, 7, 7), flat, 9, 9, mode=mode).any()
    none = torch.zeros(0, 4)
    assert to_grid(torch.zeros(0, 9, 8, dtype=torch.bool), none, 7).shape == (0, 7, 7)
    assert from_grid(torch.zeros(0, 7, 7), none, 9, 8).shape == (0, 9, 8)
    assert from_grid(torch.zeros(0, 7, 7), none, 9, 8).dtype == torch.bool


MASKS, GRIDS, BOXES = torch.ones(1, 9, 9) > 0, torch.ones(1, 7, 7), torch.tensor([[0.0, 0, 5, 5]])


@pytest.mark.parametrize(
    ("error", "words", "call"),
    [
        (TypeError, "masks must be bool, got torch.float32",
         lambda: to_grid(MASKS * 1.0, BOXES, 7)),
        (ValueError, r"masks must be \(N, rows, columns\), got \(9, 9\)",
         lambda: to_grid(MASKS[0], BOXES, 7)),
        (ValueError, r"boxes must be \(1, 4\), got \(2, 4\)",
         lambda: to_grid(MASKS, BOXES.repeat(2, 1), 7)),
        (ValueError, "boxes must be finite", lambda: to_grid(MASKS, BOXES * math.nan, 7)),
        (ValueError, "with x1 <= x2", lambda: from_grid(GRIDS, BOXES.flip(1), 9, 9)),
        (ValueError, "size must be 1 or more cells, got 0", lambda: to_grid(MASKS, BOXES, 0)),
        (TypeError, "grids must be floating-point", lambda: from_grid(GRIDS > 0, BOXES, 9, 9)),
        (ValueError, "mode must be", lambda: from_grid(GRIDS, BOXES, 9, 9, mode="cubic")),
        (ValueError, "threshold must be in", lambda: from_grid(GRIDS, BOXES, 9, 9, threshold=0)),
    ],
)  # fmt: skip
def test_says_what_it_needs(error, words, call):
    with pytest.raises(error, match=words):
        call()


def test_crops_are_the_mask_without_the_rest():
    generator = torch.Generator().manual_seed(5)
    grids = torch.rand(60, 7, 7, generator=generator)
    grids[0] = 0  # an empty mask
    corners = torch.rand(60, 2, 2, generator=generator) * 60 - 15  # some leave the image
    boxes = torch.cat([corners.amin(dim=1), corners.amax(dim=1)], dim=1)
    boxes[1, 2:] = boxes[1, :2]
    boxes[2:12] = boxes[2:12].round()  # values of exactly a half
    grids[2:12] = 1
    for threshold in (0.5, 0.1, 1.0):
        crops = crops_from_grid(grids, boxes, 25, 35, threshold=threshold)
        assert len(crops) == 60
        expected = from_grid(grids, boxes, 25, 35, threshold=threshold)
        for crop, mask in zip(crops, expected.numpy(), strict=True):
            assert (crop.mask.sum() == mask.sum()) and crop.mask.size <= 25 * 35
            y, x = np.nonzero(crop.mask)
            assert mask[crop.y + y, crop.x + x].all()
            for axis in (0, 1):  # tight
                sides = crop.mask.any(axis=axis)
                assert not sides.size or (sides[0] and sides[-1])


def test_a_paste_costs_the_box_and_not_the_image():
    """A weight of 0 reads nothing: what lies in a box has no say outside of it."""
    grids = torch.full((1, 3, 3), float("nan"))
    values = from_grid(grids, torch.tensor([[4.0, 4, 7, 7]]), 12, 12, threshold=None)[0]
    assert values.isnan().sum() == 25 and not values[:3].any() and not values[:, 8:].any()


def test_cutting_boxes_out_of_a_large_picture_changes_nothing(monkeypatch):
    masks = torch.rand(5, 20, 30, generator=seeded(0)) < 0.5
    corners = torch.rand(5, 2, generator=seeded(1)) * 10 - 3  # beyond the picture, too
    boxes = torch.cat([corners, corners + torch.rand(5, 2, generator=seeded(2)) * 25], dim=1)
    whole = to_grid(masks, boxes, 7)
    monkeypatch.setattr(grid_module, "SMALL", 0)
    torch.testing.assert_close(to_grid(masks, boxes, 7), whole, rtol=0, atol=1e-7)

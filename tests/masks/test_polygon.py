"""Polygons: nothing lost at tolerance 0, half-open edges, and a distance that is kept."""

import math

import numpy as np
import pytest
import torch
from helpers.outlines import awkward_masks, distance_to_curve, iou, smooth_curve
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import approximate_polygon

from minseg.masks import (
    from_coco,
    from_polygons,
    from_polygons_loop,
    largest_ring,
    polygon_area,
    simplify,
    to_coco,
    to_polygons,
)


def box(x1, y1, x2, y2):
    return torch.tensor([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], dtype=torch.float64)


@pytest.mark.parametrize("mask", awkward_masks().values(), ids=awkward_masks())
def test_nothing_is_lost(mask):
    assert torch.equal(from_polygons(to_polygons(mask), *mask.shape), mask)
    assert torch.equal(from_polygons(to_polygons(~mask), *mask.shape), ~mask)


@settings(deadline=None)
@given(st.integers(1, 14), st.integers(1, 14), st.floats(0, 1), st.integers(0, 999))
def test_nothing_is_lost_of_noise(height, width, level, seed):
    """Of masks, and of fields cut at any level, which may be far from zero."""
    field = torch.rand(height, width, generator=torch.Generator().manual_seed(seed))
    mask = field > level
    assert torch.equal(from_polygons(to_polygons(mask), height, width), mask)
    shifted = field.double() * 100 - 70
    level = 100 * level - 70
    decoded = from_polygons(to_polygons(shifted.numpy(), level=level), height, width)
    near = (shifted - level).abs() < 1e-6  # a centre on the outline may lie on either side
    assert torch.equal(decoded | near, (shifted > level) | near)


def test_one_polygon_a_part():
    count = {name: len(to_polygons(mask)) for name, mask in awkward_masks().items()}
    assert count.pop("checkerboard") == 24 * 30 // 2
    assert count.pop("two holes and an island") == 2
    assert count == {
        "empty": 0, "full": 1, "one pixel": 1, "two parts": 2, "hole": 1,
        "border contact": 2, "diagonal touch": 2,
    }  # fmt: skip


def test_outline_of_one_pixel():
    """Half way to each neighbour: a diamond of half a pixel's area, at the border as inside."""
    mask = torch.ones(1, 1, dtype=torch.bool)
    (diamond,) = to_polygons(mask)
    assert diamond.dtype == torch.float64
    assert sorted(diamond.tolist()) == [[0, 0.5], [0.5, 0], [0.5, 1], [1, 0.5]]


def test_outline_is_sub_pixel():
    """A ramp of slope 1 per pixel crosses 2.2 at x = 2.7, where no centre is."""
    ramp = torch.arange(6.0).expand(4, 6)  # at x = j + ½
    (outline,) = to_polygons(ramp, level=2.2)
    left = outline[outline[:, 0] < 3]
    assert left[:, 0].tolist() == pytest.approx([2.7] * len(left)) and len(left) == 4
    disc = smooth_disc(radius=20.3)
    (circle,) = to_polygons(disc, level=0.0)
    radii = (circle - 32).norm(dim=1)
    assert (radii - 20.3).abs().max() < 0.02


def smooth_disc(radius):
    centre = torch.arange(64, dtype=torch.float64) + 0.5 - 32
    return radius - torch.hypot(centre[:, None], centre)


def test_border_contact_ends_at_the_border():
    (outline,) = to_polygons(torch.full((5, 7), 0.9))
    assert outline.amin(dim=0).tolist() == pytest.approx([0, 0])
    assert outline.amax(dim=0).tolist() == pytest.approx([7, 5])


def test_area_subtracts_holes():
    mask = torch.ones(20, 20, dtype=torch.bool)
    mask[5:15, 5:15] = False
    (ring,) = to_polygons(mask)
    assert polygon_area(ring) == 300  # four corners of ⅛ are cut off the square, and off the hole
    assert polygon_area(largest_ring([ring])) == 400 - 0.5
    assert polygon_area(box(2, 3, 6, 5)) == 8
    assert polygon_area(box(2, 3, 6, 5).flip(0)) == -8
    assert polygon_area(box(2, 3, 6, 5) + 1e9) == 8
    assert polygon_area(torch.zeros(0, 2)) == 0


def test_largest_ring():
    small, large = box(0, 0, 2, 2), box(5, 5, 9, 9)
    assert torch.equal(largest_ring([small, large.flip(0)]), large.flip(0))
    (ring,) = to_polygons(awkward_masks()["hole"])
    filled = awkward_masks()["hole"].clone()
    filled[7:16, 10:19] = True
    assert torch.equal(from_polygons([largest_ring([ring])], 24, 30), filled)
    with pytest.raises(ValueError, match="an empty mask has no ring"):
        largest_ring([])


def test_edges_are_half_open():
    """On a left or top edge a centre is inside, on a right or bottom one outside."""
    assert from_polygons([box(5.5, 5.5, 16.5, 16.5)], 20, 20).sum() == 121
    rows, columns = from_polygons([box(1.5, 2.5, 4.5, 3.5)], 6, 6).nonzero(as_tuple=True)
    assert rows.tolist() == [2, 2, 2] and columns.tolist() == [1, 2, 3]
    halves = [[0.5, 0.5], [8.5, 0.5], [0.5, 8.5]], [[8.5, 0.5], [8.5, 8.5], [0.5, 8.5]]
    first, second = (from_polygons([np.array(half)], 9, 9) for half in halves)
    assert not (first & second).any() and (first | second).sum() == 64


polygons_on_halves = st.lists(
    st.lists(st.tuples(st.integers(-6, 24), st.integers(-6, 24)), max_size=8), max_size=3
)


@settings(deadline=None, max_examples=150)
@given(polygons_on_halves, st.integers(0, 9), st.integers(0, 9), st.sampled_from([0.5, 0.37]))
def test_equals_the_definition(corners, height, width, unit):
    """Outside the image, self-crossing, degenerate; on centres where the unit is a half."""
    polygons = [np.array(c, dtype=float).reshape(-1, 2) * unit for c in corners]
    fast = from_polygons(polygons, height, width)
    assert torch.equal(fast, from_polygons_loop(polygons, height, width))
    reversed_ = [polygon[::-1] for polygon in polygons]
    assert torch.equal(fast, from_polygons(reversed_, height, width))


def test_even_odd_within_and_union_between():
    inner, outer = box(2, 2, 4, 4), box(0, 0, 6, 6)
    twice = torch.cat([outer, outer[:1], inner, inner[:1]])  # one polygon, whatever the direction
    assert from_polygons([twice], 6, 6).sum() == 36 - 4
    assert from_polygons([outer, inner], 6, 6).sum() == 36
    bow_tie = torch.tensor([[0.0, 0], [6, 6], [6, 0], [0, 6]])
    covered = from_polygons([bow_tie], 6, 6)
    assert covered[2, 0] and covered[2, 5] and not covered[0, 3] and not covered[5, 3]


def test_a_bridge_leaves_no_trace():
    """At slopes whose crossings are rounded, and through other parts of the mask."""
    for seed in range(50):
        generator = torch.Generator().manual_seed(seed)
        a, b = torch.rand(2, 2, generator=generator, dtype=torch.float64) * 40
        there_and_back = torch.stack([a, b, a])
        assert not from_polygons([there_and_back], 40, 40).any()


def test_few_points_cover_nothing():
    assert from_polygons([], 3, 4).tolist() == [[False] * 4] * 3
    parts = [torch.zeros(0, 2), torch.tensor([[1.0, 1]]), torch.tensor([[0.0, 0], [3, 3]])]
    assert not from_polygons(parts, 3, 4).any()


def drawn_by_pycocotools(polygons, height, width):
    coco = pytest.importorskip("pycocotools.mask")
    runs = coco.merge(coco.frPyObjects(to_coco(polygons), height, width))
    return torch.from_numpy(coco.decode(runs).astype(bool))


@pytest.mark.parametrize("scale", [0.3, 0.61, 1.0])
def test_agrees_with_pycocotools(scale):
    """Up to its rounding of outlines to pixels: a fraction of a pixel along the outline."""
    parts = [smooth_curve(200) * scale]
    theirs = drawn_by_pycocotools(parts, 256, 256)
    assert iou(from_polygons(parts, 256, 256), theirs) >= 0.99


def test_half_a_pixel_is_where_pycocotools_differs():
    square = [box(5.5, 5.5, 16.5, 16.5)]
    ours, theirs = from_polygons(square, 20, 20), drawn_by_pycocotools(square, 20, 20)
    assert torch.equal(ours.any(dim=0).nonzero().flatten(), torch.arange(5, 16))
    assert torch.equal(theirs.any(dim=0).nonzero().flatten(), torch.arange(6, 17))


@pytest.mark.parametrize("name", ["full", "two parts", "hole", "two holes and an island"])
def test_pycocotools_reads_bridged_polygons(name):
    mask = awkward_masks()[name]
    theirs = drawn_by_pycocotools(to_polygons(mask), *mask.shape)
    assert iou(theirs, mask) > 0.9


@settings(deadline=None)
@given(st.integers(4, 40), st.floats(0.01, 6), st.integers(0, 999))
def test_simplify_equals_skimage(points, tolerance, seed):
    ring = np.random.default_rng(seed).random((points, 2)) * 20
    theirs = approximate_polygon(np.concatenate([ring, ring[:1]]), tolerance)[:-1]
    ours = simplify(ring, tolerance).numpy()
    if len(theirs) >= 3:
        assert np.array_equal(ours, theirs)
    else:
        assert len(ours) == 3 and all(point in ours.tolist() for point in theirs.tolist())


@pytest.mark.parametrize("tolerance", [0.25, 1.0, 4.0])
def test_simplify_keeps_its_distance(tolerance):
    curve = smooth_curve(400)
    short = simplify(curve, tolerance)
    assert len(short) < 100
    assert distance_to_curve(curve, short).max() <= tolerance
    assert distance_to_curve(curve, short).max() > tolerance / 4  # no corner kept in vain


def test_simplify_a_straight_side_and_a_flat_ring():
    sides = to_polygons(torch.ones(9, 9, dtype=torch.bool))[0]
    assert len(sides) == 36 and len(simplify(sides, 0)) == 8  # four sides and the cut corners
    assert simplify(torch.zeros(5, 2), 1.0).tolist() == [[0, 0]] * 3
    assert simplify(sides[:3], 50).shape == (3, 2) and simplify(sides, 50).shape == (3, 2)


@pytest.mark.parametrize("tolerance", [0.5, 1.0, 2.0])
def test_error_bound(tolerance):
    """1 - IoU is at most about tolerance · perimeter / area."""
    curve = smooth_curve(1000)
    mask = from_polygons([curve], 256, 256)
    decoded = from_polygons(to_polygons(mask, tolerance=tolerance), 256, 256)
    perimeter = (curve.roll(-1, 0) - curve).norm(dim=1).sum().item()
    assert 0 < 1 - iou(decoded, mask) <= tolerance * perimeter / polygon_area(curve)


@pytest.mark.parametrize("mask", awkward_masks().values(), ids=awkward_masks())
def test_a_large_tolerance_keeps_every_part(mask):
    parts = to_polygons(mask, tolerance=100.0)
    assert len(parts) == len(to_polygons(mask)) and all(len(part) >= 3 for part in parts)


def test_coco_and_back():
    parts = [box(1, 2, 3, 4), torch.rand(5, 2, dtype=torch.float64), torch.zeros(2, 2)]
    flat = to_coco(parts)
    assert flat[0] == [1, 2, 3, 2, 3, 4, 1, 4] and len(flat) == 2  # two points cover nothing
    assert all(torch.equal(a, b) for a, b in zip(from_coco(flat), parts[:2], strict=True))
    assert from_coco([[]])[0].shape == (0, 2)


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("error", "words", "call"),
    [
        (TypeError, "mask must be bool or floating point, got int64",
         lambda: to_polygons(np.eye(3, dtype=int))),
        (ValueError, r"mask must be \(H, W\), got \(1, 3, 3\)",
         lambda: to_polygons(torch.ones(1, 3, 3))),
        (ValueError, "mask must be finite", lambda: to_polygons(torch.tensor([[NAN, 1]]))),
        (ValueError, "tolerance must be 0 or more",
         lambda: to_polygons(torch.ones(3, 3), tolerance=-1)),
        (ValueError, "tolerance must be 0 or more", lambda: simplify(box(0, 0, 1, 1), NAN)),
        (ValueError, r"polygons\[1\] must be \(n, 2\).*\(8,\)",
         lambda: from_polygons([box(0, 0, 1, 1), box(0, 0, 1, 1).flatten()], 3, 3)),
        (ValueError, r"polygons\[0\] must have finite",
         lambda: from_polygons([[[NAN, 0], [1, 1], [0, 1]]], 3, 3)),
        (ValueError, r"polygons\[0\] must have finite",
         lambda: from_polygons([[[1, 0], [-INF, 1], [0, 1]]], 3, 3)),
        (ValueError, "must not be negative, got -1 and 3", lambda: from_polygons([], -1, 3)),
        (ValueError, r"segmentation\[0\] must be x, y", lambda: from_coco([[1, 2, 3]])),
    ],
)  # fmt: skip
def test_says_what_it_needs(error, words, call):
    with pytest.raises(error, match=words):
        call()

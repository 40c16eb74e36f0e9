"""Shapes that can be dragged: masks of the right size and place, and the page's paths."""

import math

import pytest
import torch

from minseg.explore.base.shapes import OUTLINES, outline_in, shape_masks, unit_paths

SIZE = (60, 80)
BOX = (10.0, 5.0, 70.0, 55.0)
SHARES = {"disc": math.pi / 4, "box": 1.0, "triangle": 0.5, "arch": 0.625}  # of the box's area


@pytest.mark.parametrize("kind", OUTLINES)
def test_a_shape_covers_its_share_of_its_box(kind):
    (mask,) = shape_masks([kind], [BOX], SIZE)
    assert mask.sum() == pytest.approx(SHARES[kind] * 60 * 50, rel=0.02)
    rows, columns = mask.any(dim=1).nonzero(), mask.any(dim=0).nonzero()
    assert int(rows.min()) in (5, 6), "the tip of a triangle covers no centre"
    assert int(rows.max()) + 1 == 55
    assert (int(columns.min()), int(columns.max()) + 1) == (10, 70)


def test_the_arch_has_its_centre_of_mass_outside():
    (mask,) = shape_masks(["arch"], [BOX], SIZE)
    i, j = mask.nonzero().double().mean(dim=0).tolist()
    assert not mask[round(i), round(j)]


def test_paths_are_the_outlines_in_a_square_of_100():
    assert unit_paths()["triangle"] == "M50.00 0.00L100.00 100.00L0.00 100.00Z"
    assert set(unit_paths()) == set(OUTLINES)
    corners = outline_in("disc", (0, 0, 100, 100))
    assert torch.equal(corners, 100 * OUTLINES["disc"])


def test_no_shapes_have_no_masks():
    assert shape_masks([], [], SIZE).shape == (0, 60, 80)

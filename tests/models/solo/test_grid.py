"""Which cell owns which thing: the definition, tables by hand, collisions."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.instances import tight_boxes
from minseg.models.solo.grid import NOTHING, grid_targets, grid_targets_loop, mass_centres


def things(count, seed, size=(37, 53)):
    """Rectangles with holes, some of one pixel, some empty; boxes and centres of mass."""
    generator = torch.Generator().manual_seed(seed)
    masks = torch.zeros(count, *size, dtype=torch.bool)
    for mask in masks:
        (y, x, h, w) = (
            int(torch.randint(high, (), generator=generator)) for high in (*size, 20, 20)
        )
        mask[y : y + h, x : x + w] = True
        mask &= torch.rand(*size, generator=generator) < 0.8
    return tight_boxes(masks), mass_centres(masks)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 6),
    st.integers(0, 999),
    st.integers(1, 15),
    st.sampled_from([0.0, 0.2, 1.0]),
    st.sampled_from([(0.0, math.inf), (4.0, 12.0)]),
)
def test_equals_the_definition(count, seed, grid, epsilon, sizes):
    boxes, centres = things(count, seed)
    given = (boxes, centres, (37, 53), grid)
    owner = grid_targets(*given, sizes=sizes, epsilon=epsilon)
    assert torch.equal(owner, grid_targets_loop(*given, sizes=sizes, epsilon=epsilon))


def test_a_batch_is_its_images():
    boxes, centres = zip(*[things(4, seed) for seed in range(3)], strict=True)
    owner = grid_targets(torch.stack(boxes), torch.stack(centres), (37, 53), 9)
    for k in range(3):
        assert torch.equal(owner[k], grid_targets(boxes[k], centres[k], (37, 53), 9))


def owned(box, grid, epsilon=0.2, centre=None, shape=(100, 100)):
    """(row, column) of the cells that one thing owns."""
    x1, y1, x2, y2 = box
    centre = ((x1 + x2) / 2, (y1 + y2) / 2) if centre is None else centre
    boxes, centres = torch.tensor([box]).float(), torch.tensor([centre]).float()
    return grid_targets(boxes, centres, shape, grid, epsilon=epsilon).add(1).nonzero().tolist()


@pytest.mark.parametrize(
    ("box", "epsilon", "cells"),
    [
        ((40, 40, 50, 50), 0.2, [[4, 4]]),  # centre 45, region 44 to 46
        ((45, 40, 55, 50), 0.2, [[4, 4], [4, 5]]),  # the region crosses the line at x = 50
        ((25, 25, 75, 75), 0.2, [[4, 4], [4, 5], [5, 4], [5, 5]]),  # centre 50, region 45 to 55
        ((25, 25, 75, 75), 0.0, [[5, 5]]),  # one cell: the one that holds the centre
        ((0, 0, 100, 90), 1.0, [[r, c] for r in (3, 4, 5) for c in (4, 5, 6)]),  # never above 3 × 3
        ((0, 0, 8, 8), 1.0, [[0, 0]]),  # at the edge there are no more
        ((92, 92, 100, 100), 1.0, [[9, 9]]),
    ],
)
def test_positives_by_hand(box, epsilon, cells):
    assert owned(box, 10, epsilon) == cells


def test_the_centre_is_that_of_mass_and_x_goes_to_columns():
    assert owned((0, 0, 80, 20), 10, 0.0, centre=(71, 15)) == [[1, 7]]
    assert owned((0, 0, 80, 20), 10, 0.0, centre=(71, 15), shape=(20, 100)) == [[7, 7]]
    heavy = torch.zeros(1, 10, 10, dtype=torch.bool)
    heavy[0, 0, :], heavy[0, 1:, 9] = True, True  # an L upside down: its box's centre is empty
    assert mass_centres(heavy)[0].tolist() == pytest.approx([(50 + 9 * 9.5) / 19, (5 + 49.5) / 19])


def test_the_smaller_of_two_things_keeps_the_cell():
    large, small = [0.0, 0, 60, 60], [28.0, 28, 34, 34]
    for order in ([large, small], [small, large]):
        boxes = torch.tensor(order)
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        owner = grid_targets(boxes, centres, (60, 60), 10)
        assert owner[5, 5] == order.index(small)
        assert (owner == order.index(large)).any()  # and the larger has others


def test_of_equal_things_the_first_keeps_the_cell():
    boxes = torch.tensor([[0.0, 0, 8, 8]]).repeat(3, 1)
    owner = grid_targets(boxes, torch.full((3, 2), 4.0), (8, 8), 1)
    assert owner.tolist() == [[0]]


def test_more_things_than_cells():
    """4 cells hold 4 things, however many there are."""
    boxes, centres = things(6, 3)
    owner = grid_targets(boxes, centres, (37, 53), 2)
    assert len(owner[owner >= 0].unique()) <= 4


def test_a_thing_of_one_pixel_owns_one_cell_and_padding_none():
    boxes = torch.tensor([[9.0, 3, 10, 4], [0, 0, 0, 0]])
    owner = grid_targets(boxes, torch.tensor([[9.5, 3.5], [0, 0]]), (20, 20), 10)
    assert (owner >= 0).nonzero().tolist() == [[1, 4]] and owner[1, 4] == 0
    assert (grid_targets(torch.zeros(1, 4), torch.zeros(1, 2), (20, 20), 10) == NOTHING).all()


def test_ranges_take_both_ends_and_may_overlap():
    boxes = torch.tensor([[0.0, 0, 16, 16]])
    centres = torch.full((1, 2), 8.0)
    for sizes, taken in (((0, 16), 1), ((16, 48), 1), ((17, 48), 0), ((0, 15.9), 0)):
        owner = grid_targets(boxes, centres, (32, 32), 4, sizes=sizes, epsilon=0)
        assert int((owner >= 0).sum()) == taken


def test_collisions_of_random_centres():
    """P(each of 10 centres has a cell of its own) = Π (1 − k/144) = 0.73 on a grid of 12."""
    free = math.prod(1 - k / 144 for k in range(10))
    centres = torch.rand(2000, 10, 2, generator=torch.Generator().manual_seed(0)) * 96
    boxes = torch.cat([centres - 2, centres + 2], dim=2)
    owner = grid_targets(boxes, centres, (96, 96), 12, epsilon=0)
    alone = ((owner >= 0).flatten(1).sum(1) == 10).float().mean().item()
    assert free == pytest.approx(0.726, abs=1e-3) and alone == pytest.approx(free, abs=0.03)


def test_says_what_it_needs():
    boxes, centres = torch.zeros(2, 4), torch.zeros(2, 2)
    with pytest.raises(ValueError, match=r"got \(2, 4\) and \(1, 2\)"):
        grid_targets(boxes, centres[:1], (8, 8), 4)
    with pytest.raises(ValueError, match="pad with zeros where there is no thing"):
        grid_targets(boxes[:0], centres[:0], (8, 8), 4)
    with pytest.raises(ValueError, match="grid must have 1 or more cells each way, got 0"):
        grid_targets(boxes, centres, (8, 8), 0)
    with pytest.raises(ValueError, match=r"epsilon must lie in \[0, 1\], got 1\.5"):
        grid_targets(boxes, centres, (8, 8), 4, epsilon=1.5)

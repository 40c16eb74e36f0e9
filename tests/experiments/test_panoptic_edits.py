"""Edits of a panoptic map: each changes what it says, and nothing else."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.experiments import panoptic_edits as edits

SKY, DISC, OTHER = 6000, 1001, 1002


def square(side=6):
    ids = torch.full((20, 30), SKY)
    ids[5 : 5 + side, 8 : 8 + side] = DISC
    return ids


def area(ids, segment=DISC):
    return int((ids == segment).sum())


@settings(deadline=None)
@given(st.integers(3, 9), st.sampled_from(["shrink", "grow", "delete", "split", "relabel"]))
def test_an_edit_touches_nothing_but_its_segment_and_its_border(side, name):
    before = square(side)
    kept = before.clone()
    more = {"relabel": (2,)}.get(name, ())
    after = getattr(edits, name)(before, DISC, *more)
    assert torch.equal(before, kept), "the map that was given stays as it was"
    changed = before != after
    assert not changed[:4].any() and not changed[16:].any()


def test_shrink_and_grow_count_corners():
    assert area(edits.shrink(square(6), DISC)) == 16
    assert area(edits.grow(square(6), DISC)) == 64
    assert area(edits.shrink(square(6), DISC), 0) == 20, "what is given up is void"


def test_the_border_of_the_image_is_no_edge():
    ids = torch.full((5, 5), SKY)
    assert torch.equal(edits.shrink(ids, SKY), ids)


def test_split_halves_across_the_longer_side():
    ids = torch.full((6, 12), SKY)
    ids[1:4, 1:11] = DISC
    parts = edits.split(ids, DISC)
    assert area(parts) == area(parts, OTHER) == 15
    assert (parts[:, :6] != OTHER).all() and (parts[:, 6:] != DISC).all()
    assert area(edits.split(ids, SKY), 6001) > 0, "a piece of stuff gets an instance number"


def test_merge_and_relabel_find_free_numbers():
    ids = edits.split(square(), DISC)
    assert torch.equal(edits.merge(ids, DISC, OTHER), square())
    assert area(edits.relabel(ids, DISC, 2), 2001) == 18
    ids[0, 0] = 2001
    assert area(edits.relabel(ids, DISC, 2), 2002) == 18
    assert area(edits.relabel(square(), SKY, 7), 7000) == 600 - 36


def test_move_leaves_void_behind_and_loses_what_goes_out():
    moved = edits.move(square(), DISC, 2, -1)
    assert area(moved) == 36 and area(moved, 0) == 2 * 6 + 4
    assert bool((moved[4:10, 10:16] == DISC).all())
    assert area(edits.move(square(), DISC, 19, 0)) == 18
    assert area(edits.move(square(), DISC, 50, 0)) == 0


def test_says_what_it_needs():
    with pytest.raises(ValueError, match="segment must be an id in the map, got 1007"):
        edits.shrink(square(), 1007)
    with pytest.raises(ValueError, match="got void, which is no segment"):
        edits.delete(edits.shrink(square(), DISC), 0)
    with pytest.raises(ValueError, match="one pixel, which cannot be split"):
        edits.split(square(1), DISC)
    with pytest.raises(ValueError, match="category 1 has no free instance below 2"):
        edits.new_id(torch.tensor([[3]]), 1, max_instances=2)

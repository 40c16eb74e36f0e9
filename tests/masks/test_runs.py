"""Runs: equal to the pixels they stand for, and to pycocotools, at the cost of outlines."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.instances import tight_boxes
from minseg.masks import encode_rle
from minseg.masks.runs import Runs, shared_pixels, shared_pixels_loop


def random_masks(n: int, height: int, width: int, density: float, seed: int) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.random((n, height, width)) < density)


scenes = given(
    st.integers(0, 3), st.integers(1, 7), st.integers(1, 7), st.floats(0, 1), st.integers(0, 999)
)


def test_by_hand():
    """Columns of 2: pixels 0 1 | 2 3 | 4 5. Runs [1, 4) and [0, 2) + [3, 5) share 1 and 3."""
    a = Runs((2, 3), [np.array([1, 4])])
    b = Runs((2, 3), [np.array([0, 2, 3, 5])])
    assert a.masks().int().tolist() == [[[0, 1, 0], [1, 1, 0]]]
    assert b.masks().int().tolist() == [[[1, 0, 1], [1, 1, 0]]]
    assert shared_pixels(a, b).tolist() == [[2]]
    assert a.areas().tolist() == [3] and b.areas().tolist() == [4]
    assert a.boxes().tolist() == [[0, 0, 2, 2]]


@settings(deadline=None)
@scenes
def test_there_and_back(n, height, width, density, seed):
    masks = random_masks(n, height, width, density, seed)
    runs = Runs.of_masks(masks)
    counts = [np.array(encode_rle(mask)["counts"]) for mask in masks]
    assert torch.equal(runs.masks(), masks)
    assert torch.equal(Runs.of_counts((height, width), counts).masks(), masks)
    assert [runs.counts(k).tolist() for k in range(n)] == [one.tolist() for one in counts]
    crops = [runs.crop(k) for k in range(n)]
    assert np.array_equal(Runs.of_crops((height, width), crops).edges, runs.edges)
    rles = [encode_rle(mask, compressed=k % 2 == 0) for k, mask in enumerate(masks)]
    assert torch.equal(Runs.of_rles((height, width), rles).masks(), masks)


@settings(deadline=None)
@scenes
def test_picked_masks_are_those_of_the_numbers(n, height, width, density, seed):
    masks = random_masks(n, height, width, density, seed)
    numbers = np.random.default_rng(seed).integers(0, max(n, 1), 5)[: 5 * n]
    assert torch.equal(Runs.of_masks(masks).pick(numbers).masks(), masks[numbers])


@settings(deadline=None)
@scenes
def test_areas_and_boxes_are_those_of_the_pixels(n, height, width, density, seed):
    masks = random_masks(n, height, width, density, seed)
    runs = Runs.of_masks(masks)
    assert runs.areas().tolist() == masks.flatten(1).sum(dim=1).tolist()
    assert runs.boxes().tolist() == tight_boxes(masks).tolist()


@settings(deadline=None)
@scenes
def test_shared_pixels_are_those_of_the_loop_and_of_the_pixels(n, height, width, density, seed):
    one, other = (random_masks(n, height, width, density, seed + k) for k in (0, 1))
    a, b = Runs.of_masks(one), Runs.of_masks(other)
    expected = (one.flatten(1).double() @ other.flatten(1).double().T).long().numpy()
    assert np.array_equal(shared_pixels(a, b), expected)
    assert np.array_equal(shared_pixels_loop(a, b), expected)


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_runs_of_no_length_join_their_neighbours(lengths):
    """As some tools write them: [2, 0, 3, 1] is five pixels of background and one of the mask."""
    coco = pytest.importorskip("pycocotools.mask")
    size = (1, sum(lengths))
    full, given = np.array([0, sum(lengths)]), np.array(lengths)
    runs = Runs.of_counts(size, [full, given, given, full])
    if size[1]:
        assert runs.of(0).tolist() == runs.of(3).tolist() == full.tolist()
    assert runs.of(1).tolist() == runs.of(2).tolist()
    runs = runs.pick(np.array([1]))
    edges = runs.of(0)
    assert (np.diff(edges) > 0).all() and len(edges) % 2 == 0
    if size[1]:
        theirs = coco.decode(coco.frPyObjects({"size": list(size), "counts": lengths}, *size))
        assert np.array_equal(runs.masks()[0].numpy(), theirs.astype(bool))


def test_many_pairs_are_counted_in_portions(monkeypatch):
    monkeypatch.setattr("minseg.masks.runs.PORTION", 7)
    one, other = random_masks(4, 6, 7, 0.6, 1), random_masks(3, 6, 7, 0.4, 2)
    a, b = Runs.of_masks(one), Runs.of_masks(other)
    assert np.array_equal(shared_pixels(a, b), shared_pixels_loop(a, b))


def test_only_what_is_wanted_is_counted():
    runs = Runs.of_masks(torch.ones(2, 3, 3, dtype=torch.bool))
    wanted = np.array([[True, False], [False, True]])
    assert shared_pixels(runs, runs, wanted).tolist() == [[9, 0], [0, 9]]


def test_a_large_image_costs_what_its_outlines_cost():
    """Two squares in a picture of 2 · 10^9 pixels: no array of that size could be made here."""
    size = (46_000, 46_000)
    square = [
        np.array([e for j in range(100) for e in (j * size[0] + i, j * size[0] + i + 50)])
        for i in (0, 25)
    ]
    runs = Runs(size, square)
    assert runs.areas().tolist() == [5000, 5000] and shared_pixels(runs, runs)[0, 1] == 2500
    assert runs.crop(1).mask.shape == (50, 100)


def test_says_what_it_needs():
    with pytest.raises(ValueError, match=r"masks of one size, got \(1, 2\) and \(2, 1\)"):
        shared_pixels(Runs((1, 2), []), Runs((2, 1), []))
    with pytest.raises(ValueError, match=r"size'\] must be \[2, 1\] as the image, got \[1, 2\]"):
        Runs.of_rles((2, 1), [{"size": [1, 2], "counts": [2]}])

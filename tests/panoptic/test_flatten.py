"""Flattening: the best claim owns a pixel, and the map gives back what was disjoint, no more."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.data import make_scene
from minseg.instances import Instances
from minseg.panoptic import from_instances, owner_map, owner_map_loop, to_instances


def random_instances(seed, n=4, height=6, width=7):
    generator = torch.Generator().manual_seed(seed)
    masks = torch.rand(n, height, width, generator=generator) > 0.6
    labels = torch.randint(1, 4, (n,), generator=generator)
    scores = (torch.rand(n, generator=generator) * 4).round() / 4  # ties are common
    return Instances(masks, labels, scores)


def test_by_hand():
    """Three masks of 3 × 5 pixels with priorities 2, 3 and 1, and the owner of each pixel."""
    masks = torch.tensor([[[1, 1, 1, 0, 0],
                           [1, 1, 1, 0, 0],
                           [0, 0, 0, 0, 0]],
                          [[0, 0, 0, 0, 0],
                           [0, 0, 1, 1, 0],
                           [0, 0, 1, 1, 0]],
                          [[0, 0, 0, 0, 0],
                           [0, 0, 0, 0, 0],
                           [1, 1, 1, 1, 1]]]).bool()  # fmt: skip
    owner = [[0, 0, 0, -1, -1],
             [0, 0, 1,  1, -1],
             [2, 2, 1,  1,  2]]  # fmt: skip
    for function in (owner_map_loop, owner_map):
        assert function(masks, torch.tensor([2, 3, 1])).tolist() == owner, function


@settings(deadline=None)
@given(st.integers(0, 9999), st.integers(0, 5))
def test_equals_the_definition(seed, n):
    claims = random_instances(seed, n)
    slow = owner_map_loop(claims.masks, claims.scores)
    assert torch.equal(owner_map(claims.masks, claims.scores), slow)


@settings(deadline=None)
@given(st.integers(0, 9999), st.integers(0, 5))
def test_owner_is_the_first_of_the_best_claims(seed, n):
    claims = random_instances(seed, n)
    owner = owner_map(claims.masks, claims.scores)
    for i in range(6):
        for j in range(7):
            there = [k for k in range(n) if claims.masks[k, i, j]]
            due = max(there, key=lambda k: (claims.scores[k].item(), -k), default=-1)
            assert owner[i, j] == due


def test_priority_may_be_anything_that_has_an_order():
    masks = torch.ones(3, 2, 2, dtype=torch.bool)
    assert owner_map(masks, torch.tensor([-5.0, -1.0, -2.0])).unique().tolist() == [1]
    assert owner_map(masks, torch.arange(3)).unique().tolist() == [2]


@pytest.mark.parametrize("seed", range(5))
def test_a_scene_is_its_instances_before_its_stuff(seed):
    scene = make_scene(seed, 64)
    assert torch.equal(from_instances(scene.instances, behind=scene.semantic), scene.panoptic)
    back = to_instances(scene.panoptic)
    order = (scene.instances.labels * 1000 + torch.arange(len(back))).argsort()
    assert torch.equal(back.masks, scene.instances.masks[order])
    assert torch.equal(back.labels, scene.instances.labels[order])
    assert back.scores.tolist() == [1] * len(back)


def test_what_a_better_mask_covers_is_gone():
    masks = torch.zeros(3, 4, 6, dtype=torch.bool)
    masks[0, :, :3], masks[1, :, 2:], masks[2, 1, 1] = True, True, True
    hidden = Instances(masks, torch.tensor([1, 1, 2]), torch.tensor([0.9, 0.8, 0.7]))
    back = to_instances(from_instances(hidden))
    assert [int(mask.sum()) for mask in back.masks] == [12, 12]  # of 12, 16 and 1
    back = to_instances(from_instances(hidden, priority=-hidden.scores))
    assert [int(mask.sum()) for mask in back.masks] == [7, 16, 1]


def test_no_instances_leave_the_stuff_or_void():
    none = Instances(torch.zeros(0, 2, 3, dtype=torch.bool), torch.zeros(0, dtype=torch.int64))
    assert from_instances(none).tolist() == [[0] * 3] * 2
    ids = from_instances(none, behind=torch.full((2, 3), 7))
    assert ids.unique().tolist() == [7000]
    assert to_instances(ids).masks.shape == (0, 2, 3)


def test_another_divisor():
    claims = random_instances(1)
    ids = from_instances(claims, max_instances=8)
    assert ids.max() < 4 * 8
    again = to_instances(ids, max_instances=8)
    assert torch.equal(again.masks.any(dim=0), claims.masks.any(dim=0))
    assert set(again.labels.tolist()) <= set(claims.labels.tolist())
    with pytest.raises(ValueError, match="instance must be below max_instances=4, got 4"):
        from_instances(Instances(torch.eye(4, dtype=torch.bool)[:, None], claims.labels),
                       max_instances=4)  # fmt: skip


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda c: owner_map(c.masks[0], c.scores), r"masks must be \(N, H, W\), got \(6, 7\)"),
        (lambda c: owner_map(c.masks, c.scores[:2]), r"priority must be \(4,\).*got \(2,\)"),
        (
            lambda c: from_instances(c, behind=torch.zeros(6, 1).long()),
            r"behind must be \(6, 7\), got \(6, 1\)",
        ),
        (lambda c: to_instances(c.labels), r"ids must be \(H, W\), got \(4,\)"),
    ],
)
def test_says_what_it_needs(call, words):
    with pytest.raises(ValueError, match=words):
        call(random_instances(0))

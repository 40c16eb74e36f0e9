"""Batches: every epoch whole, shared out without loss, no state; nothing a device cannot have."""

from itertools import islice

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from minseg.data.example import Example
from minseg.instances import Instances
from minseg.train.batches import Batch, Order, Share, seed_of, to_device


@given(st.integers(1, 12), st.integers(1, 9), st.integers(0, 99))
def test_every_epoch_has_every_image_once(length, batch_size, seed):
    order = Order(length, batch_size, seed)
    row = [image for step in range(3 * length) for image in order.images(step)]
    for epoch in range(2):
        assert sorted(row[epoch * length : (epoch + 1) * length]) == list(range(length))


def test_epochs_and_seeds_differ():
    row = [Order(50, 50, seed).images(step) for seed in (0, 1) for step in (0, 1)]
    assert len({tuple(epoch) for epoch in row}) == 4


@given(st.integers(1, 12), st.integers(1, 4), st.integers(1, 3), st.integers(0, 20))
def test_shares_are_the_batch(length, each, world, step):
    order = Order(length, each * world, 3)
    shares = [
        next(iter(Share(Order(length, each * world, 3), step, r, world))) for r in range(world)
    ]
    joined = [pair for share in shares for pair in share]
    assert joined == list(zip(order.places(step), order.images(step), strict=True))


def test_a_share_that_begins_later_goes_on_the_same():
    whole = list(islice(Share(Order(7, 3, 0)), 20))
    assert list(islice(Share(Order(7, 3, 0), 11), 9)) == whole[11:]


def test_seeds_are_fixed_small_enough_and_unlike():
    """These very numbers, on every machine: runs could not be repeated elsewhere otherwise."""
    assert [seed_of(0, 1, 2), seed_of(0, 2, 1)] == EXPECTED
    seeds = {seed_of(a, b, c) for a in range(8) for b in range(4) for c in range(40)}
    assert len(seeds) == 8 * 4 * 40 and all(0 <= seed < 2**63 for seed in seeds)


EXPECTED = [1535930435702422785, 7203126130259618810]


def test_says_what_it_needs():
    with pytest.raises(ValueError, match=r"batch_size must be a multiple of 2, .* got 3"):
        Share(Order(7, 3, 0), 0, 0, 2)


IMAGE = torch.rand(3, 4, 4)


def annotated():
    """A truth as a file of COCO gives it, its scores and areas in float64."""
    numbers = torch.tensor([0.1, 7.3], dtype=torch.float64)
    masks = torch.ones(2, 4, 4, dtype=torch.bool)
    crowd = torch.tensor([False, True])
    return Instances(masks, torch.tensor([3, 1]), numbers, crowd=crowd, areas=10 * numbers)


@pytest.mark.parametrize("panoptic", [False, True])
def test_no_double_is_sent_to_a_device(panoptic, monkeypatch):
    """The device is made up: `meta` holds no numbers, so the truth stays where it is."""
    sent = []
    monkeypatch.setattr(Instances, "to", lambda self, device: sent.append((self, device)) or self)
    target = Example(IMAGE, annotated(), torch.ones(4, 4).long()) if panoptic else annotated()
    device = torch.device("meta")
    batch = to_device(Batch(IMAGE[None], [target], [5]), device)
    ((one, where),) = sent
    assert where == device == batch.images.device and batch.seeds == [5]
    assert one.scores.dtype == one.areas.dtype == torch.float32
    assert one.scores.tolist() == pytest.approx([0.1, 7.3])
    assert one.areas.tolist() == pytest.approx([1, 73])
    assert one.labels.tolist() == [3, 1] and one.crowd.tolist() == [False, True]
    assert one.masks.all()


def test_on_the_cpu_nothing_is_changed():
    batch = Batch(IMAGE[None], [annotated()], [5])
    assert to_device(batch, torch.device("cpu")) is batch

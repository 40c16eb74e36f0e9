"""The order of images: every epoch whole, shared out without loss, no state."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minseg.train.sampling_order import Order, Share, seed_of


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

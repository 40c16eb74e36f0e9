"""Scenes: all kinds of truth say the same, the image shows it, and a seed is a scene."""

import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.data import COIN, STUFF, THINGS, make_scene
from minseg.data.scenes.layout import FIRST_THING, FREE, Thing, count_samples, lay_stuff, put
from minseg.data.scenes.shapes import Round
from minseg.panoptic import decode

ALL = tuple(THINGS.values())
small = st.integers(64, 160)
scenes = st.builds(
    make_scene,
    st.integers(0, 10**9),
    st.one_of(small, st.tuples(small, small), st.sampled_from([512, (303, 384), (64, 512)])),
    things=st.sampled_from([ALL, ("disc", "box", "triangle"), ("ring",)]),
    count=st.sampled_from([None, (0, 3), (20, 30)]),
    style=st.sampled_from(["shapes", "shapes", "coins"]),
)
often = settings(deadline=None, max_examples=15)


@often
@given(scenes)
def test_shapes_and_dtypes(scene):
    _, height, width = scene.image.shape
    n = len(scene.instances)
    assert scene.image.dtype == torch.float32 and scene.image.shape[0] == 3
    assert scene.image.min() >= 0 and scene.image.max() <= 1
    assert scene.coverage.shape == scene.instances.masks.shape == (n, height, width)
    assert scene.coverage.dtype == torch.float32
    for truth in (scene.semantic, scene.panoptic):
        assert truth.shape == (height, width) and truth.dtype == torch.int64


@often
@given(scenes)
def test_each_pixel_belongs_to_one_segment_and_all_truth_agrees(scene):
    category, instance = decode(scene.panoptic)
    assert torch.equal(category, scene.semantic)
    assert scene.instances.is_disjoint()
    for k, label in enumerate(scene.instances.labels):
        assert torch.equal(instance == k + 1, scene.instances.masks[k])
        assert (category[scene.instances.masks[k]] == label).all()
    rest = ~scene.instances.masks.any(dim=0)
    assert (instance[rest] == 0).all()
    assert set(category[rest].tolist()) <= set(STUFF)


@often
@given(scenes)
def test_coverage_is_in_sixteenths_and_decides_the_mask(scene):
    coverage, masks = scene.coverage, scene.instances.masks
    assert torch.equal(coverage * 16, (coverage * 16).round())
    assert (coverage >= 0).all()
    assert coverage.sum(dim=0).max() <= 1
    if len(coverage):
        in_front = coverage.cummax(dim=0).values.roll(1, dims=0)
        in_front[0] = 0
        wins = (coverage >= 0.5) & (coverage > in_front)  # half suffices, against what is behind
        assert masks[wins].all()
        most = coverage.amax(dim=0)
        assert (coverage[masks] == most.expand_as(masks)[masks]).all()


@often
@given(scenes)
def test_everything_named_is_seen(scene):
    assert ((scene.coverage > 0.5).sum(dim=(1, 2)) >= 8).all()
    assert (scene.instances.areas >= 8).all()


@often
@given(st.integers(0, 10**9), st.sampled_from(["shapes", "coins"]))
def test_a_seed_is_a_scene(seed, style):
    one, same, other = (make_scene(s, 64, style=style) for s in (seed, seed, seed + 1))
    assert torch.equal(one.image, same.image) and torch.equal(one.panoptic, same.panoptic)
    assert torch.equal(one.coverage, same.coverage)
    assert not torch.equal(one.image, other.image)


def test_nothing_depends_on_global_random_state():
    np.random.seed(1)
    torch.manual_seed(1)
    before = make_scene(5)
    np.random.seed(2)
    torch.manual_seed(2)
    assert torch.equal(before.image, make_scene(5).image)


def test_a_lone_disc_covers_its_area():
    labels = np.full((4, 4, 64, 64), FREE, dtype=np.uint8)
    disc = Thing(1, Round((11.3, 11.3)), x=30.2, y=33.9, size=22.6)
    assert put(labels, disc, FIRST_THING)
    share = count_samples(labels == FIRST_THING) / 16
    assert share.sum() == pytest.approx(np.pi * 11.3**2, rel=0.005)
    centres = np.arange(64) + 0.5
    assert (share.sum(axis=0) @ centres) / share.sum() == pytest.approx(30.2, abs=0.02)
    assert (share.sum(axis=1) @ centres) / share.sum() == pytest.approx(33.9, abs=0.02)


@pytest.mark.parametrize(("x", "y"), [(3.3, 20), (61.2, 60.1), (30, 1.9), (63, 4)])
def test_the_frame_only_cuts(x, y):
    """A disc at the border is the part of the same disc in a larger frame."""
    disc = Round((9.4, 9.4))
    labels, large = (np.full((4, 4, side, side), FREE, dtype=np.uint8) for side in (64, 96))
    assert put(labels, Thing(1, disc, x=x, y=y, size=18.8), FIRST_THING, share=0.1)
    assert put(large, Thing(1, disc, x=x + 16, y=y + 16, size=18.8), FIRST_THING)
    assert (labels == large[:, :, 16:80, 16:80]).all()


def test_what_would_be_hidden_or_cut_off_is_not_placed():
    labels = np.full((4, 4, 64, 64), FREE, dtype=np.uint8)
    assert put(labels, Thing(1, Round((10.0, 10.0)), x=32, y=32, size=20), FIRST_THING)
    before = labels.copy()
    for x in (32, 35, -6, 70, 200):  # behind the first, nearly so, cut by the frame, outside
        behind = Thing(1, Round((10.0, 10.0)), x=x, y=32, size=20)
        assert not put(labels, behind, FIRST_THING + 1)
        assert (labels == before).all()
    assert not put(labels, Thing(1, Round((1.5, 1.5)), x=9, y=9, size=3), FIRST_THING + 1)  # tiny
    assert put(labels, Thing(1, Round((10.0, 10.0)), x=43, y=32, size=20), FIRST_THING + 1)
    assert (labels[before == FIRST_THING] == FIRST_THING).all()  # the one in front stays whole


def test_stuff_lies_in_order():
    """The sky is above, ground and water below it, and each occurs."""
    seen = []
    for seed in range(40):
        labels = np.full((4, 4, 64, 64), FREE, dtype=np.uint8)
        lay_stuff(labels, np.random.default_rng(seed))
        sky = labels[0, 0] == 6
        assert (np.diff(sky.astype(int), axis=0) <= 0).all()  # once the sky ends, it has ended
        seen += np.unique(labels).tolist()
    assert all(seen.count(category) >= 25 for category in STUFF) and set(seen) == set(STUFF)


def test_the_image_shows_the_truth():
    """Inside a mask colours vary less than inside the mask moved by three pixels."""
    inside, moved = 0.0, 0.0
    for seed in range(30):
        scene = make_scene(seed)
        for mask in scene.instances.masks[scene.instances.areas > 100]:
            inside += float(scene.image[:, mask].std(dim=1).sum())
            moved += float(scene.image[:, mask.roll((3, 3), (0, 1))].std(dim=1).sum())
    assert moved > 1.5 * inside


def test_colour_does_not_tell_the_class():
    sums, numbers = torch.zeros(6, 3), torch.zeros(6)
    for seed in range(200):
        scene = make_scene(seed, 64, things=ALL)
        for mask, label in zip(scene.instances.masks, scene.instances.labels, strict=True):
            sums[label] += scene.image[:, mask].mean(dim=1)
            numbers[label] += 1
    means = (sums / numbers[:, None])[1:]
    assert (means - means.mean(dim=0)).abs().max() < 0.07  # about three standard errors


def test_things_asked_for_are_the_things_drawn():
    for name, category in {name: c for c, name in THINGS.items()}.items():
        scene = make_scene(3, things=(name,), count=(3, 3))
        assert scene.instances.labels.tolist() == [category] * 3
    assert make_scene(0, things="ring").instances.labels.unique().tolist() == [5]


def test_coins_are_grey_bright_and_many():
    for seed in range(6):
        scene = make_scene(seed, (303, 384), style="coins")
        grey = scene.image[0]
        assert torch.equal(scene.image[1], grey) and torch.equal(scene.image[2], grey)
        assert scene.instances.labels.unique().tolist() == [COIN] and len(scene.instances) >= 8
        coins = scene.instances.masks.any(dim=0)
        assert grey[coins].mean() > grey[~coins].mean() + 0.12
        assert scene.semantic[~coins].unique().tolist() == [7]


def test_a_thousand_scenes_take_seconds():
    """The target is 6 ms a scene on one core; benchmarks/scenes.py measures it well."""
    make_scene(0)
    started = time.process_time()
    for seed in range(60):
        make_scene(seed)
    assert (time.process_time() - started) / 60 < 0.018


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed must not be negative, got -1"),
        ({"size": 0}, "size must be 32 to 1024 pixels a side, .* got 0"),
        ({"size": (128, 4096)}, r"size must be .* got \(128, 4096\)"),
        ({"size": (128, 128, 3)}, r"size must be .* got \(128, 128, 3\)"),
        ({"things": ("disc", "cone")}, "things must be some of disc, box, .*'cone'"),
        ({"things": ()}, "things must be some of"),
        ({"count": (5, 2)}, r"count must be \(fewest, most\) .* got \(5, 2\)"),
        ({"style": "photo"}, "style must be 'shapes' or 'coins', got 'photo'"),
    ],
)
def test_says_what_it_needs(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_scene(**{"seed": 0, **arguments})

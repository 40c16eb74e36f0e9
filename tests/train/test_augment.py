"""Views of an image: masks, map and pixels turn together, and the eight are all different."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from minseg.data import make_scene
from minseg.instances import Instances
from minseg.train import Example, augment_photo, augment_scene, augment_symmetries
from minseg.train.augment import turn


def labelled(height, width):
    """An image whose red is the row and green the column of each pixel; masks and map likewise."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    image = torch.stack([rows, columns, rows * 0]).float() / 100
    masks = torch.stack([rows == 0, columns == 0])
    areas = torch.tensor([5.0, 6.0])
    crowd = torch.tensor([False, True])
    instances = Instances(
        masks, torch.tensor([3, 4]), torch.tensor([0.5, 0.6]), crowd=crowd, areas=areas
    )
    return Example(image, instances, rows * width + columns)


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 7))
def test_everything_turns_together(height, width, symmetry):
    view = turn(labelled(height, width), symmetry)
    rows, columns = (view.image[:2] * 100).round().long()
    assert torch.equal(view.panoptic, rows * width + columns)
    assert torch.equal(view.instances.masks, torch.stack([rows == 0, columns == 0]))
    assert view.instances.labels.tolist() == [3, 4] and view.instances.crowd.tolist() == [
        False,
        True,
    ]
    assert view.instances.areas.tolist() == [5.0, 6.0]
    assert view.image.is_contiguous() and view.instances.masks.is_contiguous()


def test_the_eight_symmetries_are_numpys():
    picture = np.arange(6).reshape(2, 3)
    turned = {turn(labelled(2, 3), k).panoptic.numpy().tobytes() for k in range(8)}
    expected = {np.rot90(one, k).tobytes() for one in (picture, picture.T) for k in range(4)}
    assert turned == expected and len(expected) == 8


def test_colours_of_a_scene_are_permuted_or_negated():
    scene = make_scene(3, size=32)
    example = Example(scene.image, scene.instances)
    seen = set()
    for seed in range(300):
        view = augment_scene(example, seed)
        means = view.image.mean(dim=(1, 2))
        plain = scene.image.mean(dim=(1, 2))
        found = [
            (order, negative)
            for order in [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
            for negative in (False, True)
            if torch.allclose(
                means, 1 - plain[list(order)] if negative else plain[list(order)], atol=1e-5
            )
        ]
        assert len(found) == 1
        seen.add((found[0], view.instances.masks.numpy().tobytes()))
    assert len(seen) > 80  # of 96
    assert torch.equal(augment_scene(example, 5).image, augment_scene(example, 5).image)


def test_symmetries_leave_colours_alone():
    example = labelled(3, 3)
    views = [augment_symmetries(example, seed) for seed in range(40)]
    turned = [turn(example, symmetry).image for symmetry in range(8)]
    matches = [[torch.equal(view.image, t) for t in turned].index(True) for view in views]
    assert set(matches) == set(range(8))


def test_a_photograph_is_only_mirrored():
    example = labelled(3, 4)
    views = {augment_photo(example, seed).panoptic.numpy().tobytes() for seed in range(20)}
    expected = {view.numpy().tobytes() for view in (example.panoptic, example.panoptic.flip(1))}
    assert views == expected


def test_says_what_it_needs():
    with pytest.raises(ValueError, match="symmetry must be 0 to 7, got 8"):
        turn(labelled(2, 2), 8)

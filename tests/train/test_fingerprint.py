"""The same data say the same of themselves, other data something else."""

import pytest
import torch

from minseg.data import SceneDataset
from minseg.train import Example, InMemory
from minseg.train.run_folder import SAMPLES, fingerprint


def scenes(**options):
    return SceneDataset("train", **{"size": 32, "length": 40, **options})


def test_the_same_in_whatever_holds_them():
    data = InMemory(scenes(), 6)
    assert fingerprint(data) == fingerprint(list(data)) == fingerprint(InMemory(scenes(), 6))
    assert fingerprint(scenes()) == fingerprint(scenes())


@pytest.mark.parametrize(
    "other",
    [
        scenes(length=39),
        scenes(size=48),
        scenes(things=("disc",)),
        SceneDataset("val", size=32, length=40),
    ],
)
def test_other_scenes(other):
    assert fingerprint(other) != fingerprint(scenes())


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.image[0, 3, 3].add_(0.01),
        lambda one: one.instances.masks[0].logical_not_(),
        lambda one: one.instances.labels.add_(1),
        lambda one: one.instances.crowd.logical_not_(),
        lambda one: one.panoptic.add_(1),
    ],
)
@pytest.mark.parametrize("index", [0, 5, 19])
def test_anything_that_is_changed_in_memory(change, index):
    data = list(InMemory(scenes(), 20))
    before = fingerprint(data)
    change(data[index])
    assert fingerprint(data) != before


def test_two_samples_that_change_places():
    data = list(InMemory(scenes(), 4))
    assert fingerprint(data) != fingerprint([data[1], data[0], *data[2:]])


def test_of_what_is_not_in_memory_only_a_few_are_read():
    class Counting:
        read = 0

        def __len__(self):
            return 100_000

        def __getitem__(self, index):
            self.read += 1
            return scenes()[index % 40]

    data = Counting()
    fingerprint(data)
    assert data.read == SAMPLES


def test_a_data_set_can_say_it_itself():
    class Named(list):
        def fingerprint(self):
            return "mine"

    assert fingerprint(Named()) == "mine" and fingerprint([]) == fingerprint(())


def test_an_image_that_is_missing_is_named():
    class Bare:
        image = None
        instances = None

    with pytest.raises(ValueError, match=r"dataset\[0\] has no image"):
        fingerprint([Bare()])
    empty = Example(torch.zeros(3, 4, 4), scenes()[0].instances[[]])
    assert fingerprint([empty]) != fingerprint([empty, empty])

"""Validation: the metrics' own numbers, whatever the batches, and no trace on the model."""

import pytest
import torch
from helpers.toy_model import toy

from minseg.data import STUFF, THINGS, SceneDataset
from minseg.instances import Instances
from minseg.metrics import average_precision, panoptic_quality
from minseg.train import Example, InMemory, train, validate

SCENES = SceneDataset("val", size=32, length=5)


class Oracle(torch.nn.Module):
    """Knows the truth of every image it has seen before, two pixels off."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.known = {scene.image.sum().item(): scene for scene in InMemory(SCENES)}
        self.asked = []

    def predict(self, images):
        self.asked.append((len(images), self.training, torch.is_grad_enabled()))
        found = [self.known[image.sum().item()].instances for image in images]
        return [self.shifted(one) for one in found]

    def shifted(self, one):
        scores = torch.linspace(0.9, 0.3, len(one))
        return Instances(one.masks.roll(1, dims=2), one.labels, scores)


class PanopticOracle(Oracle):
    things, stuff = tuple(THINGS), tuple(STUFF)

    def predict_panoptic(self, images):
        found = [self.known[image.sum().item()].panoptic for image in images]
        return torch.stack(found).roll(1, dims=2)

    def losses(self, images, targets, *, seeds):
        self.targets = targets
        return {"none": (0 * self.weight).sum()}


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_average_precision(batch_size):
    model, kept = Oracle(), InMemory(SCENES)
    numbers = validate(model, kept, batch_size=batch_size)
    truths = [scene.instances for scene in SCENES]
    expected = average_precision([model.shifted(one) for one in truths], truths)
    assert numbers == pytest.approx(expected.summary(), nan_ok=True) and 0 < numbers["ap"] < 1
    assert sum(n for n, *_ in model.asked) == 5 and max(n for n, *_ in model.asked) <= batch_size
    assert not any(training or gradients for _, training, gradients in model.asked)
    assert model.training


def test_panoptic_quality():
    model, kept = PanopticOracle(), InMemory(SCENES)
    maps = [scene.panoptic for scene in SCENES]
    expected = panoptic_quality(
        [one.roll(1, dims=1) for one in maps], maps, things=model.things, stuff=model.stuff
    )
    numbers = validate(model.eval(), kept)
    assert numbers["pq"] == expected.pq and numbers["pq_things"] == expected.things.pq
    assert numbers["sq"] == expected.sq and numbers["pq_stuff"] == expected.stuff.pq
    assert 0 < expected.pq < 1 and not model.training


def test_panoptic_models_learn_from_maps():
    """Targets are Examples, and maps are turned with their images."""
    model = PanopticOracle()
    train(model, InMemory(SCENES), steps=1, batch_size=4)
    for target in model.targets:
        things = (target.panoptic % 1000 > 0) & (target.panoptic > 0)
        assert torch.equal(target.instances.masks.any(dim=0), things)
    with pytest.raises(ValueError, match=r"dataset\[0\] has no panoptic map"):
        validate(model, [Example(InMemory(SCENES)[0].image, InMemory(SCENES)[0].instances)])


def test_memory_holds_what_was_there():
    kept = InMemory(SCENES, 2)
    assert len(kept) == 2
    for k in range(2):
        torch.testing.assert_close(kept[k].image, SCENES[k].image, atol=0.5 / 255 + 1e-6, rtol=0)
        assert torch.equal(kept[k].instances.masks, SCENES[k].instances.masks)
        assert torch.equal(kept[k].panoptic, SCENES[k].panoptic)
        assert kept[k].panoptic.dtype == torch.int64 and kept[k].image.dtype == torch.float32
    for length in (0, 6):
        with pytest.raises(ValueError, match=f"length must be 1 to 5, got {length}"):
            InMemory(SCENES, length)


def test_an_image_that_is_missing_is_named():
    class Bare:
        image = None
        instances = None

    with pytest.raises(ValueError, match=r"dataset\[0\] has no image: load_coco needs the folder"):
        train(toy(), [Bare()], steps=1)

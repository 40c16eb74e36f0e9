"""Batches on their way to the model: what a device may not have is not sent there."""

import pytest
import torch

from minseg.data.example import Example
from minseg.instances import Instances
from minseg.train.batches import Batch, to_device

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

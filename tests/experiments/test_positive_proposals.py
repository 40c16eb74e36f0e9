"""Positive proposals counted, and boxes that crowd around things."""

import torch

from minseg.data import SceneDataset
from minseg.experiments.positive_proposals import bunches, positive_proposals
from minseg.models import MaskRCNN


def test_bunches_lie_around_things():
    boxes, losses = bunches(things=7, each=4)
    assert boxes.shape == (28, 4) and losses.shape == (28,)
    spread = (boxes[:, :2].view(7, 4, 2) - boxes[::4, None, :2]).abs()
    assert spread.max() <= 4 and (losses.view(7, 4).std(dim=1) < 0.02).all()


def test_positive_proposals_of_a_network_that_proposes_the_truth(monkeypatch):
    scenes = [SceneDataset("val", size=64, count=(2, 4))[k] for k in range(2)]
    model = MaskRCNN(widths=(8, 8, 8, 8), channels=8)

    def truth_and_rubbish(objectness, deltas, anchors, sizes, *, keep):
        assert keep == 60 and sizes.tolist() == [[64, 64]] * 2
        boxes, real = torch.zeros(2, keep, 4), torch.zeros(2, keep, dtype=torch.bool)
        for k, scene in enumerate(scenes):
            n = len(scene.instances)
            boxes[k, :n], real[k, :n] = scene.instances.boxes, True
            boxes[k, n:] = scene.instances.boxes[0]  # padding, however well it fits
        return boxes, real

    monkeypatch.setattr("minseg.experiments.positive_proposals.propose", truth_and_rubbish)
    hits, things = positive_proposals(model, scenes)
    assert hits.tolist() == things.tolist() == [len(scene.instances) for scene in scenes]

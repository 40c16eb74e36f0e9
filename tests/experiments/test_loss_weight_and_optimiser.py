"""What the weight of one loss does to the steps of two optimisers."""

import pytest
import torch

from minseg.data import SceneDataset
from minseg.experiments.loss_weight_and_optimiser import OPTIMISERS, train_weighted
from minseg.models import MaskRCNN


def test_a_weight_is_a_learning_rate_for_sgd_and_nothing_for_adam():
    """After one step: in the mask head, which no other loss reaches."""
    scenes = list(SceneDataset("train", size=64, count=(1, 2), length=4))
    moved = {}
    for name, weight in ((n, w) for n in OPTIMISERS for w in (0.1, 1.0)):
        with pytest.MonkeyPatch.context() as patch:
            model = MaskRCNN(widths=(8, 8, 8, 8), channels=8, box_width=8, mask_width=8)
            torch.manual_seed(1)
            for parameter in model.parameters():
                torch.nn.init.normal_(parameter, std=0.1)
            patch.setattr(
                "minseg.experiments.loss_weight_and_optimiser.small",
                lambda seed, model=model: model,
            )
            before = model.mask_head.predict.weight.detach().clone()
            rows = train_weighted(weight, name, scenes, steps=1)
        moved[name, weight] = (model.mask_head.predict.weight.detach() - before).abs().sum()
    assert len(rows) == 1 and 0.3 < rows[0]["mask"] < 3  # as it is without the weight
    assert moved["SGD", 0.1] / moved["SGD", 1.0] == pytest.approx(0.1, rel=1e-3)
    assert moved["Adam", 0.1] / moved["Adam", 1.0] == pytest.approx(1, rel=0.01)

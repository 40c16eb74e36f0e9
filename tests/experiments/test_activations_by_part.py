"""Each part's activations, in MiB that can be counted by hand."""

import torch
from torch import nn

from minseg.experiments.activation_memory import kept
from minseg.experiments.activations_by_part import kept_by_part
from minseg.models import MaskRCNN


def test_a_storage_belongs_to_the_first_part_that_saves_it():
    model = nn.Sequential(nn.Linear(256, 1024), nn.Tanh(), nn.Linear(1024, 256))
    x = torch.zeros(1024, 256)  # 1 MiB
    parts = {"first": [model[0]], "tanh": [model[1]], "last": [model[2]]}
    sizes = kept_by_part(lambda: model(x).square().sum(), model, parts)
    # Tanh's output is also the last layer's input; the square saves the last layer's output.
    assert sizes == {"first": 1.0, "tanh": 4.0, "last": 0.0, "the rest": 1.0}
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model)


def test_parts_add_up_to_all_that_is_kept():
    model = MaskRCNN(widths=(8, 8, 8, 8), channels=8, box_width=8, mask_width=8)
    parts = {"resnet": [model.backbone.resnet], "rpn": [model.rpn]}

    def run():
        return model.backbone(torch.zeros(1, 3, 64, 64))[0].sum()

    total, _ = kept(run, model)
    assert abs(sum(kept_by_part(run, model, parts).values()) - total) < 1e-9

"""The small worlds of lesson 09: closed forms, and what each is meant to show."""

import pytest
import torch
from torch import nn

from minseg.data import SceneDataset
from minseg.experiments.activation_memory import in_segments, kept, peak
from minseg.experiments.loss_weight_and_optimiser import OPTIMISERS, train_weighted
from minseg.experiments.positive_proposals import bunches, positive_proposals
from minseg.experiments.two_tasks import NOISE, RULES, WANTED, dial, resting_place, turn, weigh
from minseg.experiments.wrong_labels import RADIUS, error, learn, scatter
from minseg.models import MaskRCNN


def test_dial_is_the_error_that_the_best_head_leaves():
    """One number h for the direction wanted: least squares on many samples."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(200_000, 2, generator=draw, dtype=torch.float64)
    angle = torch.tensor(0.4, dtype=torch.float64)
    h = x @ torch.stack([angle.cos(), angle.sin()])
    for wanted, loss in zip(WANTED, dial(angle), strict=True):
        y = x @ torch.stack([wanted.cos(), wanted.sin()])
        left = (y - (h @ y) / (h @ h) * h).square().mean()
        assert left + NOISE == pytest.approx(loss.item(), abs=0.01)


@pytest.mark.parametrize("weight", [0.01, 0.3, 1.0, 7.0, 100.0])
def test_resting_place_is_the_minimum(weight):
    angles = torch.linspace(-1.5, 1.6, 20_001, dtype=torch.float64)
    total = dial(angles) @ torch.tensor([1.0, weight], dtype=torch.float64)
    best = angles[total.argmin()]
    found = resting_place(torch.tensor(weight, dtype=torch.float64))
    assert found.item() == pytest.approx(best.item(), abs=2e-4)


@pytest.mark.parametrize("unit", [1.0, 100.0])
def test_where_rules_end(unit):
    weighed = resting_place(torch.tensor(unit, dtype=torch.float64)).rad2deg().item()
    assert turn("all 1", 20.0, unit) == pytest.approx(weighed, abs=1e-3)
    assert turn("DWA", 20.0, unit) == pytest.approx(weighed, abs=0.1)
    assert turn("equal pulls", 20.0, unit) == pytest.approx(20.0)
    low, high = (turn("uncertainty", start, unit) for start in (29.0, 31.0))
    assert low < 5 and high == pytest.approx(60 - low, abs=1e-3)  # a product has two valleys
    assert turn("uncertainty", 20.0, unit, noise=1.0) == pytest.approx(30.0, abs=0.1)


def test_weights_of_each_rule():
    losses, slopes = torch.tensor([0.5, 2.0]), torch.tensor([-3.0, 1.0])
    before = torch.tensor([1.0, 2.0])
    found = {rule: weigh(rule, losses, slopes, before) for rule in RULES}
    assert found["all 1"].tolist() == [1, 1]
    assert (found["uncertainty"] * losses).tolist() == [0.5, 0.5]
    assert (found["equal pulls"] * slopes).abs().tolist() == pytest.approx([3, 3])
    assert found["DWA"][0] < 1 < found["DWA"][1]  # the second did not fall
    with pytest.raises(ValueError, match="rule must be one of all 1, uncertainty"):
        weigh("GradNorm", losses, slopes, before)


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
                "minseg.experiments.loss_weight_and_optimiser.small", lambda model=model: model
            )
            before = model.mask_head.predict.weight.detach().clone()
            rows = train_weighted(weight, name, scenes, steps=1)
        moved[name, weight] = (model.mask_head.predict.weight.detach() - before).abs().sum()
    assert len(rows) == 1 and 0.3 < rows[0]["mask"] < 3  # as it is without the weight
    assert moved["SGD", 0.1] / moved["SGD", 1.0] == pytest.approx(0.1, rel=1e-3)
    assert moved["Adam", 0.1] / moved["Adam", 1.0] == pytest.approx(1, rel=0.01)


def test_labels_are_wrong_as_often_as_asked():
    x, true, written = scatter(20_000, 0.02)
    assert (x.norm(dim=1) < RADIUS).equal(true)
    assert (true != written).double().mean() == pytest.approx(0.02, abs=0.004)
    assert scatter(50, 0.0)[1].equal(scatter(50, 0.0)[2])


def test_learning_the_circle():
    x, true, _ = scatter(2000, 0.0)
    w, each, picks = learn(x, true, lambda each: slice(None), steps=150)
    assert error(w) < 0.03 < 0.4 < error(torch.zeros_like(w))
    assert each.shape == (2000,) and picks == 150 * [slice(None)]
    reversed_, _, _ = learn(x, ~true, lambda each: slice(None))
    assert error(reversed_) > 0.97


def test_kept_counts_each_storage_once_and_no_weights():
    layer = nn.Linear(256, 1024)
    x = torch.randn(1024, 256)  # 1 MiB, saved for the gradient of the weight

    def run():
        y = layer(x)  # (1024, 1024), 4 MiB
        return y.sigmoid() * y.sigmoid().detach()  # saves sigmoid's output, and the other factor

    size, y = kept(run, layer)
    assert y.shape == (1024, 1024)
    assert (
        size == 1 + 4 + 4
    )  # x; the first sigmoid, for its own gradient; the other, for the product's


def test_checkpointing_keeps_inputs_and_changes_nothing():
    torch.manual_seed(0)
    blocks = nn.Sequential(*(nn.Sequential(nn.Linear(64, 64), nn.Tanh()) for _ in range(8)))
    x = torch.randn(4096, 64)  # 1 MiB
    plain, y = kept(lambda: blocks(x), blocks)
    few, z = kept(lambda: in_segments(blocks, x, 4), blocks)
    assert (plain, few) == (9.0, 4.0)  # each tanh's output and x; four inputs
    assert peak(blocks, x, 4) == 4 + 3 - 1  # the input of the segment at work is one of the four
    assert peak(blocks, x, 1) == plain
    for a, b in zip(*(torch.autograd.grad(v.sum(), [*blocks.parameters()]) for v in (y, z)),
                    strict=True):  # fmt: skip
        assert torch.equal(a, b)
    with pytest.raises(ValueError, match="segments must divide 8 blocks, got 3"):
        in_segments(blocks, x, 3)


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

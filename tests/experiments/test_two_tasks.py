"""The dial of two tasks: closed forms, and where each rule ends."""

import pytest
import torch
from helpers.seeded import seeded

from minseg.experiments.two_tasks import NOISE, RULES, WANTED, dial, resting_place, turn_dial, weigh


def test_dial_is_the_error_that_the_best_head_leaves():
    """One number h for the direction wanted: least squares on many samples."""
    x = torch.randn(200_000, 2, generator=seeded(0), dtype=torch.float64)
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
    assert turn_dial("all 1", 20.0, unit) == pytest.approx(weighed, abs=1e-3)
    assert turn_dial("DWA", 20.0, unit) == pytest.approx(weighed, abs=0.1)
    assert turn_dial("equal pulls", 20.0, unit) == pytest.approx(20.0)
    low, high = (turn_dial("uncertainty", start, unit) for start in (29.0, 31.0))
    assert low < 5 and high == pytest.approx(60 - low, abs=1e-3)  # a product has two valleys
    assert turn_dial("uncertainty", 20.0, unit, noise=1.0) == pytest.approx(30.0, abs=0.1)


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

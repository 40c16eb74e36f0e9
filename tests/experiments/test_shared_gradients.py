"""Lengths and angles of shared gradients: by hand, and as other backward passes have them."""

import math

import pytest
import torch

from minseg.data import SceneDataset
from minseg.experiments.shared_gradients import (
    SharedGradients,
    balance,
    losses_after_step,
    preset,
    shared_gradients,
)
from minseg.losses import UncertaintyWeights, gradient_balance
from minseg.models import MaskRCNN

SEED, DRAWN = 2, (4, 5)  # no number is near a tie
SCENES = [SceneDataset("train")[k] for k in DRAWN]
KINDS = {
    "rpn_objectness": "classification",
    "rpn_box": "regression",
    "class": "classification",
    "box": "regression",
    "mask": "classification",
}


def model() -> MaskRCNN:
    torch.manual_seed(SEED)
    return MaskRCNN()


def losses(of: MaskRCNN) -> dict[str, torch.Tensor]:
    return of.losses([s.image for s in SCENES], [s.instances for s in SCENES], seeds=range(2))


@pytest.fixture(scope="module")
def found() -> SharedGradients:
    return shared_gradients(model(), SCENES)


def toy(*gradients: list[float], names: tuple[str, ...] = ("class", "box")) -> SharedGradients:
    rows = torch.tensor(gradients)
    return SharedGradients(names, torch.tensor([1.0, 3.0]), rows, (rows @ rows.T).double())


def test_lengths_and_angles_by_hand() -> None:
    """Gradients (3, 0) and (-1, 1), weights 1 and 2: the sum is (1, 2)."""
    of = toy([3.0, 0.0], [-1.0, 1.0])
    now = balance(of, torch.tensor([1.0, 2.0]))
    assert now.length == pytest.approx(math.sqrt(5))
    assert now.pulls.tolist() == pytest.approx([3, 2 * math.sqrt(2)])
    assert now.cosines.tolist() == pytest.approx([1 / math.sqrt(5), 1 / math.sqrt(10)])
    assert now.slopes.tolist() == pytest.approx([-3 / math.sqrt(5), -1 / math.sqrt(5)])
    assert of.cosines[0, 1].item() == pytest.approx(-1 / math.sqrt(2))
    only_first = balance(of, torch.tensor([1.0, 0.01]))
    assert only_first.slopes[0] < 0 < only_first.slopes[1]  # the other rises


def test_gradients_that_vanish_or_cancel_give_no_nan() -> None:
    for of in (toy([1.0, 2.0], [-1.0, -2.0]), toy([1.0, 2.0], [0.0, 0.0]), toy([0.0], [0.0])):
        now = balance(of, torch.ones(2))
        for values in (now.pulls, now.shares, now.cosines, now.slopes, of.cosines):
            assert values.isfinite().all()
    assert balance(toy([1.0, 2.0], [-1.0, -2.0]), torch.ones(2)).length == 0


def test_a_weighted_sum_needs_no_other_backward_pass(found: SharedGradients) -> None:
    weights = {"rpn_objectness": 0.2, "rpn_box": 3.0, "class": 0.5, "box": 40.0, "mask": 7.0}
    fresh = model()
    sum(weights[name] * loss for name, loss in losses(fresh).items()).backward()  # type: ignore[union-attr]
    gradients = [p.grad.flatten() for p in fresh.backbone.parameters() if p.grad is not None]
    norm = torch.cat(gradients).norm()
    chosen = torch.tensor([weights[name] for name in found.names])
    assert balance(found, chosen).length == pytest.approx(norm.item(), rel=1e-4)


def test_a_small_step_changes_losses_as_predicted(found: SharedGradients) -> None:
    weights, step = torch.tensor([1.0, 2.0, 1.0, 1.0, 1.0]), 2e-3
    due = step * balance(found, weights).slopes
    came = losses_after_step(model(), SCENES, found, weights, step) - found.losses
    smooth = [k for k, name in enumerate(found.names) if name not in ("class", "box")]
    for k in smooth:  # those two depend on which proposals are drawn, which may jump
        assert came[k].item() == pytest.approx(due[k].item(), rel=0.1)


def test_the_model_is_as_before() -> None:
    fresh = model()
    before = {name: value.clone() for name, value in fresh.state_dict().items()}
    of = shared_gradients(fresh, SCENES)
    losses_after_step(fresh, SCENES, of, torch.ones(5), 0.5)
    assert all(torch.equal(before[name], value) for name, value in fresh.state_dict().items())
    assert all(p.grad is None for p in fresh.parameters()) and fresh.unseeded == 0


def test_presets_are_those_of_minseg_losses(found: SharedGradients) -> None:
    fresh = model()
    due = gradient_balance(losses(fresh), list(fresh.backbone.parameters()), "class")
    equal = preset("equal gradients", found)
    assert equal.tolist() == pytest.approx([float(due[n]) for n in found.names], rel=1e-4)
    assert balance(found, equal).shares.tolist() == pytest.approx([0.2] * 5, rel=1e-4)

    uncertain = UncertaintyWeights(KINDS)
    values = {n: v.float() for n, v in zip(found.names, found.losses, strict=True)}
    of_kind = {"regression": 1.0, "classification": 2.0}
    with torch.no_grad():
        variances = [of_kind[KINDS[n]] * v for n, v in values.items()]
        uncertain.log_variance.copy_(torch.stack(variances).log())
    sum(uncertain(values).values()).backward()
    assert uncertain.log_variance.grad is not None
    assert uncertain.log_variance.grad.abs().max() < 1e-6  # the optimum
    weights = [float(w) for w in uncertain.weights().values()]
    assert preset("uncertainty", found).tolist() == pytest.approx(weights, rel=1e-4)

    hard = preset("difficulty", found)
    assert hard.argmin() == found.losses.argmax()  # the notes' formula turns the hardest one down
    with pytest.raises(ValueError, match="got 'GradNorm'"):
        preset("GradNorm", found)


def test_says_what_it_needs() -> None:
    frozen = model()
    frozen.backbone.requires_grad_(False)
    with pytest.raises(ValueError, match="backbone whose parameters require gradients"):
        shared_gradients(frozen, SCENES)

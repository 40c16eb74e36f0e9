"""Losses on masks: peers' values and gradients, closed forms, and what bad input is told."""

import math

import pytest
import torch
from helpers.peers import CASES, case_paths, load, name
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.losses import (
    dice_loss,
    focal_loss,
    mask_bce,
    mean_or_zero,
    select_class_masks,
    signed_distance_loss,
    soft_iou_loss,
)

ASKED = {  # the peer's call, written with ours
    "dice_solo": lambda x, t, m: dice_loss(x, t),
    "dice_detr": lambda x, t, m: (
        dice_loss(x.sigmoid(), t, squared=False, smooth=1).sum() / m["num_boxes"]
    ),
    "focal_detr": lambda x, t, m: (
        focal_loss(x, t, alpha=m["alpha"] if m["alpha"] >= 0 else None, gamma=m["gamma"])
        .mean(dim=1)
        .sum()
        / m["num_boxes"]
    ),
    "focal_mmdet": lambda x, t, m: reduced(
        focal_loss(x, t, alpha=m["alpha"], gamma=m["gamma"]), m["reduction"]
    ),
}


def reduced(loss, how):
    return loss if how == "none" else getattr(loss, how)()


@pytest.mark.parametrize("path", case_paths("losses"), ids=name)
def test_peer_cases(path):
    case, meta = load(path)
    x = case["input"].requires_grad_()
    loss = ASKED[meta["op"]](x, case["target"], meta)
    tolerance = {"rtol": 0, "atol": 1e-7 if meta["op"] == "dice_solo" else 1e-9}
    torch.testing.assert_close(loss, case["loss"], **tolerance)
    loss.sum().backward()
    torch.testing.assert_close(x.grad, case["grad_of_sum"], **tolerance)


TWO, SOME = torch.tensor([2]), torch.zeros(1, 2, 3, 3)


def random_pair(seed, shape=(3, 5, 7), hard=False):
    generator = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(shape, generator=generator, dtype=torch.float64)
    targets = torch.rand(shape, generator=generator, dtype=torch.float64)
    return logits, (targets > 0.6).double() if hard else targets


def test_bce_is_the_mean_over_cells_and_its_gradient_the_error():
    logits, targets = random_pair(0)
    logits.requires_grad_()
    p = logits.sigmoid()
    by_hand = -(targets * p.log() + (1 - targets) * (1 - p).log()).mean(dim=(1, 2))
    losses = mask_bce(logits, targets)
    torch.testing.assert_close(losses, by_hand)
    losses.sum().backward()
    torch.testing.assert_close(logits.grad, (p.detach() - targets) / 35)


@pytest.mark.parametrize("targets", [torch.ones(2, 4, 4).bool(), torch.ones(2, 4, 4)])
def test_hard_targets_may_be_bool(targets):
    assert mask_bce(torch.full((2, 4, 4), -3.0), targets).tolist() == pytest.approx(
        [3.049] * 2, 1e-3
    )


@settings(deadline=None)
@given(st.integers(0, 999))
def test_focal_without_focus_is_cross_entropy(seed):
    logits, targets = random_pair(seed)
    plain = focal_loss(logits, targets, alpha=None, gamma=0)
    torch.testing.assert_close(plain.mean(dim=(1, 2)), mask_bce(logits, targets))
    halved = focal_loss(logits, targets, alpha=0.5, gamma=0)
    torch.testing.assert_close(halved, plain / 2)


def test_focal_forgets_what_is_right():
    """At p_t = 0.9 and γ = 2 a pixel counts a hundredth of its cross-entropy (paper, section 3)."""
    logits = torch.tensor([[math.log(9.0)]], dtype=torch.float64)
    loss = focal_loss(logits, torch.ones(1, 1, dtype=torch.float64), alpha=None)
    assert loss.item() == pytest.approx(-0.01 * math.log(0.9))


SATURATED = (40.0, -40.0, 88.0, -88.0, -104.0, 200.0, -200.0, 1e4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("gamma", [0.01, 0.5, 0.99, 1.5])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_focal_has_derivatives_where_pixels_are_sure(gamma, dtype, target):
    """γ · 0^(γ − 1) is infinite, and what it multiplies is 0; twice, between 1 and 2."""
    logits = torch.tensor([SATURATED], dtype=dtype, requires_grad=True)
    targets = torch.full_like(logits, target)
    loss = focal_loss(logits, targets, alpha=None, gamma=gamma)
    (first,) = torch.autograd.grad(loss.sum(), logits, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), logits)
    assert loss.isfinite().all() and first.isfinite().all() and second.isfinite().all()
    right = (logits > 0) == (target == 1)
    assert (loss[right] < 1e-6).all() and (first[right].abs() < 1e-6).all()
    wrong = first[~right].double()
    torch.testing.assert_close(wrong, torch.full_like(wrong, 1 - 2 * target), rtol=2e-2, atol=0)


def test_focal_at_a_sure_and_right_pixel_is_0():
    logits = torch.tensor([[40.0]], requires_grad=True)
    loss = focal_loss(logits, torch.ones(1, 1), gamma=0.5)
    loss.sum().backward()
    assert loss.item() == 0 and logits.grad.item() == 0


@settings(deadline=None)
@given(st.floats(-12, 12), st.sampled_from([0.1, 0.5, 0.9, 1.0, 1.3, 2.0, 2.5]))
def test_focal_gradient_is_the_closed_form(logit, gamma):
    """(1 − p)^γ (γ p log p + p − 1), for a positive (Lin et al., appendix B)."""
    z = torch.tensor([[logit]], dtype=torch.float64, requires_grad=True)
    focal_loss(z, torch.ones_like(z), alpha=None, gamma=gamma).sum().backward()
    p = z.detach().sigmoid()
    expected = (1 - p) ** gamma * (gamma * p * p.log() + p - 1)
    torch.testing.assert_close(z.grad, expected, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    "loss", [mask_bce, focal_loss, dice_loss, soft_iou_loss, signed_distance_loss]
)
def test_half_types_are_computed_in_float32(loss, dtype):
    """400 × 400 pixels are more than float16 can count; inside autocast too."""
    generator = torch.Generator().manual_seed(0)
    p = torch.rand(2, 400, 400, generator=generator).to(dtype).requires_grad_()
    targets = (torch.rand(2, 400, 400, generator=generator) < 0.9).float()
    got, wide = loss(p, targets), loss(p.float(), targets)
    assert got.dtype == torch.float32 and torch.equal(got, wide) and got.isfinite().all()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(loss(p, targets), wide)
    got.sum().backward()
    assert p.grad.dtype == dtype and p.grad.isfinite().all()
    assert mean_or_zero(got.detach().to(torch.float16) + 6e4).item() == pytest.approx(6e4, rel=1e-2)


@settings(deadline=None)
@given(st.integers(0, 999))
def test_hard_masks_obey_dice_and_iou(seed):
    """Dice = 2J / (1 + J) for hard masks, and the soft IoU is IoU."""
    logits, targets = random_pair(seed, hard=True)
    hard = (logits > 0).double()
    union = torch.maximum(hard, targets).sum((1, 2))
    iou = (hard * targets).sum((1, 2)) / union
    torch.testing.assert_close(1 - soft_iou_loss(hard, targets, smooth=0), iou)
    for squared in (True, False):
        dice = 1 - dice_loss(hard, targets, squared=squared, smooth=0)
        torch.testing.assert_close(dice, 2 * iou / (1 + iou))


@pytest.mark.parametrize(
    ("squared", "target", "lowest"),
    [(True, 0.3, 0.3), (True, 0.5, 0.5), (False, 0.3, 0.0), (False, 0.5, 1.0)],
)
def test_soft_targets_tell_the_forms_of_dice_apart(squared, target, lowest):
    """Beside a pixel that is right, the squared form wants p = t; the linear one, 0 or 1."""
    p = torch.linspace(0, 1, 101, dtype=torch.float64)
    tried = torch.stack([p, torch.ones_like(p)], dim=1)
    targets = torch.tensor([[target, 1.0]], dtype=torch.float64).expand(101, 2)
    losses = dice_loss(tried, targets, squared=squared, smooth=0)
    assert p[losses.argmin()].item() == pytest.approx(lowest)


def test_empty_masks_are_defined():
    empty = torch.zeros(1, 4, 4)
    assert dice_loss(empty, empty).item() == 1
    assert dice_loss(empty, empty, squared=False).item() == 0
    assert soft_iou_loss(empty, empty).item() == 0


@pytest.mark.parametrize("truncate", [None, 2.0])
def test_signed_distances_are_cut_off_on_both_sides(truncate):
    predictions = torch.tensor([[5.0, 1.5, -0.5, -9.0]], requires_grad=True)
    targets = torch.tensor([[4.0, 0.5, 0.5, 3.0]])
    loss = signed_distance_loss(predictions, targets, truncate=truncate)
    loss.sum().backward()
    if truncate is None:
        assert loss.item() == (1 + 1 + 1 + 12) / 4
        assert predictions.grad.tolist() == [[0.25, 0.25, -0.25, -0.25]]
    else:
        assert loss.item() == (0 + 1 + 1 + 4) / 4
        assert predictions.grad.tolist() == [[0, 0.25, -0.25, 0]]


def test_masks_without_border_need_truncation():
    targets = torch.full((1, 3), -math.inf)
    with pytest.raises(ValueError, match="targets must be finite"):
        signed_distance_loss(torch.zeros(1, 3), targets)
    assert signed_distance_loss(torch.zeros(1, 3), targets, truncate=4.0).item() == 4


def test_selects_one_channel_an_instance_and_sends_it_all_the_gradient():
    logits = torch.arange(2 * 3 * 4.0).view(2, 3, 2, 2).requires_grad_()
    chosen = select_class_masks(logits, torch.tensor([2, 0]))
    assert torch.equal(chosen, torch.stack([logits[0, 2], logits[1, 0]]))
    chosen.sum().backward()
    assert logits.grad.sum((2, 3)).tolist() == [[0, 0, 4], [4, 0, 0]]
    agnostic = torch.rand(2, 1, 3, 3)
    assert torch.equal(select_class_masks(agnostic, torch.tensor([7, 4])), agnostic[:, 0])
    assert select_class_masks(torch.zeros(0, 3, 2, 2), torch.zeros(0).long()).shape == (0, 2, 2)


@pytest.mark.parametrize("loss", [mask_bce, focal_loss, signed_distance_loss])
def test_no_instance_is_no_loss_and_has_a_gradient(loss):
    logits = torch.zeros(0, 28, 28, requires_grad=True)
    value = mean_or_zero(loss(logits, torch.zeros(0, 28, 28)))
    value.backward()
    assert value.item() == 0 and logits.grad.shape == (0, 28, 28)


def test_mean_or_zero_is_the_mean():
    assert mean_or_zero(torch.tensor([1.0, 2.0, 6.0])).item() == 3


@pytest.mark.parametrize("loss", [mask_bce, dice_loss, soft_iou_loss])
def test_nan_stays_in_its_instance(loss):
    p = torch.full((2, 3, 3), 0.5)
    p[1, 0, 0] = math.nan
    losses = loss(p, torch.ones(2, 3, 3))
    assert losses[0].isfinite() and losses[1].isnan()


@pytest.mark.parametrize(
    ("words", "call"),
    [
        (r"targets must lie in \[0, 1\], got 2 to 2", lambda z: mask_bce(z, 2 + z)),
        (r"of one shape, got \(1, 3, 3\) and \(3, 3\)", lambda z: focal_loss(z, torch.eye(3))),
        (r"\(N, …\) of one shape, got \(3,\)", lambda z: mask_bce(z[0, 0], torch.ones(3))),
        (r"probabilities must lie in \[0, 1\].* sigmoid", lambda z: dice_loss(3 + z, z)),
        (r"probabilities must lie in \[0, 1\]", lambda z: soft_iou_loss(z - 1, z)),
        (r"alpha must lie in \[0, 1\] or be None, got -1", lambda z: focal_loss(z, z, alpha=-1)),
        ("gamma must not be negative, got -2", lambda z: focal_loss(z, z, gamma=-2)),
        ("truncate must be a positive", lambda z: signed_distance_loss(z, z, truncate=0)),
        ("must lie between 0 and 1, .* got 2", lambda z: select_class_masks(SOME, TWO)),
        (r"logits must be \(N, C, H, W\)", lambda z: select_class_masks(z, TWO)),
    ],
)  # fmt: skip
def test_says_what_it_needs(words, call):
    with pytest.raises(ValueError, match=words):
        call(torch.zeros(1, 3, 3))


def test_masks_for_logits_are_refused():
    with pytest.raises(TypeError, match=r"logits must be floating point, got torch\.bool"):
        mask_bce(torch.ones(1, 3, 3).bool(), torch.ones(1, 3, 3))


def test_every_recorded_loss_is_compared():
    assert {load(path)[1]["op"] for path in (CASES / "losses").glob("*.npz")} <= set(ASKED)

"""Every loss on a pair of masks: values by hand, and pushes that lower what they say."""

import math

import pytest
import torch

from minseg.experiments.loss_pair import (
    HEIGHT,
    LOSSES,
    WIDTH,
    WITH_A_PUSH,
    MaskTruth,
    Prediction,
    disc,
    evaluate,
    nearest,
    of_mask,
    outline_points,
    push,
    share_near,
)

TRUTH = MaskTruth.of(disc(28, 24, 12) > 0)


def test_pixel_losses_count_and_outline_losses_see_where() -> None:
    """A hole and a far blob of 50 pixels each: the same for BCE, not for the others."""
    mask = TRUTH.mask
    hole = evaluate(of_mask(mask & ~nearest(28, 24, mask, 50)), TRUTH)
    blob = evaluate(of_mask(mask | nearest(57, 40, ~mask, 50)), TRUTH)
    assert hole["BCE"] == pytest.approx(blob["BCE"])
    assert hole["focal"] == pytest.approx(blob["focal"])
    assert hole["hard IoU"] == pytest.approx(50 / int(mask.sum()))
    assert blob["hard IoU"] == pytest.approx(50 / (int(mask.sum()) + 50))
    assert blob["Hausdorff"] > 2 * hole["Hausdorff"] and blob["boundary"] > hole["boundary"]


def test_a_perfect_prediction_is_at_the_least_of_every_hard_loss() -> None:
    perfect = evaluate(of_mask(TRUTH.mask, logit=40), TRUTH)
    gain = TRUTH.distances.clamp(min=0).mean().item()
    for name in LOSSES:
        least = -gain if name == "boundary" else 0
        assert perfect[name] == pytest.approx(least, abs=1e-3), name


@pytest.mark.parametrize("name", [name for name in WITH_A_PUSH if name != "hard IoU"])
def test_a_small_step_along_the_push_lowers_the_loss_by_its_square(name: str) -> None:
    field = disc(33, 22, 9).double()
    prediction = Prediction(field, field)
    force = push(name, prediction, TRUTH)
    step = 1e-3 / force.abs().max()
    moved = field + step * force
    before, after = (evaluate(Prediction(f, f), TRUTH)[name] for f in (field, moved))
    assert before - after == pytest.approx(float(step * force.square().sum()), rel=0.01)


def test_a_thresholded_mask_has_no_push() -> None:
    assert not push("hard IoU", of_mask(disc(33, 22, 9) > 0), TRUTH).any()


def test_only_losses_with_a_push_have_one() -> None:
    with pytest.raises(ValueError, match="got 'Chamfer'"):
        push("Chamfer", of_mask(TRUTH.mask), TRUTH)


def test_the_outline_goes_round_every_part_and_along_the_frame() -> None:
    ring = outline_points(torch.minimum(disc(28, 24, 12), -disc(28, 24, 5)))
    radii = (ring - torch.tensor([28.0, 24.0])).norm(dim=1)
    assert ((radii - 12).abs().minimum((radii - 5).abs()) < 0.1).all()
    assert len(ring) == pytest.approx(2 * math.pi * 17, abs=3)  # about one for each pixel
    cut_off = outline_points(disc(0, 24, 10))
    assert (cut_off[:, 0] == 0).sum() > 15  # the straight part, on the image's frame
    assert outline_points(disc(0, 0, -5)).shape == (0, 2)


def test_the_share_near_the_outline() -> None:
    field = torch.zeros(HEIGHT, WIDTH)
    field[24, 28], field[0, 0], field[24, 40] = 1, -2, 1  # centre, corner, just outside
    assert share_near(field, TRUTH) == pytest.approx(0.25)
    assert share_near(0 * field, TRUTH) == 0


def test_nearest_counts() -> None:
    chosen = nearest(28, 24, TRUTH.mask, 30)
    assert chosen.sum() == 30 and chosen[24, 28] and not (chosen & ~TRUTH.mask).any()

"""What the units on masks measure: prices, wrong pixels, cuts, and who keeps a thin arm."""

import pytest
import torch

from minseg.experiments.representation_prices import bytes_for, price_list
from minseg.experiments.representations import KINDS, THINGS, sweep
from minseg.experiments.same_pixels import share_on_right_pixels, value_table, wrong_masks
from minseg.experiments.thin_arm import thin_arm, told
from minseg.experiments.truncated_distances import fit_distances, six_shapes


def test_a_price_is_the_least_of_those_that_suffice():
    for one in sweep("coin", "polygon"):
        if one.size < bytes_for("coin", "polygon", 0.95):
            assert one.iou < 0.95
    table = price_list(0.95)
    assert [line.startswith(kind) for kind, line in zip(KINDS, table.splitlines()[1:], strict=True)]
    assert len(table.splitlines()[1].removeprefix("binary grid").split()) == len(THINGS)


def test_focal_leaves_right_pixels_in_peace_and_dice_does_not():
    hole = wrong_masks()["a hole"]
    assert share_on_right_pixels("focal", hole) < 0.02
    assert share_on_right_pixels("Dice, linear", hole) > 0.9
    assert value_table(("BCE",)).splitlines()[1].split() == ["BCE", *["0.142"] * 4]


def test_a_start_beyond_the_cut_never_moves():
    masks = six_shapes()[:2]
    full = masks.double().mean(dim=(1, 2))
    stuck = fit_distances(masks, cut=4, start=6.0, steps=5)
    torch.testing.assert_close(stuck.double(), full, atol=1e-6, rtol=0)
    assert (fit_distances(masks, cut=None, start=6.0, steps=60) > full + 0.3).all()


def test_the_truth_keeps_all_of_its_arm_and_the_body_none():
    one = thin_arm(seed=1)
    assert told(one, one.thing) == (1.0, 1.0)
    iou, left = told(one, one.thing & ~one.arm)
    assert left == 0 and iou == pytest.approx(384 / 430)
    assert not torch.equal(one.noisy, thin_arm(seed=2).noisy)

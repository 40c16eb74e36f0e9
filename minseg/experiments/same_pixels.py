"""Four wrong masks of one disc, each wrong in exactly 96 pixels, and what losses make of them.

A rim is missing, the disc is moved, it has a hole, or there is a blob far away. Who counts pixels
sees no difference between them. Units 14 and 15 hold their losses against the four.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from torch import Tensor

from minseg.experiments.loss_pair import MaskTruth, disc, evaluate, nearest, of_mask, push

WRONG_PIXELS = 96
CENTRE, RADIUS = (28, 24), 12  # of the true disc: x, y, in pixels


@cache
def true_disc() -> MaskTruth:
    """The disc that all four are wrong about, 448 pixels.

    >>> int(true_disc().mask.sum())
    448
    """
    return MaskTruth.of(disc(*CENTRE, RADIUS) > 0)


@cache
def wrong_masks() -> dict[str, Tensor]:
    """Name → (48, 64) bool.

    >>> [int((mask != true_disc().mask).sum()) for mask in wrong_masks().values()]
    [96, 96, 96, 96]
    """
    true = true_disc().mask
    return {
        "too small": nearest(*CENTRE, true, int(true.sum()) - WRONG_PIXELS),
        "moved by 2 px": disc(CENTRE[0] + 2, CENTRE[1], RADIUS) > 0,
        "a hole": true & ~nearest(*CENTRE, true, WRONG_PIXELS),
        "a far blob": true | nearest(57, 40, ~true, WRONG_PIXELS),
    }


def value_table(losses: Sequence[str]) -> str:
    """The value of each loss (a line) of each wrong mask (a column), as text."""
    values = [evaluate(of_mask(mask), true_disc()) for mask in wrong_masks().values()]
    lines = [f"{'':18}" + "".join(f"{name:>15}" for name in wrong_masks())]
    lines += [f"{loss:18}" + "".join(f"{of[loss]:15.3f}" for of in values) for loss in losses]
    return "\n".join(lines)


def share_on_right_pixels(loss: str, mask: Tensor) -> float:
    """How much of the push on a wrong mask falls on pixels that are right already, 0 to 1.

    >>> round(share_on_right_pixels("BCE", wrong_masks()["a far blob"]), 2)
    0.61
    """
    field = push(loss, of_mask(mask), true_disc()).abs()
    return float(field[mask == true_disc().mask].sum() / field.sum())

"""Exercise 03.dice: the Dice loss in its linear and its squared form.

To write: f(probabilities, targets, *, squared=True, smooth=1e-3), (N, H, W) each, to (N,) losses.
The answer is `dice_loss`. Where `smooth` stands decides what two empty masks cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from minseg.course.exercise import Exercise, call_with_option
from minseg.losses import dice_loss

SMOOTH = 1e-3  # the default of `dice_loss`


def masks_to_compare(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor, bool]]:
    """Two masks of different size, soft targets, empty masks, one pixel; each in both forms."""
    p = torch.rand(2, 6, 5, generator=generator, dtype=torch.float64)
    t = torch.zeros(2, 6, 5, dtype=torch.float64)
    t[0, 1:5, 1:4], t[1, 2, 2] = 1, 1
    soft = torch.rand(2, 6, 5, generator=generator, dtype=torch.float64)
    dot = torch.zeros(1, 4, 4)
    dot[0, 2, 1] = 1
    none = torch.zeros(1, 4, 4)
    for squared in (True, False):
        yield p, t, squared
        yield p.transpose(1, 2), soft.transpose(1, 2), squared
        yield 0.1 * p, 0.1 * soft, squared
        yield torch.full((1, 4, 4), 0.02), dot, squared
        yield dot, dot, squared
        yield none, dot, squared
        yield none, none, squared
        yield torch.zeros(0, 4, 4), torch.zeros(0, 4, 4), squared


def with_form(fn: Callable[..., Any], p: Tensor, t: Tensor, squared: bool) -> Any:
    """What the function returns for one of the two forms."""
    return call_with_option(fn, p, t, squared=squared)


def _dice(
    p: Tensor,
    t: Tensor,
    squared: bool,
    *,
    over: tuple[int, ...] = (1, 2),
    twice: float = 2.0,
    above: bool = False,
    below: bool = True,
) -> Tensor:
    """Dice with switches for what can be forgotten; `above`: smooth above the line of squares."""
    shared = twice * (p * t).sum(over)
    if squared:
        under = (p * p).sum(over) + (t * t).sum(over) + 2 * SMOOTH * below
        return 1 - (shared + 2 * SMOOTH * above) / under
    return 1 - (shared + SMOOTH * below) / (p.sum(over) + t.sum(over) + SMOOTH * below)


sums_over_the_batch = partial(_dice, over=(0, 1, 2))
forgets_the_two = partial(_dice, twice=1.0)
divides_by_nothing = partial(_dice, below=False)
smooths_both_alike = partial(_dice, above=True)


def _linear_without_smooth_above(p: Tensor, t: Tensor, squared: bool) -> Tensor:
    if squared:
        return _dice(p, t, True)
    return 1 - 2 * (p * t).sum((1, 2)) / (p.sum((1, 2)) + t.sum((1, 2)) + SMOOTH)


def _squares_with_one_smooth(p: Tensor, t: Tensor, squared: bool) -> Tensor:
    if not squared:
        return _dice(p, t, False)
    under = (p * p).sum((1, 2)) + (t * t).sum((1, 2)) + SMOOTH
    return 1 - 2 * (p * t).sum((1, 2)) / under


def _squares_the_sums(p: Tensor, t: Tensor, squared: bool) -> Tensor:
    if not squared:
        return _dice(p, t, False)
    under = p.sum((1, 2)) ** 2 + t.sum((1, 2)) ** 2 + 2 * SMOOTH
    return 1 - 2 * (p * t).sum((1, 2)) / under


def _averages_pixels(p: Tensor, t: Tensor, squared: bool) -> Tensor:
    under = p * p + t * t + 2 * SMOOTH if squared else p + t + SMOOTH
    return 1 - ((2 * p * t + (0 if squared else SMOOTH)) / under).mean((1, 2))


DICE = Exercise(
    "03.dice",
    reference=dice_loss,
    cases=masks_to_compare,
    probe=with_form,
    hints=(
        "Sum over all dimensions but the first, so that each mask keeps its own number.",
        "Above the line stands 2 Σpt. Below it Σp² + Σt² or Σp + Σt: only that depends on "
        "`squared`, apart from `smooth`.",
        "Squared: `smooth` twice below, none above. Linear: once above and once below. Which value "
        "does each form give for two empty masks?",
    ),
    mistakes={
        "returns_the_coefficient": (
            lambda p, t, squared: 1 - _dice(p, t, squared),
            "That is the Dice coefficient, which is 1 for equal masks. The loss is one minus it.",
        ),
        "sums_over_the_batch": (
            sums_over_the_batch,
            "You sum over the masks as well. Each mask has a Dice of its own, or else large ones "
            "outvote small ones again.",
        ),
        "forgets_the_two": (
            forgets_the_two,
            "For equal masks your loss is a half. What they share counts twice, once for each.",
        ),
        "always_squares": (
            lambda p, t, squared: _dice(p, t, True),
            "You square whatever `squared` says. For soft values the two forms differ.",
        ),
        "never_squares": (
            lambda p, t, squared: _dice(p, t, False),
            "You never square. With `squared`, Σp² and Σt² stand below the line.",
        ),
        "squares_the_sums": (
            _squares_the_sums,
            "You square the sums. Squared Dice sums the squares: Σp², not (Σp)².",
        ),
        "thresholds_first": (
            lambda p, t, squared: _dice((p > 0.5).to(p), t, squared),
            "You threshold the probabilities, so that nothing has a gradient. Use p itself.",
        ),
        "divides_by_nothing": (
            divides_by_nothing,
            "Two empty masks give 0/0 in your version. `smooth` is there to prevent that.",
        ),
        "smooths_both_alike": (
            smooths_both_alike,
            "The squared form has no `smooth` above the line: two empty masks give a loss of 1. "
            "Only the linear one has.",
        ),
        "smooths_below_only": (
            _linear_without_smooth_above,
            "The linear form has `smooth` above the line too, so that two empty masks agree.",
        ),
        "smooths_squares_once": (
            _squares_with_one_smooth,
            "With squares the package adds `smooth` to each of the two sums, so twice.",
        ),
        "averages_pixels": (
            _averages_pixels,
            "You divide pixel by pixel and average. Sum first, then divide: overlap is a property "
            "of the whole mask.",
        ),
    },
)

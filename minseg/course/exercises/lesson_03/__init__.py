"""Exercises of lesson 03: BCE's gradient, Dice in both forms, truncated distances, Chamfer."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.losses import chamfer_distance, dice_loss, signed_distance_loss

# 03.bce_gradient


def bce_gradient(logits: Tensor, targets: Tensor) -> Tensor:
    """(N, H, W): the gradient of each mask's `mask_bce` with respect to its logits (N, H, W)."""
    return (logits.sigmoid() - targets) / math.prod(logits.shape[1:])


def logits_and_targets(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor]]:
    """Certain logits, right and wrong, soft targets, two masks, none, one pixel, transposed."""
    yield torch.tensor([[[0.0, 2.0], [-2.0, 4.0]]]), torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
    yield torch.tensor([[[30.0, -30.0, 30.0]]]), torch.tensor([[[0.0, 1.0, 1.0]]])
    yield torch.zeros(1, 5, 7), torch.zeros(1, 5, 7)
    logits = 3 * torch.randn(2, 9, 5, generator=generator, dtype=torch.float64)
    targets = torch.rand(2, 9, 5, generator=generator, dtype=torch.float64)
    yield logits, targets
    yield logits.transpose(1, 2), targets.round().transpose(1, 2)
    yield torch.full((3, 1, 1), 0.5), torch.tensor([0.0, 0.3, 1.0]).view(3, 1, 1)
    yield torch.zeros(0, 28, 28), torch.zeros(0, 28, 28)


def points_the_other_way(logits: Tensor, targets: Tensor) -> Tensor:
    return -bce_gradient(logits, targets)


def forgets_the_mean(logits: Tensor, targets: Tensor) -> Tensor:
    return logits.sigmoid() - targets


def averages_over_the_batch(logits: Tensor, targets: Tensor) -> Tensor:
    return (logits.sigmoid() - targets) / max(logits.numel(), 1)


def stops_at_probabilities(logits: Tensor, targets: Tensor) -> Tensor:
    p = logits.sigmoid()
    return bce_gradient(logits, targets) / (p * (1 - p))


def is_that_of_squares(logits: Tensor, targets: Tensor) -> Tensor:
    p = logits.sigmoid()
    return bce_gradient(logits, targets) * p * (1 - p)


def forgets_the_sigmoid(logits: Tensor, targets: Tensor) -> Tensor:
    return (logits - targets) / math.prod(logits.shape[1:])


def thresholds_first(logits: Tensor, targets: Tensor) -> Tensor:
    return ((logits > 0).to(logits.dtype) - targets) / math.prod(logits.shape[1:])


BCE_GRADIENT = Exercise(
    "03.bce_gradient",
    reference=bce_gradient,
    cases=logits_and_targets,
    hints=(
        "Look at the table of six pixels: what are p, t and the push, and how do they fit?",
        "One pixel's term is −t log p − (1 − t) log(1 − p). Its derivative by p is "
        "(p − t) / (p (1 − p)), and that of p by z is p (1 − p).",
        "Their product is p − t. And the loss of a mask is the mean over its own pixels, however "
        "many masks there are.",
    ),
    mistakes={
        "points_the_other_way": (
            points_the_other_way,
            "That is the push, t − p. The gradient points where the loss grows: the other way.",
        ),
        "forgets_the_mean": (
            forgets_the_mean,
            "Your gradient is that of a sum. `mask_bce` averages over the pixels of a mask.",
        ),
        "averages_over_the_batch": (
            averages_over_the_batch,
            "You divide by the pixels of all masks. Each mask has a loss of its own, averaged over "
            "its own pixels.",
        ),
        "stops_at_probabilities": (
            stops_at_probabilities,
            "That is the derivative by p. By the chain rule it is still to be multiplied by that "
            "of p by z, which is p (1 − p).",
        ),
        "is_that_of_squares": (
            is_that_of_squares,
            "The factor p (1 − p) has gone already: it cancels against the logarithm's slope. "
            "With it, a pixel that is confidently wrong would not be pushed at all.",
        ),
        "forgets_the_sigmoid": (
            forgets_the_sigmoid,
            "You compare the logit itself with the target. The sigmoid is missing.",
        ),
        "thresholds_first": (
            thresholds_first,
            "You compare a mask of yes and no with the target. BCE reads p itself: a pixel that is "
            "nearly right is pushed as well, a little.",
        ),
    },
)

# 03.dice

Form = Callable[[Tensor, Tensor, bool, float], Tensor]


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
    return _with_option(fn, p, t, squared=squared)


def _with_option(fn: Callable[..., Any], *tensors: Tensor, **option: Any) -> Any:
    """Call with a keyword where the function takes it as such, as the package's do."""
    kinds = {parameter.kind for parameter in inspect.signature(fn).parameters.values()}
    if kinds & {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}:
        return fn(*tensors, **option)
    return fn(*tensors, *option.values())


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
    smooth = 1e-3
    shared = twice * (p * t).sum(over)
    if squared:
        under = (p * p).sum(over) + (t * t).sum(over) + 2 * smooth * below
        return 1 - (shared + 2 * smooth * above) / under
    return 1 - (shared + smooth * below) / (p.sum(over) + t.sum(over) + smooth * below)


def _dice_that(change: Form) -> Callable[..., Tensor]:
    def dice_with_a_mistake(
        probabilities: Tensor, targets: Tensor, *, squared: bool = True, smooth: float = 1e-3
    ) -> Tensor:
        return change(probabilities, targets, squared, smooth)

    return dice_with_a_mistake


def _linear_without_smooth_above(p: Tensor, t: Tensor, squared: bool, smooth: float) -> Tensor:
    if squared:
        return _dice(p, t, True)
    return 1 - 2 * (p * t).sum((1, 2)) / (p.sum((1, 2)) + t.sum((1, 2)) + smooth)


def _squares_with_one_smooth(p: Tensor, t: Tensor, squared: bool, smooth: float) -> Tensor:
    if not squared:
        return _dice(p, t, False)
    under = (p * p).sum((1, 2)) + (t * t).sum((1, 2)) + smooth
    return 1 - 2 * (p * t).sum((1, 2)) / under


def _squares_the_sums(p: Tensor, t: Tensor, squared: bool, smooth: float) -> Tensor:
    if not squared:
        return _dice(p, t, False)
    under = p.sum((1, 2)) ** 2 + t.sum((1, 2)) ** 2 + 2 * smooth
    return 1 - 2 * (p * t).sum((1, 2)) / under


def _averages_pixels(p: Tensor, t: Tensor, squared: bool, smooth: float) -> Tensor:
    under = p * p + t * t + 2 * smooth if squared else p + t + smooth
    return 1 - ((2 * p * t + (0 if squared else smooth)) / under).mean((1, 2))


DICE = Exercise(
    "03.dice",
    reference=dice_loss,
    cases=masks_to_compare,
    probe=with_form,
    hints=(
        "Sum over all dimensions but the first, so that each mask keeps its own number.",
        "Above the line stands 2 Σpt. Below it Σp² + Σt² or Σp + Σt: only that depends on "
        "`squared`, but for `smooth`.",
        "Squared: `smooth` twice below, none above. Linear: once above and once below. Which value "
        "does each form give for two empty masks?",
    ),
    mistakes={
        "returns_the_coefficient": (
            _dice_that(lambda p, t, squared, smooth: 1 - _dice(p, t, squared)),
            "That is the Dice coefficient, which is 1 for equal masks. The loss is one minus it.",
        ),
        "sums_over_the_batch": (
            _dice_that(lambda p, t, squared, smooth: _dice(p, t, squared, over=(0, 1, 2))),
            "You sum over the masks as well. Each mask has a Dice of its own, or else large ones "
            "outvote small ones again.",
        ),
        "forgets_the_two": (
            _dice_that(lambda p, t, squared, smooth: _dice(p, t, squared, twice=1.0)),
            "For equal masks your loss is a half. What they share counts twice, once for each.",
        ),
        "always_squares": (
            _dice_that(lambda p, t, squared, smooth: _dice(p, t, True)),
            "You square whatever `squared` says. For soft values the two forms differ.",
        ),
        "never_squares": (
            _dice_that(lambda p, t, squared, smooth: _dice(p, t, False)),
            "You never square. With `squared`, Σp² and Σt² stand below the line.",
        ),
        "squares_the_sums": (
            _dice_that(_squares_the_sums),
            "You square the sums. Squared Dice sums the squares: Σp², not (Σp)².",
        ),
        "thresholds_first": (
            _dice_that(lambda p, t, squared, smooth: _dice((p > 0.5).to(p), t, squared)),
            "You threshold the probabilities, so that nothing has a gradient. Use p itself.",
        ),
        "divides_by_nothing": (
            _dice_that(lambda p, t, squared, smooth: _dice(p, t, squared, below=False)),
            "Two empty masks give 0/0 in your version. `smooth` is there to prevent that.",
        ),
        "smooths_both_alike": (
            _dice_that(lambda p, t, squared, smooth: _dice(p, t, squared, above=True)),
            "The squared form has no `smooth` above the line: two empty masks give a loss of 1. "
            "Only the linear one has.",
        ),
        "smooths_below_only": (
            _dice_that(_linear_without_smooth_above),
            "The linear form has `smooth` above the line too, so that two empty masks agree.",
        ),
        "smooths_squares_once": (
            _dice_that(_squares_with_one_smooth),
            "With squares the package adds `smooth` to each of the two sums, so twice.",
        ),
        "averages_pixels": (
            _dice_that(_averages_pixels),
            "You divide pixel by pixel and average. Sum first, then divide: overlap is a property "
            "of the whole mask.",
        ),
    },
)

# 03.sdf_l1


def distances_to_compare(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor, float]]:
    """Both sides of the cut, opposite signs, two masks, an infinite target, transposed."""
    yield torch.tensor([[[0.5, -3.0], [7.0, -9.0]]]), torch.tensor([[[1.5, 2.0], [9.0, 8.0]]]), 4.0
    predictions = 5 * torch.randn(2, 5, 6, generator=generator, dtype=torch.float64)
    targets = 5 * torch.randn(2, 5, 6, generator=generator, dtype=torch.float64)
    yield predictions, targets, 3.0
    yield predictions.transpose(1, 2), targets.transpose(1, 2), 1.5
    yield predictions, targets, 100.0
    yield torch.tensor([[[-2.0, 1.0, 0.5]]]), torch.full((1, 1, 3), -torch.inf), 2.5
    yield torch.full((1, 2, 2), 6.0), torch.full((1, 2, 2), -6.0), 4.0  # wrong, and no gradient


def value_and_gradient(
    fn: Callable[..., Any], predictions: Tensor, targets: Tensor, truncate: float
) -> tuple[Any, Any]:
    """The losses, and the gradient of their sum by the predictions."""
    predictions = predictions.clone().requires_grad_()
    value = _with_option(fn, predictions, targets, truncate=truncate)
    if not isinstance(value, Tensor) or not value.requires_grad:
        return value, None
    return value, torch.autograd.grad(value.sum(), predictions)[0]


def cuts_the_target_only(d: Tensor, t: Tensor, cut: float) -> Tensor:
    return (d - t.clamp(-cut, cut)).abs().mean((1, 2))


def cuts_the_prediction_only(d: Tensor, t: Tensor, cut: float) -> Tensor:
    return (d.clamp(-cut, cut) - t).abs().mean((1, 2))


def cuts_the_difference(d: Tensor, t: Tensor, cut: float) -> Tensor:
    return (d - t).abs().clamp(max=cut).mean((1, 2))


def cuts_one_side(d: Tensor, t: Tensor, cut: float) -> Tensor:
    return (d.clamp(max=cut) - t.clamp(max=cut)).abs().mean((1, 2))


def cuts_nothing(d: Tensor, t: Tensor, cut: float) -> Tensor:
    return (d - t).abs().mean((1, 2))


def averages_the_band(d: Tensor, t: Tensor, cut: float) -> Tensor:
    near = (t.abs() < cut).to(d)
    difference = (d.clamp(-cut, cut) - t.clamp(-cut, cut)).abs()
    return (near * difference).sum((1, 2)) / near.sum((1, 2)).clamp(min=1)


def forgets_the_sign(d: Tensor, t: Tensor, cut: float) -> Tensor:
    return (d.abs().clamp(max=cut) - t.abs().clamp(max=cut)).abs().mean((1, 2))


def squares(d: Tensor, t: Tensor, cut: float) -> Tensor:
    return (d.clamp(-cut, cut) - t.clamp(-cut, cut)).square().mean((1, 2))


def sums(d: Tensor, t: Tensor, cut: float) -> Tensor:
    return (d.clamp(-cut, cut) - t.clamp(-cut, cut)).abs().sum((1, 2))


SDF_L1 = Exercise(
    "03.sdf_l1",
    reference=signed_distance_loss,
    cases=distances_to_compare,
    probe=value_and_gradient,
    hints=(
        "`clamp(-truncate, truncate)` holds a tensor within a band. Which of the two needs it?",
        "Both. Then the mean of the absolute differences, over all pixels of each mask.",
        "Your own `clamp` takes care of the gradient: it has slope 0 where it holds something "
        "back.",
    ),
    mistakes={
        "cuts_the_target_only": (
            cuts_the_target_only,
            "You cut the target only. A prediction of 9 where 8 is true and both are beyond the "
            "cut would be punished for its 9.",
        ),
        "cuts_the_prediction_only": (
            cuts_the_prediction_only,
            "You cut the prediction only. Where the truth lies beyond the cut, nothing that is "
            "predicted can be right.",
        ),
        "cuts_the_difference": (
            cuts_the_difference,
            "You cut the difference. Then two far pixels that differ by little count in full, "
            "though nobody asked for them.",
        ),
        "cuts_one_side": (
            cuts_one_side,
            "You cut large positive distances only. Outside distances are negative, and most "
            "pixels are outside.",
        ),
        "cuts_nothing": (cuts_nothing, "You do not cut. Far pixels have most of the votes."),
        "averages_the_band": (
            averages_the_band,
            "You average over the band around the true outline only. A blob far away from it would "
            "cost nothing: all pixels count, cut off.",
        ),
        "forgets_the_sign": (
            forgets_the_sign,
            "You compare sizes without signs, so that inside and outside look alike.",
        ),
        "squares": (squares, "You square the differences. L1 takes their absolute values."),
        "sums": (sums, "You sum over the pixels. The loss is their mean."),
    },
)

# 03.chamfer


def point_sets(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor]]:
    """Curves that cross, sets of different size, one inside the other, equal, empty."""
    s = torch.linspace(-3, 3, 13, dtype=torch.float64)
    yield torch.stack([s, 0 * s], dim=1), torch.stack([0 * s, s], dim=1)
    yield torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 0.0], [6.0, 8.0]])
    a = 10 * torch.rand(7, 2, generator=generator, dtype=torch.float64)
    b = 10 * torch.rand(2, 19, generator=generator, dtype=torch.float64).T
    yield a, b
    yield b, a
    yield a, a.clone()
    yield torch.zeros(0, 2), torch.ones(3, 2)
    yield torch.zeros(0, 2), torch.zeros(0, 2)


def _chamfer_of(pick: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    def chamfer_with_a_mistake(a: Tensor, b: Tensor) -> Tensor:
        if not len(a) or not len(b):
            return chamfer_distance(a, b)
        pairs = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
        return pick(pairs.amin(1), pairs.amin(0), pairs)

    return chamfer_with_a_mistake


def finds_nothing_at_infinity(a: Tensor, b: Tensor) -> Tensor:
    return chamfer_distance(a, b) if len(a) and len(b) else torch.tensor(0.0)


def divides_by_no_points(a: Tensor, b: Tensor) -> Tensor:
    return chamfer_distance(a, b) if len(a) and len(b) else torch.tensor(math.nan)


def pairs_in_order(a: Tensor, b: Tensor) -> Tensor:
    n = min(len(a), len(b))
    if not n:
        return chamfer_distance(a, b)
    return 2 * (a[:n] - b[:n]).square().sum(1).sqrt().mean()


CHAMFER = Exercise(
    "03.chamfer",
    reference=chamfer_distance,
    cases=point_sets,
    hints=(
        "`torch.cdist(a, b)` has the distance of every pair, (n, m). What is the nearest b of each "
        "a?",
        "A minimum along each dimension, the mean of each, and the sum of the two means.",
        "Without points there is no minimum: two empty sets are at 0, an empty and another one at "
        "infinity. Ask for that first.",
    ),
    mistakes={
        "takes_the_smallest": (
            _chamfer_of(lambda there, back, pairs: pairs.min()),
            "That is the smallest distance between the sets, which is 0 as soon as they touch. "
            "Average over all points instead.",
        ),
        "goes_one_way": (
            _chamfer_of(lambda there, back, pairs: there.mean()),
            "You go from a to b only, so that one point on the true outline would be perfect. Add "
            "the way back.",
        ),
        "goes_the_other_way": (
            _chamfer_of(lambda there, back, pairs: back.mean()),
            "You go from b to a only. Add the way there.",
        ),
        "takes_the_largest": (
            _chamfer_of(lambda there, back, pairs: torch.maximum(there.max(), back.max())),
            "That is Hausdorff's distance. Chamfer averages where Hausdorff takes the largest.",
        ),
        "sums": (
            _chamfer_of(lambda there, back, pairs: there.sum() + back.sum()),
            "You sum over the points, so that twice as many points cost twice as much. Average.",
        ),
        "squares": (
            _chamfer_of(lambda there, back, pairs: there.square().mean() + back.square().mean()),
            "You square the distances, as much point cloud code does. Here they are plain.",
        ),
        "halves": (
            _chamfer_of(lambda there, back, pairs: (there.mean() + back.mean()) / 2),
            "You average the two directions. Here they are added.",
        ),
        "pools": (
            _chamfer_of(lambda there, back, pairs: 2 * torch.cat([there, back]).mean()),
            "You pool all distances, so that the larger set decides. Average each direction alone.",
        ),
        "averages_all_pairs": (
            _chamfer_of(lambda there, back, pairs: 2 * pairs.mean()),
            "You average over all pairs. Only the nearest point of the other set counts.",
        ),
        "pairs_in_order": (
            pairs_in_order,
            "You compare the first point with the first, and so on. Sets have no order: find the "
            "nearest.",
        ),
        "finds_nothing_at_infinity": (
            finds_nothing_at_infinity,
            "An empty set and another one are at 0 in your version, so that predicting nothing "
            "would be perfect. Infinity.",
        ),
        "divides_by_no_points": (
            divides_by_no_points,
            "Empty sets give NaN in your version: two of them are at 0, one and another at "
            "infinity.",
        ),
    },
)

EXERCISES = (BCE_GRADIENT, DICE, SDF_L1, CHAMFER)

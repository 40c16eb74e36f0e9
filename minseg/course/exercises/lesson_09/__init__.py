"""Exercises of lesson 09: two ways to weigh losses, and two ways to choose who teaches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from minseg.boxes import box_iou, nms
from minseg.course.exercise import Exercise
from minseg.losses import ohem, sample_rois

# 09.uncertainty


def uncertainty(losses: Tensor, s: Tensor, regression: Tensor) -> Tensor:
    """(K,) weighted losses with their ½s, as `UncertaintyWeights` has them.

    Args:
        losses: (K,). s: (K,) log σ². regression: (K,) bool, false for classification.
    """
    scale = torch.where(regression, 0.5, 1.0) * (-s).exp()
    return scale * losses + s / 2


def losses_and_variances(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor, Tensor]]:
    """Both kinds, alone and mixed; s of 0, negative and large; losses of 0, and in float64."""
    yield torch.tensor([4.0, 0.01]), torch.tensor([4.0, 0.01]).log(), torch.tensor([True, True])
    yield torch.tensor([2.0, 3.0]), torch.tensor([0.5, -0.7]), torch.tensor([False, False])
    yield torch.tensor([1.0, 1.0]), torch.zeros(2), torch.tensor([True, False])
    yield torch.tensor([0.0, 7.0, 1.0]), torch.tensor([1.0, 3.0, -3.0]), torch.tensor([1, 0, 1]) > 0
    many = torch.rand(2, 9, generator=generator, dtype=torch.float64)
    yield 5 * many[0], 4 * many[1] - 2, torch.arange(9) % 3 == 0


def _uncertainty(
    losses: Tensor,
    s: Tensor,
    regression: Tensor,
    scale: Callable[[Tensor], Tensor] = lambda s: (-s).exp(),
    halves: tuple[float, float] = (0.5, 1.0),
    penalty: Callable[[Tensor], Tensor] = lambda s: s / 2,
) -> Tensor:
    """The weighted losses with three places to go wrong: weight, its ½, and the price of s."""
    return torch.where(regression, *halves) * scale(s) * losses + penalty(s)


def _uncertainty_that(**changes: Any) -> Callable[..., Tensor]:
    def uncertainty_with_a_mistake(losses: Tensor, s: Tensor, regression: Tensor) -> Tensor:
        return _uncertainty(losses, s, regression, **changes)

    return uncertainty_with_a_mistake


UNCERTAINTY = Exercise(
    "09.uncertainty",
    reference=uncertainty,
    cases=losses_and_variances,
    hints=(
        "s is log σ², so 1/σ² is exp(-s), and log σ is s/2.",
        "Only the regression losses have the ½ in front: torch.where(regression, 0.5, 1.0).",
        "The weight times the loss, plus s/2, for each loss by itself. Nothing is added up.",
    ),
    mistakes={
        "halves_everything": (
            _uncertainty_that(halves=(0.5, 0.5)),
            "You halve classification losses too. Only a Gaussian has the ½ in front of the "
            "squared error; cross-entropy is multiplied by 1/σ² alone.",
        ),
        "halves_nothing": (
            _uncertainty_that(halves=(1.0, 1.0)),
            "Regression losses have a ½ in front, from the exponent of the Gaussian.",
        ),
        "swaps_the_kinds": (
            _uncertainty_that(halves=(1.0, 0.5)),
            "You give the ½ to classification. It belongs to regression.",
        ),
        "divides_by_sigma": (
            _uncertainty_that(scale=lambda s: (-s / 2).exp()),
            "You divide the loss by σ. It is divided by σ², which is exp(s).",
        ),
        "squares_the_variance": (
            _uncertainty_that(scale=lambda s: (-2 * s).exp()),
            "You divide by σ⁴. s is log σ² already: exp(-s) is all.",
        ),
        "multiplies_by_variance": (
            _uncertainty_that(scale=lambda s: s.exp()),
            "Your weight grows with σ. A task that is uncertain should count less: exp(-s).",
        ),
        "takes_s_for_the_variance": (
            _uncertainty_that(scale=lambda s: 1 / s, penalty=lambda s: s.log() / 2),
            "You use s as if it were σ². It is the logarithm of σ², and may be negative.",
        ),
        "forgets_the_price": (
            _uncertainty_that(penalty=torch.zeros_like),
            "You leave out log σ, which is s/2. Without it every weight goes to 0, and so does "
            "the sum, whatever the network does.",
        ),
        "pays_twice": (
            _uncertainty_that(penalty=lambda s: s),
            "You add log σ². The price is log σ, half of it.",
        ),
    },
)

# 09.balance


def balance(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    """(K,) weights by which all gradients become as long as the primary one.

    Args:
        gradients: (K, P), one row a loss. primary: whose weight stays exactly 1.
        eps: added to each norm that is divided by.
    """
    norms = gradients.norm(dim=1)
    weights = norms[primary] / (norms + eps)
    weights[primary] = 1.0
    return weights


def rows_of_gradients(generator: torch.Generator) -> Iterable[tuple[Tensor, int, float]]:
    """Norms far apart, a primary that is not the first, one that is 0, a large eps, float64."""
    yield torch.tensor([[3.0, 4.0], [0.0, -10.0], [0.06, 0.08]]), 0, 1e-8
    yield torch.tensor([[3.0, -4.0, 0.0], [6.0, 2.0, 3.0]]), 1, 1e-8
    yield torch.tensor([[1.0, 2.0, 2.0], [0.0, 0.0, 0.0]]), 0, 1e-3  # reaches no parameter
    yield torch.tensor([[0.0, 0.0], [5.0, 12.0]]), 0, 1e-8
    yield torch.tensor([[1.0, 0.0], [0.0, 2.0], [-1.0, -1.0]]), 1, 0.5
    many = torch.randn(7, 5, generator=generator, dtype=torch.float64).T  # not contiguous
    yield many * torch.logspace(-3, 3, 5, dtype=torch.float64)[:, None], 2, 1e-8


def _norms_by(gradients: Tensor, norms: Tensor, primary: int, eps: float) -> Tensor:
    weights = norms[primary] / (norms + eps)
    weights[primary] = 1.0
    return weights


def turns_it_over(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    norms = gradients.norm(dim=1)
    return norms / (norms[primary] + eps)


def squares_the_norms(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    return _norms_by(gradients, gradients.square().sum(dim=1), primary, eps)


def adds_up_sizes(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    return _norms_by(gradients, gradients.abs().sum(dim=1), primary, eps)


def takes_the_largest(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    return _norms_by(gradients, gradients.abs().amax(dim=1), primary, eps)


def always_takes_the_first(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    return balance(gradients, 0, eps)


def divides_by_nothing(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    return balance(gradients, primary, 0.0)


def moves_the_primary(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    norms = gradients.norm(dim=1)
    return norms[primary] / (norms + eps)


def makes_them_unit(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    return 1 / (gradients.norm(dim=1) + eps)


def aligns_them(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    along = gradients @ gradients[primary]
    weights = along[primary] / (along + eps)
    weights[primary] = 1.0
    return weights


BALANCE = Exercise(
    "09.balance",
    reference=balance,
    cases=rows_of_gradients,
    hints=(
        "gradients.norm(dim=1) is the length of each row.",
        "λ = norms[primary] / (norms + eps). What should the weight of the primary loss be?",
        "Where the primary gradient is 0, all other weights are 0, and its own is still 1.",
    ),
    mistakes={
        "turns_it_over": (
            turns_it_over,
            "Your fraction is upside down: a loss that pulls hard should get a small weight.",
        ),
        "squares_the_norms": (
            squares_the_norms,
            "You divide squared norms. The square root is missing.",
        ),
        "adds_up_sizes": (
            adds_up_sizes,
            "You add up absolute values. The length is the root of the sum of squares.",
        ),
        "takes_the_largest": (
            takes_the_largest,
            "You compare the largest entries. The length takes all entries into account.",
        ),
        "always_takes_the_first": (
            always_takes_the_first,
            "You compare with the first loss. Compare with the one that `primary` names.",
        ),
        "divides_by_nothing": (
            divides_by_nothing,
            "A loss may not reach the shared parameters at all. Add eps to the norm that you "
            "divide by.",
        ),
        "moves_the_primary": (
            moves_the_primary,
            "The primary loss should keep a weight of exactly 1: not 1 less a little for eps, "
            "and not 0 where its gradient is.",
        ),
        "makes_them_unit": (
            makes_them_unit,
            "You make every gradient 1 long. They should be as long as the primary one.",
        ),
        "aligns_them": (
            aligns_them,
            "You compare how far the gradients go along the primary one. Balancing compares "
            "lengths; it leaves directions alone.",
        ),
    },
)

# 09.sample


def candidates(generator: torch.Generator) -> Iterable[tuple[Any, ...]]:
    """Many positives and few, few negatives, some that are neither, none, a batch, an odd cap."""

    def row(positives: int, negatives: int, neither: int, *batch: int) -> tuple[Tensor, ...]:
        n = positives + negatives + neither
        priorities = torch.rand(*batch, n, generator=generator)
        place = torch.rand(*batch, n, generator=generator).argsort(dim=-1)
        return place < positives, (place >= positives) & (place < positives + negatives), priorities

    yield *row(20, 60, 10), 32, 0.25
    yield *row(3, 60, 5), 32, 0.25
    yield *row(24, 9, 4), 32, 0.5  # few negatives
    yield *row(9, 30, 0, 3), 10, 0.25  # a cap of 2.5
    yield *row(0, 8, 3), 8, 0.25
    yield *row(6, 40, 2), 8, 0.0
    uneven = torch.tensor([[True] * 9 + [False] * 11, [True] + [False] * 19])
    yield uneven, ~uneven, torch.rand(20, 2, generator=generator).T, 12, 0.5


def with_quota(fn: Callable[..., Any], *case: Any) -> Any:
    """What the function draws; count and fraction are keywords."""
    return fn(*case[:3], count=case[3], fraction=case[4])


def _drawn(eligible: Tensor, priorities: Tensor, quota: Tensor | int) -> Tensor:
    """The `quota` eligible ones of largest key in each row."""
    rank = torch.where(eligible, priorities, -1.0).argsort(dim=-1, descending=True).argsort(dim=-1)
    return eligible & (rank < quota)


def _left(drawn: Tensor, count: int) -> Tensor:
    return count - drawn.sum(dim=-1, keepdim=True)


def fills_up_with_positives(
    positive: Tensor, negative: Tensor, priorities: Tensor, count: int, fraction: float
) -> tuple[Tensor, Tensor]:
    drawn = _drawn(positive, priorities, int(count * fraction))
    rest = _drawn(negative, priorities, _left(drawn, count))
    more = count - rest.sum(dim=-1, keepdim=True)
    return _drawn(positive, priorities, more), rest


def takes_a_fixed_mixture(
    positive: Tensor, negative: Tensor, priorities: Tensor, count: int, fraction: float
) -> tuple[Tensor, Tensor]:
    cap = int(count * fraction)
    return _drawn(positive, priorities, cap), _drawn(negative, priorities, count - cap)


def knows_no_cap(
    positive: Tensor, negative: Tensor, priorities: Tensor, count: int, fraction: float
) -> tuple[Tensor, Tensor]:
    drawn = _drawn(positive, priorities, count)
    return drawn, _drawn(negative, priorities, _left(drawn, count))


def rounds_up(
    positive: Tensor, negative: Tensor, priorities: Tensor, count: int, fraction: float
) -> tuple[Tensor, Tensor]:
    drawn = _drawn(positive, priorities, -int(-count * fraction // 1))
    return drawn, _drawn(negative, priorities, _left(drawn, count))


def draws_what_is_neither(
    positive: Tensor, negative: Tensor, priorities: Tensor, count: int, fraction: float
) -> tuple[Tensor, Tensor]:
    drawn = _drawn(positive, priorities, int(count * fraction))
    return drawn, _drawn(~positive, priorities, _left(drawn, count))


def draws_too_many(
    positive: Tensor, negative: Tensor, priorities: Tensor, count: int, fraction: float
) -> tuple[Tensor, Tensor]:
    return _drawn(positive, priorities, int(count * fraction)), _drawn(negative, priorities, count)


def takes_the_smallest(
    positive: Tensor, negative: Tensor, priorities: Tensor, count: int, fraction: float
) -> tuple[Tensor, Tensor]:
    return sample_rois(positive, negative, 1 - priorities, count=count, fraction=fraction)


def shares_over_the_batch(
    positive: Tensor, negative: Tensor, priorities: Tensor, count: int, fraction: float
) -> tuple[Tensor, Tensor]:
    rows = positive[..., 0].numel()
    flat = (positive.reshape(-1), negative.reshape(-1), priorities.reshape(-1))
    chosen = sample_rois(*flat, count=count * rows, fraction=fraction)
    return chosen[0].view_as(positive), chosen[1].view_as(positive)


def takes_the_first(
    positive: Tensor, negative: Tensor, priorities: Tensor, count: int, fraction: float
) -> tuple[Tensor, Tensor]:
    order = torch.arange(positive.shape[-1], 0, -1.0).expand_as(positive)
    return sample_rois(positive, negative, order, count=count, fraction=fraction)


def a_share_of_the_positives(
    positive: Tensor, negative: Tensor, priorities: Tensor, count: int, fraction: float
) -> tuple[Tensor, Tensor]:
    quota = (positive.sum(dim=-1, keepdim=True) * fraction).long().clamp(max=count)
    drawn = _drawn(positive, priorities, quota)
    return drawn, _drawn(negative, priorities, _left(drawn, count))


SAMPLE = Exercise(
    "09.sample",
    reference=sample_rois,
    cases=candidates,
    probe=with_quota,
    hints=(
        "First the positives: of each row, the int(count * fraction) with the largest priorities, "
        "or all if there are fewer. Then see how many places are left.",
        "The rank of each priority among the eligible: torch.where(eligible, priorities, -1.0)"
        ".argsort(dim=-1, descending=True).argsort(dim=-1).",
        "A candidate is drawn if it is eligible and its rank is below the quota. The negatives' "
        "quota is count less the positives drawn in the same row.",
    ),
    mistakes={
        "takes_a_fixed_mixture": (
            takes_a_fixed_mixture,
            "Where positives are few, your sample is too small. The fraction is a cap and no "
            "recipe: negatives take the places that are left.",
        ),
        "fills_up_with_positives": (
            fills_up_with_positives,
            "Where negatives are few, you fill up with positives, beyond their cap. Draw fewer.",
        ),
        "knows_no_cap": (
            knows_no_cap,
            "Your positives have no cap. At most int(count * fraction) of them may train.",
        ),
        "rounds_up": (
            rounds_up,
            "A quarter of 10 is a cap of 2: round down, so that the share never exceeds the "
            "fraction.",
        ),
        "draws_what_is_neither": (
            draws_what_is_neither,
            "You draw candidates that are neither positive nor negative. `~positive` is not "
            "`negative`: some overlap too much for one and too little for the other.",
        ),
        "draws_too_many": (
            draws_too_many,
            "You draw `count` negatives beside the positives, so that the sample is too large.",
        ),
        "takes_the_smallest": (
            takes_the_smallest,
            "You draw the smallest priorities. Here the largest win.",
        ),
        "shares_over_the_batch": (
            shares_over_the_batch,
            "You draw over all rows together. Each row is an image with its own quota.",
        ),
        "takes_the_first": (
            takes_the_first,
            "You take the first ones in the list, which are the proposals of highest score, and "
            "ignore the priorities.",
        ),
        "a_share_of_the_positives": (
            a_share_of_the_positives,
            "You take a share of the positives. The fraction is of `count`, the sample's size.",
        ),
    },
)

# 09.ohem


def hard_boxes(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor, int, float]]:
    """Boxes in bunches, none of them alike or all of them, fewer left than asked for, ties."""
    corner = torch.tensor([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0], [50.0, 50.0]])
    at = corner.repeat_interleave(6, dim=0) + 2 * torch.rand(24, 2, generator=generator)
    bunches = torch.cat([at, at + 30], dim=1)
    losses = torch.rand(24, generator=generator) + torch.tensor([3.0, 2, 1, 0]).repeat_interleave(6)
    shuffled = torch.randperm(24, generator=generator)
    yield losses[shuffled], bunches[shuffled], 3, 0.7
    yield losses[shuffled], bunches[shuffled], 8, 0.7  # fewer are left
    yield losses, bunches, 5, 0.95
    apart = torch.arange(9.0)[:, None] * 40 + torch.tensor([0.0, 0, 20, 20])
    yield torch.tensor([1.0, 3, 2, 3, 0, 5, 5, 1, 4]), apart, 4, 0.7  # ties keep their order
    chain = torch.arange(8.0)[:, None] * torch.tensor([4.0, 0, 4, 0]) + torch.tensor(
        [0.0, 0, 20, 20]
    )
    yield torch.arange(8.0), chain, 4, 0.5
    yield torch.zeros(0), torch.zeros(0, 4), 3, 0.7


def with_boxes(fn: Callable[..., Any], *case: Any) -> Any:
    """What the function chooses; boxes and threshold are keywords."""
    losses, boxes, count, threshold = case
    return fn(losses, count, boxes=boxes, iou_threshold=threshold)


def forgets_suppression(losses: Tensor, count: int, boxes: Tensor, iou_threshold: float) -> Tensor:
    return ohem(losses, count)


def suppresses_afterwards(
    losses: Tensor, count: int, boxes: Tensor, iou_threshold: float
) -> Tensor:
    top = ohem(losses, count)
    return top[nms(boxes[top], losses[top], iou_threshold)]


def keeps_the_easiest(losses: Tensor, count: int, boxes: Tensor, iou_threshold: float) -> Tensor:
    return nms(boxes, -losses, iou_threshold)[:count]


def keeps_the_easier_twin(
    losses: Tensor, count: int, boxes: Tensor, iou_threshold: float
) -> Tensor:
    kept = nms(boxes, -losses, iou_threshold)
    return kept[losses[kept].argsort(descending=True, stable=True)][:count]


def forgets_the_order(losses: Tensor, count: int, boxes: Tensor, iou_threshold: float) -> Tensor:
    return ohem(losses, count, boxes=boxes, iou_threshold=iou_threshold).sort().values


def returns_all(losses: Tensor, count: int, boxes: Tensor, iou_threshold: float) -> Tensor:
    return nms(boxes, losses, iou_threshold)


def fixes_the_threshold(losses: Tensor, count: int, boxes: Tensor, iou_threshold: float) -> Tensor:
    return nms(boxes, losses, 0.7)[:count]


def drops_all_neighbours(losses: Tensor, count: int, boxes: Tensor, iou_threshold: float) -> Tensor:
    """Also those whose harder neighbour has been dropped itself."""
    near = box_iou(boxes, boxes) > iou_threshold
    harder = losses[None] > losses[:, None]
    kept = (~(near & harder).any(dim=1)).nonzero()[:, 0]
    return kept[losses[kept].argsort(descending=True, stable=True)][:count]


def fills_up_again(losses: Tensor, count: int, boxes: Tensor, iou_threshold: float) -> Tensor:
    kept = nms(boxes, losses, iou_threshold)
    order = ohem(losses, max(len(losses), 1))
    rest = order[~torch.isin(order, kept)]
    return torch.cat([kept, rest])[:count]


OHEM = Exercise(
    "09.ohem",
    reference=ohem,
    cases=hard_boxes,
    probe=with_boxes,
    hints=(
        "Which comes first, choosing the hardest or dropping what lies on top of each other? "
        "If you choose first, neighbours of one box fill the list before you look.",
        "Non-maximum suppression needs an order. Here the loss is the score: "
        "minseg.boxes.nms(boxes, losses, iou_threshold).",
        "nms returns what is left, best first, so cut it off after `count`.",
    ),
    mistakes={
        "forgets_suppression": (
            forgets_suppression,
            "You take the largest losses, neighbours and all. Drop boxes that overlap a harder "
            "one first.",
        ),
        "suppresses_afterwards": (
            suppresses_afterwards,
            "You choose first and suppress then, so that one object's boxes use up the places "
            "and few are left. Suppress first.",
        ),
        "keeps_the_easiest": (
            keeps_the_easiest,
            "You keep the smallest losses.",
        ),
        "keeps_the_easier_twin": (
            keeps_the_easier_twin,
            "Of two boxes that overlap you keep the easier one. The harder one should train.",
        ),
        "forgets_the_order": (
            forgets_the_order,
            "The right boxes, in the order of the list. Return them hardest first.",
        ),
        "returns_all": (
            returns_all,
            "You return all that suppression leaves. Only the first `count` train.",
        ),
        "fixes_the_threshold": (
            fixes_the_threshold,
            "You always suppress at 0.7. Use `iou_threshold`.",
        ),
        "drops_all_neighbours": (
            drops_all_neighbours,
            "A box that was dropped cannot drop others. Go through them hardest first, and "
            "compare with those that were kept.",
        ),
        "fills_up_again": (
            fills_up_again,
            "Where few are left you fill up with boxes that were dropped. Return fewer.",
        ),
    },
)

EXERCISES = (UNCERTAINTY, BALANCE, SAMPLE, OHEM)

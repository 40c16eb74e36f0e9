"""Exercise 44.sample: draw the candidates that train.

To write: f(positive, negative, priorities, *, count, fraction), (…, R) each, to two (…, R) bool:
at most int(count · fraction) positives, and negatives for the rest. The answer is `sample_rois`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.losses import sample_rois


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
    """The `quota` eligible ones of highest priority in each row."""
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
    "44.sample",
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
            "Where positives are few, your sample is too small. The fraction is a cap, not "
            "a recipe: negatives take the places that are left.",
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

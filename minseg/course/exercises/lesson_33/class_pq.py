"""Exercise 33.class_pq: the panoptic quality of one class.

To write: f(ious, predicted, annotated), the IoUs of all overlapping pairs and two numbers of
segments, to (PQ, SQ, RQ). A test holds the answer, `class_pq`, against `panoptic_quality`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from minseg.course.exercise import Exercise

Three = tuple[float, float, float]
NOTHING = (math.nan, math.nan, math.nan)


def class_pq(ious: Tensor, predicted: int, annotated: int) -> Three:
    """(PQ, SQ, RQ) of one class from the IoUs of its overlapping pairs and the segments' numbers.

    A class without a match has 0 for all three; so has one without any segment.
    """
    matched = ious[ious > 0.5]
    segments = (predicted + annotated) / 2  # TP + FP/2 + FN/2
    pq = matched.sum().item() / segments if segments else 0.0
    sq = matched.mean().item() if len(matched) else 0.0
    rq = len(matched) / segments if segments else 0.0
    return pq, sq, rq


def pairs_of_a_class(generator: torch.Generator) -> Iterable[tuple[Tensor, int, int]]:
    """An IoU of exactly ½, pairs far below it, no match, no prediction, no segment at all."""
    yield torch.tensor([0.9, 0.7]), 3, 2
    yield torch.tensor([0.75, 0.5, 0.6]), 3, 4  # exactly ½ is no match
    yield torch.tensor([0.95, 0.3, 0.1, 0.2]), 5, 3
    yield torch.tensor([0.4, 0.5]), 2, 2
    yield torch.zeros(0), 0, 3
    yield torch.zeros(0), 4, 0
    yield torch.zeros(0), 0, 0
    yield torch.rand(20, generator=generator, dtype=torch.float64), 24, 31
    yield torch.tensor([1.0, 1.0]), 2, 2


def three_numbers(fn: Callable[..., Any], *case: Any) -> Any:
    """A row of three, of a tensor too; all NaN where torch or Python divided by zero."""
    try:
        value = fn(*case)
    except ZeroDivisionError:
        return NOTHING
    row = value.tolist() if isinstance(value, Tensor) else value
    return NOTHING if isinstance(row, (tuple, list)) and any(map(_is_nan, row)) else row


def _is_nan(value: Any) -> bool:
    return isinstance(value, (float, Tensor)) and bool(torch.as_tensor(value).isnan().any())


def _class_pq(
    ious: Tensor,
    predicted: int,
    annotated: int,
    match: Callable[[Tensor], Tensor] = lambda iou: iou > 0.5,
    segments: Callable[[int, int, int], float] = lambda tp, p, g: (p + g) / 2,
) -> Three:
    """The quality with two places to go wrong: what matches, and what is divided by."""
    matched = ious[match(ious)]
    tp = len(matched)
    whole = segments(tp, predicted, annotated)
    sq = matched.sum().item() / tp if tp else 0.0
    rq = tp / whole if whole else 0.0
    return sq * rq, sq, rq


matches_at_half = partial(_class_pq, match=lambda iou: iou >= 0.5)
matches_everything = partial(_class_pq, match=lambda iou: iou > 0)
counts_errors_in_full = partial(_class_pq, segments=lambda tp, p, g: p + g - tp)
ignores_inventions = partial(_class_pq, segments=lambda tp, p, g: g)
ignores_misses = partial(_class_pq, segments=lambda tp, p, g: p)


def divides_by_nothing(ious: Tensor, predicted: int, annotated: int) -> Three:
    return class_pq(ious, predicted, annotated) if (ious > 0.5).any() else NOTHING


def divides_by_no_match(ious: Tensor, predicted: int, annotated: int) -> Three:
    whole = class_pq(ious, predicted, annotated)
    return NOTHING if predicted + annotated and not (ious > 0.5).any() else whole


def divides_by_no_segments(ious: Tensor, predicted: int, annotated: int) -> Three:
    return class_pq(ious, predicted, annotated) if predicted + annotated else NOTHING


def averages_all_pairs(ious: Tensor, predicted: int, annotated: int) -> Three:
    _, _, rq = class_pq(ious, predicted, annotated)
    sq = ious.mean().item() if len(ious) else 0.0
    return sq * rq, sq, rq


CLASS_PQ = Exercise(
    "33.class_pq",
    reference=class_pq,
    cases=pairs_of_a_class,
    probe=three_numbers,
    hints=(
        "First keep the pairs that match: IoU above ½, not equal to it. How many are there?",
        "Every matched pair uses up one predicted and one annotated segment. So TP + FP/2 + FN/2 "
        "is (predicted + annotated) / 2.",
        "PQ is the sum of the matched IoUs over that, SQ their mean, RQ their number over that. "
        "Where you would divide by zero, return 0.",
    ),
    mistakes={
        "matches_at_half": (
            matches_at_half,
            "You match at an IoU of exactly ½. The rule is strict, for at ½ a segment can have "
            "two partners.",
        ),
        "matches_everything": (
            matches_everything,
            "You count pairs that hardly overlap. Only an IoU above ½ is a match.",
        ),
        "averages_all_pairs": (
            averages_all_pairs,
            "Your SQ averages over all pairs. It is the mean over matched pairs only, which is "
            "why it never lies between 0 and ½.",
        ),
        "counts_errors_in_full": (
            counts_errors_in_full,
            "You divide by TP + FP + FN. Each error counts a half: RQ is an F1 score, not an IoU.",
        ),
        "ignores_inventions": (
            ignores_inventions,
            "You divide by the annotated segments, so predictions without a match cost nothing.",
        ),
        "ignores_misses": (
            ignores_misses,
            "You divide by the predicted segments, so what was never found costs nothing.",
        ),
        "divides_by_nothing": (
            divides_by_nothing,
            "Right where something matches. Where nothing does, you divide by zero, which is NaN "
            "in torch and an error in Python: return 0 there.",
        ),
        "divides_by_no_match": (
            divides_by_no_match,
            "Right where something matches. Where nothing does, the mean for SQ divides by zero, "
            "which is NaN in torch and an error in Python: return 0 there.",
        ),
        "divides_by_no_segments": (
            divides_by_no_segments,
            "Right except for a class without any segment. There you divide by zero, which is NaN "
            "in torch and an error in Python: return 0.",
        ),
    },
)

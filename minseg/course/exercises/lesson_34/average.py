"""Exercise 34.average: mean PQ, SQ and RQ over classes, where a reader multiplies averages.

To write: f(counts), (C, 4) as Σ IoU, TP, FP, FN, to the mean PQ, SQ and RQ over the classes that
occur. The unit hands the misreading out; here it is the first of the mistakes.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from minseg.course.exercise import Exercise

Three = tuple[float, float, float]


def average_quality(counts: Tensor) -> Three:
    """Mean PQ, SQ and RQ over the classes that occur; NaN if none does.

    counts: (C, 4), for each class Σ IoU, TP, FP, FN.
    """
    seen = counts[counts[:, 1:].sum(dim=1) > 0].double()
    iou, tp, segments = seen[:, 0], seen[:, 1], seen[:, 1:] @ torch.tensor([1, 0.5, 0.5]).double()
    parts = iou / segments, iou / tp.clamp(min=1), tp / segments
    pq, sq, rq = (part.mean().item() for part in parts)
    return pq, sq, rq


def counts_of_classes(generator: torch.Generator) -> Iterable[tuple[Tensor]]:
    """Unlike classes, one never matched, one that never occurs, one class only, none at all."""
    yield (torch.tensor([[9.0, 10, 0, 0], [0.6, 1, 9, 9]]),)
    yield (torch.tensor([[4.5, 5, 1, 0], [0, 0, 2, 3], [1.8, 2, 0, 1]]),)
    yield (torch.tensor([[4.5, 5, 1, 0], [0, 0, 0, 0], [1.2, 2, 4, 1]]),)
    yield (torch.tensor([[2.4, 3, 1, 2]]),)
    yield (torch.zeros(3, 4),)
    tp = torch.randint(1, 9, (6,), generator=generator)
    iou = tp * (0.5 + 0.5 * torch.rand(6, generator=generator))
    rest = torch.randint(0, 9, (6, 2), generator=generator)
    yield (torch.cat([iou[:, None], tp[:, None], rest], dim=1),)


def multiplies_averages(counts: Tensor) -> Three:
    """The misreading."""
    _, sq, rq = average_quality(counts)
    return sq * rq, sq, rq


def counts_absent_classes(counts: Tensor) -> Three:
    n = int((counts[:, 1:].sum(dim=1) > 0).sum())
    pq, sq, rq = (v * n / len(counts) if n else 0.0 for v in average_quality(counts))
    return pq, sq, rq


def pools_the_classes(counts: Tensor) -> Three:
    return average_quality(counts.sum(dim=0, keepdim=True))


def skips_unmatched_in_sq(counts: Tensor) -> Three:
    pq, _, rq = average_quality(counts)
    matched = counts[counts[:, 1] > 0].double()
    return pq, (matched[:, 0] / matched[:, 1]).mean().item(), rq


def skips_unmatched_classes(counts: Tensor) -> Three:
    return average_quality(counts[counts[:, 1] > 0])


def weighs_by_segments(counts: Tensor) -> Three:
    seen = counts[counts[:, 1:].sum(dim=1) > 0].double()
    weight = seen[:, 1] + seen[:, 3]
    each = [torch.tensor(average_quality(one[None])) for one in seen]
    if not each:
        return average_quality(counts)
    pq, sq, rq = ((torch.stack(each).T * weight).sum(dim=1) / weight.sum()).tolist()
    return pq, sq, rq


def zero_for_nothing(counts: Tensor) -> Three:
    pq, sq, rq = (0.0 if v != v else v for v in average_quality(counts))
    return pq, sq, rq


AVERAGE = Exercise(
    "34.average",
    reference=average_quality,
    cases=counts_of_classes,
    hints=(
        "Work case 1 out by hand: class 0 has PQ 0.9, class 1 has 0.06. What is their mean?",
        "The product holds within a class. Compute PQ of each class first, then average PQ.",
        "pq = (iou / segments).mean(), over the same classes as the other two.",
    ),
    mistakes={
        "multiplies_averages": (
            multiplies_averages,
            "You multiply the two averages: SQ and RQ are right, PQ is not. Multiply within each "
            "class, then average.",
        ),
        "counts_absent_classes": (
            counts_absent_classes,
            "A class that occurs neither in truth nor in prediction has no quality. You count it "
            "as 0.",
        ),
        "pools_the_classes": (
            pools_the_classes,
            "You add the counts of all classes up first, so that frequent classes outvote rare "
            "ones. Each class has one vote.",
        ),
        "skips_unmatched_in_sq": (
            skips_unmatched_in_sq,
            "You leave classes without a match out of SQ. Many would like that (the official tool "
            "was asked for it), but its SQ counts them as 0.",
        ),
        "skips_unmatched_classes": (
            skips_unmatched_classes,
            "You leave out classes that occur but were never matched. They count, with 0.",
        ),
        "weighs_by_segments": (
            weighs_by_segments,
            "You weigh classes by how often they occur. Each class has one vote.",
        ),
        "zero_for_nothing": (
            zero_for_nothing,
            "Where no class occurs there is no quality: NaN, not 0. The mean of nothing in torch "
            "says so by itself.",
        ),
    },
)

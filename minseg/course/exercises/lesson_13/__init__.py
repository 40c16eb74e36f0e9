"""Exercises of lesson 13: a class's quality, and three exhibits of the bug museum to mend.

An exhibit is a mistake that was really made, rebuilt in this project's own code. The lesson hands
it out as it was found; here it stands among the named mistakes, so that `check` knows it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from minseg.course.exercise import Exercise

Three = tuple[float, float, float]
NOTHING = (math.nan, math.nan, math.nan)

# 13.class_pq


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


def _class_pq_that(**changes: Any) -> Callable[..., Three]:
    def class_pq_with_a_mistake(ious: Tensor, predicted: int, annotated: int) -> Three:
        return _class_pq(ious, predicted, annotated, **changes)

    return class_pq_with_a_mistake


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
    "13.class_pq",
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
            _class_pq_that(match=lambda iou: iou >= 0.5),
            "You match at an IoU of exactly ½. The rule is strict, for at ½ a segment can have "
            "two partners.",
        ),
        "matches_everything": (
            _class_pq_that(match=lambda iou: iou > 0),
            "You count pairs that hardly overlap. Only an IoU above ½ is a match.",
        ),
        "averages_all_pairs": (
            averages_all_pairs,
            "Your SQ averages over all pairs. It is the mean over matched pairs only, which is "
            "why it never lies between 0 and ½.",
        ),
        "counts_errors_in_full": (
            _class_pq_that(segments=lambda tp, p, g: p + g - tp),
            "You divide by TP + FP + FN. Each error counts a half: RQ is an F1 score, not an IoU.",
        ),
        "ignores_inventions": (
            _class_pq_that(segments=lambda tp, p, g: g),
            "You divide by the annotated segments, so predictions without a match cost nothing.",
        ),
        "ignores_misses": (
            _class_pq_that(segments=lambda tp, p, g: p),
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
            "Right but for a class without any segment. There you divide by zero, which is NaN in "
            "torch and an error in Python: return 0.",
        ),
    },
)

# 13.forgiven: the museum's first exhibit


def false_positives(
    pixels: Tensor, p_category: Tensor, t_category: Tensor, crowd: Tensor, unmatched: Tensor
) -> Tensor:
    """(P,) bool: unmatched predictions that count as false positives.

    One is forgiven if more than half of its pixels lie on void and on crowds of its category.
    """
    same = p_category[:, None] == t_category
    forgiving = (t_category == 0) | (crowd & same)  # (P, T)
    return unmatched & ~(2 * (pixels * forgiving).sum(dim=1) > pixels.sum(dim=1))


def tables_of_pixels(generator: torch.Generator) -> Iterable[tuple[Tensor, ...]]:
    """Void in one piece and in two, exactly half, crowds of this and another class, no crowd."""
    category, none = torch.tensor([1, 1, 2, 6]), torch.zeros(4, dtype=torch.bool)
    void = torch.tensor([0, 0, 1, 6])  # two objects of void, a disc, sky
    pixels = torch.tensor([[30, 0, 10, 0], [0, 25, 0, 15], [0, 0, 12, 8], [4, 4, 0, 90]])
    yield pixels, category, void, none, torch.tensor([True, True, True, False])
    pixels = torch.tensor([[10, 10, 0, 18], [20, 0, 0, 20], [6, 4, 0, 0], [0, 0, 0, 50]])
    yield pixels, category, void, none, torch.tensor([True, True, True, False])
    pixels = torch.tensor([[30, 0, 10, 0], [0, 0, 30, 10], [0, 0, 0, 40], [2, 0, 0, 60]])
    yield pixels, category, void, none, torch.tensor([True, True, True, False])  # one on void
    crowds, which = torch.tensor([0, 1, 2, 6]), torch.tensor([False, True, True, False])
    pixels = torch.tensor([[0, 30, 0, 10], [0, 0, 30, 10], [8, 0, 8, 10], [0, 9, 0, 70]])
    yield pixels, category, crowds, which, torch.tensor([True, True, True, False])
    yield pixels, category, crowds, none, torch.tensor([True, True, True, False])
    many = torch.randint(0, 30, (9, 7), generator=generator)
    many = many * (torch.rand(9, 7, generator=generator) > 0.5)
    many[:, 6] += 1
    targets, some = torch.tensor([0, 0, 1, 1, 2, 6, 6]), torch.tensor([0, 0, 1, 0, 1, 0, 0]).bool()
    yield many, torch.arange(9) % 2 + 1, targets, some, torch.arange(9) % 3 > 0
    yield torch.zeros(0, 4, dtype=torch.long), torch.zeros(0), void, none, torch.zeros(0).bool()


def _forgiven_that(
    forgive: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor], *, all_rows: bool = False
) -> Callable[..., Tensor]:
    """A solution that forgives by `forgive(pixels, void (T,), crowd (T,), same (P, T))`."""

    def false_positives_with_a_mistake(pixels, p_category, t_category, crowd, unmatched):  # type: ignore[no-untyped-def]
        same = p_category[:, None] == t_category
        wrong = ~forgive(pixels, t_category == 0, crowd, same)
        return wrong if all_rows else unmatched & wrong

    return false_positives_with_a_mistake


def _share(pixels: Tensor, where: Tensor) -> Tensor:
    return (pixels * where).sum(dim=1) / pixels.sum(dim=1)


def compares_with_all_void(
    pixels: Tensor, p_category: Tensor, t_category: Tensor, crowd: Tensor, unmatched: Tensor
) -> Tensor:
    """The exhibit."""
    same = p_category[:, None] == t_category
    forgiving = (t_category == 0) | (crowd & same)
    shared = (pixels * forgiving).sum(dim=1)
    union = pixels.sum(dim=1) + (pixels * forgiving).sum() - shared
    return unmatched & ~(shared / union > 0.5)


FORGIVEN = Exercise(
    "13.forgiven",
    reference=false_positives,
    cases=tables_of_pixels,
    hints=(
        "Take case 1. Prediction 0 has 40 pixels, 30 of them on void. What does the exhibit "
        "divide those 30 by?",
        "The rule asks for a share of the prediction: forgiven pixels over its own pixels. An "
        "IoU asks something else.",
        "It ends in unmatched & ~(2 * shared > pixels.sum(dim=1)), and needs no union.",
    ),
    mistakes={
        "compares_with_all_void": (
            compares_with_all_void,
            "This behaves as the exhibit did when it was found. One prediction that lies on void "
            "is forgiven; add a second one elsewhere on void, and neither is.",
        ),
        "object_by_object": (
            _forgiven_that(
                lambda n, void, crowd, same: (
                    (n * (void | (crowd & same))).amax(dim=1) * 2 > n.sum(dim=1)
                )
            ),
            "You ask of each piece of void on its own. All void and all crowds of the category "
            "count together.",
        ),
        "forgives_at_half": (
            _forgiven_that(lambda n, void, crowd, same: _share(n, void | (crowd & same)) >= 0.5),
            "At exactly one half you forgive. The rule is: more than half.",
        ),
        "forgets_crowds": (
            _forgiven_that(lambda n, void, crowd, same: _share(n, void.expand_as(n)) > 0.5),
            "A prediction within a crowd of its own category is to be forgiven as well.",
        ),
        "forgives_any_crowd": (
            _forgiven_that(
                lambda n, void, crowd, same: _share(n, (void | crowd).expand_as(n)) > 0.5
            ),
            "A crowd forgives its own category only: a box drawn into a crowd of discs is wrong.",
        ),
        "forgets_void": (
            _forgiven_that(lambda n, void, crowd, same: _share(n, crowd & same) > 0.5),
            "Void forgives nothing in your version.",
        ),
        "judges_matched_ones": (
            _forgiven_that(
                lambda n, void, crowd, same: _share(n, void | (crowd & same)) > 0.5, all_rows=True
            ),
            "You also condemn predictions that have a match. Keep `unmatched &`.",
        ),
    },
)

# 13.average: the second exhibit


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
    """The exhibit."""
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
    "13.average",
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
            "This behaves as the exhibit did when it was found: SQ and RQ are right, PQ is not.",
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

# 13.colours: the third exhibit


def ids_from_colours(colours: Tensor) -> Tensor:
    """(H, W) int64 segment ids from COCO's panoptic PNG, (H, W, 3) uint8: R + 256·G + 256²·B."""
    red, green, blue = colours.long().unbind(dim=-1)
    return red + 256 * green + 256**2 * blue


def panoptic_pngs(generator: torch.Generator) -> Iterable[tuple[Tensor]]:
    """Ids below 256, just above, large ones, void, a transposed image, an empty one."""
    yield (torch.tensor([[[7, 0, 0], [255, 0, 0]]], dtype=torch.uint8),)
    yield (torch.tensor([[[0, 1, 0], [44, 1, 0], [0, 0, 1]]], dtype=torch.uint8),)
    yield (torch.tensor([[[0, 0, 0], [255, 255, 255]]], dtype=torch.uint8),)
    some = torch.randint(0, 256, (4, 5, 3), generator=generator, dtype=torch.uint8)
    yield (some,)
    yield (some.transpose(0, 1),)
    yield (torch.zeros(0, 3, 3, dtype=torch.uint8),)


def follows_the_comment(colours: Tensor) -> Tensor:
    """The exhibit."""
    red, green, blue = colours.long().unbind(dim=-1)
    return red * 256 * green + 256 * 256 + blue


def stays_in_bytes(colours: Tensor) -> Tensor:
    red = colours[..., 0]  # 256 · anything is 0 in eight bits
    return red.long()


def blue_first(colours: Tensor) -> Tensor:
    return ids_from_colours(colours.flip(-1))


def counts_by_255(colours: Tensor) -> Tensor:
    red, green, blue = colours.long().unbind(dim=-1)
    return red + 255 * green + 255**2 * blue


def forgets_the_square(colours: Tensor) -> Tensor:
    red, green, blue = colours.long().unbind(dim=-1)
    return red + 256 * (green + blue)


def adds_the_channels(colours: Tensor) -> Tensor:
    return colours.long().sum(dim=-1)


COLOURS = Exercise(
    "13.colours",
    reference=ids_from_colours,
    cases=panoptic_pngs,
    hints=(
        "Void is black, (0, 0, 0), and must come out as 0. What does the exhibit make of it?",
        "Three digits to the base 256, the red one counting ones: a sum of three products.",
        "red + 256 * green + 256**2 * blue, in int64: in uint8 the products do not fit.",
    ),
    mistakes={
        "follows_the_comment": (
            follows_the_comment,
            "This behaves as the exhibit did when it was found. Every operator is in the formula; "
            "two of them stand in the wrong place.",
        ),
        "stays_in_bytes": (
            stays_in_bytes,
            "Ids below 256 are right and all others are not: your products were computed in eight "
            "bits and wrapped. Turn the colours into int64 first.",
        ),
        "blue_first": (
            blue_first,
            "You read blue, green, red, as OpenCV orders them. Red is the first channel, and "
            "counts ones.",
        ),
        "counts_by_255": (
            counts_by_255,
            "A channel has 256 values, from 0 to 255: the base is 256.",
        ),
        "forgets_the_square": (
            forgets_the_square,
            "Blue counts 256² = 65536 each, not 256: different segments get one id.",
        ),
        "adds_the_channels": (
            adds_the_channels,
            "A sum of the channels gives many colours one id. Each channel is a digit, to the "
            "base 256.",
        ),
    },
)

EXERCISES = (CLASS_PQ, FORGIVEN, AVERAGE, COLOURS)

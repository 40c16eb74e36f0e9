"""Exercises of lesson 07: match, read the curve, draw the band, and find what betrays a bug."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.course.exercises.lesson_07.bug_museum import EXHIBITS, betrays, witness
from minseg.metrics.ap_curve import envelope, precision_at, precision_recall
from minseg.metrics.ap_matching import match_loop
from minseg.metrics.boundary import band_width, boundary_of, dilate, erode

# 07.match


def overlaps_to_match(generator: torch.Generator) -> Iterable[tuple[Any, ...]]:
    """Duplicates, rivals, an IoU on the threshold, ignored truths, crowds, and nothing at all."""
    nobody = np.zeros(2, dtype=bool)
    yield np.array([[0.9, 0.0], [0.8, 0.0], [0.0, 0.7]]), nobody, nobody, 0.5  # a duplicate
    yield np.array([[0.6, 0.7], [0.1, 0.8]]), nobody, nobody, 0.5  # the first takes the best
    yield np.array([[0.6, 0.9], [0.55, 0.8]]), nobody, nobody, 0.5  # the second best is free
    yield np.array([[0.75, 0.2], [0.2, 0.74]]), nobody, nobody, 0.75  # exactly the threshold
    first = np.array([True, False])
    yield np.array([[0.9, 0.6], [0.9, 0.1], [0.8, 0.1]]), first, nobody, 0.5  # ignored, used up
    yield np.array([[0.9, 0.6], [0.9, 0.1], [0.8, 0.1]]), first, first, 0.5  # a crowd, never
    iou = torch.rand(9, 6, generator=generator, dtype=torch.float64).numpy()
    yield iou, np.zeros(6, dtype=bool), np.zeros(6, dtype=bool), 0.6
    yield iou, np.arange(6) > 3, np.arange(6) == 5, 0.6
    yield np.zeros((0, 2)), nobody, nobody, 0.5
    yield np.zeros((3, 0)), np.zeros(0, dtype=bool), np.zeros(0, dtype=bool), 0.5


def _match(
    iou: np.ndarray,
    ignored: np.ndarray,
    crowd: np.ndarray,
    threshold: float,
    *,
    reuse: bool = False,
    first: bool = False,
    strict: bool = False,
    stubborn: bool = False,
    fair: bool = False,
    crowds_end: bool = False,
) -> list[int]:
    """COCO's matching, with a switch for each rule that can be forgotten."""
    taken: set[int] = set()
    found = []
    for row in iou:
        reaches = row > threshold if strict else row >= threshold
        open_ = [
            k
            for k in np.flatnonzero(reaches).tolist()
            if stubborn or reuse or k not in taken or (crowd[k] and not crowds_end)
        ]
        if not fair and not all(ignored[k] for k in open_):
            open_ = [k for k in open_ if not ignored[k]]
        best = -1 if not open_ else open_[0] if first else max(open_, key=lambda k: row[k])
        if stubborn and best in taken and not crowd[best]:
            best = -1  # its favourite is gone, and it looks no further
        taken.add(best)
        found.append(best)
    return found


def _match_that(**changes: bool) -> Callable[..., list[int]]:
    def match_with_a_mistake(iou, ignored, crowd, threshold):  # type: ignore[no-untyped-def]
        return _match(iou, ignored, crowd, threshold, **changes)

    return match_with_a_mistake


def as_a_row(fn: Callable[..., Any], *case: Any) -> Any:
    """What `fn` returns, a tensor or an array of it as a list."""
    value = fn(*case)
    return value.tolist() if isinstance(value, (Tensor, np.ndarray)) else value


def knows_no_ignored_truths(
    iou: np.ndarray, _ignored: np.ndarray, _crowd: np.ndarray, threshold: float
) -> list[int]:
    found: list[int] = []
    for row in iou:
        free = [-1 if k in found else v for k, v in enumerate(row)]
        best = int(np.argmax(free))
        found.append(best if free[best] >= threshold else -1)
    return found


def asks_for_its_favourite(
    iou: np.ndarray, _ignored: np.ndarray, crowd: np.ndarray, threshold: float
) -> list[int]:
    return asks_for_its_favourite_or_a_crowd(iou, _ignored, np.zeros_like(crowd), threshold)


def asks_for_its_favourite_or_a_crowd(
    iou: np.ndarray, _ignored: np.ndarray, crowd: np.ndarray, threshold: float
) -> list[int]:
    found: list[int] = []
    for row in iou:
        best = int(row.argmax())
        free = best not in found or crowd[best]
        found.append(best if row[best] >= threshold and free else -1)
    return found


def keeps_no_record(
    iou: np.ndarray, _ignored: np.ndarray, _crowd: np.ndarray, threshold: float
) -> list[int]:
    return [int(row.argmax()) if row.max() >= threshold else -1 for row in iou]


def lets_truths_choose(
    iou: np.ndarray, ignored: np.ndarray, crowd: np.ndarray, threshold: float
) -> list[int]:
    found = [-1] * len(iou)
    for truth in range(iou.shape[1] if len(iou) else 0):
        best = int(iou[:, truth].argmax())
        if iou[best, truth] >= threshold and found[best] < 0:
            found[best] = truth
    return found


MATCH = Exercise(
    "07.match",
    reference=match_loop,
    cases=overlaps_to_match,
    probe=as_a_row,
    hints=(
        "Go through the rows of iou: they are the detections, best score first. Keep a set of "
        "the truths that are taken.",
        "For each row list the truths with iou ≥ threshold that are free, or crowds. If any of "
        "them is not ignored, drop the ignored ones.",
        "Of what is left take the one with the highest IoU, append its number (or -1), and add "
        "it to the set. A crowd may be taken again.",
    ),
    mistakes={
        "finds_twice": (
            _match_that(reuse=True),
            "Your truths can be found again and again, so a duplicate counts as right, and recall "
            "can exceed 1. (AlexeyAB/darknet had this: issue 685, 2018.) Remember what is taken.",
        ),
        "keeps_no_record": (
            keeps_no_record,
            "Your truths can be found again and again, so a duplicate counts as right. Remember "
            "what is taken; then see to truths that are ignored.",
        ),
        "takes_the_first": (
            _match_that(first=True),
            "You take the first truth that reaches the threshold. Take the one with the highest "
            "IoU.",
        ),
        "asks_for_more": (
            _match_that(strict=True),
            "An IoU of exactly the threshold is enough: ≥, not >.",
        ),
        "looks_no_further": (
            _match_that(stubborn=True),
            "If the best truth is taken you give up. That is Pascal VOC's rule; COCO's takes the "
            "best truth that is still *free*.",
        ),
        "asks_for_its_favourite": (
            asks_for_its_favourite,
            "If the best truth is taken you give up. That is Pascal VOC's rule; COCO's takes the "
            "best truth that is still *free*. And you do not look at `ignored` and `crowd` yet.",
        ),
        "asks_for_its_favourite_or_a_crowd": (
            asks_for_its_favourite_or_a_crowd,
            "If the best truth is taken you give up. That is Pascal VOC's rule; COCO's takes the "
            "best truth that is still *free*. And you do not look at `ignored` yet.",
        ),
        "knows_no_ignored_truths": (
            knows_no_ignored_truths,
            "Right while every truth counts. You do not look at `ignored` and `crowd` yet: a "
            "truth that counts is preferred to an ignored one, and a crowd may be taken again.",
        ),
        "likes_ignored_truths": (
            _match_that(fair=True),
            "You treat ignored truths like all others. A truth that counts is preferred, even at "
            "a lower IoU.",
        ),
        "uses_crowds_up": (
            _match_that(crowds_end=True),
            "A crowd holds many objects. It may be taken any number of times.",
        ),
        "lets_truths_choose": (
            lets_truths_choose,
            "You let each truth choose its detection. It is the other way round: the detections "
            "choose, and the one with the highest score goes first.",
        ),
    },
)

# 07.precision_at


def curves_to_read(generator: torch.Generator) -> Iterable[tuple[Any, ...]]:
    """A saw-tooth, points exactly on a recall, a curve that ends early, one without detections."""
    saw = precision_recall(np.array([1, 0, 1, 1, 0, 0, 1], dtype=bool), 5)
    yield np.linspace(0, 1, 11), *saw
    yield np.array([0.2, 0.4, 0.60001, 0.8, 0.81]), *saw
    yield np.linspace(0, 1, 101), *precision_recall(np.array([0, 1, 1], dtype=bool), 2)
    yield np.array([0.0, 0.5]), *precision_recall(np.array([0, 0], dtype=bool), 3)
    flags = (torch.rand(30, generator=generator) > 0.4).numpy()
    yield np.linspace(0, 1, 101), *precision_recall(flags, 25)
    yield np.linspace(0, 1, 11), np.zeros(0), np.zeros(0)


def as_an_array(fn: Callable[..., Any], *case: Any) -> Any:
    """What `fn` returns, a list or tuple of numbers as an array."""
    value = fn(*case)
    return np.asarray(value, dtype=np.float64) if isinstance(value, (list, tuple)) else value


def reads_the_saw(points: np.ndarray, precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
    return np.append(precision, 0.0)[np.searchsorted(recall, points)]


def looks_to_the_left(points: np.ndarray, precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
    best = np.maximum.accumulate(precision)
    return np.append(best, 0.0)[np.searchsorted(recall, points)]


def skips_equal_recall(points: np.ndarray, precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
    reached = np.searchsorted(recall, points, side="right")
    return np.append(envelope(precision), 0.0)[reached]


def never_ends(points: np.ndarray, precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
    reached = np.searchsorted(recall, points)
    return envelope(precision)[np.minimum(reached, len(recall) - 1)]


def draws_straight_lines(
    points: np.ndarray, precision: np.ndarray, recall: np.ndarray
) -> np.ndarray:
    return np.interp(points, recall, envelope(precision), right=0.0)


def reads_the_nearest(points: np.ndarray, precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
    nearest = np.abs(recall[None] - points[:, None]).argmin(axis=1)
    return envelope(precision)[nearest] * (points <= recall[-1])


PRECISION_AT = Exercise(
    "07.precision_at",
    reference=precision_at,
    cases=curves_to_read,
    probe=as_an_array,
    hints=(
        "The envelope at recall r is the best precision of all points of the curve whose recall "
        "is at least r.",
        "For one point r: precision[recall >= r].max(), or 0 where no recall reaches r.",
        "Without a loop: np.maximum.accumulate from the right gives the envelope, and "
        "np.searchsorted the first index with recall ≥ r; append a 0 for those beyond.",
    ),
    mistakes={
        "reads_the_saw": (
            reads_the_saw,
            "You read the saw-tooth. COCO reads its envelope: the best precision at this recall "
            "or any higher one.",
        ),
        "looks_to_the_left": (
            looks_to_the_left,
            "Your envelope looks towards lower recall. It must look towards higher: what the "
            "detector could reach by going on.",
        ),
        "skips_equal_recall": (
            skips_equal_recall,
            "Where a point equals a recall of the curve, you read the next one. At least r "
            "includes r: ≥, or searchsorted's side='left'.",
        ),
        "never_ends": (
            never_ends,
            "Beyond the last recall that was reached, precision is 0. You repeat the last value, "
            "as if the missed truths had been found.",
        ),
        "draws_straight_lines": (
            draws_straight_lines,
            "You interpolate between points with straight lines. The envelope is a staircase: "
            "precision between two recalls is that of the right one.",
        ),
        "reads_the_nearest": (
            reads_the_nearest,
            "You take the point with the nearest recall. Take the best of those whose recall is "
            "at least r.",
        ),
    },
)

# 07.boundary_of


def masks_to_outline(generator: torch.Generator) -> Iterable[tuple[Tensor]]:
    """Inside, at the image's frame, full, thin and ragged masks, and four roundings."""
    square = torch.zeros(2, 90, 120, dtype=torch.bool)  # diagonal 150: 3 px
    square[0, 8:42, 10:60] = True
    square[1, 50:, 30:] = True  # cut off by the image
    yield (square,)
    yield (square[:, 9:, :108],)  # 2.7 px, rounded to 3
    yield (square[:1, :75, :100],)  # 2.5 px, which Python rounds to the even 2
    yield (torch.ones(1, 24, 32, dtype=torch.bool),)  # 0.8 px, along the frame
    yield (square[:1, 6:18, 8:24],)  # 0.4 px: at least 1
    lines = torch.zeros(2, 90, 120, dtype=torch.bool)
    lines[0, 13, :] = True
    lines[1, 20:25, 20:90] = True
    yield (lines,)
    ragged = torch.nn.functional.avg_pool2d(torch.rand(2, 120, 90, generator=generator), 9, 1, 4)
    yield ((ragged > 0.47).transpose(1, 2),)


def _width(masks: Tensor) -> int:
    return band_width(masks.shape[-2:], 0.02)


def forgets_the_frame(masks: Tensor) -> Tensor:
    return masks & dilate(~masks, _width(masks))


def goes_outside(masks: Tensor) -> Tensor:
    return dilate(masks, _width(masks)) & ~masks


def goes_both_ways(masks: Tensor) -> Tensor:
    return dilate(masks, _width(masks)) & ~erode(masks, _width(masks))


def draws_one_pixel(masks: Tensor) -> Tensor:
    return masks & ~erode(masks, 1)


def _with_width(rule: Callable[[float], int], masks: Tensor) -> Tensor:
    return masks & ~erode(masks, max(1, rule(0.02 * float(np.hypot(*masks.shape[-2:])))))


def cuts_off_the_fraction(masks: Tensor) -> Tensor:
    return _with_width(int, masks)


def vanishes_in_small_images(masks: Tensor) -> Tensor:
    return masks & ~erode(masks, round(0.02 * float(np.hypot(*masks.shape[-2:]))))


def rounds_halves_up(masks: Tensor) -> Tensor:
    return _with_width(lambda width: int(width + 0.5), masks)


def measures_the_side(masks: Tensor) -> Tensor:
    return masks & ~erode(masks, max(1, round(0.02 * max(masks.shape[-2:]))))


def walks_in_a_diamond(masks: Tensor) -> Tensor:
    inner = masks
    for _ in range(_width(masks)):
        padded = torch.nn.functional.pad(inner, (1, 1, 1, 1))
        up, down = padded[:, :-2, 1:-1], padded[:, 2:, 1:-1]
        left, right = padded[:, 1:-1, :-2], padded[:, 1:-1, 2:]
        inner = inner & up & down & left & right
    return masks & ~inner


BOUNDARY_OF = Exercise(
    "07.boundary_of",
    reference=boundary_of,
    cases=masks_to_outline,
    hints=(
        "A pixel of the mask is in the band if a square of 2d + 1 pixels around it holds a pixel "
        "that is not of the mask.",
        "d = max(1, round(0.02 * diagonal)). Not of the mask is also all that lies "
        "outside of the image: pad the complement with ones.",
        "F.max_pool2d of the padded complement, as float, with window 2d + 1 and stride 1, says "
        "for each pixel whether background is near. And with the mask itself.",
    ),
    mistakes={
        "forgets_the_frame": (
            forgets_the_frame,
            "An object that the image cuts off has no boundary there in your version. The outside "
            "of the image counts as background.",
        ),
        "goes_outside": (
            goes_outside,
            "Your band lies outside of the mask. It is the inner one: pixels of the mask itself.",
        ),
        "goes_both_ways": (
            goes_both_ways,
            "Your band lies on both sides of the contour, as a trimap does. Boundary IoU takes "
            "the inner side only.",
        ),
        "draws_one_pixel": (
            draws_one_pixel,
            "Your band is always one pixel wide. Its width is a share of the image's diagonal.",
        ),
        "cuts_off_the_fraction": (
            cuts_off_the_fraction,
            "Round the width to the nearest whole number; int() cuts the fraction off.",
        ),
        "vanishes_in_small_images": (
            vanishes_in_small_images,
            "In an image of 12 × 16 your band is 0 pixels wide. It is at least 1.",
        ),
        "rounds_halves_up": (
            rounds_halves_up,
            "A width of 2.5 is 2 here: the official code uses Python's round, which takes halves "
            "to the even neighbour.",
        ),
        "walks_in_a_diamond": (
            walks_in_a_diamond,
            "You erode with four neighbours, so that corners are cut. Distance is the larger of "
            "|Δrow| and |Δcolumn|: a full square of 3 × 3.",
        ),
        "measures_the_side": (
            measures_the_side,
            "The width is a share of the image's diagonal, √(H² + W²), not of its longer side.",
        ),
    },
)

# 07.witness


def letters(_generator: torch.Generator) -> Iterable[tuple[str]]:
    """The exhibits of the museum."""
    return [(letter,) for letter in EXHIBITS]


def is_betrayed(fn: Callable[..., Any], exhibit: str) -> bool:
    """Whether the exhibit is wrong on what `fn` returns for it; without an answer it is not."""
    arguments = fn(exhibit)
    if arguments is None or arguments is ...:
        return False
    return betrays(exhibit, tuple(arguments))


def brings_harmless_things(exhibit: str) -> tuple[Any, ...]:
    harmless: dict[str, tuple[Any, ...]] = {
        "A": ([[0.9, 0.0], [0.0, 0.8]], 0.5),
        "B": ((0, 0, 4, 4), (20, 20, 30, 30)),
        "C": ([([0.9, 0.8], [True, False], 2)],),
        "D": ([[0.9, 0.0], [0.2, 0.1]], [False, False], 0.5),
        "E": (0.5, [0.5] * 10),
    }
    return harmless[exhibit]


def _all_but(letter: str) -> Callable[[str], tuple[Any, ...]]:
    def witness_with_a_gap(exhibit: str) -> tuple[Any, ...]:
        return (brings_harmless_things if exhibit == letter else witness)(exhibit)

    return witness_with_a_gap


WITNESS = Exercise(
    "07.witness",
    reference=witness,
    cases=letters,
    probe=is_betrayed,
    hints=(
        "A: what should happen to the second of two detections of one object? B: compare a box "
        "with itself. C: what if nothing is there to be found, and something is found?",
        "D: a detection that lies in a crowd should count neither way. What happens to it if the "
        "crowd is gone? E: try all ten thresholds, as you would type them.",
        "Return tuples of arguments: A (iou, threshold), B (box, box), C (images,), "
        "D (iou, crowd, threshold), E (threshold, ten numbers).",
    ),
    mistakes={
        "brings_harmless_things": (
            brings_harmless_things,
            "On all these inputs every exhibit is right. Look for what is rare: twice, equal, "
            "empty, crowded, on the edge.",
        ),
        "misses_a": (
            _all_but("A"),
            "Exhibit A is still at large. Follow a detection whose truth is in `found` already: "
            "which of the two counters does it reach?",
        ),
        "misses_b": (
            _all_but("B"),
            "Exhibit B is still at large. It adds 1 to the sides of both boxes. Does it to the "
            "side of what they share?",
        ),
        "misses_c": (
            _all_but("C"),
            "Exhibit C is still at large. Which images does it skip, and what might have been "
            "detected there? Errors after the last match are free.",
        ),
        "misses_d": (
            _all_but("D"),
            "Exhibit D is still at large. Put one detection into a crowd and nowhere else.",
        ),
        "misses_e": (
            _all_but("E"),
            "Exhibit E is still at large. It compares floating point numbers with ==. Print "
            "np.linspace(0.5, 0.95, 10).tolist().",
        ),
    },
)

EXERCISES = (MATCH, PRECISION_AT, BOUNDARY_OF, WITNESS)

"""Exercise 30.match: which detection takes which truth.

To write: f(iou, ignored, crowd, threshold), (D, G) with the best score first and (G,) bool, to a
list: for each detection the number of its truth, or -1. The answer is `match_loop`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.metrics.ap_matching import match_loop


def overlaps_to_match(generator: torch.Generator) -> Iterable[tuple[Any, ...]]:
    """Duplicates, rivals, an IoU on the threshold, ignored truths, crowds, and nothing at all."""
    none = np.zeros(2, dtype=bool)
    yield np.array([[0.9, 0.0], [0.8, 0.0], [0.0, 0.7]]), none, none, 0.5  # a duplicate
    yield np.array([[0.6, 0.7], [0.1, 0.8]]), none, none, 0.5  # the first takes the best
    yield np.array([[0.6, 0.9], [0.55, 0.8]]), none, none, 0.5  # the second best is free
    yield np.array([[0.75, 0.2], [0.2, 0.74]]), none, none, 0.75  # exactly the threshold
    first = np.array([True, False])
    yield np.array([[0.9, 0.6], [0.9, 0.1], [0.8, 0.1]]), first, none, 0.5  # ignored, used up
    yield np.array([[0.9, 0.6], [0.9, 0.1], [0.8, 0.1]]), first, first, 0.5  # a crowd, never
    iou = torch.rand(9, 6, generator=generator, dtype=torch.float64).numpy()
    yield iou, np.zeros(6, dtype=bool), np.zeros(6, dtype=bool), 0.6
    yield iou, np.arange(6) > 3, np.arange(6) == 5, 0.6
    yield np.zeros((0, 2)), none, none, 0.5
    yield np.zeros((3, 0)), np.zeros(0, dtype=bool), np.zeros(0, dtype=bool), 0.5


def as_a_row(fn: Callable[..., Any], *case: Any) -> Any:
    """What `fn` returns, a tensor or an array of it as a list."""
    value = fn(*case)
    return value.tolist() if isinstance(value, (Tensor, np.ndarray)) else value


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
        # Truths that it overlaps enough and that are free, or crowds.
        reaches = row > threshold if strict else row >= threshold
        free = [
            k
            for k in np.flatnonzero(reaches).tolist()
            if stubborn or reuse or k not in taken or (crowd[k] and not crowds_end)
        ]
        # One that counts is preferred to an ignored one; then the highest IoU decides.
        if not fair and not all(ignored[k] for k in free):
            free = [k for k in free if not ignored[k]]
        best = max(free, key=lambda k: row[k], default=-1)
        if first and free:
            best = free[0]
        if stubborn and best in taken and not crowd[best]:
            best = -1  # the best one is taken, and it looks no further
        taken.add(best)
        found.append(best)
    return found


finds_twice = partial(_match, reuse=True)
takes_the_first = partial(_match, first=True)
asks_for_more = partial(_match, strict=True)
looks_no_further = partial(_match, stubborn=True)
likes_ignored_truths = partial(_match, fair=True)
uses_crowds_up = partial(_match, crowds_end=True)


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
    "30.match",
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
            finds_twice,
            "Your truths can be found again and again, so a duplicate counts as right, and recall "
            "can exceed 1. (AlexeyAB/darknet had this: issue 685, 2018.) Remember what is taken.",
        ),
        "keeps_no_record": (
            keeps_no_record,
            "Your truths can be found again and again, so a duplicate counts as right. Remember "
            "what is taken; then see to truths that are ignored.",
        ),
        "takes_the_first": (
            takes_the_first,
            "You take the first truth that reaches the threshold. Take the one with the highest "
            "IoU.",
        ),
        "asks_for_more": (
            asks_for_more,
            "An IoU of exactly the threshold is enough: ≥, not >.",
        ),
        "looks_no_further": (
            looks_no_further,
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
            likes_ignored_truths,
            "You treat ignored truths like all others. A truth that counts is preferred, even at "
            "a lower IoU.",
        ),
        "uses_crowds_up": (
            uses_crowds_up,
            "A crowd holds many objects. It may be taken any number of times.",
        ),
        "lets_truths_choose": (
            lets_truths_choose,
            "You let each truth choose its detection. It is the other way round: the detections "
            "choose, and the one with the highest score goes first.",
        ),
    },
)

"""Exercise 30.precision_at: read the envelope of a precision-recall curve.

To write: f(points, precision, recall), (P,) recalls and the curve's (n,) points, to (P,): the best
precision at that recall or a higher one, 0 beyond the last. The answer is `precision_at`.
(Eleven recalls are np.arange(11) / 10: np.linspace has 0.6000000000000001, which 3/5 misses.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

from minseg.course.exercise import Exercise
from minseg.metrics.ap_curve import envelope, precision_at, precision_recall


def curves_to_read(generator: torch.Generator) -> Iterable[tuple[Any, ...]]:
    """A saw-tooth, points exactly on a recall, a curve that ends early, one without detections."""
    saw = precision_recall(np.array([1, 0, 1, 1, 0, 0, 1], dtype=bool), 5)
    yield np.arange(11) / 10, *saw
    yield np.array([0.2, 0.4, 0.60001, 0.8, 0.81]), *saw
    yield np.linspace(0, 1, 101), *precision_recall(np.array([0, 1, 1], dtype=bool), 2)
    yield np.array([0.0, 0.5]), *precision_recall(np.array([0, 0], dtype=bool), 3)
    flags = (torch.rand(30, generator=generator) > 0.4).numpy()
    yield np.linspace(0, 1, 101), *precision_recall(flags, 25)
    yield np.arange(11) / 10, np.zeros(0), np.zeros(0)


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
    "30.precision_at",
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

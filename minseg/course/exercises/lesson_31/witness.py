"""Exercise 31.witness: find inputs that give a bug away.

To write: f(exhibit), a letter of the bug museum, to a tuple of arguments on which that exhibit and
the honest function disagree. `bug_museum.py` has both, and the answer, `witness`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

from minseg.course.exercise import Exercise
from minseg.course.exercises.lesson_31.bug_museum import EXHIBITS, betrays, witness


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
    "31.witness",
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

"""The exercises of the lessons: `lesson_NN.py` holds those of lesson NN as `EXERCISES`."""

from __future__ import annotations

import importlib
import pkgutil

from minseg.course.check import audit, check
from minseg.course.exercise import Exercise
from minseg.course.source import show_source

__all__ = [
    "Exercise",
    "audit",
    "check",
    "exercises_of",
    "find",
    "hint",
    "lessons_with_exercises",
    "solution",
]

_hints_given: dict[str, int] = {}  # begins anew with the kernel, as the notebook does


def lessons_with_exercises() -> list[str]:
    """Their numbers, two digits each, in order."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [name.removeprefix("lesson_") for name in names if name.startswith("lesson_")]


def exercises_of(lesson: str) -> tuple[Exercise, ...]:
    """The exercises of a lesson, "05"; none for a lesson without."""
    if lesson not in lessons_with_exercises():
        return ()
    module = importlib.import_module(f"{__name__}.lesson_{lesson}")
    return tuple(module.EXERCISES)


def find(id: str) -> Exercise:
    """The exercise with an id such as "05.bilinear".

    Raises:
        ValueError: if there is none; the message names those of its lesson.
    """
    if not isinstance(id, str):
        raise ValueError(f'id must be a text such as "05.bilinear", got {id!r}')
    there = {exercise.id: exercise for exercise in exercises_of(id[:2])}
    if id not in there:
        known = ", ".join(there) or "none"
        raise ValueError(f"id must name an exercise of lesson {id[:2]} ({known}), got {id!r}")
    return there[id]


def hint(id: str) -> None:
    """Print one more hint at each call; the last one says where the answer is."""
    hints = find(id).hints
    number = min(_hints_given.get(id, 0) + 1, len(hints))
    _hints_given[id] = number
    print(f"{id}, hint {number} of {len(hints)}: {hints[number - 1]}")
    if number == len(hints):
        print(f'That was the last hint. `solution("{id}")` shows the package\'s own code.')


def solution(id: str) -> None:
    """Show the source of the package's own function."""
    show_source(find(id).reference)

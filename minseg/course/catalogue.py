"""The catalogue of exercises: find one by its id, give its hints, show its solution.

An id such as "05.bilinear" names a lesson and a file: `exercises/lesson_05/bilinear.py`. A lesson's
package lists its exercises as `EXERCISES`, in the order in which `progress` shows them. It is
imported when it is first asked for, so one lesson does not wait for what another one needs.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from minseg.course.exercise import Exercise
from minseg.course.source import show_source

FOLDER = Path(__file__).parent / "exercises"

_hints_given: dict[str, int] = {}  # starts empty with the kernel, as the notebook does


def lessons_with_exercises() -> list[str]:
    """Their numbers, two digits each, in order.

    Example:
        >>> lessons_with_exercises()[:3]
        ['00', '01', '02']
    """
    names = sorted(module.name for module in pkgutil.iter_modules([str(FOLDER)]))
    return [name.removeprefix("lesson_") for name in names if name.startswith("lesson_")]


def exercises_of(lesson: str) -> tuple[Exercise, ...]:
    """The exercises of a lesson, "05"; none for a lesson without.

    Example:
        >>> [exercise.id for exercise in exercises_of("00")], exercises_of("99")
        (['00.area'], ())
    """
    if lesson not in lessons_with_exercises():
        return ()
    module = importlib.import_module(f"minseg.course.exercises.lesson_{lesson}")
    return tuple(module.EXERCISES)


def find(id: str) -> Exercise:
    """The exercise with an id such as "05.bilinear".

    Raises:
        ValueError: if there is none; the message names those of its lesson.

    Example:
        >>> find("05.bilinear").reference.__name__
        'bilinear_sample'
    """
    if not isinstance(id, str):
        raise ValueError(f'id must be a text such as "05.bilinear", got {id!r}')
    there = {exercise.id: exercise for exercise in exercises_of(id[:2])}
    if id not in there:
        known = ", ".join(there) or "none"
        raise ValueError(f"id must name an exercise of lesson {id[:2]} ({known}), got {id!r}")
    return there[id]


def hint(id: str) -> None:
    """Print one more hint at each call; the last one says where the answer is.

    Example:
        >>> hint("04.round_half_away")  # doctest: +ELLIPSIS
        04.round_half_away, hint 1 of 3: Split x into its whole part, x.trunc(), and the rest. ...
    """
    hints = find(id).hints
    number = min(_hints_given.get(id, 0) + 1, len(hints))
    _hints_given[id] = number
    print(f"{id}, hint {number} of {len(hints)}: {hints[number - 1]}")
    if number == len(hints):
        print(f'That was the last hint. `solution("{id}")` shows the package\'s own code.')


def solution(id: str) -> None:
    """Show the source of the package's own function.

    Example:
        >>> solution("04.shifted_iou")  # doctest: +ELLIPSIS
        def shifted_iou(...
    """
    show_source(find(id).reference)

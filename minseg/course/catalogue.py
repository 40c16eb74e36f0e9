"""The catalogue of exercises: find one by its id, give its hints, show its solution.

An id such as "21.bilinear" names a unit and a file: `exercises/lesson_21/bilinear.py`. A unit's
package lists its exercises as `EXERCISES`, in the order in which `progress` shows them. It is
imported when it is first asked for, so one unit does not wait for what another one needs. Ids of
the earlier course find their exercise, too (`renumbered.py`).
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from minseg.course.display import say
from minseg.course.exercise import Exercise
from minseg.course.renumbered import exercise_today, is_asked_no_more, units_of
from minseg.course.source import show_source

FOLDER = Path(__file__).parent / "exercises"

_hints_given: dict[str, int] = {}  # starts empty with the kernel, as the notebook does


def lessons_with_exercises() -> list[str]:
    """Their numbers, two digits each, in order.

    Example:
        >>> lessons_with_exercises()[:3]
        ['00', '10', '11']
    """
    names = sorted(module.name for module in pkgutil.iter_modules([str(FOLDER)]))
    return [name.removeprefix("lesson_") for name in names if name.startswith("lesson_")]


def exercises_of(lesson: str) -> tuple[Exercise, ...]:
    """The exercises of a unit, "21"; none for a unit without.

    Example:
        >>> [exercise.id for exercise in exercises_of("00")], exercises_of("99")
        (['00.area'], ())
    """
    if lesson not in lessons_with_exercises():
        return ()
    module = importlib.import_module(f"minseg.course.exercises.lesson_{lesson}")
    return tuple(module.EXERCISES)


def find(id: str) -> Exercise:
    """The exercise with an id such as "21.bilinear", or the one that had it in the earlier course.

    Raises:
        ValueError: if there is none; the message names those of its unit.

    Example:
        >>> find("21.bilinear").reference.__name__
        'bilinear_sample'
        >>> find("05.bilinear").id
        '21.bilinear'
    """
    if not isinstance(id, str):
        raise ValueError(f'id must be a text such as "21.bilinear", got {id!r}')
    today = exercise_today(id)
    there = {exercise.id: exercise for exercise in exercises_of(today[:2])}
    if today not in there:
        known = ", ".join(there) or "none"
        raise ValueError(f"id must name an exercise of unit {id[:2]} ({known}), got {id!r}")
    return there[today]


def find_aloud(id: str) -> Exercise | None:
    """`find`, and a line for whoever used an earlier id: that of today, or that there is none."""
    if isinstance(id, str) and is_asked_no_more(id):
        units = " and ".join(units_of(id[:2]))
        say(f"{id} was an exercise of the earlier course, and is asked no more: see {units}.")
        return None
    exercise = find(id)
    if exercise.id != id:
        say(f"{id} is {exercise.id} now.")
    return exercise


def hint(id: str) -> None:
    """Print one more hint at each call; the last one says where the answer is.

    Example:
        >>> hint("20.round_half_away")  # doctest: +ELLIPSIS
        20.round_half_away, hint 1 of ...
    """
    exercise = find_aloud(id)
    if exercise is None:
        return
    id, hints = exercise.id, exercise.hints
    number = min(_hints_given.get(id, 0) + 1, len(hints))
    _hints_given[id] = number
    print(f"{id}, hint {number} of {len(hints)}: {hints[number - 1]}")
    if number == len(hints):
        print(f'That was the last hint. `solution("{id}")` shows the package\'s own code.')


def solution(id: str) -> None:
    """Show the source of the package's own function.

    Example:
        >>> solution("00.area")  # doctest: +ELLIPSIS
        def box_area(...
    """
    exercise = find_aloud(id)
    if exercise is not None:
        show_source(exercise.reference)

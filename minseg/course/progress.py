"""What you have done: the exercises you solved, and your guesses beside what was measured."""

from __future__ import annotations

from minseg.course.catalogue import exercises_of, lessons_with_exercises
from minseg.course.display import say, show_markdown, table
from minseg.course.entries import State
from minseg.course.renumbered import EXERCISES, units_of
from minseg.course.state import FILE_NAME, load


def progress(unit: str | None = None) -> None:
    """Show a table of exercises and predictions.

    Args:
        unit: two digits, such as "21", for the recap of one unit; the whole course if left out. A
            lesson of the earlier course that is no unit, such as "05", for its recap.
    """
    state = load()
    tables = [_exercises(state, unit), _predictions(state, unit)]
    shown = [made for made in tables if made is not None]
    if shown:
        show_markdown("\n\n".join(m for m, _ in shown), "\n\n".join(p for _, p in shown))
    elif not _is_earlier(unit):
        say("Nothing yet: solve an exercise or answer a question, and it appears here.")
    for line in _of_the_earlier_course(state, unit):
        say(line)


def _is_earlier(unit: str | None) -> bool:
    """Whether it is a lesson of the earlier course, and no unit of this one."""
    return unit is not None and bool(units_of(unit)) and unit not in lessons_with_exercises()


def _exercises(state: State, unit: str | None) -> tuple[str, str] | None:
    ids = [
        exercise.id
        for number in (lessons_with_exercises() if unit is None else [unit])
        for exercise in exercises_of(number)
    ]
    if _is_earlier(unit):
        ids = [today for id, today in EXERCISES.items() if today and id.startswith(f"{unit}.")]
    rows = [[id, "solved" if id in state["solved"] else "to do"] for id in ids]
    return table(["Exercise", "State"], rows) if rows else None


def _predictions(state: State, unit: str | None) -> tuple[str, str] | None:
    section = state["earlier"] if _is_earlier(unit) else state
    guesses, measured = section["guesses"], section["measured"]
    rows = [
        [question, _number(guesses.get(question)), measured.get(question, "not yet")]
        for question in sorted({*guesses, *measured}, key=_in_order)
        if unit is None or question.startswith(f"{unit}.")
    ]
    return table(["Question", "Your guess", "Measured"], rows) if rows else None


def _of_the_earlier_course(state: State, unit: str | None) -> list[str]:
    """A line on what is kept of it; none for whoever never took it."""
    kept = state["earlier"]
    ids = {*kept["solved"], *kept["guesses"], *kept["measured"]}
    there = [id for id in ids if unit is None or id.startswith(f"{unit}.")]
    if unit is not None and units_of(unit) and (there or _is_earlier(unit)):
        units = " and ".join(units_of(unit))
        return [f"Lesson {unit} of the earlier course: {units} ask its questions now."]
    if unit is None and there:
        answers = "1 answer" if len(there) == 1 else f"{len(there)} answers"
        return [f"{answers} of the earlier course, to what is asked no more: see {FILE_NAME}."]
    return []


def _number(guess: float | None) -> str:
    return "none" if guess is None else f"{guess:g}"


def _in_order(question: str) -> tuple[str, int, str]:
    """05.2 before 05.10."""
    lesson, _, rest = question.partition(".")
    return lesson, int(rest) if rest.isdecimal() else 0, rest

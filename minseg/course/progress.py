"""What you have done: the exercises you solved, and your guesses beside what was measured."""

from __future__ import annotations

from minseg.course.catalogue import exercises_of, lessons_with_exercises
from minseg.course.display import say, show_markdown, table
from minseg.course.entries import State
from minseg.course.state import load


def progress(lesson: str | None = None) -> None:
    """Show a table of exercises and predictions.

    Args:
        lesson: two digits, such as "05", for the recap of one lesson; the whole course if left out.
    """
    state = load()
    tables = [_exercises(state, lesson), _predictions(state, lesson)]
    shown = [made for made in tables if made is not None]
    if not shown:
        say("Nothing yet: solve an exercise or answer a question, and it appears here.")
        return
    show_markdown("\n\n".join(m for m, _ in shown), "\n\n".join(p for _, p in shown))


def _exercises(state: State, lesson: str | None) -> tuple[str, str] | None:
    lessons = lessons_with_exercises() if lesson is None else [lesson]
    rows = [
        [exercise.id, "solved" if exercise.id in state["solved"] else "to do"]
        for number in lessons
        for exercise in exercises_of(number)
    ]
    return table(["Exercise", "State"], rows) if rows else None


def _predictions(state: State, lesson: str | None) -> tuple[str, str] | None:
    guesses, measured = state["guesses"], state["measured"]
    rows = [
        [question, _number(guesses.get(question)), measured.get(question, "not yet")]
        for question in sorted({*guesses, *measured}, key=_in_order)
        if lesson is None or question.startswith(f"{lesson}.")
    ]
    return table(["Question", "Your guess", "Measured"], rows) if rows else None


def _number(guess: float | None) -> str:
    return "none" if guess is None else f"{guess:g}"


def _in_order(question: str) -> tuple[str, int, str]:
    """05.2 before 05.10."""
    lesson, _, rest = question.partition(".")
    return lesson, int(rest) if rest.isdecimal() else 0, rest

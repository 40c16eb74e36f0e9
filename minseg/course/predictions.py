"""Predict, then reveal: a number is remembered better once it was guessed first.

`guess` keeps an answer and `reveal` shows the measured value beside it. Neither ever stops a
notebook: an unanswered question shows the answer all the same. Every unit uses them. What an old
copy of a lesson asks is kept apart from today's questions (`renumbered.py`).
"""

from __future__ import annotations

from math import isfinite
from typing import SupportsFloat

from minseg.course.display import brief, say
from minseg.course.entries import State, is_id, is_text, plain
from minseg.course.renumbered import is_asked_no_more, question_today
from minseg.course.state import load, update

MOST_DIGITS = 17  # of a float: more say nothing


def guess(question: str, answer: SupportsFloat | None = None) -> None:
    """Keep a prediction before the answer is shown.

    Args:
        question: its id, such as "21.q_shift".
        answer: your number, in the unit that the question asks for; None to go on without.
    """
    if not _is_question("guess", question):
        return
    if answer is None:
        say(f"{question}: put your number in place of None and run this cell again.")
        return
    number = _number(answer)
    if number is None or not isfinite(number):
        say(f"{question}: a guess is one number, such as 0.5; got {brief(answer)}.")
        return

    def keep(state: State) -> None:
        _section(state, question)["guesses"][question_today(question)] = number

    update(keep)
    say(f"{question}: you guess {number:g}. Run on to see.")


def reveal(question: str, value: SupportsFloat, unit: str = "", digits: int = 3) -> None:
    """Print the measured value beside the guess, and keep it for the unit's recap.

    Args:
        question: the id given to `guess`.
        value: the measured number, a tensor of one element too.
        unit: printed after the number, such as "px".
        digits: significant digits; few enough that every machine prints the same ones.
    """
    if not _is_question("reveal", question):
        return
    number = _number(value)
    if number is None:
        say(f"{question}: what is measured is one number, such as 0.5; got {brief(value)}.")
        return
    bare = f"{number:.{min(digits, MOST_DIGITS)}g}"
    # Whatever is no text is not formatted: a whole number of 5000 digits raises there.
    measured = f"{bare} {unit}".strip() if isinstance(unit, str) else None
    if measured is None or not is_text(measured):
        say(f'{question}: a unit is a short text, such as "px"; got {brief(unit)}.')
        measured = bare

    def keep(state: State) -> None:
        _section(state, question)["measured"][question_today(question)] = plain(measured)

    update(keep)
    guessed = _section(load(), question)["guesses"].get(question_today(question))
    yours = "you did not guess" if guessed is None else f"you guessed {guessed:g}"
    say(f"{question}: measured {measured} ({yours}).")


def _section(state: State, question: str) -> State:
    """Where a question's entries stand: apart, if only the earlier course asked it."""
    return state["earlier"] if is_asked_no_more(question) else state


def _is_question(caller: str, question: object) -> bool:
    """Whether it can be an id; says so if not."""
    if not is_id(question):
        say(f'{caller}: a question is named by a text such as "21.q_shift"; got {brief(question)}.')
    return is_id(question)


def _number(value: SupportsFloat) -> float | None:
    """The value as a float; None for what is no single number, or too large for one."""
    try:
        return float(value)
    except Exception:  # what a list, a tensor, a text or a class of the learner's may raise
        return None

"""Predict, then reveal: a number is remembered better by those who first had to guess it.

`guess` keeps an answer and `reveal` shows the measured value beside it. Neither ever stops a
notebook: an unanswered question shows the answer all the same. Every lesson uses them.
"""

from __future__ import annotations

from typing import SupportsFloat

from minseg.course.state import State, load, update


def guess(question: str, answer: SupportsFloat | None = None) -> None:
    """Keep a prediction before the answer is shown.

    Args:
        question: its id, such as "05.1".
        answer: your number, in the unit that the question asks for; None to go on without.
    """
    if answer is None:
        print(f"{question}: put your number in place of None and run this cell again.")
        return
    try:
        number = float(answer)
    except (TypeError, ValueError):
        print(f"{question}: a guess is one number, such as 0.5; got {answer!r}.")
        return

    def keep(state: State) -> None:
        state["guesses"][question] = number

    update(keep)
    print(f"{question}: you guess {number:g}. Run on to see.")


def reveal(question: str, value: SupportsFloat, unit: str = "", digits: int = 3) -> None:
    """Print the measured value beside the guess, and keep it for the lesson's recap.

    Args:
        question: the id given to `guess`.
        value: the measured number, a tensor of one element too.
        unit: printed after the number, such as "px".
        digits: significant digits; few enough that every machine prints the same ones.
    """
    measured = f"{float(value):.{digits}g} {unit}".strip()

    def keep(state: State) -> None:
        state["measured"][question] = measured

    update(keep)
    guessed = load()["guesses"].get(question)
    yours = "you did not guess" if guessed is None else f"you guessed {guessed:g}"
    print(f"{question}: measured {measured} ({yours}).")

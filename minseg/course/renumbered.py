"""What the earlier course called things, and what they are called now.

The course once had eleven long lessons. Learners keep copies of them and a file of what they did,
so the old ids stay understood: `renumbered.toml` says where each exercise and each question went,
and `renumber` brings a learner's entries up to date. What has no place today is kept under its old
id, in the part of the file called `earlier`, and counts for nothing else: question 13.1 was about
panoptic quality, and unit 13 is about landscapes.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

# Read by its place, not through the package: whoever needs this file alone waits for nothing else.
_TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

LESSONS: dict[str, list[str]] = _TABLE["lessons"]  # notebook without suffix → units
EXERCISES: dict[str, str] = _TABLE["exercises"]  # old id → new id, "" for none
QUESTIONS: dict[str, str] = _TABLE["questions"]  # the same


def units_of(lesson: str) -> list[str]:
    """The units that ask today what a lesson of the earlier course asked; none if it is none.

    Example:
        >>> units_of("05"), units_of("13"), units_of("21")
        (['21', '22'], ['33', '34'], [])
    """
    return next((units for name, units in LESSONS.items() if name[:2] == lesson), [])


def exercise_today(id: str) -> str:
    """An exercise's id today, given this or its earlier one.

    Example:
        >>> exercise_today("05.bilinear"), exercise_today("21.bilinear")
        ('21.bilinear', '21.bilinear')
    """
    return EXERCISES.get(id) or id


def question_today(id: str) -> str:
    """A question's id today; one that is asked no more keeps its own.

    Example:
        >>> question_today("13.1"), question_today("33.q_half")
        ('13.1', '33.q_half')
    """
    return QUESTIONS.get(id) or id


def is_asked_no_more(id: str) -> bool:
    """Whether it is an exercise or a question of the earlier course that has no place today.

    Example:
        >>> is_asked_no_more("13.1"), is_asked_no_more("05.bilinear"), is_asked_no_more("13.q_one")
        (True, False, False)
    """
    return "" in (EXERCISES.get(id), QUESTIONS.get(id))


def renumber(state: dict[str, Any]) -> None:
    """Bring what a learner has done up to date, in place; nothing is lost, and twice is as once.

    An entry that exists under the new id is the later one and stays; the old one goes to `earlier`.
    """
    earlier = state["earlier"]
    solved = {*state["solved"]}
    gone = {id for id in solved if is_asked_no_more(id)}
    state["solved"] = sorted({exercise_today(id) for id in solved - gone})
    if gone:
        earlier["solved"] = sorted({*earlier["solved"], *gone})
    for name in ("guesses", "measured"):
        for id in [id for id in state[name] if id in QUESTIONS]:
            value, today = state[name].pop(id), question_today(id)
            if today == id or today in state[name]:
                earlier[name][id] = value
            else:
                state[name][today] = value

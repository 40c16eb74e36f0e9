"""Judge a learner's function: right, a known mistake, wrong, stopped with an error, or not begun.

The function runs on every case of the exercise, each time on a fresh copy of the inputs, and its
results are compared with the reference's. A wrong function whose results equal those of a known
mistake on every case has made that mistake, and hears the tutor's sentence.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from itertools import combinations
from typing import Any

from minseg.course.attempt import Outcome, code_of, run, told_when_slow
from minseg.course.catalogue import find
from minseg.course.compare import cut, describe, difference
from minseg.course.display import say
from minseg.course.entries import State
from minseg.course.exercise import Exercise
from minseg.course.source import python_function
from minseg.course.state import update


def check(id: str, fn: Callable[..., Any]) -> None:
    """Say whether `fn` solves the exercise, and if not, what to look at. Never raises for `fn`.

    Code that takes long can be interrupted: nothing is judged then, and the notebook goes on.

    Args:
        id: the exercise, such as "05.bilinear".
        fn: your function.
    """
    exercise = find(id)
    if not callable(fn):
        say(f'{id}: pass the function itself, `check("{id}", name)`, got {describe(fn)}.')
        return
    try:
        verdict, solved = judge(exercise, fn)
    except KeyboardInterrupt:
        say(f"{id}: interrupted, so nothing was judged. Mend the function and run the cell again.")
        return
    say(f"{id}: {verdict}")
    if solved:
        update(lambda state: _record(state, id))


def _record(state: State, id: str) -> None:
    state["solved"] = sorted({*state["solved"], id})


def judge(exercise: Exercise, fn: Callable[..., Any]) -> tuple[str, bool]:
    """The verdict in words, and whether it is solved."""
    cases = exercise.inputs()
    due = [run(exercise, exercise.reference, case) for case in cases]
    if not any(outcome.attempted for outcome in due):  # such as Triton, where there is none
        return f"cannot be judged here: {due[0].error}.", False
    with told_when_slow(exercise.id):
        mine = [run(exercise, fn, case) for case in cases]
    if not any(outcome.attempted for outcome in mine):
        return f'not attempted yet. Stuck? `hint("{exercise.id}")` helps.', False
    found = [disagreement(a, b, exercise.tolerance) for a, b in zip(mine, due, strict=True)]
    wrong = [k for k, line in enumerate(found) if line is not None]
    if not wrong:
        return f"right, on all {len(cases)} cases.", True
    first = wrong[0]
    details = [f"case {first + 1} of {len(cases)}: {_arguments(exercise, cases[first])}"]
    details.append(str(found[first]))
    for mistake, sentence in exercise.mistakes.values():
        if _made(exercise, mistake, cases, mine, found):
            return "\n  ".join([sentence, *details]), False
    stopped = mine[first].error
    if stopped is None:
        return "\n  ".join(["not yet. The first difference:", *details]), False
    opening = f"your code stopped with {_one_line(stopped)}"
    return "\n  ".join([opening, *_line_of(fn, stopped), *details]), False


def disagreement(mine: Outcome, due: Outcome, tolerance: float) -> str | None:
    """None if two outcomes agree, else one line on how they differ."""
    if mine.error is None and due.error is None:
        try:
            return difference(mine.value, due.value, tolerance)
        except (Exception, SystemExit) as error:  # a value that nothing can be compared with
            kind = type(mine.value).__name__
            return f"yours, of type {kind}, cannot be compared: {_one_line(error)}"
    if mine.error is None and due.error is not None:
        raised = type(due.error).__name__
        return f"yours is {describe(mine.value)}, right is to raise {raised}"
    if due.error is not None and isinstance(mine.error, type(due.error)):
        return None
    due_is = f"to raise {type(due.error).__name__}" if due.error else describe(due.value)
    return f"yours raised {type(mine.error).__name__}, right is {due_is}"


def _made(
    exercise: Exercise,
    mistake: Callable[..., Any],
    cases: list[tuple[Any, ...]],
    mine: list[Outcome],
    found: list[str | None],
) -> bool:
    """Whether every outcome is the mistake's; where the mistake crashes, being right is fine."""
    for case, outcome, line in zip(cases, mine, found, strict=True):
        theirs = run(exercise, mistake, case)
        if disagreement(outcome, theirs, exercise.tolerance) is None:
            continue
        if theirs.error is None or line is not None:
            return False
    return True


def _one_line(error: BaseException) -> str:
    try:
        message = cut(" ".join(str(error).split()))
    except Exception:  # its `__str__` may be the learner's
        message = "(its message cannot be shown)"
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _line_of(fn: Callable[..., Any], error: BaseException) -> list[str]:
    """The last line of the learner's own code on the way to the error, where it can be told."""
    code = code_of(fn)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if code is not None and frame.filename == code.co_filename]
    return [f"in `{own[-1].name}`: {own[-1].line}"] if own and own[-1].line else []


def _arguments(exercise: Exercise, case: tuple[Any, ...]) -> str:
    try:
        names = list(inspect.signature(python_function(exercise.reference)).parameters)
    except (TypeError, ValueError):
        names = []
    names += [f"argument {k}" for k in range(len(names), len(case))]
    return ", ".join(
        f"{name} = {describe(value)}" for name, value in zip(names, case, strict=False)
    )


def audit(exercise: Exercise) -> list[str]:
    """What is wrong with an exercise itself; empty if it is fit to teach with.

    The reference must pass and refuse no case, each mistake must be rejected with its own
    sentence, no two mistakes may be alike on every case, and there must be at least five mistakes
    and two hints.
    """
    defects = []
    if not judge(exercise, exercise.reference)[1]:
        defects.append("the reference does not pass")
    for k, case in enumerate(exercise.inputs()):
        if error := run(exercise, exercise.reference, case).error:
            defects.append(f"the reference refuses case {k + 1}: {_one_line(error)}")
    for name, (mistake, sentence) in exercise.mistakes.items():
        verdict, solved = judge(exercise, mistake)
        if solved:
            defects.append(f"{name} passes: no case tells it from the reference")
        elif not verdict.startswith(sentence):
            defects.append(f"{name} is not recognised, the verdict is: {verdict}")
    defects += _look_alikes(exercise)
    if len(exercise.mistakes) < 5:
        defects.append(f"{len(exercise.mistakes)} mistakes, at least 5 are due")
    if len(exercise.hints) < 2:
        defects.append(f"{len(exercise.hints)} hints, at least 2 are due")
    return defects


def _look_alikes(exercise: Exercise) -> list[str]:
    cases = exercise.inputs()
    outcomes = {
        name: [run(exercise, mistake, case) for case in cases]
        for name, (mistake, _) in exercise.mistakes.items()
    }
    return [
        f"{a} and {b} are alike on every case"
        for a, b in combinations(outcomes, 2)
        if all(
            disagreement(x, y, exercise.tolerance) is None
            for x, y in zip(outcomes[a], outcomes[b], strict=True)
        )
    ]

"""Judge a learner's function: right, a known mistake, wrong, stopped with an error, or not begun.

The function runs on every case of the exercise, each time on a fresh copy of the inputs, and its
results are compared with the reference's. A wrong function whose results equal those of a known
mistake on every case has made that mistake, and gets the tutor's sentence.
"""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable
from itertools import combinations
from typing import Any

from minseg.course.attempt import Outcome, code_of, run, told_when_slow
from minseg.course.catalogue import find_aloud
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
        id: the exercise, such as "21.bilinear".
        fn: your function.
    """
    exercise = find_aloud(id)
    if exercise is None:
        return
    id = exercise.id
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
    """The verdict in words, and whether it is solved.

    Example:
        >>> from minseg.boxes import box_area
        >>> from minseg.course.catalogue import find
        >>> judge(find("00.area"), box_area)
        ('right, on all 6 cases.', True)
        >>> verdict, _ = judge(find("00.area"), lambda boxes: box_area(boxes).sum())
        >>> print(verdict.splitlines()[0])
        You added all boxes up. The answer is one area for each box: a vector of N numbers.
    """
    # What is right, and what the learner's function does.
    due = [_known(exercise, exercise.reference, k) for k in range(len(_cases(exercise)))]
    if not any(outcome.attempted for outcome in due):  # such as Triton, where there is none
        return f"cannot be judged here: {due[0].error}.", False
    with told_when_slow(exercise.id):
        mine = [run(exercise, fn, case) for case in _cases(exercise)]
    if not any(outcome.attempted for outcome in mine):
        return f'not attempted yet. Stuck? `hint("{exercise.id}")` helps.', False

    # Where the two differ: a line for each case, None where they agree.
    found = [disagreement(a, b, exercise.tolerance) for a, b in zip(mine, due, strict=True)]
    if not any(found):
        return f"right, on all {len(found)} cases.", True
    return "\n  ".join(_explain(exercise, fn, mine, found)), False


def _explain(
    exercise: Exercise, fn: Callable[..., Any], mine: list[Outcome], found: list[str | None]
) -> list[str]:
    """What to look at: the tutor's sentence for a known mistake, and the first wrong case."""
    first = next(k for k, line in enumerate(found) if line)
    case = f"case {first + 1} of {len(found)}: {_arguments(exercise, _cases(exercise)[first])}"
    details = [case, str(found[first])]
    for mistake, sentence in exercise.mistakes.values():
        if _made(exercise, mistake, mine, found):
            return [sentence, *details]
    stopped = mine[first].error
    if stopped is None:
        return ["not yet. The first difference:", *details]
    return [f"your code stopped with {_one_line(stopped)}", *_line_of(fn, stopped), *details]


@functools.cache
def _cases(exercise: Exercise) -> list[tuple[Any, ...]]:
    return exercise.inputs()


@functools.cache
def _known(exercise: Exercise, fn: Callable[..., Any], number: int) -> Outcome:
    """What the reference or a mistake does in one case, run once: Triton's interpreter is slow."""
    return run(exercise, fn, _cases(exercise)[number])


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
    mine: list[Outcome],
    found: list[str | None],
) -> bool:
    """Whether every outcome is the mistake's; where the mistake crashes, being right is fine."""
    for number, (outcome, line) in enumerate(zip(mine, found, strict=True)):
        theirs = _known(exercise, mistake, number)
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
    for k in range(len(_cases(exercise))):
        if error := _known(exercise, exercise.reference, k).error:
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
    numbers = range(len(_cases(exercise)))
    outcomes = {
        name: [_known(exercise, mistake, k) for k in numbers]
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

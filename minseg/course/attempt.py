"""Run what a learner wrote, and say what came of it: a value, an error, or that nothing was begun.

A function in the making may do anything: raise, exit, never return. All of it is an outcome here,
and none of it ends the lesson. An untouched stub is told from code that fails by *where*
NotImplementedError was raised: a stub has a `raise` of its own, while PyTorch raises the same class
for what an operation cannot do, such as `max_pool2d` of bools.
"""

from __future__ import annotations

import copy
import dis
import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType
from typing import Any

from minseg.course.display import say
from minseg.course.exercise import Exercise
from minseg.course.source import python_function

SLOW = 30.0  # seconds after which a learner is told how to stop it
RAISE = dis.opmap["RAISE_VARARGS"]


@dataclass(frozen=True)
class Outcome:
    """What came of one case: a value, or the exception that stopped it."""

    value: Any = None
    error: BaseException | None = None
    attempted: bool = True


def run(exercise: Exercise, fn: Callable[..., Any], case: tuple[Any, ...]) -> Outcome:
    """Probe `fn` on a copy of the inputs, so that an edit in place changes no other run.

    Raises:
        KeyboardInterrupt: if it is interrupted. What `fn` raises is in the outcome.
    """
    returned: list[bool] = []

    @functools.wraps(fn, assigned=(), updated=())  # a probe may want the kernel inside
    def watched(*args: Any, **kwargs: Any) -> Any:
        value = fn(*args, **kwargs)
        returned.append(value is not None and value is not ...)
        return value

    try:
        value = exercise.probe(watched, *copy.deepcopy(case))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a learner's code may raise, `exit()` included
        begun = not _is_stub(fn, error) and (not returned or any(returned))
        return Outcome(error=error, attempted=begun)
    return Outcome(value, attempted=any(returned) or not returned)


@contextmanager
def told_when_slow(id: str) -> Iterator[None]:
    """Print one line, of how to stop it, if the block takes long."""
    text = (
        f"{id}: your code has been running for {SLOW:g} s. To stop it, press ■ above the notebook; "
        "in a terminal, Ctrl-C."
    )
    timer = threading.Timer(SLOW, say, [text])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _is_stub(fn: Callable[..., Any], error: BaseException) -> bool:
    """Whether it is the stub's own `raise`, or that of a probe which saw nothing done."""
    step = error.__traceback__
    if not isinstance(error, NotImplementedError) or step is None:
        return False
    own, entered = code_of(fn), False
    while step.tb_next is not None:
        entered = entered or _is_same(step.tb_frame.f_code, own)
        step = step.tb_next
    frame = step.tb_frame  # the innermost: where the error began
    if frame.f_code.co_code[step.tb_lasti] != RAISE:  # an operation that failed
        return False
    ours = str(frame.f_globals.get("__name__", "")).startswith("minseg.")
    return _is_same(frame.f_code, own) or (ours and not entered)


def code_of(fn: Callable[..., Any]) -> CodeType | None:
    """The code that runs when `fn` is called; None for what is not written in Python."""
    inner = python_function(fn)
    if isinstance(inner, functools.partial):
        return code_of(inner.func)
    return getattr(inner, "__code__", None) or getattr(type(inner).__call__, "__code__", None)


def _is_same(code: CodeType, own: CodeType | None) -> bool:
    """By name and place: Triton's interpreter compiles a kernel's code anew."""
    return own is not None and (code.co_name, code.co_filename) == (own.co_name, own.co_filename)

"""Show the package's own code in a lesson: the file itself, never a copy that could grow old."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable
from typing import Any

from minseg.course.display import show_markdown


def show_source(fn: Callable[..., Any] | type, docstring: bool = True) -> None:
    """Display the source of a function or class.

    Args:
        fn: what to show.
        docstring: whether to keep its docstring; leave it out where the text has just said it.

    Raises:
        TypeError: if `fn` has no Python source, such as a function written in C.
    """
    code = source_of(fn, docstring)
    longest = max(map(len, re.findall("`+", code)), default=0)
    fence = "`" * max(3, longest + 1)  # longer than any within: the code cannot end it
    show_markdown(f"{fence}python\n{code}\n{fence}", code)


def python_function(fn: Any) -> Any:
    """The function as it was written: out of its decorators, a Triton kernel's included."""
    fn = inspect.unwrap(fn)
    return fn.fn if inspect.isfunction(getattr(fn, "fn", None)) else fn


def source_of(fn: Callable[..., Any] | type, docstring: bool = True) -> str:
    """The source as text, without the indentation it had inside a class."""
    try:
        code = textwrap.dedent(inspect.getsource(python_function(fn))).rstrip()
    except (OSError, TypeError) as error:
        raise TypeError(f"fn must be a function or class written in Python, got {fn!r}") from error
    return code if docstring else _without_docstring(code)


def _without_docstring(code: str) -> str:
    definition = ast.parse(code).body[0]
    if not isinstance(definition, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return code
    if ast.get_docstring(definition) is None or len(definition.body) == 1:
        return code
    first = definition.body[0]
    lines = code.splitlines()
    kept = lines[: first.lineno - 1] + lines[first.end_lineno :]
    return "\n".join(kept)

"""A kernel with a mistake in it: the right kernel's source, with a piece of it replaced.

A mistake of unit 23 is written as `{right: wrong}`, two pieces of source, and so reads as what
a learner changed. Triton reads the source of its kernels, so the changed one must have some:
Python's `linecache` holds it under a name in angle brackets, as IPython's holds that of a cell.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Mapping
from typing import Any

from minseg.course.source import python_function, source_of

Slips = Mapping[str, tuple[Mapping[str, str], str]]  # name: ({right: wrong}, the tutor's sentence)


def mistakes_of(kernel: Any, slips: Slips) -> dict[str, tuple[Any, str]]:
    """The mistakes of an exercise: wrong kernels, each with the tutor's sentence."""
    return {name: (patched(kernel, changes), said) for name, (changes, said) in slips.items()}


def patched(kernel: Any, changes: Mapping[str, str]) -> Any:
    """The kernel with pieces of its source replaced, wherever they stand and all at once.

    Args:
        kernel: under @triton.jit; it stays as it is.
        changes: the wrong piece for each right one. Two pieces may change places.

    Raises:
        ValueError: if a right piece is not in the source, as after the kernel was rewritten.
    """
    source, function = source_of(kernel), python_function(kernel)
    for right in changes:
        if right not in source:
            raise ValueError(
                f"{right!r} is not in the source of `{function.__name__}`: patch what is there"
            )
    pieces = "|".join(map(re.escape, changes))
    wrong = re.sub(pieces, lambda found: changes[found[0]], source)

    # A file that only linecache knows; with None for its time it is never looked up on the disk.
    file = f"<{function.__name__} with {dict(changes)}>"
    linecache.cache[file] = len(wrong), None, wrong.splitlines(keepends=True), file

    # In a copy of the module's names, so that the right kernel keeps its own.
    names = dict(function.__globals__)
    exec(compile(wrong, file, "exec"), names)
    return names[function.__name__]

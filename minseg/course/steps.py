"""How many steps a lesson trains: all of them, unless the environment asks for fewer.

A lesson that trains keeps a core busy for a minute each time that it is tested. Where the
environment variable MINSEG_LESSON_STEPS is set, as in `make test`, training cells stop after so
many steps; the cells that ask whether the network has learnt are tagged `full-length` and are left
out then. `make test-slow` runs and compares all of it.
"""

from __future__ import annotations

import os

VARIABLE = "MINSEG_LESSON_STEPS"


def lesson_steps(full: int) -> int:
    """Steps of a training cell: `full`, or what MINSEG_LESSON_STEPS says if that is fewer.

    Raises:
        ValueError: if the variable is set to anything but a whole number from 1 on.
    """
    wanted = os.environ.get(VARIABLE, "")
    if not wanted:
        return full
    if not wanted.isdecimal() or int(wanted) < 1:
        raise ValueError(f"{VARIABLE} must be a number of steps, 1 or more, got {wanted!r}")
    return min(full, int(wanted))

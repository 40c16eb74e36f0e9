"""What may stand in a progress file: ids, numbers and short lines of text, and nothing else.

    {"version": 2, "solved": ["21.bilinear"], "guesses": {"21.q_shift": 8.0},
     "measured": {"21.q_shift": "7.95 px"}, "earlier": {"guesses": {"13.1": 0.5}, …}}

A file without a version is of the earlier course: its entries are renumbered as they are read, and
`earlier` keeps those that have no place today (`renumbered.py`). Writing and reading both hold to
it. An entry is checked before it is added, so that all that is written can be read back. And a file
can come from a stranger, so reading takes ids of one form only, and no text that could steer a
terminal; text may still look like HTML, which is for `display.table` to escape. Entries under other
names are not ours and are kept as they are. A file whose version is a later one is not read at all,
and never written to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from minseg.course.display import brief
from minseg.course.renumbered import renumber

State = dict[str, Any]

VERSION = 2  # 1, which no file says, was the earlier course

ID = re.compile(r"\w(?:[\w .-]{0,62}\w)?")  # letters and digits of any script, inside also " .-"
LONGEST = 200  # characters of a text
LARGEST = 4 * 2**20  # bytes of a file; a whole course needs about 10 thousand


class LaterVersionError(OSError):
    """A file of a later version: as with a disk that is full, nothing can be written there now."""


def empty() -> State:
    """The state before anything is done."""
    return {"version": VERSION, **_no_entries(), "earlier": _no_entries()}


def _no_entries() -> State:
    return {"solved": [], "guesses": {}, "measured": {}}


def is_id(value: object) -> bool:
    """Whether a question or an exercise may be called so.

    Example:
        >>> is_id("21.bilinear"), is_id("my own question"), is_id("<b>21</b>"), is_id(2.1)
        (True, True, False, False)
    """
    return isinstance(value, str) and ID.fullmatch(value) is not None


def is_text(value: object) -> bool:
    """Whether it is a short line that can be shown; spaces of any kind are fine."""
    return isinstance(value, str) and len(value) <= LONGEST and plain(value).isprintable()


def plain(text: str) -> str:
    """The text with one plain space wherever it has spaces, of any kind and number.

    Example:
        >>> plain("7.95 \N{THIN SPACE} px")
        '7.95 px'
    """
    return " ".join(text.split())


def parse(data: bytes) -> State:
    """The state in a file's bytes, with today's ids.

    Raises:
        LaterVersionError: if a later version wrote it.
        ValueError: for anything that is not one; RecursionError where it is nested too deeply.
    """
    if len(data) > LARGEST:
        raise ValueError(f"it has {len(data)} bytes, where {LARGEST} are plenty")
    state = json.loads(data.decode("utf-8"))
    if not isinstance(state, dict):
        raise ValueError(f"expected a JSON object, got {type(state).__name__}")
    _check_version(state.get("version", 1))
    state = {**empty(), **state, "version": VERSION}
    _check_section(state, "")
    if not isinstance(state["earlier"], dict):
        raise ValueError(f"`earlier` must be an object, got {brief(state['earlier'])}")
    state["earlier"] = {**_no_entries(), **state["earlier"]}
    _check_section(state["earlier"], "earlier.")
    encode(state)  # what others wrote beside it must be fit to be written again, too
    renumber(state)
    return state


def _check_version(version: object) -> None:
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ValueError(f"`version` must be a whole number from 1 on, got {brief(version)}")
    if version > VERSION:
        raise LaterVersionError(
            f"its file is of version {brief(version)}, and this minseg knows {VERSION}: update it"
        )


def _check_section(section: State, where: str) -> None:
    """What is solved, guessed and measured, of today's course or of the `earlier` one."""
    solved = section["solved"]
    if not isinstance(solved, list) or not all(map(is_id, solved)):
        raise ValueError(f"`{where}solved` must be a list of exercise ids, got {brief(solved)}")
    _check_entries(section["guesses"], f"{where}guesses", _is_number, "numbers")
    _check_entries(section["measured"], f"{where}measured", is_text, "text")


def encode(state: State) -> bytes:
    """The file's bytes."""
    return json.dumps(state, indent=1, sort_keys=True).encode("utf-8")


def _check_entries(
    entries: object, name: str, is_right: Callable[[object], bool], what: str
) -> None:
    if not isinstance(entries, dict):
        raise ValueError(f"`{name}` must map ids to {what}, got {brief(entries)}")
    for id, value in entries.items():
        if not (is_id(id) and is_right(value)):
            raise ValueError(f"`{name}` must map ids to {what}, got {brief(id)}: {brief(value)}")


def _is_number(value: object) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < 10**300  # a float can hold it
    return isinstance(value, float)

"""What may stand in a progress file: ids, numbers and short lines of text, and nothing else.

    {"solved": ["05.bilinear"], "guesses": {"05.1": 8.0}, "measured": {"05.1": "7.95 px"}}

Writing and reading both hold to it. An entry is checked before it is added, so that all that is
written can be read back. And a file can come from a stranger, so reading takes ids of one form
only, and no text that could steer a terminal; text may still look like HTML, which is for
`display.table` to escape. Entries under other names belong to a later version and are kept as they
are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from minseg.course.display import brief

State = dict[str, Any]

ID = re.compile(r"\w(?:[\w .-]{0,62}\w)?")  # letters and digits of any script, inside also " .-"
LONGEST = 200  # characters of a text
LARGEST = 4 * 2**20  # bytes of a file; a whole course needs about 10 thousand


def empty() -> State:
    """The state before anything is done."""
    return {"solved": [], "guesses": {}, "measured": {}}


def is_id(value: object) -> bool:
    """Whether a question or an exercise may be called so.

    Example:
        >>> is_id("05.bilinear"), is_id("my own question"), is_id("<b>05.1</b>"), is_id(5.1)
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
    """The state in a file's bytes.

    Raises:
        ValueError: for anything that is not one; RecursionError where it is nested too deeply.
    """
    if len(data) > LARGEST:
        raise ValueError(f"it has {len(data)} bytes, where {LARGEST} are plenty")
    state = json.loads(data.decode("utf-8"))
    if not isinstance(state, dict):
        raise ValueError(f"expected a JSON object, got {type(state).__name__}")
    state = {**empty(), **state}
    if not isinstance(state["solved"], list):
        raise ValueError("`solved` must be a list of exercise ids")
    for id in state["solved"]:
        if not is_id(id):
            raise ValueError(f"`solved` must be a list of exercise ids, got {brief(id)}")
    _check_entries(state, "guesses", _is_number, "numbers")
    _check_entries(state, "measured", is_text, "text")
    encode(state)  # what came from a later version must be fit to be written again, too
    return state


def encode(state: State) -> bytes:
    """The file's bytes."""
    return json.dumps(state, indent=1, sort_keys=True).encode("utf-8")


def _check_entries(state: State, name: str, is_right: Callable[[object], bool], what: str) -> None:
    entries = state[name]
    if not isinstance(entries, dict):
        raise ValueError(f"`{name}` must map ids to {what}, got {brief(entries)}")
    for id, value in entries.items():
        if not (is_id(id) and is_right(value)):
            raise ValueError(f"`{name}` must map ids to {what}, got {brief(id)}: {brief(value)}")


def _is_number(value: object) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < 10**300  # a float can hold it
    return isinstance(value, float)

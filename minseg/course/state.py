"""What a learner has done, in one small file that survives crashes and never blocks a lesson.

`minseg-progress.json` lies in the folder that the environment variable `MINSEG_STATE` names, else
in the current one:

    {"solved": ["05.bilinear"], "guesses": {"05.1": 8.0}, "measured": {"05.1": {...}}}

Three rules keep it safe. It is written to a temporary file first and then put in place in one
step, so a crash leaves the old file or the new one, never half of one. It is read again before
each change, so two notebooks open at once keep each other's entries. And a file that cannot be
understood is set aside under a new name, never overwritten: somebody may want to mend it.
"""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILE_NAME = "minseg-progress.json"
State = dict[str, Any]

_unsaved: dict[Path, State] = {}  # what could not be written: kept while the kernel runs


def state_path() -> Path:
    """Where the file is, or will be."""
    return Path(os.environ.get("MINSEG_STATE") or ".").resolve() / FILE_NAME


def load() -> State:
    """The state as it is now; empty where there is no file or none that can be understood."""
    path = state_path()
    if path in _unsaved:
        return _unsaved[path]
    try:
        return _parse(path.read_bytes())
    except FileNotFoundError:
        return empty()
    except OSError as error:
        return _keep_in_memory(path, empty(), error)
    except (ValueError, RecursionError) as error:
        return _set_aside(path, error)


def update(change: Callable[[State], None]) -> None:
    """Read the state, change it, write it back; a warning, not an error, where that fails."""
    path = state_path()
    state = load()
    change(state)
    if path in _unsaved:
        return
    try:
        _write(path, state)
    except OSError as error:
        _keep_in_memory(path, state, error)


def empty() -> State:
    """The state of somebody who has just begun."""
    return {"solved": [], "guesses": {}, "measured": {}}


def _parse(data: bytes) -> State:
    """The state in a file's bytes. Raises ValueError for anything that is not one."""
    state = json.loads(data.decode("utf-8"))
    if not isinstance(state, dict):
        raise ValueError(f"expected a JSON object, got {type(state).__name__}")
    state = {**empty(), **state}
    if not (isinstance(state["solved"], list) and all(map(_is_text, state["solved"]))):
        raise ValueError("`solved` must be a list of exercise ids")
    if not _is_dict_of(_is_number, state["guesses"]):
        raise ValueError("`guesses` must map ids to numbers")
    if not _is_dict_of(_is_text, state["measured"]):
        raise ValueError("`measured` must map ids to text")
    return state


def _is_dict_of(is_right: Callable[[object], bool], value: object) -> bool:
    return isinstance(value, dict) and all(_is_text(k) and is_right(v) for k, v in value.items())


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _is_number(value: object) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < 10**300  # a float can hold it
    return isinstance(value, float)


def _write(path: Path, state: State) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=FILE_NAME, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(state, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _set_aside(path: Path, error: Exception) -> State:
    """Rename a damaged file to a name that nothing has yet, and begin with an empty state."""
    try:
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix="minseg-progress-damaged-", suffix=".json"
        )
        os.close(handle)
        os.replace(path, name)
    except OSError as refusal:
        return _keep_in_memory(path, empty(), refusal)
    warnings.warn(
        f"{FILE_NAME} could not be read ({error}). It was set aside as {Path(name).name}; "
        "your progress starts afresh, and nothing was deleted.",
        stacklevel=2,
    )
    return empty()


def _keep_in_memory(path: Path, state: State, error: OSError) -> State:
    _unsaved[path] = state
    warnings.warn(
        f"progress cannot be kept in {path.parent} ({error.strerror or error}): it lasts until the "
        "kernel stops. Name a folder that can be written in MINSEG_STATE.",
        stacklevel=2,
    )
    return state

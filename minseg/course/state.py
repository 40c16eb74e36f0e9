"""What a learner has done, in one small file that survives crashes and never blocks a lesson.

`minseg-progress.json` lies in the folder that the environment variable `MINSEG_STATE` names, else
in the current one; `entries.py` says what stands in it. Four rules keep it safe:

- it is written in one step (`minseg.files`): a crash leaves the old file or the new one;
- read, change, write happen under a lock, so notebooks open at once keep each other's entries;
  the system frees the lock of a process that dies, and where there are no locks it goes without;
- a change that cannot be written now (a full disk, a folder for reading only) waits in memory, and
  each later one tries to write all that wait, on top of what the file holds by then;
- a file that cannot be understood is set aside under a new name, never overwritten: it may
  be worth mending.
"""

from __future__ import annotations

import os
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from minseg.course.entries import State, empty, encode, parse
from minseg.files import FULL, write_whole

FILE_NAME = "minseg-progress.json"
# Seconds to wait for other notebooks, which need a blink each: 200 at once took 12. After that was
# in vain, one second.
PATIENCE = 30.0
Change = Callable[[State], None]

_waiting: dict[Path, list[Change]] = {}  # what could not be written, as long as the kernel runs
_one_at_a_time = threading.RLock()  # threads of this process


def state_path() -> Path:
    """Where the file is, or will be."""
    return Path(os.environ.get("MINSEG_STATE") or ".").resolve() / FILE_NAME


def load() -> State:
    """The state as it is now; empty where there is no file or none that can be understood."""
    path = state_path()
    with _one_at_a_time:
        try:
            state = _read(path)
        except OSError as error:
            state = empty()
            _warn_once(path, error)
        for change in _waiting.get(path, ()):
            change(state)
    return state


def update(change: Change) -> None:
    """Read the state, change it, write it back; a warning, not an error, where that fails.

    Raises:
        ValueError: if the changed state could not be read back.
    """
    path = state_path()
    with _one_at_a_time:
        changes = [*_waiting.get(path, ()), change]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _alone(path):
                state = _read_alone(path)
                for one in changes:
                    one(state)
                data = encode(state)
                parse(data)  # what is written can be read
                write_whole(path, data)
        except OSError as error:
            _warn_once(path, error)
            _waiting[path] = changes
        else:
            _waiting.pop(path, None)


def _read(path: Path) -> State:
    """The file's state. A damaged file is set aside under the lock: another may just do so."""
    try:
        return _parse_file(path)
    except (ValueError, RecursionError):
        with _alone(path):
            return _read_alone(path)


def _read_alone(path: Path) -> State:
    try:
        return _parse_file(path)
    except (ValueError, RecursionError) as error:
        _set_aside(path, error)
        return empty()


def _parse_file(path: Path) -> State:
    try:
        return parse(path.read_bytes())
    except FileNotFoundError:
        return empty()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other processes out while the block runs; where locks do not work, go on without.

    Raises:
        TimeoutError: if another process holds the lock all the time.
    """
    file = path.with_name(f".{path.name}.lock")
    patience = min(1.0, PATIENCE) if path in _waiting else PATIENCE
    lock = FileLock(file, timeout=patience)
    try:
        lock.acquire()
    except Timeout:
        raise TimeoutError(
            f"another program holds {file.name} and did not let go in {patience:g} s: close other "
            "notebooks of this folder"
        ) from None
    except (OSError, NotImplementedError):
        pass  # a folder for reading only, a network without locks
    try:
        yield
    finally:
        lock.release()  # nothing happens if it is not held


def _set_aside(path: Path, error: Exception) -> None:
    """Rename a damaged file to a name that nothing has yet."""
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix="minseg-progress-damaged-", suffix=".json"
    )
    os.close(handle)
    try:
        os.replace(path, name)
    except OSError:
        os.unlink(name)  # an empty file, and ours
        raise
    warnings.warn(
        f"{FILE_NAME} could not be read ({error}). It was set aside as {Path(name).name}; "
        "your progress starts afresh, and nothing was deleted.",
        stacklevel=2,
    )


def _warn_once(path: Path, error: OSError) -> None:
    """Say that progress stays in memory; not again before a change has been written."""
    if path in _waiting:
        return
    _waiting[path] = []
    reason = "the disk is full" if error.errno in FULL else error.strerror or error
    warnings.warn(
        f"progress cannot be kept in {path.parent} ({reason}): it lasts until the kernel stops, "
        "and each new answer tries again. Name a folder that can be written in MINSEG_STATE.",
        stacklevel=3,
    )

"""One run in a folder at a time.

Two processes that write one checkpoint in turns make a run that is neither's. So whoever trains
holds a lock on the folder's `run.lock`, given by the operating system, which takes it back when the
process ends, however it ends: no lock outlives its holder, and nobody must clean up after a crash.
The file itself stays and says nothing; whether it is *held* counts. (On Unix this is flock, through
the package filelock, which PyTorch stands on too.) Lesson 09.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from minseg.terminal import notice

LOCK = "run.lock"


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder.

    Raises:
        ValueError: if somebody else holds it.
        OSError: if no file can be made there.
    """
    lock = FileLock(folder / LOCK, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise ValueError(
            f"{folder} is in use: another process trains there; wait for it, or name another folder"
        ) from None
    except NotImplementedError:  # some network file systems
        notice(f"{folder}: its file system has no locks; see that no other process trains there")
    try:
        yield
    finally:
        lock.release()

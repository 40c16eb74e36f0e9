"""Write a file so that it is there in full or not at all.

A process can be killed between any two instructions, and a disk can be full. So nothing is written
in place:

    write all to a draft  →  fsync  →  rename the draft over the old file

A rename is one step for the file system: a reader finds the old file or the new one. The draft lies
in the same folder, because a rename across file systems is not one step; a link that stands under
the file's name is replaced, never followed. Drafts carry the name of their machine and process, so
that the next writer of the file can clear away those of a process that has died. Files that belong
together are first written to a folder of drafts (`drafts_in`).
"""

from __future__ import annotations

import errno
import os
import platform
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


@contextmanager
def draft_of(file: str | Path) -> Iterator[Path]:
    """An empty file to fill, which takes the place of `file` when the block ends without an error.

    Raises:
        FileNotFoundError: if there is no such folder.
        OSError: if the disk is full; the message names the file and says what became of it. Like
            any other error, it leaves the old file as it was and no draft behind.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with draft_of(folder / "a.txt") as draft:
        ...     _ = draft.write_text("all of it")
        >>> sorted(path.name for path in folder.iterdir())
        ['a.txt']
    """
    file = Path(file)
    if not file.parent.is_dir():
        raise FileNotFoundError(f"{file}: the folder {file.parent} is not there")
    clear_dead_drafts(file)
    draft = file.with_name(f"{_prefix(file)}{_machine()}-{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # as the umask says
        yield draft
        with open(draft, "rb+") as stream:
            os.fsync(stream)  # the content first: a rename may reach the disk before it
        os.replace(draft, file)
    except BaseException as error:
        draft.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in FULL:
            kept = "the one that was there is untouched" if file.exists() else "nothing is there"
            raise OSError(
                error.errno, f"{file} could not be written (the disk is full); {kept}"
            ) from None
        raise
    _sync_folder(file.parent)


@contextmanager
def written_whole(file: str | Path) -> Iterator[IO[str]]:
    """A text file (UTF-8) to write to, which takes the place of `file` when all is written."""
    with draft_of(file) as draft, open(draft, "w", encoding="utf-8", newline="\n") as stream:
        yield stream


def write_whole(file: str | Path, content: bytes) -> None:
    """Write bytes in one step."""
    with draft_of(file) as draft:
        draft.write_bytes(content)


@contextmanager
def drafts_in(folder: str | Path) -> Iterator[Path]:
    """An empty folder to fill with files, which take their places in `folder` if no error comes.

    It lies inside `folder`, which is made if need be: on its disk a rename is one step. Files with
    other names stay. An error before the end leaves everything as it was.

    Example:
        >>> folder = Path(tempfile.mkdtemp())
        >>> with drafts_in(folder) as drafts:
        ...     _ = (drafts / "a.txt").write_text("one"), (drafts / "b.txt").write_text("two")
        >>> sorted(path.name for path in folder.iterdir())
        ['a.txt', 'b.txt']
    """
    folder = Path(folder)
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".draft.") as drafts:
            yield Path(drafts)
            for draft in [path for path in Path(drafts).rglob("*") if path.is_file()]:
                file = folder / draft.relative_to(drafts)
                file.parent.mkdir(parents=True, exist_ok=True)
                os.replace(draft, file)
    finally:
        if new and not any(folder.iterdir()):
            folder.rmdir()


def clear_dead_drafts(file: Path) -> None:
    """Remove drafts of a file that a process of this machine left when it was killed."""
    mine = f"{_prefix(file)}{_machine()}-"
    for draft in file.parent.glob(f"{_escaped(mine)}*.tmp"):
        process = draft.name.removeprefix(mine).partition("-")[0]
        if process.isdecimal() and not _is_alive(int(process)):
            draft.unlink(missing_ok=True)


def _prefix(file: Path) -> str:
    return f".{file.name[:80]}."  # a name may have 255 bytes in all


def _machine() -> str:
    return "".join(c for c in platform.node() if c.isalnum())[:40]


def _escaped(text: str) -> str:
    """The text as a glob that means itself."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in text)


def _is_alive(process: int) -> bool:
    if os.name != "posix":  # signal 0 asks nothing there, it ends the process
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _sync_folder(folder: Path) -> None:
    """Make the rename itself last through a power cut, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

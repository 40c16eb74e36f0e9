"""Your own copy of the lessons: edit it freely, updates and tests never meet it.

    python lessons/workspace.py refresh my-lessons     add what is missing, renew what is unchanged
    python lessons/workspace.py reset my-lessons 21    a fresh copy; yours is kept under a new name

Copies come without outputs, so that no answer stands below its question before you have run it.
As soon as a copy differs from what was handed out, it is yours, be it by a word, an output or an
attachment: nobody writes to it again, and a newer lesson comes beside it, as `21_….new.ipynb`.
Lessons of the earlier course, which had others, are taken away where they are as they came; those
that are yours stay, and you are told once which units ask their questions now.

What was handed out is remembered in `.handed-out.json`, as hashes. One of these commands at a time
works in a folder: it holds a lock, which the system frees when a process ends, however it ends.
Nothing here needs more than Python itself.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import json
import os
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO

LESSONS = Path(__file__).resolve().parent
sys.path.insert(0, str(LESSONS.parent))  # the package's files are there, be it installed or not

from minseg.files import write_whole  # noqa: E402

MANIFEST = ".handed-out.json"
LOCK = ".handed-out.lock"
PATIENCE = 60.0  # seconds
HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)  # by another process, as systems say it
Manifest = dict[str, str]  # name → fingerprint of what was handed out under it
YOURS = "yours, as you were told"  # instead of a fingerprint: a lesson of the earlier course

# Lessons of the earlier course, without suffix, and the units that ask their questions now.
EARLIER: dict[str, list[str]] = tomllib.loads(
    (LESSONS.parent / "minseg" / "course" / "renumbered.toml").read_text(encoding="utf-8")
)["lessons"]


def fresh_copy(original: Path) -> bytes:
    """What a learner gets of a file: a notebook without its outputs, anything else as it is."""
    content = original.read_bytes()
    if original.suffix != ".ipynb":
        return content
    notebook = json.loads(content)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    return text.encode("utf-8")


def fingerprint(content: bytes, name: str) -> str:
    """A hash of all that a learner can change.

    Not of what a front end writes by itself when a notebook is opened and saved: how the file is
    laid out, which Python the kernel was, and how the kernel is called on the page.
    """
    if name.endswith(".ipynb"):
        try:
            notebook = json.loads(content)
            metadata = notebook["metadata"]
            metadata.pop("language_info", None)
            metadata["kernelspec"] = metadata.get("kernelspec", {}).get("name")
            for cell in notebook["cells"]:
                cell["source"] = "".join(cell["source"])
            content = json.dumps(notebook, sort_keys=True).encode()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            pass  # not a notebook any more, so certainly changed: the hash of its bytes says so
    return hashlib.sha256(content).hexdigest()


def fingerprint_of(file: Path) -> str:
    """The fingerprint of a file that is there; of one that cannot be read, one that nothing has."""
    try:
        return fingerprint(file.read_bytes(), file.name)
    except OSError:
        return "unreadable"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other refreshes and resets out of the folder while the block runs.

    Raises:
        TimeoutError: if one of them is at work all the time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + PATIENCE
    with open(folder / LOCK, "ab") as file:
        while not taken(file):
            if time.monotonic() > end:
                raise TimeoutError(
                    f"{folder}: another refresh or reset holds {LOCK} for over {PATIENCE:g} s: "
                    "end it and try again"
                )
            time.sleep(0.02)
        yield  # closing the file gives the lock back


def taken(file: IO[bytes]) -> bool:
    """Whether the lock is ours now; yes where the file system has no locks at all."""
    try:
        if os.name == "nt":
            import msvcrt

            # which mypy, asked about Linux, does not know
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in HELD
    return True


def read_manifest(folder: Path) -> Manifest:
    """What was handed out. Without a readable one, every copy counts as changed."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def remember(folder: Path, manifest: Manifest, name: str, print_of_it: str | None) -> None:
    """Note what was handed out under a name; None to forget it."""
    if print_of_it is None:
        manifest.pop(name, None)
    else:
        manifest[name] = print_of_it
    text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    write_whole(folder / MANIFEST, text.encode())


def hand_out(original: Path, folder: Path, manifest: Manifest, name: str) -> None:
    """Write a fresh copy under a name and remember it."""
    content = fresh_copy(original)
    write_whole(folder / name, content)
    remember(folder, manifest, name, fingerprint(content, name))


def refresh(folder: Path, lessons: Path = LESSONS) -> None:
    """Bring the copy up to date without touching anything that the learner changed."""
    with alone(folder):
        manifest = read_manifest(folder)
        part_with_earlier(folder, manifest, lessons)
        for original in [*sorted(lessons.glob("[0-9][0-9]_*.ipynb")), lessons / "glossary.md"]:
            bring(original, folder, manifest)


def part_with_earlier(folder: Path, manifest: Manifest, lessons: Path) -> None:
    """Take away lessons of the earlier course that are as they came; say where the others went."""
    taken = []
    for stem in EARLIER:
        name = f"{stem}.ipynb"
        if (lessons / name).exists():
            continue
        clear_beside(name, folder, manifest)
        copy, before = folder / name, manifest.get(name)
        if not copy.exists() or before == YOURS:
            continue
        if fingerprint_of(copy) == before:
            copy.unlink()  # its entry stays, and says that this folder knew the earlier course
            taken.append(stem[:2])
        else:
            remember(folder, manifest, name, YOURS)
            print(f"{name}: yours, so it stays. {units_instead(stem)}")
    if taken:
        print("The course is made of shorter units now. Lessons that you had not begun are gone,")
        print(f"    as their questions are in the units: {', '.join(taken)}")


def units_instead(stem: str) -> str:
    """Where the questions of a lesson of the earlier course are now, in words."""
    units = EARLIER[stem]
    return f"Its questions are in unit{'s' * (len(units) > 1)} {' and '.join(units)} now"


def earlier_with(number: str) -> str:
    """The lesson that had this number in the earlier course; "" if none had."""
    return next((stem for stem in EARLIER if stem[:2] == number), "")


def bring(original: Path, folder: Path, manifest: Manifest) -> None:
    """Hand out what is missing, renew what is unchanged, put the rest beside the learner's."""
    name, copy = original.name, folder / original.name
    newest = fingerprint(fresh_copy(original), name)
    if not copy.exists():
        hand_out(original, folder, manifest, name)
        return
    mine, before = fingerprint_of(copy), manifest.get(name)
    if mine == newest:  # nothing new, or the learner has put the new one in its place
        if before != newest:
            remember(folder, manifest, name, newest)
            clear_beside(name, folder, manifest)
    elif newest != before:
        if mine == before:
            hand_out(original, folder, manifest, name)
            print(f"{name}: renewed")
        else:
            put_beside(original, folder, manifest)


def put_beside(original: Path, folder: Path, manifest: Manifest) -> None:
    """Hand out a lesson next to the learner's, once: over an older one that is as it came."""
    newest = fingerprint(fresh_copy(original), original.name)
    for name in names_beside(original.name):
        if manifest.get(name) == newest:
            return  # it is there, or the learner has thrown it away
        there = folder / name
        if not there.exists() or fingerprint_of(there) in (newest, manifest.get(name)):
            hand_out(original, folder, manifest, name)
            print(f"{original.name}: there is a newer one. Yours is changed, or has run, so it")
            print(f"    stays as it is, and the newer one is {name}")
            if name.endswith(".ipynb"):
                number = original.name[:2]
                print(f"    make reset LESSON={number}: the newer in its place, yours beside it")
            return


def names_beside(name: str) -> Iterator[str]:
    """05_….new.ipynb, 05_….new-2.ipynb and so on."""
    stem, suffix = os.path.splitext(name)
    yield f"{stem}.new{suffix}"
    yield from (f"{stem}.new-{k}{suffix}" for k in count(2))


def clear_beside(name: str, folder: Path, manifest: Manifest) -> None:
    """Take away newer ones that are as they came, now that the lesson itself is the newest."""
    for beside in names_beside(name):
        if beside not in manifest:
            return
        if fingerprint_of(folder / beside) == manifest[beside]:
            (folder / beside).unlink()
        remember(folder, manifest, beside, None)


def reset(folder: Path, number: str, lessons: Path = LESSONS) -> Path:
    """Set the learner's copy of one lesson aside and give a fresh one.

    Returns:
        The fresh copy.

    Raises:
        ValueError: if the number names no lesson.
    """
    originals = sorted(lessons.glob("[0-9][0-9]_*.ipynb"))
    chosen = [path for path in originals if path.name[:2] == number]
    if not chosen:
        there = ", ".join(path.name[:2] for path in originals)
        stem = earlier_with(number)
        went = f". {stem} has gone. {units_instead(stem)}" if stem else ""
        raise ValueError(f"no lesson {number!r}: there are {there}{went}")
    copy = folder / chosen[0].name
    with alone(folder):
        manifest = read_manifest(folder)
        if copy.exists():
            print(f"your copy is now {put_aside(copy).name}")
        hand_out(chosen[0], folder, manifest, copy.name)
        clear_beside(copy.name, folder, manifest)
    print(f"fresh: {copy.name}")
    stem = earlier_with(number)
    if stem and any(f"{one}.ipynb" in manifest for one in EARLIER):
        print(f"Did you mean {stem}, of the earlier course? {units_instead(stem)}")
    return copy


def put_aside(copy: Path) -> Path:
    """Rename a copy to the first name that nobody has, taken in one step: the lock may be none."""
    k = 1
    while not reserved(aside := copy.with_name(f"{copy.stem}.mine-{k}.ipynb")):
        k += 1
    try:
        os.replace(copy, aside)  # over the empty file, which is ours
    except BaseException:
        aside.unlink()
        raise
    return aside


def reserved(file: Path) -> bool:
    """Whether there was no such file, and is an empty one now."""
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileExistsError:
        return False
    return True


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit status."""
    parser = argparse.ArgumentParser(description="Your own copy of the lessons.")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("refresh").add_argument("folder", type=Path)
    again = actions.add_parser("reset")
    again.add_argument("folder", type=Path)
    again.add_argument("number", help="two digits, as 21")
    given = parser.parse_args(arguments)
    try:
        if given.action == "refresh":
            refresh(given.folder)
        else:
            reset(given.folder, given.number)
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        print(f"workspace: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Your own copy of the lessons: edit it freely, updates and tests never meet it.

    python lessons/workspace.py refresh my-lessons     add what is missing, renew what is unchanged
    python lessons/workspace.py reset my-lessons 05    a fresh copy; yours is kept under a new name

Copies come without outputs, so that no answer stands below its question before you have run it. A
copy in which you changed any cell is yours: `refresh` leaves it alone. What was handed out is
remembered in `.handed-out.json`, as a hash of the cells' text; running a lesson does not change it.

Nothing here needs more than Python itself.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path

LESSONS = Path(__file__).resolve().parent
MANIFEST = ".handed-out.json"


def fresh_copy(original: Path) -> str:
    """What a learner gets of a file: a notebook without its outputs, anything else as it is."""
    text = original.read_text(encoding="utf-8")
    if original.suffix != ".ipynb":
        return text
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def fingerprint(text: str, name: str) -> str:
    """A hash of what a learner can change: the cells' text, but neither outputs nor metadata."""
    if name.endswith(".ipynb"):
        try:
            cells = json.loads(text)["cells"]
            text = json.dumps([[cell["cell_type"], "".join(cell["source"])] for cell in cells])
        except (ValueError, KeyError, TypeError):
            pass  # not a notebook any more, so certainly changed: the hash of its bytes says so
    return hashlib.sha256(text.encode()).hexdigest()


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a reader, or a crash, meets the old one or the new one."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    os.replace(unfinished, path)


def read_manifest(folder: Path) -> dict[str, str]:
    """Name → fingerprint as handed out. Without a readable one, every copy counts as changed."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def hand_out(original: Path, folder: Path, manifest: dict[str, str]) -> None:
    """Write a fresh copy and remember it."""
    text = fresh_copy(original)
    write_atomically(folder / original.name, text)
    manifest[original.name] = fingerprint(text, original.name)
    write_atomically(folder / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True) + "\n")


def refresh(folder: Path, lessons: Path = LESSONS) -> None:
    """Bring the copy up to date without touching anything that the learner changed."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = read_manifest(folder)
    for original in [*sorted(lessons.glob("[0-9][0-9]_*.ipynb")), lessons / "glossary.md"]:
        copy, name = folder / original.name, original.name
        if not copy.exists():
            hand_out(original, folder, manifest)
            continue
        newest = fingerprint(fresh_copy(original), name)
        if newest == manifest.get(name):
            continue  # nothing new
        mine = fingerprint(copy.read_text(encoding="utf-8", errors="replace"), name)
        if mine in (manifest.get(name), newest):
            hand_out(original, folder, manifest)
            print(f"{name}: renewed")
        else:
            print(f"{name}: there is a newer one. Yours is changed, so it stays.")
            if name.endswith(".ipynb"):
                print(f"    make reset LESSON={name[:2]}: the new one, and yours kept beside it")


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
        raise ValueError(f"no lesson {number!r}: there are {there}")
    copy = folder / chosen[0].name
    if copy.exists():
        k = 1
        while (aside := copy.with_name(f"{copy.stem}.mine-{k}.ipynb")).exists():
            k += 1
        copy.rename(aside)
        print(f"your copy is now {aside.name}")
    folder.mkdir(parents=True, exist_ok=True)
    hand_out(chosen[0], folder, read_manifest(folder))
    print(f"fresh: {copy.name}")
    return copy


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit status."""
    parser = argparse.ArgumentParser(description="Your own copy of the lessons.")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("refresh").add_argument("folder", type=Path)
    again = actions.add_parser("reset")
    again.add_argument("folder", type=Path)
    again.add_argument("number", help="two digits, as 05")
    given = parser.parse_args(arguments)
    if given.action == "refresh":
        refresh(given.folder)
        return 0
    try:
        reset(given.folder, given.number)
    except ValueError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())

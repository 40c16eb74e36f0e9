"""What every reader and writer of COCO's files needs: checked values, safe names, whole files.

A file from somewhere else is a claim, not a fact. Each value is looked at before it is used, and
what is wrong is said with the file, the record and the reason. A name inside a file may not point
out of its folder. What is written appears in one step, when it is complete: a crash leaves the old
file or the new one.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

MISSING = object()


def read_json(file: Path) -> Any:
    """The content of a JSON file; ValueError, with its name, where it is not JSON."""
    try:
        return json.loads(file.read_bytes())
    except FileNotFoundError:
        raise FileNotFoundError(f"{file}: no such file") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file}: not JSON ({error})") from None


class Record:
    """One JSON object of a file, whose values are asked for by name and kind.

    Args:
        file: where it comes from, for messages.
        what: what it is, for messages: "annotation 17".
        values: the object itself; ValueError if it is none.
    """

    def __init__(self, file: Path, what: str, values: Any) -> None:
        self.file, self.what = file, what
        if not isinstance(values, dict):
            raise self.error(f"must be an object, got {_short(values)}")
        self.values: dict[str, Any] = values

    def error(self, reason: str) -> ValueError:
        return ValueError(f"{self.file}: {self.what} {reason}")

    def has(self, key: str) -> bool:
        return self.values.get(key) is not None

    def get(self, key: str, default: Any = MISSING) -> Any:
        value = self.values.get(key, default)
        if value is MISSING:
            raise self.error(f"has no {key!r}")
        return value

    def whole(self, key: str, least: int = 0, default: Any = MISSING) -> int:
        """A whole number, at least `least`."""
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.error(f"needs a whole number from {least} as {key!r}, got {_short(value)}")
        return value

    def number(self, key: str, default: Any = MISSING) -> float:
        """A finite number."""
        value = self.get(key, default)
        if not _is_finite(value):
            raise self.error(f"needs a finite number as {key!r}, got {_short(value)}")
        return float(value)

    def flag(self, key: str) -> bool:
        """0 or 1; 0 if it is not there."""
        value = self.get(key, 0)
        if value not in (0, 1):
            raise self.error(f"needs 0 or 1 as {key!r}, got {_short(value)}")
        return bool(value)

    def text(self, key: str) -> str:
        value = self.get(key)
        if not isinstance(value, str) or not value:
            raise self.error(f"needs a text as {key!r}, got {_short(value)}")
        return value

    def box(self, key: str) -> tuple[float, float, float, float]:
        """(x1, y1, x2, y2) of COCO's x, y, width, height."""
        value = self.get(key)
        if not isinstance(value, list) or len(value) != 4 or not all(map(_is_finite, value)):
            raise self.error(f"needs x, y, width, height as {key!r}, got {_short(value)}")
        x, y, width, height = map(float, value)
        if width < 0 or height < 0:
            raise self.error(f"needs a {key!r} of no negative size, got {value}")
        return x, y, x + width, y + height

    def records(self, key: str, what: str) -> list[Record]:
        """A list of objects, numbered from 0 in messages until their id is known."""
        value = self.get(key)
        if not isinstance(value, list):
            raise self.error(f"needs a list as {key!r}, got {_short(value)}")
        return [Record(self.file, f"{what} at {k}", one) for k, one in enumerate(value)]

    def path(self, folder: Path, key: str = "file_name") -> Path:
        """A file in the folder; ValueError for a name that leaves it, or if nothing is there."""
        path = folder / safe_name(self.text(key), f"{self.file}: {self.what}")
        if not path.is_file():
            raise FileNotFoundError(f"{self.file}: {self.what} needs {path}, which is not there")
        return path


def safe_name(name: str, what: str) -> str:
    """A relative file name that stays in its folder, on every system."""
    for path in (PurePosixPath(name), PureWindowsPath(name)):
        if path.is_absolute() or path.drive or path.root or ".." in path.parts or "\0" in name:
            raise ValueError(f"{what} has the file name {name!r}, which leaves its folder")
    return name


def check_id(image_id: int, seen: Container[int]) -> int:
    """The id, if it may be written: a whole number from 0 that is not among those seen."""
    if isinstance(image_id, bool) or not isinstance(image_id, int) or image_id < 0:
        raise ValueError(f"image_id must be a whole number from 0, got {image_id!r}")
    if image_id in seen:
        raise ValueError(f"image {image_id} comes twice")
    return image_id


@contextmanager
def written_whole(file: Path) -> Iterator[IO[str]]:
    """A text file to write to, which takes the place of `file` when all is written."""
    handle, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=".tmp")
    try:
        with open(handle, "w", encoding="utf-8") as stream:
            yield stream
        os.chmod(draft, 0o644)
        os.replace(draft, file)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"

"""What every reader and writer of COCO's files needs: checked values, ids, safe names.

A file from somewhere else is a claim, not a fact. Each value is looked at before it is used, and
what is wrong is said with the file, the record and the reason. Nothing is demanded that a task does
not need: what is left out, or null, is asked for when it is used. Ids are names, not numbers: 0, -1
and "town_000294" are as good as 7, and 7.0 is 7. A file name is checked when a picture is opened,
and may not point out of the folder of pictures then.
"""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

MISSING = object()
FARTHEST = 1e9  # px: products of two such numbers are still exact enough, and finite
LARGEST_SIDE = 2**31 - 1
Id = int | str

# What is read of an annotation or a result, in the order in which it is packed.
OBJECT = ("id", "image_id", "category_id", "segmentation", "bbox", "area", "iscrowd", "score")
RUN_LENGTHS = {"size", "counts"}

_REPR = reprlib.Repr()
_REPR.maxlevel, _REPR.maxlist, _REPR.maxdict, _REPR.maxstring, _REPR.maxother = 2, 6, 4, 60, 60


def read_json(file: Path) -> Any:
    """The content of a JSON file; ValueError, with its name, where it is not JSON.

    Annotations, results and run lengths come packed, see `unpacked`.
    """
    if not file.exists():
        raise FileNotFoundError(f"{file}: no such file")
    if not file.is_file():  # a folder, or a device that never ends
        raise ValueError(f"{file}: not a file")
    try:
        content = file.read_bytes()
        text = content.decode(json.detect_encoding(content), "surrogatepass")
        del content  # a file of results is large, and what it makes is larger
        return json.loads(text, object_pairs_hook=_checked_objects())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file}: not JSON ({_short_text(str(error))})") from None


def _checked_objects() -> Callable[[list[tuple[str, Any]]], Any]:
    """What makes JSON's objects. Two values under one key are refused: readers disagree which one
    counts. Of a million results each is packed at once (`OBJECT`), which halves their memory."""
    sizes: dict[tuple[Any, ...], list[Any]] = {}

    def checked(pairs: list[tuple[str, Any]]) -> Any:
        values = dict(pairs)
        if len(values) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise ValueError(f"an object has the key {twice!r} twice")
        if "image_id" in values and "category_id" in values:
            return tuple(map(values.get, OBJECT))
        if values.keys() == RUN_LENGTHS:
            size = values["size"]
            if isinstance(size, list) and len(size) == 2 and all(type(n) is int for n in size):
                size = sizes.setdefault(tuple(size), size)  # one for all masks of an image
            return size, values["counts"]
        return values

    return checked


def unpacked(value: Any) -> Any:
    """A value of `read_json` as JSON has it: JSON has no tuples, so a tuple is a packed object.

    Example:
        >>> unpacked(([2, 3], "231")), unpacked([2, 3])
        ({'size': [2, 3], 'counts': '231'}, [2, 3])
    """
    if not isinstance(value, tuple):
        return value
    if len(value) == 2:
        return {"size": value[0], "counts": value[1]}
    values = dict(zip(OBJECT, value, strict=True))
    return values | {"segmentation": unpacked(values["segmentation"])}


class Record:
    """One JSON object of a file, whose values are asked for by name and kind.

    Args:
        file: where it comes from, for messages.
        what: what it is, for messages: "annotation 17".
        values: the object itself; ValueError if it is none.

    Example:
        >>> record = Record(Path("a.json"), "image 7", {"height": 480.0, "width": "wide"})
        >>> record.whole("height")
        480
        >>> record.whole("width")
        Traceback (most recent call last):
        ...
        ValueError: a.json: image 7 needs a whole number from 0 as 'width', got 'wide'
    """

    __slots__ = ("file", "values", "what")  # there may be millions

    def __init__(self, file: Path, what: str, values: Any) -> None:
        self.file, self.what, values = file, what, unpacked(values)
        if not isinstance(values, dict):
            raise self.error(f"must be an object, got {_short(values)}")
        self.values: dict[str, Any] = values

    def error(self, reason: str) -> ValueError:
        return ValueError(f"{self.file}: {self.what} {reason}")

    def has(self, key: str) -> bool:
        """Whether there is a value; null is none."""
        return self.values.get(key) is not None

    def get(self, key: str, default: Any = MISSING) -> Any:
        value = self.values.get(key)
        if value is not None:
            return value
        if default is MISSING:
            raise self.error(f"has no {key!r}")
        return default

    def id(self, key: str) -> Id:
        """A name: a whole number of 64 bits, or a text that can be written down."""
        value = self.get(key)
        if isinstance(value, float) and abs(value) < 2**53 and value.is_integer():
            return int(value)
        if isinstance(value, str) and value:
            return self.text(key)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
            raise self.error(f"needs a whole number or a text as {key!r}, got {_short(value)}")
        return value

    def whole(self, key: str, least: int = 0, most: int = LARGEST_SIDE) -> int:
        """A whole number from `least` to `most`."""
        value = self.get(key)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.error(f"needs a whole number from {least} as {key!r}, got {_short(value)}")
        if value > most:
            raise self.error(f"needs at most {most} as {key!r}, got {_short(value)}")
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
        """A text of characters; half of one, as JSON can hold, could never be printed."""
        value = self.get(key)
        if not isinstance(value, str) or not value or not _is_unicode(value):
            raise self.error(f"needs a text as {key!r}, got {_short(value)}")
        return value

    def box(self, key: str) -> tuple[float, float, float, float]:
        """COCO's x, y, width, height."""
        value = self.get(key)
        if not isinstance(value, list) or len(value) != 4 or not all(map(_is_finite, value)):
            raise self.error(f"needs x, y, width, height as {key!r}, got {_short(value)}")
        x, y, width, height = map(float, value)
        if width < 0 or height < 0:
            raise self.error(f"needs a {key!r} of no negative size, got {_short(value)}")
        if max(abs(x), abs(y), width, height) > FARTHEST:
            raise self.error(f"needs a {key!r} within {FARTHEST:.0e} px, got {_short(value)}")
        return x, y, width, height

    def rows(self, key: str) -> list[Any]:
        """A list of anything."""
        value = self.get(key)
        if not isinstance(value, list):
            raise self.error(f"needs a list as {key!r}, got {_short(value)}")
        return value

    def records(self, key: str, what: str) -> Iterator[Record]:
        """A list of objects, numbered from 0 in messages until their id is known."""
        values = self.rows(key)
        return (Record(self.file, f"{what} at {k}", one) for k, one in enumerate(values))

    def path(self, folder: Path, key: str = "file_name") -> Path:
        """A file in the folder; ValueError for a name that leaves it, or if nothing is there.

        Names with backslashes come from Windows, where they part folders; elsewhere a file may
        have them in its name.
        """
        name = safe_name(self.text(key), f"{self.file}: {self.what}")
        path = folder / name
        if not path.is_file() and "\\" in name:
            path = folder / name.replace("\\", "/")
        if not path.is_file():
            raise FileNotFoundError(f"{self.file}: {self.what} needs {path}, which is not there")
        return path


def safe_name(name: str, what: str) -> str:
    """A relative file name that stays in its folder, on every system.

    Example:
        >>> safe_name("a/b.png", "image 7")
        'a/b.png'
        >>> safe_name("../b.png", "image 7")
        Traceback (most recent call last):
        ...
        ValueError: image 7 has the file name '../b.png', which leaves its folder
    """
    for path in (PurePosixPath(name), PureWindowsPath(name)):
        if path.is_absolute() or path.drive or path.root or ".." in path.parts or "\0" in name:
            raise ValueError(f"{what} has the file name {name!r}, which leaves its folder")
    return name


def check_id(image_id: Id, seen: Collection[Id]) -> Id:
    """The id, if it may be written: a whole number or a text that is not among those seen."""
    whole = isinstance(image_id, int) and not isinstance(image_id, bool)
    if not whole and not (isinstance(image_id, str) and image_id and _is_unicode(image_id)):
        raise ValueError(f"image_id must be a whole number or a text, got {image_id!r}")
    if image_id in seen:
        raise ValueError(f"image {image_id} comes twice")
    return image_id


def _is_finite(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floating point numbers
        return False


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _short(value: Any) -> str:
    """A value of any size and depth in a few characters that can be printed."""
    return _short_text(_REPR.repr(value))


def _short_text(text: str) -> str:
    text = text if len(text) <= 60 else f"{text[:57]}…"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")

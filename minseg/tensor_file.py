"""Tensors in a file that is there in full or not at all, and is believed only if it is whole.

What belongs together (weights, the optimiser's state, the step) is in one file, because two could
disagree. It is written in one step (`minseg.files`), so that a reader finds the old one or the new
one. The format is safetensors:

    8 bytes, n  |  n bytes of JSON: names, kinds, shapes, offsets, text  |  raw numbers

Reading it executes nothing, unlike pickle, which runs whatever the file says. Numbers carry a
SHA-256, so a flipped bit is found as surely as a missing end.

A file may come from anywhere. So it is opened first and read second: names, shapes and text are
there to be judged before memory is taken for a single number, and no number takes more memory than
the file has bytes. Unit 45.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from minseg.files import FULL, write_whole
from minseg.terminal import printable

FORMAT = "minseg-1"
LONGEST_HEADER = 2**24  # bytes: a name, kind and shape take about a hundred
KINDS = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "I16": torch.int16,
    "I32": torch.int32,
    "I64": torch.int64,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "F64": torch.float64,
    "U16": torch.uint16,
    "U32": torch.uint32,
    "U64": torch.uint64,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "C64": torch.complex64,
}


def write_tensors(file: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write a file in one step.

    Args:
        file: its folder must exist.
        tensors: by name, on any device.
        about: anything that JSON holds.

    Raises:
        OSError: if it cannot be written, say because the disk is full; the old file, if there was
            one, is untouched and the message says so.
    """
    kept = {name: _bare(tensor) for name, tensor in tensors.items()}
    text = json.dumps(about, sort_keys=True)
    metadata = {"format": FORMAT, "about": text, "sha256": _digest(kept, text)}
    content = save(kept, metadata)
    try:
        write_whole(file, content)
    except OSError as error:
        if error.errno in FULL or error.errno is None or not file.parent.is_dir():
            raise  # these say it all
        old = "the one that was there is untouched" if file.exists() else "nothing is there"
        reason = os.strerror(error.errno)
        raise OSError(error.errno, f"{file} could not be written ({reason}); {old}") from None


class Stored:
    """A file that is open: what it says about itself, and on demand its numbers.

    Attributes:
        file: its path.
        about: what was written about the tensors.
        shapes, kinds: of each tensor, by its name.
    """

    def __init__(self, file: Path, handle: Any) -> None:
        self.file, self._handle = file, handle
        metadata = handle.metadata() or {}
        if metadata.get("format") != FORMAT or not {"about", "sha256"} <= metadata.keys():
            self.refuse(f"safetensors, but not written by minseg: {FORMAT} is missing")
        self._text, self._sha256 = metadata["about"], metadata["sha256"]
        self.about = self._parsed(self._text)
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.kinds: dict[str, torch.dtype] = {}
        for name in handle.keys():  # noqa: SIM118
            part = handle.get_slice(name)
            if part.get_dtype() not in KINDS:
                self.refuse(f"{name} holds numbers of kind {part.get_dtype()}, which none here has")
            self.shapes[name], self.kinds[name] = tuple(part.get_shape()), KINDS[part.get_dtype()]

    def read(self) -> dict[str, Tensor]:
        """The tensors, on the CPU; ValueError if they are not as they were written."""
        tensors = {name: self._handle.get_tensor(name) for name in self.shapes}
        if _digest(tensors, self._text) != self._sha256:
            self.refuse("damaged: its content is not what was written (SHA-256 differs)")
        return tensors

    def refuse(self, reason: str) -> NoReturn:
        """ValueError with the file's name, in one line whatever the file has in it."""
        raise ValueError(_line(self.file, reason))

    def _parsed(self, text: str) -> dict[str, Any]:
        try:
            about = parse_strictly(text)
        except ValueError as error:
            self.refuse(f"damaged: what it says about itself is not JSON ({error})")
        if not isinstance(about, dict):
            self.refuse("damaged: what it says about itself is no JSON object")
        return about


@contextmanager
def opened(file: Path) -> Iterator[Stored]:
    """A file of tensors to look at before it is read.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a file of this kind, or its header is not sound.
    """
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such file")
    with ExitStack() as stack:
        try:
            parse_strictly(_header(file))  # safetensors takes the last of two entries of one name
            handle = stack.enter_context(safe_open(file, "pt"))
            stored = Stored(file, handle)
        except UNSOUND as error:
            raise ValueError(_line(file, f"damaged, or not a checkpoint ({error})")) from None
        yield stored


def read_tensors(file: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, on the CPU, and what was written about them.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a file of this kind, or not as it was written.
    """
    with opened(file) as stored:
        return stored.read(), stored.about


class _UnsoundError(ValueError):
    """JSON that the standard has no meaning for."""


# A file far larger than memory is a RuntimeError of the system's, which cannot even map it.
UNSOUND = (_UnsoundError, UnicodeDecodeError, SafetensorError, RuntimeError, MemoryError)


def parse_strictly(text: str) -> Any:
    """JSON in which each name stands once and each number is one; ValueError else."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise _UnsoundError(f"{name!r} stands there twice")
            found[name] = value
        return found

    def no_number(name: str) -> NoReturn:
        raise _UnsoundError(f"{name} is no number")

    try:
        return json.loads(text, object_pairs_hook=once, parse_constant=no_number)
    except RecursionError:
        raise _UnsoundError("it is nested too deeply") from None
    except ValueError as error:  # no JSON, or a number of more digits than Python reads
        raise _UnsoundError(str(error)) from None


def _header(file: Path) -> str:
    """The JSON at the beginning of a file of safetensors."""
    with open(file, "rb") as stream:
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        room = file.stat().st_size - 8
        if not 0 < length <= room:
            raise _UnsoundError(
                f"its header would have {length} bytes, and {max(room, 0)} are there"
            )
        if length > LONGEST_HEADER:
            raise _UnsoundError(f"its header has {length} bytes, more than {LONGEST_HEADER}")
        return stream.read(length).decode("utf-8")


def _line(file: Path, reason: str) -> str:
    reason = printable(reason)
    return f"{file}: {reason if len(reason) <= 300 else reason[:299] + '…'}"


def _bare(tensor: Tensor) -> Tensor:
    """A copy on the CPU, its numbers in row order, sharing no memory with any other."""
    return tensor.detach().to("cpu", copy=True).contiguous()


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    total = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()

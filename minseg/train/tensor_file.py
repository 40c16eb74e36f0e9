"""Tensors in a file that is there in full or not at all, and is believed only if it is whole.

A process can be killed between any two instructions, and a disk can be full. So nothing is written
in place:

    write all to a draft  →  fsync  →  rename the draft over the old file

A rename is one step for the file system: whoever looks finds the old file or the new one. What
belongs together (weights, the optimiser's state, the step) is in one file, because two could
disagree. The format is safetensors: a table of names, shapes and offsets, then raw numbers. Reading
it executes nothing, unlike pickle, which runs whatever the file says. Numbers carry a SHA-256, so a
flipped bit is found as surely as a missing end. Lesson 09.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

FORMAT = "minseg-1"


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
    try:
        _replace(file, save(kept, metadata))
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror
        old = "the one that was there is untouched" if file.exists() else "nothing is there"
        raise OSError(error.errno, f"{file} could not be written ({reason}); {old}") from error


def read_tensors(file: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, on the CPU, and what was written about them.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a file of this kind, or not as it was written.
    """
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such file")
    try:
        with safe_open(file, "pt") as stored:
            metadata = stored.metadata() or {}
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{file}: damaged, or not a checkpoint ({error})") from None
    if metadata.get("format") != FORMAT or not {"about", "sha256"} <= metadata.keys():
        raise ValueError(f"{file}: safetensors, but not written by minseg: {FORMAT} is missing")
    if _digest(tensors, metadata["about"]) != metadata["sha256"]:
        raise ValueError(f"{file}: damaged: its content is not what was written (SHA-256 differs)")
    return tensors, json.loads(metadata["about"])


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


def _replace(file: Path, content: bytes) -> None:
    """The draft lies in the same folder: a rename across file systems is not one step."""
    handle, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=".tmp")
    try:
        with open(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(handle)  # the numbers first: a rename may reach the disk before them
        os.chmod(draft, 0o644)
        os.replace(draft, file)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself last through a power cut, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

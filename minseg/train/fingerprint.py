"""Tell whether this is the data set that the run was begun with.

A run that goes on with other images of the same number ends as a model of neither. So a checkpoint
keeps a digest of the data, and it is compared. A data set can say its own,

    def fingerprint(self) -> str        the same for the same samples, in every process

as `CocoInstances` does by its records. What is in memory is read in full. Of any other sequence a
few samples are read, evenly spread: enough to tell another split, size or folder, not to find one
image that was changed. Lesson 09.
"""

from __future__ import annotations

import hashlib
from typing import Any

from torch import Tensor

from minseg.data.example import Dataset, as_example
from minseg.data.in_memory import InMemory

SAMPLES = 16


def fingerprint(dataset: Dataset) -> str:
    """A digest of a data set, by its own method or from its samples.

    Args:
        dataset: a sequence of samples, perhaps with `fingerprint()`.

    Raises:
        ValueError: if a sample that is read has no image.
    """
    own: Any = getattr(dataset, "fingerprint", None)
    if callable(own):
        return str(own())
    length = len(dataset)
    total = hashlib.sha256(f"{length} samples".encode())
    in_memory = isinstance(dataset, InMemory | list | tuple)
    for index in range(length) if in_memory else _spread(length):
        one = as_example(dataset[index], index)
        truth = one.instances
        for part in (one.image, truth.masks, truth.labels, truth.crowd, one.panoptic):
            total.update(_content(part))
    return total.hexdigest()


def _spread(length: int) -> list[int]:
    """A few indices, the first and the last among them."""
    return sorted({k * (length - 1) // (SAMPLES - 1) for k in range(SAMPLES)}) if length else []


def _content(tensor: Tensor | None) -> bytes:
    if tensor is None:
        return b"none"
    shape = f"{tensor.dtype} {tuple(tensor.shape)} ".encode()
    return shape + tensor.detach().cpu().contiguous().numpy().tobytes()

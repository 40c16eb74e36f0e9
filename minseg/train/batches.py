"""Batches: images read, turned and stacked, each with the seed of all that is random about it.

The data set is read in the order of `sampling_order`. With `workers`, PyTorch's DataLoader
reads ahead in processes of its own: worth it for files, not for what is in memory. However many
there are, the batches are the same, because nothing but (seed, place) decides what is in them.
What goes wrong in one of them comes back as a value, `Unreadable`, and is raised here: DataLoader
would wrap it in a traceback of its own.

A model learns from what was annotated one by one. Crowds and things without a pixel are left out.
Lesson 09.
"""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, get_worker_info
from torch.utils.data import Dataset as TorchDataset

from minseg.data.example import Dataset, Example, as_example
from minseg.instances import Instances
from minseg.train.interrupt import leave_to_parent
from minseg.train.sampling_order import AUGMENTATION, SAMPLING, Share, seed_of

Augmentation = Callable[[Example, int], Example]


class Batch(NamedTuple):
    """One process's share of a step."""

    images: Tensor | list[Tensor]  # (B, 3, H, W) where all have one size
    targets: Sequence[Instances | Example]
    seeds: list[int]  # for what a model draws, an image each


class Unreadable:
    """What came instead of an image: picklable, whatever kind of error it was.

    Args:
        image: its index.
        error: what was raised.
        trace: where, if that should be told.
    """

    def __init__(self, image: int, error: Exception, trace: str | None = None) -> None:
        said = " ".join(str(error).split()) or "no message"
        known = isinstance(error, ValueError | OSError)
        self.text = said if known else f"{type(error).__name__}: {said}"
        self.image, self.trace = image, trace

    def error(self) -> ValueError:
        """One line that names the image, with the traceback of another process as a note."""
        begins = f"dataset[{self.image}]"
        text = self.text if self.text.startswith(begins) else f"{begins}: {self.text}"
        error = ValueError(text)
        if self.trace is not None:
            error.add_note(self.trace)
        return error


class Views(TorchDataset):
    """Item (place, image) is the image as it is seen at that place, and its seed for sampling."""

    def __init__(self, dataset: Dataset, augmentation: Augmentation | None, seed: int) -> None:
        self.dataset, self.augmentation, self.seed = dataset, augmentation, seed

    def __getitem__(self, where: tuple[int, int]) -> tuple[Example, int] | Unreadable:
        try:
            return self._view(*where)
        except (ValueError, OSError) as error:  # of the data
            bad = Unreadable(where[1], error)
            if get_worker_info() is None:
                raise bad.error() from error
            return bad
        except Exception as error:  # of a program: the traceback leads there
            if get_worker_info() is None:
                raise
            return Unreadable(where[1], error, traceback.format_exc())

    def _view(self, place: int, image: int) -> tuple[Example, int]:
        example = as_example(self.dataset[image], image)
        if self.augmentation is not None:
            example = self.augmentation(example, seed_of(self.seed, AUGMENTATION, place))
        learnt = ~example.instances.crowd & example.instances.masks.any(dim=(1, 2))
        example = Example(example.image, example.instances[learnt], example.panoptic)
        return example, seed_of(self.seed, SAMPLING, place)


def batches(
    views: Views, share: Share, *, panoptic: bool = False, workers: int = 0
) -> Generator[Batch, None, None]:
    """One process's batches, without end.

    Args:
        views: the data set as it is to be seen.
        share: which of it.
        panoptic: targets are Examples, which have `instances` and `panoptic`, not Instances.
        workers: processes that read ahead.

    Raises:
        ValueError: if an image cannot be read; the message names it.
        ChildProcessError: if a worker was killed.
    """
    generator = torch.Generator()  # nothing is drawn that matters, but the global one would be used
    loader = DataLoader(
        views,
        batch_sampler=share,
        num_workers=workers,
        collate_fn=list,
        generator=generator,
        worker_init_fn=leave_to_parent,
    )
    for pairs in _alive(loader):
        if bad := next((one for one in pairs if isinstance(one, Unreadable)), None):
            raise bad.error()
        examples, seeds = zip(*pairs, strict=True)
        images = stack([one.image for one in examples])
        targets = list(examples) if panoptic else [one.instances for one in examples]
        yield Batch(images, targets, list(seeds))


def _alive(loader: DataLoader) -> Iterator[list[Any]]:
    """What the loader gives; ChildProcessError, in one line, where a worker was killed."""
    try:
        yield from loader
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise ChildProcessError(
            "a process that reads images ahead was killed, perhaps for want of memory: "
            "fewer workers need less"
        ) from error


def stack(images: Sequence[Tensor]) -> Tensor | list[Tensor]:
    """(B, 3, H, W) where all images have one size, else the list of them."""
    one_size = len({image.shape for image in images}) == 1
    return torch.stack(list(images)) if one_size else list(images)


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch where the model is, without doubles: files have them, Apple's GPUs do not."""
    if device.type == "cpu":
        return batch
    targets = [_in_float32(one).to(device) for one in batch.targets]
    return Batch(move(batch.images, device), targets, batch.seeds)


def _in_float32(target: Instances | Example) -> Instances | Example:
    """The same with scores and areas in float32."""
    instances = copy.copy(target.instances if isinstance(target, Example) else target)
    instances.scores = instances.scores.float()
    if instances.annotated_areas is not None:
        instances.annotated_areas = instances.annotated_areas.float()
    return replace(target, instances=instances) if isinstance(target, Example) else instances


def move(images: Tensor | list[Tensor], device: torch.device) -> Tensor | list[Tensor]:
    """Images on another device."""
    return [i.to(device) for i in images] if isinstance(images, list) else images.to(device)

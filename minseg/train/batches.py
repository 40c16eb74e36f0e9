"""Batches: which images a step sees, with which seeds, and how they are read and stacked.

Training reads an endless row of images, one shuffled epoch after the other. Step s takes places

    s·B, s·B + 1, …, s·B + B − 1        place p is image π_e(p mod n) of epoch e = ⌊p / n⌋

where π_e is the permutation of epoch e. A batch may straddle two epochs, so every batch is full.
Whatever is random at place p (how the image is turned, which boxes are sampled) gets a seed made
from (seed, p). So a batch depends on (seed, step) alone: not on which steps were taken before in
this process, nor on how many processes share it, nor on how many read ahead.

Seeds are mixed by numpy's `SeedSequence`, whose results are the same on every machine
(O'Neill, Developing a seed_seq alternative, 2015).

A model learns from what was annotated one by one. Crowds and things without a pixel are left out.
Unit 42.
"""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, get_worker_info
from torch.utils.data import Dataset as TorchDataset

from minseg.data.example import Dataset, Example, as_example
from minseg.instances import Instances
from minseg.processes import world
from minseg.train.interrupt import leave_to_parent

Augmentation = Callable[[Example, int], Example]

ORDER, AUGMENTATION, SAMPLING, STEP = range(4)  # what a seed is for


def seed_of(*numbers: int) -> int:
    """One number below 2⁶³ from several that are not negative; unlike numbers, unlike seeds.

    >>> seed_of(0, 1, 2), seed_of(0, 2, 1)
    (1535930435702422785, 7203126130259618810)
    """
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)


class Order:
    """The images of each step.

    Args:
        length: n, the number of images.
        batch_size: B, images in a step, of all processes together.
        seed: not negative.

    Raises:
        ValueError: if length or batch_size is below 1, or the seed is negative.

    Example:
        >>> order = Order(length=5, batch_size=2, seed=0)
        >>> [order.images(step) for step in range(5)]  # all five twice, in another order
        [[2, 4], [3, 0], [1, 1], [3, 4], [2, 0]]
    """

    def __init__(self, length: int, batch_size: int, seed: int) -> None:
        if length < 1:
            raise ValueError(f"dataset must hold at least one image, got {length}")
        if batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more, got {batch_size}")
        if seed < 0:
            raise ValueError(f"seed must not be negative, got {seed}")
        self.length, self.batch_size, self.seed = length, batch_size, seed
        self._epoch, self._permutation = -1, np.zeros(0, dtype=np.int64)

    def places(self, step: int) -> range:
        """The places of a step in the endless row."""
        return range(step * self.batch_size, (step + 1) * self.batch_size)

    def image(self, place: int) -> int:
        """Which image, 0 … n − 1, is at a place."""
        epoch, rank = divmod(place, self.length)
        if epoch != self._epoch:
            random = np.random.default_rng([self.seed, ORDER, epoch])
            self._epoch, self._permutation = epoch, random.permutation(self.length)
        return int(self._permutation[rank])

    def images(self, step: int) -> list[int]:
        """The images of a step."""
        return [self.image(place) for place in self.places(step)]


class Share:
    """One process's part of each batch from step `first` on, without end: (place, image) pairs.

    Process `rank` of `world` takes B/world places in a row; together they take the whole batch.

    Raises:
        ValueError: if the batch cannot be shared out evenly.
    """

    def __init__(self, order: Order, first: int = 0, rank: int = 0, world: int = 1) -> None:
        if order.batch_size % world:
            raise ValueError(
                f"batch_size must be a multiple of {world}, the number of processes, "
                f"got {order.batch_size}"
            )
        self.order, self.first = order, first
        size = order.batch_size // world
        self._mine = slice(rank * size, (rank + 1) * size)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for step in count(self.first):
            yield [(p, self.order.image(p)) for p in self.order.places(step)[self._mine]]


class Batch(NamedTuple):
    """One process's share of a step."""

    images: Tensor | list[Tensor]  # (B, 3, H, W) where all have one size
    targets: Sequence[Instances | Example]
    seeds: list[int]  # one for each image, for what a model draws at random


class Feed(NamedTuple):
    """Where batches come from.

    Args:
        panoptic: targets are Examples, which have `instances` and `panoptic`, not Instances.
        workers: processes that read ahead; worth it for files, not for what is in memory.
    """

    dataset: Dataset
    augmentation: Augmentation | None
    batch_size: int
    seed: int
    panoptic: bool
    workers: int

    def order(self) -> Order:
        return Order(len(self.dataset), self.batch_size, self.seed)

    def batches(self, step: int) -> Generator[Batch, None, None]:
        """This process's share of the batches from a step on, without end.

        Raises:
            ValueError: if an image cannot be read; the message names it.
            ChildProcessError: if a worker was killed.
        """
        loader = DataLoader(
            Views(self.dataset, self.augmentation, self.seed),
            batch_sampler=Share(self.order(), step, *world()),
            num_workers=self.workers,
            collate_fn=list,
            generator=torch.Generator(),  # draws nothing that matters; else it is the global one
            worker_init_fn=leave_to_parent,
        )
        for pairs in _alive(loader):
            if bad := next((one for one in pairs if isinstance(one, Unreadable)), None):
                raise bad.error()
            examples, seeds = zip(*pairs, strict=True)
            images = stack([one.image for one in examples])
            targets = list(examples) if self.panoptic else [one.instances for one in examples]
            yield Batch(images, targets, list(seeds))


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


class Unreadable:
    """What comes from a worker instead of an image: picklable, whatever kind of error it was.

    It is raised where the batch is asked for: DataLoader would wrap it in a traceback of its own.

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


def check_readable(*datasets: Any) -> None:
    """Let a data set that can, say now what is wrong with its files: not when the turn of a bad
    image comes, hours later."""
    for one in datasets:
        if callable(check := getattr(one, "check", None)):
            check()


def is_panoptic(model: nn.Module) -> bool:
    """Whether a model draws panoptic maps, and learns from them.

    One that can do either has the categories of its stuff in `stuff`, and none where it does not.
    """
    return hasattr(model, "predict_panoptic") and bool(getattr(model, "stuff", True))


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

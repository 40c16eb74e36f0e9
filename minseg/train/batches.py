"""Batches: images read, turned and stacked, each with the seed of all that is random about it.

The data set is read in the order of `minseg.train.order`. With `workers`, PyTorch's DataLoader
reads ahead in processes of its own: worth it for files, not for what is in memory. However many
there are, the batches are the same, because nothing but (seed, place) decides what is in them.

A model learns from what was annotated one by one. Crowds and things without a pixel are left out.
Lesson 09.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from minseg.instances import Instances
from minseg.train.augment import Example
from minseg.train.memory import Dataset, as_example
from minseg.train.order import AUGMENTATION, SAMPLING, Share, seed_of

Augmentation = Callable[[Example, int], Example]


class Batch(NamedTuple):
    """One process's share of a step."""

    images: Tensor | list[Tensor]  # (B, 3, H, W) where all have one size
    targets: Sequence[Instances | Example]
    seeds: list[int]  # for what a model draws, an image each


class Views(TorchDataset):
    """Item (place, image) is the image as it is seen at that place, and its seed for sampling."""

    def __init__(self, dataset: Dataset, augmentation: Augmentation | None, seed: int) -> None:
        self.dataset, self.augmentation, self.seed = dataset, augmentation, seed

    def __getitem__(self, where: tuple[int, int]) -> tuple[Example, int]:
        place, image = where
        example = as_example(self.dataset[image], image)
        if self.augmentation is not None:
            example = self.augmentation(example, seed_of(self.seed, AUGMENTATION, place))
        learnt = ~example.instances.crowd & example.instances.masks.any(dim=(1, 2))
        example = Example(example.image, example.instances[learnt], example.panoptic)
        return example, seed_of(self.seed, SAMPLING, place)


def batches(
    views: Views, share: Share, *, panoptic: bool = False, workers: int = 0
) -> Iterator[Batch]:
    """One process's batches, without end.

    Args:
        views: the data set as it is to be seen.
        share: which of it.
        panoptic: targets are Examples, which have `instances` and `panoptic`, not Instances.
        workers: processes that read ahead.
    """
    generator = torch.Generator()  # nothing is drawn that matters, but the global one would be used
    loader = DataLoader(
        views,
        batch_sampler=share,
        num_workers=workers,
        collate_fn=list,
        generator=generator,
    )
    for pairs in loader:
        examples, seeds = zip(*pairs, strict=True)
        images = stack([one.image for one in examples])
        targets = list(examples) if panoptic else [one.instances for one in examples]
        yield Batch(images, targets, list(seeds))


def stack(images: Sequence[Tensor]) -> Tensor | list[Tensor]:
    """(B, 3, H, W) where all images have one size, else the list of them."""
    one_size = len({image.shape for image in images}) == 1
    return torch.stack(list(images)) if one_size else list(images)


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch where the model is."""
    if device.type == "cpu":
        return batch
    return Batch(move(batch.images, device), [one.to(device) for one in batch.targets], batch.seeds)


def move(images: Tensor | list[Tensor], device: torch.device) -> Tensor | list[Tensor]:
    """Images on another device."""
    return [i.to(device) for i in images] if isinstance(images, list) else images.to(device)

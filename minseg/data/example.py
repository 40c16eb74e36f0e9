"""An image with its truth, and what a data set of them must offer.

Scenes and images of COCO files are *samples*: they have an `image` and `instances`, some have a
`panoptic` map. `as_example` makes of each the one form that models are trained on. Unit 40.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from minseg.instances import Instances


@dataclass(frozen=True, eq=False)
class Example:
    """An image with its truth, as a model is trained on it; a panoptic map where there is one."""

    image: Tensor  # (3, H, W) float32, RGB in [0, 1]
    instances: Instances
    panoptic: Tensor | None = None  # (H, W) int64

    def to(self, device: torch.device | str) -> Example:
        """The same example on another device."""
        panoptic = None if self.panoptic is None else self.panoptic.to(device)
        return Example(self.image.to(device), self.instances.to(device), panoptic)


class Sample(Protocol):
    """What an item of a data set has; scenes and images of COCO do, some have `panoptic` too."""

    @property
    def image(self) -> Tensor | None: ...

    @property
    def instances(self) -> Instances: ...


class Dataset(Protocol):
    """A sequence of samples; the same index gives the same sample every time.

    It may say with `fingerprint() -> str` what it holds, see `minseg.train.run_folder`.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Sample: ...


def as_example(sample: Sample, index: int) -> Example:
    """A sample as an Example; ValueError, with its number, where it has no image.

    Example:
        >>> from minseg.data.scenes import make_scene
        >>> example = as_example(make_scene(0, 32), 0)
        >>> tuple(example.image.shape), len(example.instances)
        ((3, 32, 32), 6)
    """
    if sample.image is None:
        raise ValueError(
            f"dataset[{index}] has no image: load_coco needs the folder of the images too"
        )
    return Example(sample.image, sample.instances, getattr(sample, "panoptic", None))

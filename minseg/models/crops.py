"""The instances of one image, each mask only within its box.

A mask of a large picture is mostly nothing. Kept as its box and the pixels inside, 100 coins in 12
megapixels take 0.2 MB; as masks of the whole picture 1.2 GB. Every model has `predict_crops`, which
returns these, and `predict`, which is the same with masks of the image's own size. Unit 42.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from minseg.instances import Instances
from minseg.masks.runs import Crop, tight_crop


class Crops(NamedTuple):
    """What a model sees in one image, best first.

    >>> from minseg.instances import Instances
    >>> mask = torch.tensor([[[False, True, True], [False, False, True]]])
    >>> crops = crop_instances(Instances(mask, torch.tensor([4])))
    >>> crops.masks[0].mask.shape, crops.masks[0].x, crops.dense()
    ((2, 2), 1, Instances(1 of 2×3, labels [4]))
    """

    masks: list[Crop]  # D, none without a pixel
    labels: Tensor  # (D,) int64 category ids
    scores: Tensor  # (D,)
    size: tuple[int, int]  # height and width of the image

    def dense(self) -> Instances:
        """All the pixels: D masks of the image's size."""
        stacked = torch.zeros(len(self.masks), *self.size, dtype=torch.bool)
        for plane, (mask, x, y) in zip(stacked.numpy(), self.masks, strict=True):
            plane[y : y + mask.shape[0], x : x + mask.shape[1]] = mask
        return Instances(stacked.to(self.labels.device), self.labels, self.scores)


def crop_instances(found: Instances) -> Crops:
    """`Instances` as crops; a mask without a pixel is left out."""
    crops = [tight_crop(mask) for mask in found.masks.cpu().numpy()]
    kept = [k for k, crop in enumerate(crops) if crop.mask.size]
    height, width = found.masks.shape[1:]
    return Crops([crops[k] for k in kept], found.labels[kept], found.scores[kept], (height, width))

"""A batch as padded tensors: images of several sizes, truths of several lengths, one shape each.

Images differ in size and in how many things they show; tensors do not. So images get grey at their
right and lower edge until all have the size of the largest, rounded up to a multiple of the
backbone's coarsest stride, and truths get things that do not exist until all have as many as the
fullest:

    images (B, 3, H, W), sizes (B, 2)        boxes (B, G, 4), classes (B, G), -1 where there is none

Padding at the far edges moves no coordinate: a box found in the padded image is a box of the image.
With one shape for all, matching and suppression run on the whole batch at once; a Python loop over
images would take longer than the convolutions of a model this small. Unit 40 uses all of it;
`minseg.boxes` has IoU and NMS for whole batches. torchvision pads in `GeneralizedRCNNTransform`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from minseg.instances import Instances, tight_boxes

GREY = 0.5  # the colour that models subtract: padding is the 0 that convolutions see beyond an edge


class PaddedTruth(NamedTuple):
    """The things of a batch, padded to G ≥ 1 for each image."""

    boxes: Tensor  # (B, G, 4) float32, zeros where there is no thing
    classes: Tensor  # (B, G) int64, a class index from 0 on; -1 where there is no thing
    masks: Tensor  # (B, G, H, W) bool, of the padded images' size


def pad_images(images: Tensor | Sequence[Tensor], multiple: int) -> tuple[Tensor, Tensor]:
    """One tensor of images of any sizes.

    Args:
        images: (B, 3, H, W), or a list of (3, H, W); floating point, RGB in [0, 1].
        multiple: what the padded height and width are multiples of.

    Returns:
        (B, 3, H', W') in channels-last format, and (B, 2) int64, each image's own height and width.

    Raises:
        TypeError: if an image is not a floating point tensor.
        ValueError: if there is no image, or one is not (3, H, W) with pixels.

    >>> batch, sizes = pad_images([torch.ones(3, 5, 7), torch.ones(3, 17, 3)], 8)
    >>> batch.shape, sizes.tolist()
    (torch.Size([2, 3, 24, 8]), [[5, 7], [17, 3]])
    """
    images = list(images)
    if not images:
        raise ValueError("images must hold at least one image, got none")
    for i, image in enumerate(images):
        if not isinstance(image, Tensor) or not image.is_floating_point():
            got = image.dtype if isinstance(image, Tensor) else type(image).__name__
            raise TypeError(f"images[{i}] must be floating point, got {got}: use `image / 255`")
        if image.ndim != 3 or len(image) != 3 or 0 in image.shape:
            raise ValueError(f"images[{i}] must be (3, H, W), got {tuple(image.shape)}")
    sizes = torch.tensor([image.shape[1:] for image in images])  # (B, 2)
    height, width = (-(-int(n) // multiple) * multiple for n in sizes.amax(dim=0))  # rounded up
    # Grey at the right and below, where it moves no coordinate.
    padded = []
    for image, (h, w) in zip(images, sizes.tolist(), strict=True):
        padded.append(F.pad(image, (0, width - w, 0, height - h), value=GREY))
    batch = torch.stack(padded).contiguous(memory_format=torch.channels_last)
    return batch, sizes.to(batch.device)


def pad_truth(
    targets: Sequence[Instances], categories: Sequence[int], sizes: Tensor, shape: Sequence[int]
) -> PaddedTruth:
    """The truths of a batch in one shape. Crowds and empty masks teach nothing and are left out.

    Args:
        targets: B `Instances`, masks of each image's own size.
        categories: C category ids; class index c stands for categories[c].
        sizes: (B, 2) each image's own height and width. shape: (H, W) of the padded images.

    Raises:
        ValueError: if the number of targets is not B, masks do not fit their image, or a label is
            not among `categories`.
    """
    if len(targets) != len(sizes):
        raise ValueError(f"expected {len(sizes)} targets, one for each image; got {len(targets)}")
    # What each image teaches: no crowds, no empty masks.
    things: list[tuple[Tensor, Tensor, Tensor]] = []  # masks, their boxes and labels
    for i, (target, size) in enumerate(zip(targets, sizes.tolist(), strict=True)):
        if list(target.masks.shape[1:]) != size:
            got = tuple(target.masks.shape[1:])
            raise ValueError(f"targets[{i}].masks must be {tuple(size)} as the image, got {got}")
        around = tight_boxes(target.masks)  # (N, 4), zeros where a mask is empty
        learnt = (around[:, 2] > 0) & ~target.crowd
        things.append((target.masks[learnt], around[learnt], target.labels[learnt]))
    # One shape for all, filled row by row: as many rows as the fullest image has things.
    most = max(1, max(len(labels) for *_, labels in things))  # G
    boxes = torch.zeros(len(things), most, 4, device=sizes.device)
    classes = torch.full((len(things), most), -1, device=sizes.device)
    masks = torch.zeros(len(things), most, *shape, dtype=torch.bool, device=sizes.device)
    for i, (thing, around, labels) in enumerate(things):
        n, height, width = thing.shape
        boxes[i, :n], masks[i, :n, :height, :width] = around, thing
        classes[i, :n] = _class_index(labels, categories, i)
    return PaddedTruth(boxes, classes, masks)


def _class_index(labels: Tensor, categories: Sequence[int], image: int) -> Tensor:
    """(N,) int64: where in `categories` each label stands."""
    same = labels[:, None] == torch.tensor(categories, device=labels.device)  # (N, C)
    if not same.any(dim=1).all():
        unknown = sorted(set(labels[~same.any(dim=1)].tolist()))
        raise ValueError(
            f"targets[{image}].labels must be among the model's classes {tuple(categories)}, "
            f"got {unknown}"
        )
    return same.long().argmax(dim=1)

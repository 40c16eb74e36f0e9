"""Augmentation: views of an image that keep its truth.

A detector should not care which way up a shape lies or which paint it wears, and a scene stays a
scene under

    the 8 symmetries of the square      transpose or not, mirror rows or not, mirror columns or not
    the 6 orders of the colour channels
    the negative, 1 − image

so one scene stands for 8 · 6 · 2 = 96. Masks and maps turn with the image; colours do not touch
them. A photograph has an up and its colours mean something: there only the left-right mirror is
free (He et al., Mask R-CNN, 2017, section 3.1, trains with nothing else). In between are pictures
that may lie any way, but whose negative is none of their kind, as coins. Units 42 and 43.

Each function takes a seed and is a function of it: the same seed gives the same view.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from minseg.data.example import Example
from minseg.instances import Instances


def augment_scene(example: Example, seed: int) -> Example:
    """A view of a synthetic scene: one of 8 symmetries, 6 channel orders, maybe the negative."""
    random = np.random.default_rng(seed)
    turned = turn(example, int(random.integers(8)))
    image = turned.image[torch.from_numpy(random.permutation(3))]
    if random.integers(2):
        image = 1 - image
    return Example(image, turned.instances, turned.panoptic)


def augment_symmetries(example: Example, seed: int) -> Example:
    """A view of what may lie any way: one of the 8 symmetries, its colours as they are."""
    return turn(example, int(np.random.default_rng(seed).integers(8)))


def augment_photo(example: Example, seed: int) -> Example:
    """A view of a photograph: itself or its mirror image."""
    return turn(example, 2 * int(np.random.default_rng(seed).integers(2)))


def turn(example: Example, symmetry: int) -> Example:
    """An example under one of the symmetries of the square.

    Args:
        example: of any size; 4 to 7 swap its height and width.
        symmetry: 0 … 7, a sum: 1 mirrors top and bottom, 2 left and right, 4 transposes first.

    Raises:
        ValueError: if `symmetry` is not 0 to 7.
    """
    if not 0 <= symmetry < 8:
        raise ValueError(f"symmetry must be 0 to 7, got {symmetry}")
    old = example.instances
    instances = Instances(
        _turn(old.masks, symmetry),
        old.labels,
        old.scores,
        crowd=old.crowd,
        areas=old.annotated_areas,
    )
    panoptic = None if example.panoptic is None else _turn(example.panoptic, symmetry)
    return Example(_turn(example.image, symmetry), instances, panoptic)


def _turn(pixels: Tensor, symmetry: int) -> Tensor:
    """(…, H, W), or (…, W, H) where transposed; contiguous."""
    if symmetry & 4:
        pixels = pixels.transpose(-1, -2)
    mirrored = [axis for bit, axis in ((1, -2), (2, -1)) if symmetry & bit]
    return (pixels.flip(mirrored) if mirrored else pixels).contiguous()

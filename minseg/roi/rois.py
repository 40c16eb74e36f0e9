"""Regions of interest, as torchvision writes them, checked once for every RoI operator.

A RoI is one row (batch index, x1, y1, x2, y2): which image of the batch, and a box in *image*
pixels. `spatial_scale` = 1/stride takes it to feature pixels. A list with one (L, 4) tensor of
boxes for each image says the same. Unit 22 counts the batch index among its six conventions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral

import torch
from torch import Tensor

from minseg.boxes import boxes_to_rois

Boxes = Tensor | Sequence[Tensor]
LARGEST_BIN = 2**24  # feature pixels: float32 cannot say where the samples of a larger one are


def as_rois(input: Tensor, boxes: Boxes, validate: bool | None = None) -> Tensor:
    """Boxes in either form as one (K, 5) tensor in the dtype of `input`, checked.

    Half types become float32: with 8 bits, bfloat16 would round a box at 1000 px by up to 2 px.

    Args:
        input: (N, C, H, W) floating point feature maps.
        boxes: (K, 5) rows (batch index, x1, y1, x2, y2), or a list of (L, 4), one for each image.
        validate: whether values are checked too, not only shapes and dtypes. Left out, they are
            checked on the CPU; on other devices reading them would make the program wait.

    Raises:
        TypeError: if `input` or the boxes are not floating point tensors.
        ValueError: if a shape is wrong, the devices differ, a number is NaN or infinite, or a
            batch index is not a whole number of the batch.

    >>> as_rois(torch.zeros(2, 1, 4, 4), [torch.zeros(0, 4), torch.tensor([[1.0, 1, 3, 2]])])
    tensor([[1., 1., 1., 3., 2.]])
    """
    _check_features(input)
    # Either form as rows.
    rois = boxes if isinstance(boxes, Tensor) else _from_list(input, boxes)
    if rois.ndim != 2 or rois.shape[1] != 5:
        raise ValueError(
            f"boxes must be (K, 5), rows of (batch index, x1, y1, x2, y2), "
            f"or a list of (L, 4); got {tuple(rois.shape)}"
        )
    if not rois.is_floating_point():
        raise TypeError(f"boxes must be floating point, got {rois.dtype}")
    if rois.device != input.device:
        raise ValueError(f"boxes must be on {input.device} as the input is, got {rois.device}")
    # On a GPU, to read the numbers is to wait for them.
    if checks_values(rois, validate):
        _check_values(rois, len(input))
    return rois.detach().to(torch.promote_types(input.dtype, torch.float32))


def checks_values(rois: Tensor, validate: bool | None) -> bool:
    """Whether the numbers in boxes are looked at: where asked for, else where that is free."""
    return validate or (validate is None and rois.device.type == "cpu")


def as_size(output_size: int | Sequence[int]) -> tuple[int, int]:
    """Output size as (rows, columns); one number means a square.

    Raises:
        TypeError: if it is not of whole numbers. ValueError: if it is not one or two, positive.

    >>> as_size(7), as_size((2, 3))
    ((7, 7), (2, 3))
    """
    # int and tuple stand first because they are known at once; abstract classes take a search.
    size = (output_size, output_size) if isinstance(output_size, int | Integral) else output_size
    if not isinstance(size, tuple | Sequence) or not all(
        isinstance(n, int | Integral) for n in size
    ):
        raise TypeError(f"output_size must be of whole numbers, got {output_size!r}")
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"output_size must be one or two numbers from 1 on, got {output_size!r}")
    return int(size[0]), int(size[1])


def check_scale(spatial_scale: float) -> None:
    """Raise ValueError unless the scale is a positive, finite number (1/stride)."""
    if not (spatial_scale > 0 and math.isfinite(spatial_scale)):
        raise ValueError(f"spatial_scale must be positive, 1/stride, got {spatial_scale}")


def check_bins(
    rois: Tensor, output_size: tuple[int, int], spatial_scale: float | Tensor, sampling_ratio: int
) -> None:
    """Raise ValueError if an adaptive grid would need more samples than can be told apart.

    Args:
        rois: (K, 5). output_size: (rows, columns). spatial_scale: of all, or (K, 1) of each.
        sampling_ratio: 1 or more is always fine.
    """
    if sampling_ratio > 0:
        return
    sides = (rois[:, 3:] - rois[:, 1:3]) * spatial_scale / rois.new_tensor(output_size[::-1])
    wrong = (sides > LARGEST_BIN).any(dim=1)
    if wrong.any():
        row = int(wrong.nonzero()[0, 0])
        raise ValueError(
            f"boxes must have at most {LARGEST_BIN} feature pixels in a bin of an adaptive grid, "
            f"got {sides[row].amax().item():.3g} of {rois[row, 1:].tolist()} in row {row}: "
            f"clip the boxes, or give a sampling_ratio above 0"
        )


def pixel_table(input: Tensor) -> Tensor:
    """Feature maps (N, C, H, W) as a table with one row of C numbers for each pixel.

    Row (n·H + i)·W + j is pixel (i, j) of image n. No copy where `input` is channels-last.

    >>> pixel_table(torch.arange(8.0).view(1, 2, 2, 2)).tolist()  # two channels of 2 × 2 pixels
    [[0.0, 4.0], [1.0, 5.0], [2.0, 6.0], [3.0, 7.0]]
    """
    n, channels, height, width = input.shape
    return input.permute(0, 2, 3, 1).contiguous().view(n * height * width, channels)


def _check_features(input: Tensor) -> None:
    if not isinstance(input, Tensor):
        raise TypeError(f"input must be a tensor, got {type(input).__name__}")
    if input.ndim != 4:
        raise ValueError(f"input must be (N, C, H, W), got {tuple(input.shape)}")
    if not input.is_floating_point():
        raise TypeError(f"input must be floating point, got {input.dtype}: use `image / 255`")
    if 0 in input.shape[2:]:
        raise ValueError(f"input must have pixels, got {tuple(input.shape)}")


def _from_list(input: Tensor, boxes: Sequence[Tensor]) -> Tensor:
    if not isinstance(boxes, list | tuple) or not all(isinstance(b, Tensor) for b in boxes):
        raise TypeError(f"boxes must be a tensor or a list of them, got {type(boxes).__name__}")
    for i, box in enumerate(boxes):
        if box.ndim != 2 or box.shape[1] != 4:
            raise ValueError(f"boxes[{i}] must be (L, 4), got {tuple(box.shape)}")
    return boxes_to_rois(boxes) if boxes else input.new_zeros(0, 5)


def _check_values(rois: Tensor, images: int) -> None:
    if not rois.isfinite().all():
        row = int((~rois.isfinite()).any(dim=1).nonzero()[0, 0])
        raise ValueError(f"boxes must be finite, got {rois[row].tolist()} in row {row}")
    index = rois[:, 0]
    wrong = (index < 0) | (index >= images) | (index != index.floor())
    if wrong.any():
        row = int(wrong.nonzero()[0, 0])
        raise ValueError(
            f"boxes[:, 0], the batch index, must be a whole number from 0 to {images - 1}, "
            f"got {index[row].item()} in row {row}"
        )

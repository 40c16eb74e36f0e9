"""One number for each pixel: how a panoptic map writes down category and instance together.

    id = category × max_instances + instance

Things are counted from instance 1; each stuff class is one segment with instance 0; id 0 is void,
a pixel that belongs to nothing. Category ids start at 1, so no segment collides with void.
This is the encoding of Cityscapes and DeepLab (divisor 1000); COCO's files store segment numbers
as colours and a table beside them (Kirillov et al., Panoptic Segmentation, 2019). Unit 33.

The number must fit. With a divisor of 1000, instance 1000 of class 1 *is* instance 0 of class 2,
and uint16 holds 65 classes only: `encode` refuses both.
"""

from __future__ import annotations

import torch
from torch import Tensor


def encode(
    category: Tensor,
    instance: Tensor,
    max_instances: int = 1000,
    dtype: torch.dtype = torch.int64,
) -> Tensor:
    """Write categories and instance numbers as one id map.

    Args:
        category: integer tensor of any shape; 0 is void, classes start at 1.
        instance: integer tensor of the same shape; 0 for stuff and void, from 1 for things.
        max_instances: the divisor; instance numbers must be below it.
        dtype: of the result; an id that does not fit is refused, never wrapped.

    Returns:
        ids of the same shape, in `dtype`.

    Raises:
        TypeError: if a map is not of integers.
        ValueError: if shapes differ, a number is negative, void carries an instance, or an id
            overflows the divisor or the dtype.

    Example:
        >>> encode(torch.tensor([0, 1, 1, 7]), torch.tensor([0, 1, 2, 0])).tolist()
        [0, 1001, 1002, 7000]
    """
    _check_integer("category", category)
    _check_integer("instance", instance)
    _check_divisor(max_instances)
    if category.shape != instance.shape:
        raise ValueError(
            f"category and instance must have one shape, "
            f"got {tuple(category.shape)} and {tuple(instance.shape)}"
        )
    category, instance = category.long(), instance.long()
    if category.numel() == 0:
        return category.to(dtype)
    if category.amin() < 0 or instance.amin() < 0:
        raise ValueError("category and instance must not be negative")
    if ((category == 0) & (instance > 0)).any():
        raise ValueError("instance must be 0 where category is 0 (void)")
    if instance.amax() >= max_instances:
        raise ValueError(
            f"instance must be below max_instances={max_instances}, got {instance.amax().item()}: "
            f"it would read as the next category"
        )
    # the largest id there will be, before anything can overflow
    top = int(category.amax())
    largest = top * max_instances + int(instance[category == top].amax())  # Python's: no overflow
    if largest > torch.iinfo(dtype).max:
        raise ValueError(
            f"id {largest} of category {top} does not fit {dtype}, "
            f"whose largest number is {torch.iinfo(dtype).max}: use a wider dtype"
        )
    return (category * max_instances + instance).to(dtype)


def decode(ids: Tensor, max_instances: int = 1000) -> tuple[Tensor, Tensor]:
    """Read an id map back: (category, instance), int64, of the shape of `ids`.

    Raises:
        TypeError: if `ids` is not of integers. ValueError: if an id is negative.

    Example:
        >>> [part.tolist() for part in decode(torch.tensor([0, 1001, 1002, 7000]))]
        [[0, 1, 1, 7], [0, 1, 2, 0]]
    """
    _check_integer("ids", ids)
    _check_divisor(max_instances)
    ids = ids.long()
    if ids.numel() and ids.amin() < 0:
        raise ValueError(f"ids must not be negative, got {ids.amin().item()}")
    return ids // max_instances, ids % max_instances


def _check_integer(name: str, value: Tensor) -> None:
    if value.is_floating_point() or value.is_complex() or value.dtype == torch.bool:
        raise TypeError(f"{name} must be of integers, got {value.dtype}")


def _check_divisor(max_instances: int) -> None:
    if max_instances < 1:
        raise ValueError(f"max_instances must be at least 1, got {max_instances}")

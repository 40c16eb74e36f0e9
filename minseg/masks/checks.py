"""Checks of arguments that several ways to write or mend a mask share.

Each raises a TypeError or a ValueError that names the argument, says what it must be and what it
got, and where there is a usual remedy, that too.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


def check_numbers(
    *, at_least_0: dict[str, float] | None = None, positive: dict[str, float] | None = None
) -> None:
    """Raise ValueError unless all numbers are finite and at least 0, or above it.

    Example:
        >>> check_numbers(at_least_0={"steps": 5}, positive={"epsilon": 0})
        Traceback (most recent call last):
        ...
        ValueError: epsilon must be a positive number, got 0
    """
    for name, value in (at_least_0 or {}).items():
        if not 0 <= value < math.inf:  # false for NaN, too
            raise ValueError(f"{name} must be at least 0, got {value}")
    for name, value in (positive or {}).items():
        if not 0 < value < math.inf:
            raise ValueError(f"{name} must be a positive number, got {value}")


def check_masks(name: str, masks: Any, shape: str = "(..., H, W)") -> None:
    """Raise TypeError or ValueError unless this is a bool tensor of the shape.

    Args:
        name: what messages call it.
        masks: of any type.
        shape: "(H, W)", "(N, H, W)" or "(..., H, W)".

    Example:
        >>> check_masks("masks", torch.ones(4, 5).bool(), "(N, H, W)")
        Traceback (most recent call last):
        ...
        ValueError: masks must be (N, H, W), got (4, 5)
    """
    if not isinstance(masks, Tensor) or masks.dtype != torch.bool:
        raise TypeError(
            f"{name} must be a bool tensor, got {_kind(masks)}: threshold it, `mask > 0.5`"
        )
    _check_shape(name, masks, shape)


def check_map(name: str, values: Any) -> None:
    """Raise TypeError or ValueError unless this is a floating-point map (..., H, W) without NaN."""
    check_floating(name, values)
    _check_shape(name, values, "(..., H, W)")
    if values.isnan().any():
        raise ValueError(f"{name} must be free of NaN")


def check_finite_map(name: str, values: Any) -> None:
    """Raise TypeError or ValueError unless this is a floating-point map (H, W), all finite."""
    check_floating(name, values)
    _check_shape(name, values, "(H, W)")
    if not values.isfinite().all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")


def check_floating(name: str, values: Any) -> None:
    """Raise TypeError unless this is a floating-point tensor."""
    if not isinstance(values, Tensor) or not values.is_floating_point():
        raise TypeError(f"{name} must be a floating-point tensor, got {_kind(values)}")


def check_probabilities(name: str, values: Tensor) -> None:
    """Raise ValueError unless all values are between 0 and 1."""
    if ((values < 0) | (values > 1)).any():
        low, high = values.min().item(), values.max().item()
        raise ValueError(
            f"{name} must be probabilities in [0, 1], got {low:.3g} to {high:.3g}: "
            "of logits, take the sigmoid"
        )


def _check_shape(name: str, values: Tensor, shape: str) -> None:
    letters = shape.strip("()").split(", ")
    fits = values.ndim >= 2 if letters[0] == "..." else values.ndim == len(letters)
    if not fits:
        raise ValueError(f"{name} must be {shape}, got {tuple(values.shape)}")


def _kind(value: Any) -> str:
    """The dtype of a tensor; of anything else, its type."""
    return str(value.dtype) if isinstance(value, Tensor) else type(value).__name__

"""Coordinates as two more channels: how a convolution learns where it is.

A convolution does the same everywhere, so two equal discs give equal features, and no kernel can
tell them apart. With

    x_j = (2j + 1) / W − 1,      y_i = (2i + 1) / H − 1            at pixel (i, j), both in (−1, 1)

beside the features, "the disc at the left" can be said. (Liu et al., CoordConv, 2018; SOLO, Wang
et al., 2020, section 3.) The values are those of pixel centres, −1 and 1 the edges of the image, so
that a place has the same coordinates on every level of a pyramid. Zero padding gives a little of
this away by itself, which is why a network without these channels is worse and not lost. Unit 51.
"""

from __future__ import annotations

import torch
from torch import Tensor


def coordinate_channels_loop(height: int, width: int) -> Tensor:
    """The definition, pixel by pixel. See `coordinate_channels`."""
    channels = torch.zeros(2, height, width)
    for i in range(height):
        for j in range(width):
            channels[:, i, j] = torch.tensor([(2 * j + 1) / width - 1, (2 * i + 1) / height - 1])
    return channels


def coordinate_channels(features: Tensor) -> Tensor:
    """x and y of each place of a map, (B, 2, H, W), in its dtype and on its device.

    Args:
        features: (B, C, H, W).

    Raises:
        ValueError: if it is not (B, C, H, W).

    >>> coordinate_channels(torch.zeros(1, 64, 1, 4))[0].tolist()
    [[[-0.75, -0.25, 0.25, 0.75]], [[0.0, 0.0, 0.0, 0.0]]]
    """
    if features.ndim != 4:
        raise ValueError(f"features must be (B, C, H, W), got {tuple(features.shape)}")
    batch, _, height, width = features.shape
    x, y = (
        ((2 * torch.arange(n, device=features.device) + 1) / n - 1).to(features.dtype)
        for n in (width, height)
    )
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)]).expand(
        batch, 2, height, width
    )


def with_coordinates(features: Tensor, axes: str = "xy") -> Tensor:
    """Features (B, C, H, W) with the coordinates of the named axes behind: (B, C + 1 or 2, H, W).

    >>> with_coordinates(torch.zeros(1, 3, 2, 2), "y")[0, 3].tolist()
    [[-0.5, -0.5], [0.5, 0.5]]
    """
    places = coordinate_channels(features)[:, ["xy".index(axis) for axis in axes]]
    return torch.cat([features, places], dim=1)

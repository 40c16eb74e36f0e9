"""A picture on which an outline has to part: two discs in noise, and one seed between them.

Unit 13 starts `chan_vese` from the seed.
"""

from __future__ import annotations

import torch
from torch import Tensor

HEIGHT, WIDTH = 64, 96  # pixels


def two_noisy_discs(noise: float = 0.1) -> tuple[Tensor, Tensor]:
    """An image (64, 96) of two bright discs in Gaussian noise, and a seed (64, 96) bool.

    >>> image, seed = two_noisy_discs(noise=0)
    >>> [round(value, 1) for value in image.unique().tolist()], int(seed.sum())
    ([0.2, 0.8], 316)
    """
    left, right, seed = _disc(30, 15), _disc(66, 13), _disc(48, 10)
    grain = torch.randn(HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))
    return 0.2 + 0.6 * (left | right) + noise * grain, seed


def _disc(x: float, radius: float) -> Tensor:
    """(64, 96) bool, half-way down."""
    rows, columns = torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5
    return torch.hypot(columns - x, rows[:, None] - HEIGHT / 2) < radius

"""The branches of SOLO: a row of convolutions, shared by all levels of the pyramid.

    class branch   P_k resized to S_k × S_k → convolutions → (C, S_k, S_k)
    mask branch    P_k with coordinates → convolutions → (E, H_k, W_k) → size of the finest level

A cell of the grid is a pixel of the resized map. (Wang et al., SOLO, 2020, section 3, figure 3.)
The letters in the shapes are those of `minseg.models`; S_k is level k's grid, E channels hold
masks. Unit 50.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minseg.models.backbone import conv_norm

PRIOR = 0.01  # what a class's probability is before anything is learnt (Focal Loss, section 4.1)


def tower(channels: int, width: int, convs: int) -> nn.Sequential:
    """So many times 3 × 3 convolution, GroupNorm, ReLU."""
    widths = [channels, *[width] * convs]
    return nn.Sequential(*[conv_norm(a, b) for a, b in pairwise(widths)])


def to_grid_size(features: Tensor, grid: int) -> Tensor:
    """(B, C, H_k, W_k) to (B, C, S, S), bilinearly."""
    return F.interpolate(features, size=(grid, grid), mode="bilinear")


def cells_in_a_row(maps: Sequence[Tensor]) -> Tensor:
    """Maps (B, D, S_k, S_k) of all levels to (B, A, D): the cells row by row, level after level.

    >>> cells_in_a_row([torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 2, 2)]).shape
    torch.Size([2, 20, 3])
    """
    return torch.cat([one.flatten(2).transpose(1, 2) for one in maps], dim=1)


class CategoryBranch(nn.Module):
    """Class logits for the cells of each level's grid.

    Args:
        channels: of the pyramid. width, convs: of the tower. classes: C.
        grids: S_k for each level.
    """

    def __init__(
        self, channels: int, width: int, convs: int, classes: int, grids: Sequence[int]
    ) -> None:
        super().__init__()
        self.grids = tuple(grids)
        self.tower = tower(channels, width, convs)
        self.logits = nn.Conv2d(width if convs else channels, classes, 3, padding=1)
        nn.init.normal_(self.logits.weight, std=0.01)
        nn.init.constant_(self.logits.get_parameter("bias"), math.log(PRIOR / (1 - PRIOR)))

    def forward(self, pyramid: Sequence[Tensor]) -> Tensor:
        """Levels (B, channels, H_k, W_k) to (B, A, C), float32."""
        pairs = zip(pyramid, self.grids, strict=True)
        maps = [self.logits(self.tower(to_grid_size(p, grid))) for p, grid in pairs]
        return cells_in_a_row(maps).float()

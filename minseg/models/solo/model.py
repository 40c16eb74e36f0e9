"""SOLO: every cell of a grid has a mask of its own. Decoupled SOLO: every row and every column.

    SOLO        M_ij = σ(F ∗ w_k),   k = i · S + j                 S² kernels, one for each cell
    Decoupled   M_ij = σ(F_x ∗ w_j) · σ(F_y ∗ w_i)                 2S kernels: "column j and row i"

SOLO's S² mask channels are nearly all empty, and a network that computes them all holds 206 million
numbers for one photograph (800 × 1344 px, five levels). A cell's place is a column and a row, so
two masks, multiplied, say the same with 2S channels: a pixel belongs to cell (i, j) if its thing is
in column j *and* in row i. (Wang et al., SOLO: Segmenting Objects by Locations, 2020, sections 3
and 5.) Here a channel is a 1 × 1 kernel over features, and only those that are asked for are run,
so neither holds S² masks. Unit 50.

A product of probabilities has a logit again, z = log(pq) − log(1 − pq), which is what is upsampled.
Adding the two logits would be no AND: a pixel far inside the column would outweigh being outside of
the row.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minseg.models.solo.coordinates import with_coordinates
from minseg.models.solo.dynamic import masks_of_batch
from minseg.models.solo.heads import tower
from minseg.models.solo.segmenter import GridSegmenter


class SOLO(GridSegmenter):
    """An instance segmenter without boxes: S² masks for each level.

    Args:
        classes, widths, strides, channels, grids, ranges, epsilon, width, convs, fine: as in
            `GridSegmenter`. A grid holds one thing in a cell: more things than cells, or two in
            one cell, and some are not taught (`minseg.models.solo.grid`).

    Raises:
        ValueError: as `GridSegmenter`.

    >>> import torch
    >>> model = SOLO(widths=(8, 8, 8, 8), channels=8, width=8)
    >>> model.predict(torch.rand(1, 3, 40, 56))  # it has not learnt anything yet
    [Instances(0 of 40×56, labels [])]
    """

    def __init__(
        self,
        *,
        classes: int | Sequence[int] = (1, 2, 3),
        widths: Sequence[int] = (24, 48, 96, 144),
        strides: Sequence[int] = (4, 8, 16),
        channels: int = 64,
        grids: Sequence[int] = (20, 12, 8),
        ranges: Sequence[tuple[float, float]] = ((0.0, 24.0), (16.0, 48.0), (32.0, 1e5)),
        epsilon: float = 0.2,
        width: int = 64,
        convs: int = 2,
        fine: int = 2,
    ) -> None:
        # All arguments, to be saved beside the weights: with them this model is made again.
        options = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        super().__init__(**options)
        self.options = options
        self.make_mask_branch(channels, width, convs)

    def make_mask_branch(self, channels: int, width: int, convs: int) -> None:
        """A tower that sees both coordinates, and S² kernels for each level."""
        self.mask_tower = tower(channels + 2, width, convs)
        self.kernels = nn.ModuleList(nn.Conv2d(width, grid**2, 1) for grid in self.grids)

    def mask_features(self, pyramid: Sequence[Tensor]) -> list[Tensor]:
        """Levels (B, channels, H_k, W_k) to a map (B, width, h, w) for each."""
        maps = [self.mask_tower(with_coordinates(p)) for p in pyramid]
        return to_finest(maps)

    def read_masks(self, features: list[Tensor], image: Tensor, cells: Tensor) -> Tensor:
        """See `GridSegmenter.read_masks`."""
        parts, rows = [], []
        for k, (own, cell) in enumerate(cells_of_levels(cells, self.grids)):
            parts.append(channels_of(features[k], self.kernels[k], image[own], cell))
            rows.append(own)
        return in_order(parts, rows)


class DecoupledSOLO(SOLO):
    """An instance segmenter without boxes: S masks of columns and S of rows for each level.

    Arguments and errors are those of `SOLO`.

    >>> import torch
    >>> small = {"widths": (8, 8, 8, 8), "channels": 8, "width": 8}
    >>> [sum(k.weight.shape[0] for k in m(**small).kernels) for m in (SOLO, DecoupledSOLO)]
    [608, 80]
    """

    def make_mask_branch(self, channels: int, width: int, convs: int) -> None:
        """Two towers, one that sees x and one that sees y, and 2S kernels for each level."""
        self.mask_tower_x = tower(channels + 1, width, convs)
        self.mask_tower_y = tower(channels + 1, width, convs)
        convs_x = [nn.Conv2d(width, grid, 1) for grid in self.grids]
        convs_y = [nn.Conv2d(width, grid, 1) for grid in self.grids]
        self.kernels = nn.ModuleList([*convs_x, *convs_y])

    def mask_features(self, pyramid: Sequence[Tensor]) -> list[Tensor]:
        """Levels to a map of columns for each, then a map of rows for each, (B, width, h, w)."""
        of_columns = [self.mask_tower_x(with_coordinates(p, "x")) for p in pyramid]
        of_rows = [self.mask_tower_y(with_coordinates(p, "y")) for p in pyramid]
        return [*to_finest(of_columns), *to_finest(of_rows)]

    def read_masks(self, features: list[Tensor], image: Tensor, cells: Tensor) -> Tensor:
        """See `GridSegmenter.read_masks`."""
        levels, parts, rows = len(self.grids), [], []
        for k, (own, cell) in enumerate(cells_of_levels(cells, self.grids)):
            i, j = cell // self.grids[k], cell % self.grids[k]
            in_column = channels_of(features[k], self.kernels[k], image[own], j)
            in_row = channels_of(features[levels + k], self.kernels[levels + k], image[own], i)
            parts.append(both(in_column.float(), in_row.float()))
            rows.append(own)
        return in_order(parts, rows)


def both(first: Tensor, second: Tensor) -> Tensor:
    """The logit of σ(first) · σ(second), elementwise.

    >>> sure, unsure, no = torch.tensor(20.0), torch.tensor(0.0), torch.tensor(-3.0)
    >>> [round(both(sure, other).item(), 3) for other in (unsure, no)]
    [0.0, -3.0]
    """
    log_product = F.logsigmoid(first) + F.logsigmoid(second)
    log_product = log_product.clamp(max=-1e-6)  # of 1 the logit would be infinite
    return log_product - torch.log(-torch.expm1(log_product))


def channels_of(features: Tensor, kernels: nn.Module, image: Tensor, channel: Tensor) -> Tensor:
    """Some output channels of a 1 × 1 convolution, each for one image of the batch.

    Args:
        features: (B, E, h, w). kernels: the convolution.
        image, channel: (P,) int64 each, images rising.

    Returns:
        (P, h, w) logits.
    """
    weight, bias = kernels.get_parameter("weight"), kernels.get_parameter("bias")
    own = weight[channel, :, 0, 0]  # (P, E)
    return masks_of_batch(features, own, image) + bias[channel, None, None]


def cells_of_levels(cells: Tensor, grids: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
    """For each level which rows of `cells` are its own, and their numbers within its grid.

    >>> cells_of_levels(torch.tensor([0, 3, 5, 1]), (2, 3))
    [(tensor([0, 1, 3]), tensor([0, 3, 1])), (tensor([2]), tensor([1]))]
    """
    parts, first = [], 0
    for grid in grids:
        own = ((first <= cells) & (cells < first + grid**2)).nonzero()[:, 0]
        parts.append((own, cells[own] - first))
        first += grid**2
    return parts


def in_order(parts: Sequence[Tensor], rows: Sequence[Tensor]) -> Tensor:
    """One tensor of which parts[k] are the rows rows[k]."""
    return torch.cat(list(parts))[torch.cat(list(rows)).argsort()]


def to_finest(maps: Sequence[Tensor]) -> list[Tensor]:
    """Maps (B, E, H_k, W_k), finest first, bilinearly at the size of the first."""
    size = maps[0].shape[2:]
    coarser = [F.interpolate(one, size=size, mode="bilinear") for one in maps[1:]]
    return [maps[0], *coarser]

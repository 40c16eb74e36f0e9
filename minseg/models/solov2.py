"""SOLOv2: a network that writes its own filters.

SOLO has a kernel for each cell, learnt once and the same for every image. SOLOv2 lets the network
write, into each cell, the kernel of the thing that is there:

    kernel branch    P_k with coordinates, resized to S_k × S_k → convolutions → (E · t², S_k, S_k)
    mask features    Σ_k upsampled convolutions of P_k → (E, h, w), one map for all levels
    M_ij = σ(kernel_ij ∗ features)

(Wang et al., SOLOv2: Dynamic and Fast Instance Segmentation, 2020, section 3.2.) E numbers tell
"what is red and round, and at the left" from everything else. For that both sides must know where
they are: the kernels get coordinates at the grid, the features at the coarsest level. Grid, losses
and inference are SOLO's (`minseg.models.solo`). Kernels are taken as they come: normalised they
could not say how sure they are. Unit 51.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minseg.models.backbone import conv_norm
from minseg.models.solo.coordinates import with_coordinates
from minseg.models.solo.dynamic import masks_of_batch
from minseg.models.solo.heads import cells_in_a_row, to_grid_size, tower
from minseg.models.solo.segmenter import GridSegmenter


class KernelBranch(nn.Module):
    """A kernel for each cell of each level's grid.

    Args:
        channels: of the pyramid. width, convs: of the tower.
        numbers: E · t², of a kernel. grids: S_k for each level.
    """

    def __init__(
        self, channels: int, width: int, convs: int, numbers: int, grids: Sequence[int]
    ) -> None:
        super().__init__()
        self.grids = tuple(grids)
        self.tower = tower(channels + 2, width, convs)
        self.kernels = nn.Conv2d(width if convs else channels + 2, numbers, 3, padding=1)

    def forward(self, pyramid: Sequence[Tensor]) -> Tensor:
        """Levels (B, channels, H_k, W_k) to (B, A, E · t²)."""
        pairs = zip(pyramid, self.grids, strict=True)
        maps = [self.kernels(self.tower(to_grid_size(with_coordinates(p), s))) for p, s in pairs]
        return cells_in_a_row(maps)


class MaskFeatures(nn.Module):
    """One map of features for the masks of all levels.

    Level k passes k times through a 3 × 3 convolution with GroupNorm and ReLU and doubles its size
    each time, so that all meet at the finest; the coarsest knows its coordinates. They are added,
    and a 1 × 1 convolution makes E channels of the sum.
    """

    def __init__(self, channels: int, width: int, levels: int, numbers: int) -> None:
        super().__init__()
        inputs = [channels] * (levels - 1) + [channels + 2]
        self.levels = nn.ModuleList(
            nn.ModuleList(conv_norm(first if n == 0 else width, width) for n in range(max(k, 1)))
            for k, first in enumerate(inputs)
        )
        self.joined = conv_norm(width, numbers, kernel=1)

    def forward(self, pyramid: Sequence[Tensor]) -> Tensor:
        """Levels (B, channels, H_k, W_k), each half the size before, to (B, E, h, w)."""
        levels = []  # (B, width, h, w) each
        for k, (features, convs) in enumerate(zip(pyramid, self.levels, strict=True)):
            features = with_coordinates(features) if k == len(pyramid) - 1 else features
            for conv in convs.children():
                features = conv(features)
                if k > 0:
                    features = F.interpolate(features, scale_factor=2.0, mode="bilinear")
            levels.append(features)
        return self.joined(torch.stack(levels).sum(dim=0))


class SOLOv2(GridSegmenter):
    """An instance segmenter that writes a kernel for each thing.

    Args:
        classes, widths, strides, channels, grids, ranges, epsilon, width, convs, fine: as in
            `GridSegmenter`; what happens to two things in one cell, see `minseg.models.solo.grid`.
        mask_width: E, channels of the mask features; a multiple of 8.
        kernel_size: t, of the kernels that are written: 1, or 3, which is hardly better.

    Raises:
        ValueError: as `GridSegmenter`; also if `kernel_size` is even.

    >>> import torch
    >>> model = SOLOv2(widths=(8, 8, 8, 8), channels=8, width=8, mask_width=16)
    >>> seen = model.look(torch.rand(1, 3, 48, 64))
    >>> model.read_masks(seen.features, torch.tensor([0, 0]), torch.tensor([7, 600])).shape
    torch.Size([2, 12, 16])
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
        mask_width: int = 64,
        kernel_size: int = 1,
    ) -> None:
        # All arguments, to be saved beside the weights: with them this model is made again.
        options = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        own = ("mask_width", "kernel_size")
        super().__init__(**{k: v for k, v in options.items() if k not in own})
        self.options = options
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, 1 or 3, got {kernel_size}")
        numbers = mask_width * kernel_size**2
        self.kernel_branch = KernelBranch(channels, width, convs, numbers, grids)
        self.mask_branch = MaskFeatures(channels, width, len(strides), mask_width)

    def mask_features(self, pyramid: Sequence[Tensor]) -> list[Tensor]:
        """Levels to the mask features (B, E, h, w) and the kernels (B, A, E · t²)."""
        return [self.mask_branch(pyramid), self.kernel_branch(pyramid)]

    def read_masks(self, features: list[Tensor], image: Tensor, cells: Tensor) -> Tensor:
        """See `GridSegmenter.read_masks`."""
        maps, kernels = features
        return masks_of_batch(maps, kernels[image, cells], image)

"""Features at several resolutions: a small ResNet and the pyramid that is built on it.

A residual network halves the resolution stage by stage. Fine stages see where, coarse ones see
what; a feature pyramid gives every resolution both, by adding the coarse maps to the finer ones:

    C_k = stage k of the ResNet, stride 2^k             y = ReLU(x + F(x)) in every block
    M_k = conv1×1(C_k) + upsample(M_{k+1})              from the coarsest down
    P_k = conv3×3(M_k)                                  one width for all levels

(He et al., Deep Residual Learning, 2016, section 3; Lin et al., Feature Pyramid Networks, 2017,
section 3.) Normalisation is GroupNorm (Wu and He, 2018), which looks at one image at a time: with
a few images in a batch, BatchNorm's statistics are too noisy, and a split batch would train
differently. Unit 40; every other model of the course stands on the same backbone. The libraries'
are `torchvision.models.resnet50` and `torchvision.ops.FeaturePyramidNetwork`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

GROUPS = 8  # of every GroupNorm: widths must be multiples of it


def conv_norm(channels: int, width: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    """Convolution, GroupNorm, ReLU. No bias: the norm has one."""
    conv = nn.Conv2d(channels, width, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.GroupNorm(GROUPS, width), nn.ReLU(inplace=True))


class Residual(nn.Module):
    """ReLU(x + F(x)), F two 3×3 convolutions: what the block learns is the difference."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = conv_norm(width, width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.GroupNorm(GROUPS, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H_k, W_k) to the same shape."""
        return F.relu(x + self.norm(self.second(self.first(x))))


class ResNet(nn.Module):
    """Stage k halves the resolution and has `blocks[k]` residual blocks of `widths[k]` channels.

    The first stage has none by default: at stride 2 a block would cost as much as all later ones.
    With `checkpointing` set, a stage keeps nothing but its input for the backward pass and is
    computed a second time there (Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016).
    """

    def __init__(
        self, widths: Sequence[int] = (24, 48, 96, 144), blocks: Sequence[int] = (0, 1, 1, 1)
    ) -> None:
        super().__init__()
        self.checkpointing = False
        self.stages = nn.ModuleList(
            nn.Sequential(conv_norm(channels, width, 2), *(Residual(width) for _ in range(depth)))
            for channels, width, depth in zip((3, *widths[:-1]), widths, blocks, strict=True)
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) to (B, widths[k], H/2^(k+1), W/2^(k+1)) of each stage k, finest first."""
        maps = []
        for stage in self.stages:
            if self.checkpointing and torch.is_grad_enabled():
                images = checkpoint(stage, images, use_reentrant=False)
            else:
                images = stage(images)
            maps.append(images)  # half as high and wide as the one before
        return maps


class FPN(nn.Module):
    """Every level gets its own map plus all coarser ones, upsampled; all come out equally wide."""

    def __init__(self, widths: Sequence[int], channels: int = 64) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in widths)
        self.output = nn.ModuleList(conv_norm(channels, channels) for _ in widths)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps (B, widths[k], H_k, W_k), each half the size before, to (B, channels, H_k, W_k)."""
        return self.smooth(self.merge(maps))

    def merge(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """M_k of C_k. At 24 megapixels they take 0.5 GB each, so C_k may go before P_k comes."""
        # To one width: (B, channels, H_k, W_k) for each level.
        merged = [lateral(c) for lateral, c in zip(self.lateral, maps, strict=True)]
        # From the coarsest down: what a coarse level knows reaches all finer ones.
        for k in range(len(merged) - 2, -1, -1):
            merged[k] += F.interpolate(merged[k + 1], scale_factor=2.0)
        return merged

    def smooth(self, merged: Sequence[Tensor]) -> list[Tensor]:
        """P_k of M_k."""
        return [output(m) for output, m in zip(self.output, merged, strict=True)]


class Backbone(nn.Module):
    """ResNet and FPN.

    Args:
        widths: channels of the ResNet's stages, of stride 2, 4, 8, …; multiples of 8.
        blocks: residual blocks of each stage.
        strides: of the pyramid's levels, finest first, each twice the one before, from 2 to the
            last stage's. (4, 8, 16, 32) takes a fifth width; 2 as the finest serves things below
            10 px and costs about as much as the rest of the backbone.
        channels: of every level.

    Raises:
        ValueError: if the ResNet has no stage of such a stride, or a level in between is missing.
    """

    def __init__(
        self,
        *,
        widths: Sequence[int] = (24, 48, 96, 144),
        blocks: Sequence[int] = (0, 1, 1, 1),
        strides: Sequence[int] = (4, 8, 16),
        channels: int = 64,
    ) -> None:
        super().__init__()
        possible = [2 ** (k + 1) for k in range(len(widths))]  # the strides of the stages
        first = possible.index(strides[0]) if strides and strides[0] in possible else 0
        if not strides or list(strides) != possible[first : first + len(strides)]:
            raise ValueError(
                f"strides must be neighbours among {possible}, those of {len(widths)} stages, "
                f"got {tuple(strides)}"
            )
        # Stages beyond the coarsest level would not be read, so they are not made.
        last = int(math.log2(strides[-1]))
        self.resnet = ResNet(widths[:last], blocks[:last])
        self.fpn = FPN(widths[first:last], channels)
        self.first, self.strides, self.channels = first, tuple(strides), channels

    def forward(self, images: Tensor) -> list[Tensor]:
        """Images (B, 3, H, W), sides multiples of the coarsest stride, to P_k (B, channels, …)."""
        return self.fpn.smooth(self.fpn.merge(self.resnet(images)[self.first :]))

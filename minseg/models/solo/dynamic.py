"""A mask is a kernel that runs over features: the operation that all of SOLO's forms share.

    M_k = σ(W_k ∗ F)       F: (E, h, w) features of the image,  W_k: (E, t, t) kernel of mask k

SOLO learns one 1 × 1 kernel for each cell, S² of them, the same for every image. SOLOv2 lets the
network write the kernel, for each image anew (Wang et al., SOLOv2: Dynamic and Fast Instance
Segmentation, 2020, section 3.2.1). Either way a mask is computed only for the cells that are asked
for: E numbers wait for each of the others, and not h · w. Unit 51.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def dynamic_conv_loop(features: Tensor, kernels: Tensor) -> Tensor:
    """The definition for 1 × 1 kernels, mask by mask and place by place. See `dynamic_conv`."""
    _, height, width = features.shape
    masks = torch.zeros(len(kernels), height, width)
    for k, kernel in enumerate(kernels):
        for i in range(height):
            for j in range(width):
                masks[k, i, j] = sum(kernel * features[:, i, j])  # a scalar product of E numbers
    return masks


def dynamic_conv(features: Tensor, kernels: Tensor) -> Tensor:
    """Run kernels that were written for one image over its features.

    Args:
        features: (E, h, w).
        kernels: (P, E · t²), of P masks, t × t with t odd, in the order (E, t, t).

    Returns:
        (P, h, w) logits; beyond the edges features are 0.

    Raises:
        ValueError: if the kernels are not (P, E · t²) with an odd t.

    >>> features = torch.tensor([[[1.0, 2.0]], [[10.0, 20.0]]])  # two channels of one row
    >>> dynamic_conv(features, torch.tensor([[1.0, 0.0], [0.5, -0.1]]))
    tensor([[[ 1.0000,  2.0000]],
    <BLANKLINE>
            [[-0.5000, -1.0000]]])
    """
    side = _side(features, kernels)
    if side == 1:  # a matrix product
        return torch.einsum("pe,ehw->phw", kernels, features)
    if not len(kernels):  # which PyTorch's convolution does not take; a gradient still passes
        return features[:0] + kernels.sum() * 0
    shaped = kernels.view(len(kernels), len(features), side, side)
    return F.conv2d(features[None], shaped, padding=side // 2)[0]


def masks_of_batch(features: Tensor, kernels: Tensor, image: Tensor) -> Tensor:
    """`dynamic_conv` for kernels of several images.

    Args:
        features: (B, E, h, w). kernels: (P, E · t²). image: (P,) int64, rising: whose each is.

    Returns:
        (P, h, w) logits.
    """
    counts = torch.bincount(image, minlength=len(features)).tolist()
    parts = zip(features, kernels.split(counts), strict=True)
    return torch.cat([dynamic_conv(one, own) for one, own in parts])


def _side(features: Tensor, kernels: Tensor) -> int:
    numbers = kernels.shape[-1] / max(len(features), 1)
    side = math.isqrt(int(numbers))
    if features.ndim != 3 or kernels.ndim != 2 or side % 2 == 0 or side * side != numbers:
        raise ValueError(
            f"kernels must be (P, E · t²), t odd, for features (E, h, w), got "
            f"{tuple(kernels.shape)} and {tuple(features.shape)}"
        )
    return side

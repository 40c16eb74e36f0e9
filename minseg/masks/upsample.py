"""Twice as fine: nearest, bilinear, or learned by a transposed convolution.

A mask head doubles its grid before it predicts. Nearest repeats each value; bilinear mixes each
new cell from its two nearest old ones on either axis, ¾ and ¼; a transposed convolution (called
deconvolution) learns the mixture. It is a convolution's gradient: each input pixel writes a k × k
block, stride s pixels from its neighbour's, and what falls on one place is added:

    out[s i + a, s j + b] += in[i, j] · w[a, b],    a, b = 0 … k-1;       output size s (n - 1) + k

Where s does not divide k, places get different numbers of writes, and even a constant input comes
out as a checkerboard (Odena et al., Deconvolution and Checkerboard Artifacts, Distill, 2016). Mask
R-CNN's k = 2, s = 2 (He et al., 2017, figure 4) writes each place once: only its four weights can
differ. Unit 11 shows it.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def upsample(grids: Tensor, mode: str = "bilinear") -> Tensor:
    """Double the resolution, without learning.

    Args:
        grids: (N, C, h, w) floating point.
        mode: "bilinear" (beyond the border its values repeat) or "nearest".

    Returns:
        (N, C, 2h, 2w), as `interpolate(scale_factor=2, align_corners=False)` of PyTorch.

    Example:
        >>> row = torch.tensor([[[[0.0, 4.0]]]])
        >>> upsample(row)[0, 0].tolist(), upsample(row, "nearest")[0, 0, 0].tolist()
        ([[0.0, 1.0, 3.0, 4.0], [0.0, 1.0, 3.0, 4.0]], [0.0, 0.0, 4.0, 4.0])
    """
    if grids.ndim != 4:
        raise ValueError(f"grids must be (N, C, h, w), got {tuple(grids.shape)}")
    if mode == "nearest":
        return grids.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    if mode != "bilinear":
        raise ValueError(f'mode must be "bilinear" or "nearest", got {mode!r}')
    return _double_rows(_double_rows(grids).transpose(2, 3)).transpose(2, 3)


def _double_rows(grids: Tensor) -> Tensor:
    """(N, C, h, w) → (N, C, 2h, w): new centres lie a quarter of a cell off the old ones."""
    padded = functional.pad(grids, (0, 0, 1, 1), mode="replicate")
    upper = 0.25 * padded[:, :, :-2] + 0.75 * grids
    lower = 0.75 * grids + 0.25 * padded[:, :, 2:]
    return torch.stack([upper, lower], dim=3).flatten(2, 3)  # (N, C, h, 2, w) → rows in turn


def deconvolve(grids: Tensor, weight: Tensor, stride: int = 2) -> Tensor:
    """A transposed convolution as what it does: every input pixel writes a block.

    Args:
        grids: (N, C, h, w).
        weight: (C, C_out, k, k), the layout of `torch.nn.ConvTranspose2d`.
        stride: distance of neighbouring blocks, in output pixels.

    Returns:
        (N, C_out, stride (h - 1) + k, stride (w - 1) + k), as `conv_transpose2d`, which is fast.

    Raises:
        ValueError: if shapes do not fit, there is no pixel, or `stride` is below 1.

    Example:
        >>> row, block = torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[1.0, 10], [0, 0]]]])
        >>> deconvolve(row, block)[0, 0, 0].tolist()
        [1.0, 10.0, 2.0, 20.0]
    """
    if grids.ndim != 4 or 0 in grids.shape[2:]:
        raise ValueError(f"grids must be (N, C, h, w) with pixels, got {tuple(grids.shape)}")
    if weight.ndim != 4 or len(weight) != grids.shape[1] or weight.shape[2] != weight.shape[3]:
        expected = f"({grids.shape[1]}, C_out, k, k)"
        raise ValueError(f"weight must be {expected}, got {tuple(weight.shape)}")
    if stride < 1:
        raise ValueError(f"stride must be 1 or more, got {stride}")
    (n, _, h, w), (_, channels, k, _) = grids.shape, weight.shape
    out = grids.new_zeros(n, channels, stride * (h - 1) + k, stride * (w - 1) + k)
    for i in range(h):
        for j in range(w):
            block = torch.einsum("nc,cdab->ndab", grids[:, :, i, j], weight)  # (N, C_out, k, k)
            out[:, :, stride * i : stride * i + k, stride * j : stride * j + k] += block
    return out


def deconvolution_overlap(size: int, kernel: int, stride: int = 2) -> Tensor:
    """How many blocks are written on each place, from a `size` × `size` input.

    Returns:
        (S, S) int64, S = stride (size - 1) + kernel: a deconvolution of ones with ones.

    Example:
        >>> deconvolution_overlap(3, kernel=3)[0].tolist()  # 2 does not divide 3
        [1, 1, 2, 1, 2, 1, 1]
    """
    writes = deconvolve(torch.ones(1, 1, size, size), torch.ones(1, 1, kernel, kernel), stride)
    return writes[0, 0].long()

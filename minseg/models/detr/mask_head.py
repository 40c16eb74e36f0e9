"""A mask for each query: where it looks, drawn finer with the help of the pyramid.

    A_i = log(T · w_i),  w_i[j] how much query i looks at cell j of T, for each head
    x_i = conv(F) + conv(A_i)              = conv of F and A_i side by side
    x_i = up(conv(x_i)) + conv(P)          for each finer level P of the pyramid
    m_i = conv(x_i) + up(a · A_i)          logits at the finest level's stride

with GroupNorm and ReLU after each sum.

The attention map of a query shows its object already, at the memory's resolution; features draw
it finer. (Carion et al., End-to-End Object Detection with Transformers, 2020, section 4.4 and
figure 8.) The image's features F are the same for all queries, so their half of the first
convolution is done once for an image, and only 8 channels of attention for each query. Unit 54.

The paper asks once more, with the finished query, and feeds the attention itself, which over T
cells is about 1/T. Here it is the attention with which the decoder layer reads: a mask teaches its
query where to look, and what it reads there tells class and box. And it is the logarithm of how
many times more than evenly a cell is looked at, so 0 is the border in an image of any size: where a
query looks more than evenly is its mask, to begin with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minseg.models.backbone import GROUPS

LEAST = -10.0  # of the log attention: padding has −∞


class Picks(NamedTuple):
    """Which queries get a mask, P of them."""

    layer: Tensor  # (P,) int64, the decoder layer after which the query is read
    image: Tensor  # (P,) int64
    query: Tensor  # (P,) int64


class QueryMaskHead(nn.Module):
    """Attention maps and features to masks.

    Args:
        heads: of the decoder. channels: of the pyramid.
        levels: of the pyramid, the coarsest is the memory's.
        inner: channels of the convolutions, a multiple of 8.
    """

    def __init__(self, heads: int, channels: int, levels: int, inner: int) -> None:
        super().__init__()
        self.attention = nn.Conv2d(heads, inner, 3, padding=1, bias=False)
        first = nn.Conv2d(channels, inner, 3, padding=1)
        finer = [nn.Conv2d(channels, inner, 1) for _ in range(levels - 1)]
        self.features = nn.ModuleList([first, *finer])
        self.norms = nn.ModuleList(nn.GroupNorm(GROUPS, inner) for _ in range(levels))
        self.refine = nn.ModuleList(
            nn.Conv2d(inner, inner, 3, padding=1, bias=False) for _ in range(levels - 1)
        )
        self.out = nn.Conv2d(inner, 1, 3, padding=1)
        self.seen = nn.Parameter(torch.full((heads,), 1 / heads))  # a: at first the heads' mean

    def read(self, pyramid: Sequence[Tensor]) -> list[Tensor]:
        """What all queries of an image share: (B, inner, H_k, W_k) each, coarsest first."""
        levels = zip(self.features, reversed(pyramid), strict=True)
        return [conv(level) for conv, level in levels]

    def forward(
        self,
        looks: Tensor,
        features: Sequence[Tensor],
        picks: Picks,
        real: Tensor | None = None,
    ) -> Tensor:
        """Draw the masks of some queries.

        Args:
            looks: (L, B, heads, Q, T) logarithms of where queries look. features: from `read`.
            real: (B, T) bool, false in the padding.
            picks: P queries.

        Returns:
            (P, h, w) float32 logits, of the finest level's size.
        """
        coarse, *finer = features
        attention = against_even(looks, real).transpose(2, 3)  # (L, B, Q, heads, T)
        own = attention[picks].unflatten(2, coarse.shape[2:])  # (P, heads, h_T, w_T)
        x = F.relu(self.norms[0](self.attention(own) + coarse[picks.image]))  # (P, inner, h_T, w_T)
        for level, refine, norm in zip(finer, self.refine, self.norms[1:], strict=True):
            x = F.relu(norm(add_to_finer(refine(x), level[picks.image])))  # twice the size
        # Where a query looks more than evenly is its mask, to begin with; the rest corrects that.
        seen = torch.einsum("phij,h->pij", own, self.seen)[:, None]  # (P, 1, h_T, w_T)
        return (self.out(x).float() + F.interpolate(seen, x.shape[2:], mode="bilinear"))[:, 0]


def add_to_finer(coarse: Tensor, fine: Tensor) -> Tensor:
    """up(coarse) + fine, where up repeats each value twice each way, and the repeats are not made.

    Args:
        coarse: (P, C, h, w). fine: (P, C, 2h, 2w).

    >>> add_to_finer(torch.tensor([[[[10.0, 20.0]]]]), torch.eye(2, 4)[None, None])
    tensor([[[[11., 10., 20., 20.],
              [10., 11., 20., 20.]]]])
    """
    height, width = coarse.shape[2:]
    quarters = fine.unflatten(3, (width, 2)).unflatten(2, (height, 2))  # (P, C, h, 2, w, 2)
    return (quarters + coarse[:, :, :, None, :, None]).flatten(4).flatten(2, 3)


def against_even(looks: Tensor, real: Tensor | None = None) -> Tensor:
    """The logarithm of how many times more than evenly each cell is looked at.

    Args:
        looks: (…, B, heads, Q, T) logarithms of weights that add up to 1 over T.
        real: (B, T) bool, false in the padding; all are real if left out.

    Returns:
        The same shape; 0 everywhere for a query that looks everywhere alike, −10 in the padding.

    >>> against_even(torch.tensor([0.25, 0.75]).log().view(1, 1, 1, 2)).exp()
    tensor([[[[0.5000, 1.5000]]]])
    """
    cells = looks.shape[-1] if real is None else real.sum(1)[:, None, None, None]
    return (looks + torch.as_tensor(cells).log()).clamp(min=LEAST)

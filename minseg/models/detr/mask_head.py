"""A mask for each query: where it looks, drawn finer with the help of the pyramid.

    A_i = log(T · softmax over T cells of (q_i · k / √d)), for each head          attention map
    x_i = conv(F) + conv(A_i)              = conv of F and A_i side by side
    x_i = up(conv(x_i)) + conv(P)          for each finer level P of the pyramid
    m_i = conv(x_i)                        logits at the finest level's stride

with GroupNorm and ReLU after each sum.

The attention map of a query shows its object already, at the memory's resolution. The image's
features F are the same for all queries, so their half of the first convolution is done once for
an image, and only 8 channels of attention for each query. (Carion et al., End-to-End Object
Detection with Transformers, 2020, section 4.4 and figure 8.) Unit 54.

The paper feeds the attention itself. Over T cells it is about 1/T, next to features of about 1; the
logarithm of how many times more than evenly a cell is looked at is about 0 at first, in an image of
any size, and lets gradients through where a query does not look yet. And the convolution of x_i
comes before it is made twice as large, at a quarter of the price.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from minseg.models.backbone import GROUPS
from minseg.models.detr.attention import attention_log_weights

LEAST = -10.0  # of the log attention: padding has −∞
RARE = -2.0  # the first bias of the logits: most pixels are not of most objects


class Picks(NamedTuple):
    """Which queries get a mask, P of them."""

    layer: Tensor  # (P,) int64, the decoder layer after which the query is read
    image: Tensor  # (P,) int64
    query: Tensor  # (P,) int64


class QueryMaskHead(nn.Module):
    """Attention maps and features to masks.

    Args:
        width: of the transformer, a multiple of `heads`. channels: of the pyramid.
        levels: of the pyramid, the coarsest is the memory's.
        inner: channels of the convolutions, a multiple of 8.
        heads: how many attention maps each query has.
    """

    def __init__(self, width: int, channels: int, levels: int, inner: int, heads: int = 8) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.attention = nn.Conv2d(heads, inner, 3, padding=1, bias=False)
        first = nn.Conv2d(channels, inner, 3, padding=1)
        finer = [nn.Conv2d(channels, inner, 1) for _ in range(levels - 1)]
        self.features = nn.ModuleList([first, *finer])
        self.norms = nn.ModuleList(nn.GroupNorm(GROUPS, inner) for _ in range(levels))
        self.refine = nn.ModuleList(
            nn.Conv2d(inner, inner, 3, padding=1, bias=False) for _ in range(levels - 1)
        )
        self.out = nn.Conv2d(inner, 1, 3, padding=1)
        nn.init.constant_(self.out.bias, RARE)

    def read(self, pyramid: Sequence[Tensor]) -> list[Tensor]:
        """What all queries of an image share: (B, inner, H_k, W_k) each, coarsest first."""
        levels = zip(self.features, reversed(pyramid), strict=True)
        return [conv(level) for conv, level in levels]

    def attend(self, queries: Tensor, memory: Tensor, real: Tensor | None = None) -> Tensor:
        """Log attention, compared with looking everywhere alike.

        Args:
            queries: (L, B, Q, width). memory: (B, T, width). real: (B, T) bool.

        Returns:
            (L, B, Q, heads, T) float32, 0 everywhere for a query that looks everywhere alike.
        """
        query = self.query(queries).unflatten(3, (self.heads, -1)).transpose(2, 3)
        key = self.key(memory).unflatten(2, (self.heads, -1)).transpose(1, 2)  # (B, heads, T, d)
        log = attention_log_weights(query, key, None if real is None else real[:, None])
        cells = memory.shape[1] if real is None else real.sum(1)[:, None, None, None]
        even = math.log(cells) if isinstance(cells, int) else cells.log()
        return (log + even).clamp(min=LEAST).transpose(2, 3)

    def forward(self, attention: Tensor, features: Sequence[Tensor], picks: Picks) -> Tensor:
        """Draw the masks of some queries.

        Args:
            attention: (L, B, Q, heads, T), from `attend`. features: from `read`.
            picks: P queries.

        Returns:
            (P, h, w) float32 logits, of the finest level's size.
        """
        coarse, *finer = features
        own = attention[picks].unflatten(2, coarse.shape[2:])  # (P, heads, h_T, w_T)
        x = F.relu(self.norms[0](self.attention(own) + coarse[picks.image]))  # (P, inner, h_T, w_T)
        for level, refine, norm in zip(finer, self.refine, self.norms[1:], strict=True):
            x = F.interpolate(refine(x), scale_factor=2.0) + level[picks.image]  # twice the size
            x = F.relu(norm(x))
        return self.out(x)[:, 0].float()

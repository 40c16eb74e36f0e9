"""Attention: each query reads all places, and most from those that answer it best.

    w[i, j] = softmax_j(q_i · k_j / √d)          y_i = Σ_j w[i, j] v_j

Queries, keys and values are made from tokens by a matrix each. Several *heads* do so side by side,
each with its own d = width / heads channels, so that one token can look at several places at once.
(Vaswani et al., Attention Is All You Need, 2017, section 3.2.) Unit 54.

The library call is `torch.nn.MultiheadAttention`. It keeps the three matrices as one, which Muon
would take for one (`minseg.train.muon` makes the singular values of a matrix equal, and those of
three stacked matrices are not those of each). And it does not give the weights of each head without
losing the quick kernel, `F.scaled_dot_product_attention`, which never stores them.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def attention_loop(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """The definition, one query and one place at a time. See `attention`."""
    answers = torch.zeros(len(queries), values.shape[1])
    for i, query in enumerate(queries):
        fits = [math.exp(query @ key / len(query) ** 0.5) for key in keys]
        for j, fit in enumerate(fits):
            answers[i] += fit / sum(fits) * values[j]
    return answers


def attention(queries: Tensor, keys: Tensor, values: Tensor, real: Tensor | None = None) -> Tensor:
    """What each query reads.

    Args:
        queries: (…, n, d) floating point. keys: (…, m, d). values: (…, m, e).
        real: (…, m) bool, false for places that are padding; all are real if left out.

    Returns:
        (…, n, e).

    >>> keys = torch.tensor([[9.0, 0.0], [0.0, 9.0]])
    >>> attention(torch.tensor([[0.0, 9.0], [0.0, 0.0]]), keys, torch.tensor([[10.0], [20.0]]))
    tensor([[20.],
            [15.]])
    """
    mask = None if real is None else real[..., None, :]
    return F.scaled_dot_product_attention(queries, keys, values, mask)


def attention_log_weights(queries: Tensor, keys: Tensor, real: Tensor | None = None) -> Tensor:
    """log w[i, j], (…, n, m) float32; −∞ at places that are padding. Arguments as in `attention`.

    >>> attention_log_weights(torch.zeros(1, 2), torch.zeros(4, 2)).exp()
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """
    fits = (queries @ keys.transpose(-1, -2)).float() / queries.shape[-1] ** 0.5  # (…, n, m)
    if real is not None:
        fits = fits.masked_fill(~real[..., None, :], -math.inf)
    return fits.log_softmax(dim=-1)


class Attention(nn.Module):
    """Attention with several heads: tokens ask, other tokens are asked.

    Args:
        width: channels of a token, a multiple of `heads`.
        heads: how many.

    Raises:
        ValueError: if the heads cannot share the channels out evenly.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise ValueError(f"width must be a multiple of heads={heads}, got {width}")
        self.heads = heads
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)
        # At first q · k = x · y: tokens that are alike, or near, read one another.
        nn.init.orthogonal_(self.query.weight)
        with torch.no_grad():
            self.key.weight.copy_(self.query.weight)
        for layer in (self.query, self.key, self.value, self.out):
            nn.init.zeros_(layer.bias)

    def forward(
        self, asking: Tensor, asked: Tensor, contents: Tensor, real: Tensor | None = None
    ) -> Tensor:
        """Tokens (B, n, width) to what they read, of the same shape.

        Args:
            asking: (B, n, width). asked: (B, m, width), made into keys.
            contents: (B, m, width), made into values; without positions, in DETR.
            real: (B, m) bool, as in `attention`.
        """
        query, key = self._split(self.query(asking)), self._split(self.key(asked))
        value = self._split(self.value(contents))  # (B, heads, m, width / heads)
        read = attention(query, key, value, None if real is None else real[:, None])
        return self.out(read.transpose(1, 2).flatten(2))  # heads side by side again

    def look(
        self, asking: Tensor, asked: Tensor, contents: Tensor, real: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """What `forward` returns, and where each head of each token looked.

        Returns:
            (B, n, width), and (B, heads, n, m) float32, the logarithms of the weights.
        """
        query, key = self._split(self.query(asking)), self._split(self.key(asked))
        value = self._split(self.value(contents))  # (B, heads, m, width / heads)
        logs = attention_log_weights(query, key, None if real is None else real[:, None])
        read = logs.exp().to(value.dtype) @ value  # (B, heads, n, width / heads)
        return self.out(read.transpose(1, 2).flatten(2)), logs

    def _split(self, tokens: Tensor) -> Tensor:
        """(B, n, width) to (B, heads, n, width / heads)."""
        return tokens.unflatten(2, (self.heads, -1)).transpose(1, 2)

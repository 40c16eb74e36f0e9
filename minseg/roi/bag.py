"""A weighted bag of rows: the sparse matrix behind RoIAlign.

    out[r] = Σ_t  weight[r, t] · table[index[r, t]]

Each output row is a weighted sum of a few rows of a table. Written as a matrix, out = A · table
with A sparse, and the gradient with respect to the table is Aᵀ · grad: *the same operation* with
the roles of "who writes" and "who is read" swapped. Word embeddings are averaged like this, so
PyTorch has it as `embedding_bag`, fast and threaded; RoIAlign is such a bag of pixels, and that
is why it needs no C++ of its own. Unit 24 takes this to the GPU. The library call is
`torch.nn.functional.embedding_bag(…, mode="sum", per_sample_weights=…)`.

Its own backward would add into the table row by row; sorting the taps by the pixel that they read
turns that into one more bag, several times faster and the same bits on every run.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


def weighted_bag_loop(table: Tensor, index: Tensor, weight: Tensor) -> Tensor:
    """The definition, one bag at a time: slow, and meant to be read. See `weighted_bag`."""
    out = table.new_zeros(len(index), table.shape[1])
    for r in range(len(index)):
        for t in range(index.shape[1]):
            if weight[r, t] != 0:  # 0 · ∞ would be NaN
                out[r] += weight[r, t] * table[index[r, t]]
    return out


def weighted_bag(table: Tensor, index: Tensor, weight: Tensor) -> Tensor:
    """Weighted sums of rows.

    Args:
        table: (P, C) floating point, contiguous, such as the pixels of feature maps.
        index: (R, T) int64, the rows of the table that each bag reads.
        weight: (R, T), in the dtype of the table; a weight of 0 reads nothing, whatever the row
            holds, infinity and NaN included.

    Returns:
        (R, C), differentiable once, with respect to `table` only.

    >>> table, index = torch.tensor([[1.0], [10.0], [100.0]]), torch.tensor([[0, 1], [2, 2]])
    >>> weighted_bag(table, index, torch.tensor([[0.5, 0.5], [2.0, 0.0]])).tolist()
    [[5.5], [200.0]]
    """
    reads = weight != 0  # (R, T)
    if reads.all():
        return sum_bags(table, index, weight)
    # Point taps of weight 0 at a row that their bag reads anyway; a bag that reads none is 0.
    first = index.gather(1, reads.byte().argmax(dim=1, keepdim=True))
    out = sum_bags(table, torch.where(reads, index, first), weight)
    return out.masked_fill(~reads.any(dim=1, keepdim=True), 0)


def sum_bags(table: Tensor, index: Tensor, weight: Tensor) -> Tensor:
    """`weighted_bag`, where each tap of weight 0 names a row that its bag reads anyway.

    No tap is left out here, and 0 · ∞ is NaN: a bag that reads nothing at all may get it.
    """
    return _WeightedBag.apply(table, index, weight)


class _WeightedBag(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, index: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(index, weight)
        ctx.rows = len(table)
        # (R, C): what is read is grouped by the bag that reads it.
        return F.embedding_bag(index, table, mode="sum", per_sample_weights=weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        index, weight = ctx.saved_tensors
        bag, tap = weight.nonzero(as_tuple=True)  # every tap that was read, and by which bag
        # The same taps grouped by the row of the table: row p collects from the bags that read it.
        row, order = index[bag, tap].sort(stable=True)
        count = torch.bincount(row, minlength=ctx.rows)  # (P,) taps of each row
        grad_table = F.embedding_bag(
            bag[order],
            grad.contiguous(),
            count.cumsum(0) - count,  # where each row's group begins
            mode="sum",
            per_sample_weights=weight[bag, tap][order],
        )
        return grad_table, None, None

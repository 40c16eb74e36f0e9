"""Divide by the same number on every process.

A detection loss is a sum over things divided by their number. Processes that share a batch see
different numbers, and the gradient is averaged over them afterwards. If each divides by its own
number, an object in a sparse half of the batch weighs more than one in a crowded half. With

    n̄ = (n_1 + … + n_P) / P          (1/P) Σ_p (sum_p / n̄) = (Σ_p sum_p) / (Σ_p n_p)

the average of the gradients is the gradient of the whole batch on one process. DETR divides so
(Carion et al., End-to-End Object Detection with Transformers, 2020, in its code). Lesson 09.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor


def mean_over_processes(count: Tensor | int) -> Tensor:
    """The average of a count over all processes of torch.distributed, to divide a sum by.

    Args:
        count: a number or () tensor, such as this process's number of positives.

    Returns:
        () float32 without gradient; at least 1/P, as though one thing were somewhere, so that an
        empty batch gives a loss of 0 and not 0/0. With one process: max(count, 1).
    """
    total = torch.as_tensor(count, dtype=torch.float32).detach().clone()
    processes = 1
    if dist.is_available() and dist.is_initialized():
        processes = dist.get_world_size()
        if dist.get_backend() == "nccl":
            total = total.cuda()  # nccl adds up only what lies on a GPU
        dist.all_reduce(total)
    return total.clamp(min=1) / processes

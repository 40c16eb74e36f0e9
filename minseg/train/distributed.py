"""Training with several processes: PyTorch's own engine, and the few words we say to it.

Each of W processes holds a copy of the model and takes B/W images of every batch. The gradients
are averaged before the step, so that all copies stay the same:

    ∇ (1/B) Σ_i L_i  =  (1/W) Σ_r  ∇ (1/(B/W)) Σ_{i of r} L_i

It is one mean over the batch only if each process's loss is a mean over its images. A loss that is
divided by a count that differs (positive anchors, say) must divide by the mean of the counts over
all processes: `minseg.losses.mean_over_processes`.

PyTorch's DistributedDataParallel averages while the backward pass still runs (Li et al., PyTorch
Distributed, 2020, section 3.2), over gloo on CPUs and nccl on GPUs. Start W of them with
`torchrun --nproc-per-node=W -m minseg train …`. Without it, one process is all there is, and
everything below does nothing. Lesson 09.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
import torch.distributed as distributed
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

T = TypeVar("T")


@contextmanager
def process_group(device: torch.device) -> Iterator[torch.device]:
    """Join the processes that torchrun started; the device that is this one's.

    Without torchrun it is `device`, and nothing happens.
    """
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
        torch.cuda.set_device(device)
    # Defaults of functions in here hold whichever group there is at import. The engine imports it
    # late; then the group outlives us, and its threads may abort the process as Python shuts down.
    importlib.import_module("torch.distributed.nn")
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield device
    finally:
        distributed.destroy_process_group()


def together() -> bool:
    """Whether there is a process group."""
    return distributed.is_available() and distributed.is_initialized()


def world() -> tuple[int, int]:
    """(rank, size): which process this is, of how many; (0, 1) alone."""
    return (distributed.get_rank(), distributed.get_world_size()) if together() else (0, 1)


def mean(values: Tensor) -> Tensor:
    """The mean of a tensor over all processes; every process must ask, and gets the same."""
    if not together():
        return values
    total = values.clone()
    distributed.all_reduce(total)
    return total / distributed.get_world_size()


def gather(thing: T) -> list[T]:
    """The things of all processes, by rank; every process must ask."""
    if not together():
        return [thing]
    parts: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(parts, thing)
    return parts


def from_first(thing: T) -> T:
    """What the first process has: for what must be decided once, like anything about time."""
    return gather(thing)[0]


class Losses(nn.Module):
    """`model.losses` as a forward pass, which is the only thing that the engine can watch."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Any, targets: Any, seeds: list[int]) -> dict[str, Tensor]:
        return self.model.losses(images, targets, seeds=seeds)  # type: ignore[operator]


def parallel(model: nn.Module) -> nn.Module:
    """`Losses` of a model, its gradients averaged over all processes.

    The engine waits for the gradient of every parameter, so losses must depend on all of them in
    every step; a mask head without a thing to learn from gives a loss of 0 with a gradient of 0.
    """
    losses = Losses(model)
    if not together():
        return losses
    device = next(model.parameters()).device
    places = [device] if device.type == "cuda" else None
    return DistributedDataParallel(losses, device_ids=places)

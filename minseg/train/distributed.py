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
everything below does nothing.

Processes that wait for one another must also give up together. Where one can fail alone (it reads
a file, say), the others are told before they wait for it (`all_or_none`); what must be the same in
all is compared (`check_agreed`); and nobody waits for longer than a timeout. Lesson 09.
"""

from __future__ import annotations

import gc
import importlib
import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as distributed
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from minseg.train.watch import Watch

T = TypeVar("T")
TIMEOUT = 600.0  # seconds; reading a large file of annotations takes one


class SaidElsewhereError(ValueError):
    """Another process has met an error and tells about it; here there is nothing to add."""


@contextmanager
def process_group(device: torch.device, timeout: float = TIMEOUT) -> Iterator[torch.device]:
    """Join the processes that torchrun started; the device that is this one's.

    Without torchrun it is `device`, and nothing happens.

    Args:
        device: cpu, or cuda, of which each process gets its own.
        timeout: how many seconds to wait for a process that does not answer.

    Raises:
        ValueError: if the timeout is not above 0.
        TimeoutError: if a process has not answered for so long. Where GPUs talk to one another,
            nothing can be raised: then this process prints the line and ends with status 2.
        ConnectionError: if a process has ended.
    """
    if not timeout > 0:
        raise ValueError(f"timeout must be above 0 s, got {timeout}")
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
        torch.cuda.set_device(device)
    # Defaults of functions in here hold whichever group there is at import. The engine imports it
    # late; then the group outlives us, and its threads may abort the process as Python shuts down.
    importlib.import_module("torch.distributed.nn")
    on_gpus = device.type == "cuda"
    limit = timedelta(seconds=timeout + 60 if on_gpus else timeout)  # there the watch comes first
    with _lost_ones_named(timeout), Watch(timeout if on_gpus else None):
        distributed.init_process_group("nccl" if on_gpus else "gloo", timeout=limit)
        try:
            yield device
        except BaseException as error:
            _let_go(error)
            raise
        finally:
            distributed.destroy_process_group()


def _let_go(error: BaseException | None) -> None:
    """Free what the frames of an error hold: a model's engine, and with it the group.

    A group that is taken down after its end waits for processes that may have gone already.
    """
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
    gc.collect()


@contextmanager
def _lost_ones_named(timeout: float) -> Iterator[None]:
    """What the engine says in twenty lines, in one."""
    try:
        yield
    except RuntimeError as error:
        said = str(error).lower()
        if not isinstance(error, distributed.DistError) and "gloo" not in said:
            raise
        if "timed out" in said or "timeout" in said:
            raise TimeoutError(
                f"process {os.environ['RANK']} had no answer from another process for "
                f"{timeout:g} s: one of them hangs (timeout sets how long to wait)"
            ) from error
        raise ConnectionError("another process of this run has ended, so this one ends") from error


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
    Watch.alive()
    return parts


def from_first(thing: T) -> T:
    """What the first process has: for what must be decided once, like anything about time."""
    return gather(thing)[0]


def all_or_none(work: Callable[[], T]) -> T:
    """What `work` returns here, if it succeeds in all processes; every process must ask.

    Raises:
        Exception: its own, in the first process in which it fails; SaidElsewhereError in the
            others, so that nobody waits for one that has given up.
    """
    if not together():
        return work()
    mine: Exception | None = None
    try:
        result = work()
    except Exception as error:
        mine = error
    failed = [rank for rank, fails in enumerate(gather(mine is not None)) if fails]
    if not failed:
        return result
    if mine is not None and world()[0] == failed[0]:
        raise mine
    raise SaidElsewhereError(f"process {failed[0]} has failed")


def check_agreed(facts: Mapping[str, Any]) -> None:
    """ValueError in the first process unless all processes have the same; every one must ask."""
    everybody = gather(dict(facts))

    def compare() -> None:
        for rank, theirs in enumerate(everybody):
            for name, value in everybody[0].items():
                if repr(theirs[name]) != repr(value):  # NaN equals NaN here
                    raise ValueError(
                        f"all processes must go on from the same state: {name} is {value} in "
                        f"process 0, {theirs[name]} in process {rank}; "
                        f"do they see the same folder and the same data?"
                    )

    all_or_none(compare)


def largest(number: int) -> int:
    """The largest number of all processes; every process must ask."""
    if not together():
        return number
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    value = torch.tensor(number, device=device)
    distributed.all_reduce(value, distributed.ReduceOp.MAX)
    return int(value.item())


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

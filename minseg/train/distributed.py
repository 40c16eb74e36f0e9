"""Training with several processes, by DistributedDataParallel.

Each of W processes holds a copy of the model and takes B/W images of every batch. The gradients
are averaged before the step, so that all copies stay the same:

    ∇ (1/B) Σ_i L_i  =  (1/W) Σ_r  ∇ (1/(B/W)) Σ_{i of r} L_i

It is one mean over the batch only if each process's loss is a mean over its images. A loss that is
divided by a count that differs (positive anchors, say) must divide by the mean of the counts over
all processes: `minseg.losses.mean_over_processes`.

PyTorch's DistributedDataParallel averages while the backward pass still runs (Li et al., PyTorch
Distributed, 2020, section 3.2), over gloo on CPUs and nccl on GPUs. Start W of them with
`torchrun --nproc-per-node=W -m minseg train …`. Without it there is one process, and nothing here
is used. What processes ask one another is in `minseg.processes`. Unit 45.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import os
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as distributed
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from minseg.processes import Watch, check_agreed
from minseg.train.schedule import Progress

TIMEOUT = 600.0  # seconds; reading a large file of annotations takes one


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


class Losses(nn.Module):
    """`model.losses` as a forward pass, which is the only thing that the engine can watch."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Any, targets: Any, *, seeds: list[int]) -> dict[str, Tensor]:
        return self.model.losses(images, targets, seeds=seeds)  # type: ignore[operator]


def parallel(model: nn.Module) -> DistributedDataParallel:
    """`model.losses`, its gradients averaged over all processes.

    The engine waits for the gradient of every parameter, so losses must depend on all of them in
    every step; a mask head without a thing to learn from gives a loss of 0 with a gradient of 0.
    """
    device = next(model.parameters()).device
    places = [device] if device.type == "cuda" else None
    return DistributedDataParallel(Losses(model), device_ids=places)


def check_same_run(model: nn.Module, settings: Mapping[str, Any]) -> None:
    """ValueError unless all processes have the same settings, and models of the same shapes."""
    shapes = [(name, tuple(t.shape)) for name, t in model.state_dict().items()]
    check_agreed({**settings, "the model": hashlib.sha256(repr(shapes).encode()).hexdigest()[:16]})


def check_same_start(model: nn.Module, progress: Progress | None) -> None:
    """ValueError unless all processes stand at the same step with the same weights.

    Else they would end with a model that none of them has trained.
    """
    total = hashlib.sha256()
    for tensor in model.state_dict().values():
        total.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    found = {} if progress is None else asdict(progress)
    state = {name: found.get(name) for name in ("step", "schedule")}
    check_agreed({**state, "digest of weights": total.hexdigest()[:16]})

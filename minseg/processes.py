"""Several processes that train one model: ask which one this is, add up, compare, stop together.

PyTorch starts P processes and numbers them by *rank*, 0 … P − 1 (`minseg.train.distributed`). A
process alone has rank 0 of 1, and every function here then returns what it was given. Where there
are more, *every* process must call the function, and all get the same answer.

*Divide by the same number.* A detection loss is a sum over things divided by their number, and the
gradient is averaged over the processes afterwards. Each process sees another number n_p. If each
divided by its own, an object in a sparse half of the batch would weigh more than one in a crowded
half. With

    n̄ = (n_1 + … + n_P) / P          (1/P) Σ_p (sum_p / n̄) = (Σ_p sum_p) / (Σ_p n_p)

the average of the gradients is the gradient of the whole batch on one process
(`mean_over_processes`). DETR divides so (Carion et al., End-to-End Object Detection with
Transformers, 2020, in its code).

*Stop together.* Processes that wait for one another must also give up together. Where one can fail
alone, as in reading a file, the others are told before they wait for it (`all_or_none`). What must
be the same in all is compared (`check_agreed`). And a process that waits in vain ends, and says so
(`Watch`). Unit 45.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, ClassVar, TypeVar

import torch
import torch.distributed as distributed
from torch import Tensor

T = TypeVar("T")


class SaidElsewhereError(ValueError):
    """Another process has met an error and tells about it; here there is nothing to add."""


def together() -> bool:
    """Whether there is a process group.

    >>> together()
    False
    """
    return distributed.is_available() and distributed.is_initialized()


def world() -> tuple[int, int]:
    """(rank, size): which process this is, of how many.

    >>> world()
    (0, 1)
    """
    return (distributed.get_rank(), distributed.get_world_size()) if together() else (0, 1)


def mean(values: Tensor) -> Tensor:
    """The mean of a tensor over all processes.

    >>> mean(torch.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """
    if not together():
        return values
    total = values.clone()
    distributed.all_reduce(total)
    return total / distributed.get_world_size()


def mean_over_processes(count: Tensor | int) -> Tensor:
    """The average of a count over all processes of torch.distributed, to divide a sum by.

    Args:
        count: a number or () tensor, such as this process's number of positives.

    Returns:
        () float32 without gradient; at least 1/P, as though one thing were somewhere, so that an
        empty batch gives a loss of 0 and not 0/0. With one process: max(count, 1).

    >>> mean_over_processes(5), mean_over_processes(0)
    (tensor(5.), tensor(1.))
    """
    total = torch.as_tensor(count, dtype=torch.float32).detach().clone()
    processes = 1
    if together():
        processes = distributed.get_world_size()
        if distributed.get_backend() == "nccl":
            total = total.cuda()  # nccl adds up only what lies on a GPU
        distributed.all_reduce(total)
    return total.clamp(min=1) / processes


def largest(number: int) -> int:
    """The largest number of all processes.

    >>> largest(15)
    15
    """
    if not together():
        return number
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    value = torch.tensor(number, device=device)
    distributed.all_reduce(value, distributed.ReduceOp.MAX)
    return int(value.item())


def gather(thing: T) -> list[T]:
    """The things of all processes, by rank; anything that can be pickled.

    >>> gather("mine")
    ['mine']
    """
    if not together():
        return [thing]
    parts: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(parts, thing)
    Watch.alive()
    return parts


def from_first(thing: T) -> T:
    """The first process's thing: for what must be decided once, like anything about time."""
    return gather(thing)[0]


def all_or_none(work: Callable[[], T]) -> T:
    """What `work` returns here, if it succeeds in all processes.

    Raises:
        Exception: its own, in the first process in which it fails; SaidElsewhereError in the
            others, so that none waits for one that has given up.

    >>> all_or_none(lambda: 3)
    3
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
    """ValueError in the first process unless all processes have the same facts."""
    of_all = gather(dict(facts))

    def compare() -> None:
        for rank, theirs in enumerate(of_all):
            for name, value in of_all[0].items():
                if repr(theirs[name]) != repr(value):  # NaN equals NaN here
                    raise ValueError(
                        f"all processes must go on from the same state: {name} is {value} in "
                        f"process 0, {theirs[name]} in process {rank}; "
                        f"do they see the same folder and the same data?"
                    )

    all_or_none(compare)


class Watch:
    """End this process, status 2, with one line, when it got nowhere for too long.

    Processes on GPUs wait for one another inside the GPU's queue: if one of them hangs, no call of
    the others returns, and no error can be raised there. So a thread looks on, and whenever the
    process gets somewhere, it notes the time:

        now − last sign of life > timeout      →      one line, and the end of the process

    Its locks are freed by the operating system, its last checkpoint is whole (`minseg.files`), and
    torchrun, which sees it end, ends the others. Use as a context around work that calls
    `Watch.alive()` now and then.

    Args:
        timeout: seconds without a sign of life that are too many; None never minds.
    """

    last: ClassVar[float] = 0.0

    def __init__(self, timeout: float | None) -> None:
        self.timeout = timeout
        self._over = threading.Event()

    @classmethod
    def alive(cls) -> None:
        """The process got somewhere."""
        cls.last = monotonic()

    def __enter__(self) -> Watch:
        self.alive()
        if self.timeout is not None:
            threading.Thread(target=self._look, args=(self.timeout,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _look(self, timeout: float) -> None:
        while not self._over.wait(min(1.0, timeout / 10)):
            if monotonic() - self.last > timeout:
                rank = os.environ.get("RANK", "0")
                print(
                    f"error: process {rank} got nowhere for {timeout:g} s: it or another one hangs "
                    f"(timeout sets how long to wait)",
                    file=sys.stderr,
                    flush=True,
                )
                os._exit(2)  # nothing gentler reaches a thread that waits for a GPU

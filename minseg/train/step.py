"""One training step: losses, gradients, clipping, optimisers.

    g = ∇ Σ losses;    g ← g · min(1, clip / ‖g‖);    W ← Muon(W, g),   b ← AdamW(b, g)

Matrices and kernels W use Muon (`minseg.train.muon`), which learns more from as many steps. Biases
and the scales of normalisations b use AdamW: a running mean of g, divided by the root of a running
mean of g² (Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019, algorithm 2). Only W
shrinks a little with every step: the scale of a normalisation or a bias has no reason to be small.
Clipping (Pascanu et al., On the difficulty of training RNNs, 2013, section 3.2) keeps one odd batch
from throwing the model out of the valley it is in. Unit 45.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from minseg.bf16 import check_wanted, choose
from minseg.processes import all_or_none, from_first, mean, together, world
from minseg.terminal import notice
from minseg.train.batches import STEP, Batch, seed_of, to_device
from minseg.train.distributed import parallel
from minseg.train.log import Row
from minseg.train.muon import Muon

Settings = dict[str, Any]  # the arguments of `train` that decide how a run ends, by their names

BETAS = (0.9, 0.98)  # a memory of 50 steps for g²: short runs have no time for 0.999
_told: set[str] = set()  # that bf16=True is slower here: once is enough


class Stepper:
    """A model with its optimisers.

    Args:
        model: with `losses(images, targets, *, seeds)`.
        settings: of which are used "weight_decay", how strongly matrices shrink; "clip", the
            largest norm of the gradient; "seed", of what torch's global state is used for, as
            dropout; "bf16", a bool, to compute in bfloat16 what PyTorch's autocast thinks safe.
    """

    def __init__(self, model: nn.Module, settings: Settings) -> None:
        self.model, self.settings = model, settings
        self.device = next(model.parameters()).device
        self.optimisers = make_optimisers(model, settings["weight_decay"])
        self._parallel = parallel(model) if together() else None

    def take(self, step: int, batch: Batch, learning_rate: float) -> Row:
        """Take a step.

        Returns:
            "loss", the sum, then each loss by its name, "gradient" (its norm before clipping) and
            "learning_rate"; losses are means over all processes.

        Raises:
            FloatingPointError: if a loss or the gradient is not finite; the weights are as before.
        """
        self.model.train()
        self.model.zero_grad()
        batch = to_device(batch, self.device)
        with self._random(step):  # also while going back: checkpointing computes losses again
            # losses: a number () for each part of the model
            compute: Any = self.model.losses if self._parallel is None else self._parallel
            with torch.autocast(self.device.type, torch.bfloat16, self.settings["bf16"]):
                losses = compute(batch.images, batch.targets, seeds=batch.seeds)

            # backward: of their sum, each with weight 1
            torch.stack([loss.float() for loss in losses.values()]).sum().backward()

        # clip
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.settings["clip"]).item()
        values = _numbers(losses)
        row = {"loss": sum(values.values()), **values, "gradient": norm}
        _check_finite(row)  # before the weights are touched

        # step
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = learning_rate
            optimiser.step()
        return {**row, "learning_rate": learning_rate}

    @contextmanager
    def _random(self, step: int) -> Iterator[None]:
        """Torch's global random state made of (seed, step, rank), and put back afterwards."""
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(seed_of(self.settings["seed"], STEP, step, world()[0]))
            yield


def make_optimisers(model: nn.Module, weight_decay: float) -> list[Optimizer]:
    """Muon for the matrices and kernels that are to be learnt, AdamW for biases and scales.

    >>> [type(one).__name__ for one in make_optimisers(nn.Linear(2, 3), weight_decay=0.01)]
    ['Muon', 'AdamW']
    """
    learnt = [p for p in model.parameters() if p.requires_grad]
    if not learnt:
        raise ValueError("model must have parameters that require gradients, got none")
    matrices, others = [p for p in learnt if p.ndim > 1], [p for p in learnt if p.ndim <= 1]
    optimisers: list[Optimizer] = []
    if matrices:
        optimisers.append(Muon(matrices, weight_decay=weight_decay))
    if others:
        fused = others[0].device.type in ("cpu", "cuda")  # all of them in one kernel
        optimisers.append(AdamW(others, betas=BETAS, weight_decay=0.0, fused=fused))
    return optimisers


def check_settings(settings: Settings) -> None:
    """ValueError if one is out of its range, or not exactly one of steps and seconds is given."""
    steps, seconds = settings["steps"], settings["seconds"]
    if (steps is None) == (seconds is None):
        raise ValueError(f"give one of steps and seconds, got steps={steps}, seconds={seconds}")
    for name, zero_too in (("learning_rate", False), ("clip", False), ("weight_decay", True)):
        value = settings[name]
        if not (0 < value < math.inf or (value == 0 and zero_too)):
            least = "0 or more" if zero_too else "above 0"
            raise ValueError(f"{name} must be {least}, got {value}")
    check_wanted(settings["bf16"])


def decide_bf16(wanted: bool | str, begun: object, model: nn.Module) -> bool:
    """Whether to compute in bfloat16: decided, and told, by the first process for all.

    Args:
        wanted: True, False or "auto".
        begun: what the run was begun with, which "auto" keeps to; None where it begins now.
    """

    def decide() -> bool:
        if wanted == "auto" and isinstance(begun, bool):
            return begun
        on, why = choose(wanted, next(model.parameters()).device)
        if why and (wanted == "auto" or why not in _told):
            _told.add(why)
            notice(why)
        return on

    return from_first(all_or_none(lambda: world()[0] == 0 and decide()))


def use_checkpointing(model: nn.Module, wanted: bool) -> None:
    """Models that can recompute activations have a switch, `checkpointing`."""
    if hasattr(model, "checkpointing"):
        model.checkpointing = wanted  # type: ignore[assignment]
    elif wanted:
        raise ValueError(f"checkpointing must be False: {type(model).__name__} does not offer it")


def _numbers(losses: dict[str, Tensor]) -> dict[str, float]:
    """Each loss, the mean over all processes."""
    values = mean(torch.stack([loss.detach().float() for loss in losses.values()]))
    return dict(zip(losses, values.tolist(), strict=True))


def _check_finite(row: Row) -> None:
    """All processes see the same numbers here, so all of them stop, or none."""
    if not all(map(math.isfinite, row.values())):
        said = ", ".join(f"{name} {value:.3g}" for name, value in row.items())
        raise FloatingPointError(f"a loss or the gradient is not finite ({said})")

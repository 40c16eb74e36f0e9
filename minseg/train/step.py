"""One step of training: losses, gradients, and a careful move against them.

    g = ∇ Σ losses;    g ← g · min(1, clip / ‖g‖);    W ← Muon(W, g),   b ← AdamW(b, g)

Matrices and kernels W move by Muon (`minseg.train.muon`), which learns more from as many steps.
What is no matrix, biases and the scales of normalisations, moves by AdamW: a running mean of
g, divided by the root of a running mean of g² (Loshchilov and Hutter, Decoupled Weight Decay
Regularization, 2019, algorithm 2). Only W shrinks a little with every step: the scale of a
normalisation or a bias has no reason to be small. Clipping (Pascanu et al., On the difficulty of
training RNNs, 2013, section 3.2) keeps one odd batch from throwing the model out of the valley it
is in. Lesson 09.

Whatever a model draws while it learns comes from seeds made of (seed, step): its own sampling from
those of the batch, dropout and the like from torch's global state, set here and put back after.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from minseg.train.batches import Batch, to_device
from minseg.train.distributed import mean, parallel, world
from minseg.train.log import Row
from minseg.train.muon import Muon
from minseg.train.sampling_order import STEP, seed_of

BETAS = (0.9, 0.98)  # a memory of 50 steps for g²: short runs have no time for 0.999


class Stepper:
    """A model with its optimisers.

    Args:
        model: with `losses(images, targets, *, seeds)`.
        weight_decay: how strongly matrices shrink.
        clip: the largest norm of the gradient.
        seed: of what torch's global state is used for.
        bf16: compute in bfloat16 what PyTorch's autocast thinks safe.
    """

    def __init__(
        self, model: nn.Module, *, weight_decay: float, clip: float, seed: int, bf16: bool
    ) -> None:
        self.model, self.clip, self.seed, self.bf16 = model, clip, seed, bf16
        self.device = next(model.parameters()).device
        self.optimisers = make_optimisers(model, weight_decay)
        self._losses = parallel(model)

    def __call__(self, step: int, batch: Batch, learning_rate: float) -> Row:
        """Take a step.

        Returns:
            "loss", the sum, then each loss by its name, "gradient" (its norm before clipping) and
            "learning_rate"; losses are means over all processes.

        Raises:
            FloatingPointError: if a loss or the gradient is not finite; the weights are as before.
        """
        self.model.train()
        batch = to_device(batch, self.device)
        self.model.zero_grad()
        with self._random(step):
            with torch.autocast(self.device.type, torch.bfloat16, self.bf16):
                losses = self._losses(*batch)
            torch.stack([loss.float() for loss in losses.values()]).sum().backward()
        values = _numbers(losses)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.clip).item()
        row = {"loss": sum(values.values()), **values, "gradient": norm}
        _check_finite(row)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = learning_rate
            optimiser.step()
        return {**row, "learning_rate": learning_rate}

    @contextmanager
    def _random(self, step: int) -> Iterator[None]:
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(seed_of(self.seed, STEP, step, world()[0]))
            yield


def make_optimisers(model: nn.Module, weight_decay: float) -> list[Optimizer]:
    """Muon for the matrices and kernels that are to be learnt, AdamW for what else is."""
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


def _numbers(losses: dict[str, Tensor]) -> dict[str, float]:
    """Each loss, the mean over all processes."""
    values = mean(torch.stack([loss.detach().float() for loss in losses.values()]))
    return dict(zip(losses, values.tolist(), strict=True))


def _check_finite(row: Row) -> None:
    """All processes see the same numbers here, so all of them stop, or none."""
    if not all(map(math.isfinite, row.values())):
        said = ", ".join(f"{name} {value:.3g}" for name, value in row.items())
        raise FloatingPointError(f"a loss or the gradient is not finite ({said})")

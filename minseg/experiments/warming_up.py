"""A task so small that a whole training run takes a second.

The question is which pixels a thing covers. Seven convolutions without any normalisation say of
each pixel of a small scene whether a thing covers it. About one pixel in seven is covered. Without
normalisation the first steps can do harm that later ones do not mend, so what a schedule and an
optimiser are good for shows in 60 steps.
Unit 45.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from minseg.data import SceneDataset
from minseg.train.muon import Muon

WIDTH, HIDDEN = 16, 6  # channels, layers that keep them


def covered_pixels(split: str, count: int) -> tuple[Tensor, Tensor]:
    """Images (count, 3, 64, 64), and (count, 1, 64, 64): 1 where a thing is, 0 elsewhere."""
    scenes = SceneDataset(split, size=64, count=(3, 6))
    examples = [scenes[k] for k in range(count)]
    images = torch.stack([one.image for one in examples])
    covered = torch.stack([one.instances.masks.any(dim=0, keepdim=True) for one in examples])
    return images, covered.float()


def plain_network(seed: int) -> nn.Sequential:
    """Images (B, 3, H, W) to logits (B, 1, H, W), H and W even; the same weights for one seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers: list[nn.Module] = [nn.Conv2d(3, WIDTH, 3, stride=2, padding=1), nn.ReLU()]
        for _ in range(HIDDEN):
            layers += [nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.ReLU()]
        layers += [nn.Conv2d(WIDTH, 1, 1), nn.Upsample(scale_factor=2, mode="bilinear")]
        return nn.Sequential(*layers)


def optimisers_of(network: nn.Module, name: str) -> list[Optimizer]:
    """Adam for all; or Muon for kernels, and Adam for biases, which are no matrices.

    Raises:
        ValueError: if `name` is neither "Adam" nor "Muon".
    """
    if name not in ("Adam", "Muon"):
        raise ValueError(f'name must be "Adam" or "Muon", got {name!r}')
    if name == "Adam":
        return [Adam(network.parameters())]
    kernels = [p for p in network.parameters() if p.ndim > 1]
    biases = [p for p in network.parameters() if p.ndim == 1]
    return [Muon(kernels), Adam(biases)]


@torch.no_grad()
def loss_on(network: nn.Module, images: Tensor, covered: Tensor) -> float:
    """The mean cross-entropy of all pixels."""
    return F.binary_cross_entropy_with_logits(network(images), covered).item()


def spread_of_step(gradient: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
    """Singular values of a kernel's gradient and of a step, each divided by its largest.

    Args:
        gradient, step: (out, in, h, w); a kernel is the matrix (out, in·h·w).
    """
    both = [torch.linalg.svdvals(x.flatten(1)) for x in (gradient, step)]
    return both[0] / both[0][0], both[1] / both[1][0]

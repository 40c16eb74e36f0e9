"""What a forward pass leaves behind for the backward pass, counted to the byte.

Autograd saves the tensors from which it will compute gradients. A hook sees each of them,

    forward:   y = f(x)   → saves x, or y, or both          backward:   ∂L/∂x = f'(x)ᵀ ∂L/∂y

so their storages can be added up, each once however many operations share it. That is memory by
what the program *does*; nothing depends on the machine, nor on what else runs there.

Checkpointing (Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016, section 4) saves
the inputs of segments only. Of n equal blocks of m tensors each, in s segments, that is s tensors
and, while one segment is computed anew, m n/s, its own input counted in both. That is least near
s = √(m n). Unit 45.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

T = TypeVar("T")


def kept(run: Callable[[], T], model: nn.Module) -> tuple[float, T]:
    """MiB that autograd saves while `run()` computes, and its result.

    The parameters of the model, which are there in any case, are not counted.

    >>> layer, x = nn.Linear(256, 8), torch.zeros(1024, 256)  # x is 1 MiB
    >>> kept(lambda: layer(x), layer)[0]  # the gradient of the weight needs x
    1.0
    """
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    found: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        # Held until all are counted, or a freed address could be counted as another tensor's.
        found[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = run()
    sizes = [t.untyped_storage().nbytes() for at, t in found.items() if at not in weights]
    return sum(sizes) / 2**20, result


def in_segments(blocks: nn.Sequential, x: Tensor, segments: int) -> Tensor:
    """The blocks one after the other, of which only the inputs of `segments` parts are kept.

    Raises:
        ValueError: if the blocks cannot be divided into so many equal parts.

    >>> blocks = nn.Sequential(*(nn.Sigmoid() for _ in range(8)))
    >>> x = torch.zeros(1024, 256, requires_grad=True)  # 1 MiB, as each output is
    >>> [kept(lambda: in_segments(blocks, x, n), blocks)[0] for n in (1, 2, 4)]
    [1.0, 2.0, 4.0]
    """
    if segments < 1 or len(blocks) % segments:
        raise ValueError(f"segments must divide {len(blocks)} blocks, got {segments}")
    length = len(blocks) // segments
    for k in range(0, len(blocks), length):
        x = checkpoint(blocks[k : k + length], x, use_reentrant=False)
    return x


def peak(blocks: nn.Sequential, x: Tensor, segments: int) -> float:
    """MiB at the worst moment of the backward pass: one segment whole, and the others' inputs.

    The blocks must be alike, with an output of the size of their input.

    >>> blocks = nn.Sequential(*(nn.Sequential(nn.Linear(256, 256), nn.Tanh()) for _ in range(8)))
    >>> x = torch.zeros(1024, 256)  # 1 MiB, as each output is
    >>> [peak(blocks, x, segments) for segments in (1, 2, 4, 8)]
    [9.0, 6.0, 6.0, 9.0]
    """
    inputs, _ = kept(lambda: in_segments(blocks, x, segments), blocks)
    one, _ = kept(lambda: blocks[: len(blocks) // segments](x), blocks)
    return inputs + one - x.nbytes / 2**20  # that segment's own input is in both

"""What each part of a model leaves behind for the backward pass, in MiB.

The hook of `minseg.experiments.activation_memory` sees every tensor that autograd saves; another
one, before and after each part, knows which part runs at that moment. A storage belongs to the
first part that saves it. What is saved outside of all parts, as by losses, goes to "the rest".
Unit 45.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

REST = "the rest"


def kept_by_part(
    run: Callable[[], object], model: nn.Module, parts: Mapping[str, Sequence[nn.Module]]
) -> dict[str, float]:
    """MiB that autograd saves in each part while `run()` computes; parameters are not counted.

    Args:
        run: a forward pass of the model.
        model: its parameters are there in any case.
        parts: name to modules inside the model, none of them inside another.

    Returns:
        name → MiB, in the order of `parts`, and "the rest" last.

    >>> import torch
    >>> model, x = nn.Sequential(nn.Linear(256, 256), nn.Tanh()), torch.zeros(1024, 256)  # 1 MiB
    >>> kept_by_part(lambda: model(x), model, {"linear": [model[0]], "tanh": [model[1]]})
    {'linear': 1.0, 'tanh': 1.0, 'the rest': 0.0}
    """
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    found: dict[int, tuple[str, Tensor]] = {}
    at_work: list[str] = []

    def pack(tensor: Tensor) -> Tensor:
        # Held until all are counted, or a freed address could be counted as another tensor's.
        where = at_work[-1] if at_work else REST
        found.setdefault(tensor.untyped_storage().data_ptr(), (where, tensor))
        return tensor

    def enter(name: str, *_: object) -> None:
        at_work.append(name)

    def leave(*_: object) -> None:
        at_work.pop()

    handles = []
    for name, modules in parts.items():
        for module in modules:
            handles.append(module.register_forward_pre_hook(partial(enter, name)))
            handles.append(module.register_forward_hook(leave))
    try:
        with saved_tensors_hooks(pack, lambda tensor: tensor):
            result = run()
        sizes = dict.fromkeys([*parts, REST], 0.0)
        for address, (name, tensor) in found.items():
            if address not in weights:
                sizes[name] += tensor.untyped_storage().nbytes() / 2**20
        del result  # its graph holds what was counted
    finally:
        for handle in handles:
            handle.remove()
    return sizes

"""Watch a Triton kernel work: every address that its programs load, store or add to.

Triton's interpreter runs a kernel on the CPU, one program after another, in NumPy. Whatever a
kernel does to memory passes through three functions there; `watch` stands beside them and takes
notes. `launch` also keeps a kernel that is still being written from doing harm: each tensor is
copied into the middle of a wider buffer, what lies beyond it counts as outside, and an address that
belongs to no buffer is never touched. (Unit 24.)

The interpreter hides races, since programs never meet. `shuffled` runs them in another order,
which is the part of chance that can be had on a CPU.

The library for this is triton-viz, which traces, draws and sanitises kernels; this is one light
file. It patches functions inside the interpreter, which may change with Triton: it has been tried
with versions 3.6 and 3.9.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor

MARGIN = 4096  # elements on either side of a tensor that `launch` guards


@dataclass(frozen=True)
class Access:
    """One load, store or atomic addition of one program.

    Args:
        program: its three ids. kind: "load", "store" or "add".
        argument: name of the tensor, "" for addresses that belong to none.
        element: int64, in the shape of the block of pointers: which element each lane touches,
            counted in memory from the tensor's first; below 0 or too large means outside.
        active: bool, in that shape: which lanes the mask lets through.
    """

    program: tuple[int, int, int]
    kind: str
    argument: str
    element: Tensor
    active: Tensor


@dataclass
class Trace:
    """All that a launch did to memory, in order.

    Args:
        sizes: how many elements each tensor spans, by name.
    """

    sizes: dict[str, int]
    accesses: list[Access] = field(default_factory=list)

    def elements(self, kind: str, argument: str) -> Tensor:
        """(n,) elements of one tensor touched in one way, by all lanes in order."""
        found = [
            access.element[access.active]
            for access in self.accesses
            if (access.kind, access.argument) == (kind, argument)
        ]
        return torch.cat(found) if found else torch.zeros(0, dtype=torch.int64)

    def count(self, *kinds: str) -> int:
        """How many numbers were touched in these ways, inside tensors and out."""
        return sum(int(access.active.sum()) for access in self.accesses if access.kind in kinds)

    @property
    def outside(self) -> int:
        """How many numbers were touched outside of every tensor."""
        return sum(
            int((access.active & ((access.element < 0) | (access.element >= size))).sum())
            for access in self.accesses
            for size in [self.sizes.get(access.argument, 0)]
        )


def launch(kernel: Any, grid: tuple[int, ...], *args: Any, **constants: Any) -> Trace:
    """Run a kernel in the interpreter under guard; tensors among `args` receive what it wrote.

    Masked-out lanes load NaN unless the kernel says otherwise, and so does the guarded margin: what
    a GPU leaves undefined does not come out right by luck.

    Raises:
        TypeError: if `kernel` is not a Triton kernel.
        NotImplementedError: if Triton is missing, or was imported to compile, not to interpret.
        Exception: whatever the kernel raises, itself and not the interpreter's wrapping.
    """
    _check_kernel(kernel)
    names = [name for name, _ in zip(kernel.arg_names, args, strict=False)]
    originals = {n: a for n, a in zip(names, args, strict=False) if isinstance(a, Tensor)}
    copies = {name: _guarded(tensor) for name, tensor in originals.items()}
    with watch(copies, margin=MARGIN) as trace:
        try:
            kernel[grid](*[copies.get(n, a) for n, a in zip(names, args, strict=True)], **constants)
        except Exception as error:
            raise _cause(error) from None
    for name, tensor in originals.items():
        tensor.copy_(copies[name])
    return trace


@contextlib.contextmanager
def watch(tensors: Mapping[str, Tensor], margin: int | None = None) -> Iterator[Trace]:
    """Within it, note what kernels do to these tensors.

    Args:
        margin: elements around each tensor that may be touched, too; nothing else may. None lets
            every access pass, and notes those to the tensors.
    """
    from triton.runtime.interpreter import interpreter_builder as builder

    trace = Trace({name: _span(tensor) for name, tensor in tensors.items()})

    def note(kind: str, pointers: Any, mask: Any) -> Any:
        """The mask without the lanes that must not be touched."""
        address, wanted = np.broadcast_arrays(pointers.data.astype(np.int64), mask.data)
        known = np.zeros(address.shape, dtype=bool)
        for name, tensor in tensors.items():
            element = (address - tensor.data_ptr()) // tensor.element_size()
            mine = (element >= -(margin or 0)) & (element < trace.sizes[name] + (margin or 0))
            known |= mine
            _add(trace, builder.grid_idx, kind, name, element, mine & wanted)
        if margin is None:
            return mask
        _add(trace, builder.grid_idx, kind, "", np.full_like(address, -1), wanted & ~known)
        return type(mask)((wanted & known).reshape(mask.data.shape), mask.dtype)

    load, store = builder.create_masked_load, builder.create_masked_store
    atomic = builder.create_atomic_rmw

    def noted_load(pointers: Any, mask: Any, other: Any, *rest: Any) -> Any:
        allowed = note("load", pointers, mask)
        value = load(pointers, allowed, other, *rest)
        if margin is not None and other is None and np.issubdtype(value.data.dtype, np.floating):
            value.data = np.where(allowed.data, value.data, np.nan).astype(value.data.dtype)
        return value

    def noted_store(pointers: Any, value: Any, mask: Any, *rest: Any) -> Any:
        return store(pointers, value, note("store", pointers, mask), *rest)

    def noted_atomic(how: Any, pointers: Any, value: Any, mask: Any, *rest: Any) -> Any:
        return atomic(how, pointers, value, note("add", pointers, mask), *rest)

    with (
        patch.object(builder, "create_masked_load", noted_load),
        patch.object(builder, "create_masked_store", noted_store),
        patch.object(builder, "create_atomic_rmw", noted_atomic),
        np.errstate(all="ignore"),
    ):
        yield trace


@contextlib.contextmanager
def shuffled(seed: int) -> Iterator[None]:
    """Within it, the programs of each launch run in an order of chance."""
    from triton.runtime.interpreter import interpreter_builder as builder

    order: dict[tuple[int, ...], tuple[int, ...]] = {}

    def set_grid_idx(*program: int) -> None:
        if program == (0, 0, 0):  # a launch begins
            there = list(product(*map(range, builder.grid_dim)))
            order.update(zip(there, random.Random(seed).sample(there, len(there)), strict=True))
        builder.grid_idx = order[program]

    with patch.object(builder, "set_grid_idx", set_grid_idx):
        yield


def _check_kernel(kernel: Any) -> None:
    """Raise, with the remedy, unless the interpreter can run it."""
    try:
        import triton
        from triton.runtime.interpreter import InterpretedFunction
    except ImportError:
        raise NotImplementedError(
            "this needs Triton, which exists for Linux: pip install triton"
        ) from None
    if isinstance(kernel, triton.JITFunction):
        raise NotImplementedError(
            "Triton was imported before TRITON_INTERPRET=1 was set, so it compiles for a GPU: "
            "restart the kernel of this notebook and run it from its first cell"
        )
    if not isinstance(kernel, InterpretedFunction):
        raise TypeError("a kernel needs @triton.jit on the line above its `def`")


def _guarded(tensor: Tensor) -> Tensor:
    """A copy with the same strides, in the middle of a buffer of NaN (or of a wild integer)."""
    wild: Any = float("nan") if tensor.is_floating_point() else 10**6
    buffer = torch.full((_span(tensor) + 2 * MARGIN,), wild, dtype=tensor.dtype)
    return buffer.as_strided(tensor.shape, tensor.stride(), MARGIN).copy_(tensor)


def _span(tensor: Tensor) -> int:
    """Elements from a tensor's first to its last in memory."""
    if not tensor.numel():
        return 0
    return 1 + sum((n - 1) * step for n, step in zip(tensor.shape, tensor.stride(), strict=True))


def _add(trace: Trace, program: Any, kind: str, name: str, element: Any, active: Any) -> None:
    if active.any():
        block = torch.from_numpy(np.array(element)), torch.from_numpy(np.array(active))
        trace.accesses.append(Access(program, kind, name, *block))


def _cause(error: BaseException) -> BaseException:
    """What a kernel raised, out of the interpreter's wrappings, one for each function called."""
    while type(error).__name__ == "InterpreterError" and error.__cause__ is not None:
        error = error.__cause__
    return error

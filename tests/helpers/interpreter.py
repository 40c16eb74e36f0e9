"""Looks over the shoulder of Triton's interpreter, which runs programs one after another.

One after another hides races. Two ways to see them all the same: run the programs in another
order, which must not change a bit; and note every address that is written, which must be one time.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator
from unittest.mock import patch

import numpy as np
from triton.runtime.interpreter import interpreter_builder


@contextlib.contextmanager
def shuffled_programs(seed: int) -> Iterator[None]:
    """Within it, programs run in an order of chance."""
    plain, rng, orders = interpreter_builder.set_grid_idx, np.random.default_rng(seed), {}

    def set_grid_idx(x, y, z):
        size = interpreter_builder.grid_dim[0]
        if (x, y, z) == (0, 0, 0):  # a launch begins
            orders[size] = rng.permutation(size)
        plain(int(orders[size][x]), y, z)

    with patch.object(interpreter_builder, "set_grid_idx", set_grid_idx):
        yield


@contextlib.contextmanager
def memory_traffic() -> Iterator[tuple[Counter, Counter]]:
    """Counts of (loads, stores) by address, for what runs within it; atomics are both."""
    loads, stores = Counter(), Counter()
    plain_load = interpreter_builder.create_masked_load
    plain_store = interpreter_builder.create_masked_store
    plain_atomic = interpreter_builder.create_atomic_rmw

    def load(ptrs, mask, *rest):
        loads.update(ptrs.data[mask.data].tolist())
        return plain_load(ptrs, mask, *rest)

    def store(ptrs, value, mask, *rest):
        stores.update(np.broadcast_to(ptrs.data, mask.data.shape)[mask.data].tolist())
        return plain_store(ptrs, value, mask, *rest)

    def atomic(operation, ptr, val, mask, *rest):
        addresses = np.broadcast_to(ptr.data, mask.data.shape)[mask.data].tolist()
        loads.update(addresses)
        stores.update(addresses)
        return plain_atomic(operation, ptr, val, mask, *rest)

    with (
        patch.object(interpreter_builder, "create_atomic_rmw", atomic),
        patch.object(interpreter_builder, "create_masked_load", load),
        patch.object(interpreter_builder, "create_masked_store", store),
    ):
        yield loads, stores


def inside(addresses: Counter, tensor) -> Counter:
    """Those of the addresses that lie in a contiguous tensor."""
    begin = tensor.data_ptr()
    end = begin + tensor.numel() * tensor.element_size()
    return Counter({a: n for a, n in addresses.items() if begin <= a < end})

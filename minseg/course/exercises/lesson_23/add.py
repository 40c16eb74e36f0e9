"""Exercise 23.add: the first kernel, a sum of two vectors.

To write: a Triton kernel (a, b, out, n, BLOCK); program i adds BLOCK numbers, from i · BLOCK on.
Some lanes of the last program have no number: a mask switches them off.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.course.exercises.lesson_23.language import tl, triton
from minseg.course.exercises.lesson_23.patch import Slips, mistakes_of
from minseg.course.exercises.lesson_23.report import NAN, report


@triton.jit
def add(a, b, out, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < n
    total = tl.load(a + i, mask=inside) + tl.load(b + i, mask=inside)
    tl.store(out + i, total, mask=inside)


def vectors(generator: torch.Generator) -> Iterable[tuple[Tensor, ...]]:
    """Lengths that are no multiple of the block, one that is, and a single number."""
    for n in (13, 17, 8, 1):
        yield torch.randn(n, generator=generator), torch.randn(n, generator=generator)


def launch_add(kernel: Any, a: Tensor, b: Tensor) -> dict[str, Any]:
    n, out = len(a), torch.full_like(a, NAN)
    return report(kernel, -(-n // 8), out, (2 * n, n), a, b, out, n, BLOCK=8)


SLIPS: Slips = {
    "forgets_mask": (
        {"inside = i < n": "inside = i >= 0"},
        "Your last program reads and writes beyond the end. Lanes come in powers of two, "
        "numbers do not: give every load and store mask=i < n.",
    ),
    "masks_loads_only": (
        {"tl.store(out + i, total, mask=inside)": "tl.store(out + i, total)"},
        "Your loads have a mask, your store has none: it writes over whatever lies behind `out`.",
    ),
    "masks_store_only": (
        {"a + i, mask=inside": "a + i", "b + i, mask=inside": "b + i"},
        "Your sums are right, and your loads read what lies behind `a` and `b`: on a GPU that "
        "memory may be something else's, or not exist. Give the loads the store's mask.",
    ),
    "off_by_one": (
        {"i < n": "i <= n"},
        "Your mask lets one lane too many through. Places go from 0 to n - 1: i < n.",
    ),
    "forgets_program": (
        {"tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)": "tl.arange(0, BLOCK)"},
        "All your programs do the first block. Start each at tl.program_id(0) * BLOCK.",
    ),
    "forgets_block": (
        {"tl.program_id(0) * BLOCK": "tl.program_id(0)"},
        "Your programs start one number apart. They own BLOCK numbers each: multiply.",
    ),
    "wraps_around": (
        {"inside = i < n": "i, inside = i % n, i >= 0"},
        "Every sum is right, and some are made twice: your spare lanes wrap round to the "
        "beginning. Switch them off with a mask, so that they move no memory.",
    ),
}

ADD = Exercise(
    "23.add",
    reference=add,
    cases=vectors,
    probe=launch_add,
    hints=(
        "Program number tl.program_id(0) owns BLOCK numbers in a row. Which is its first?",
        "i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK) are the places; the last program has "
        "some that do not exist. mask=i < n switches those lanes off.",
        "Load both with that mask, and tl.store(out + i, their sum, mask=inside) with it as well.",
    ),
    mistakes=mistakes_of(add, SLIPS),
)

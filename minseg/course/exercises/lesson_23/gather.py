"""Exercise 23.gather: copy rows of a table.

To write: a Triton kernel (table, index, out, C, LANES); program r copies row index[r] to row r.
In memory a row is C numbers, one row after another.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.course.exercises.lesson_23.language import tl, triton
from minseg.course.exercises.lesson_23.patch import Slips, mistakes_of
from minseg.course.exercises.lesson_23.report import NAN, next_power_of_2, report


@triton.jit
def gather(table, index, out, C, LANES: tl.constexpr):
    r = tl.program_id(0)
    c = tl.arange(0, LANES)
    row = tl.load(index + r)  # one number for all lanes
    tl.store(out + r * C + c, tl.load(table + row * C + c, mask=c < C), mask=c < C)


def rows_to_gather(generator: torch.Generator) -> Iterable[tuple[Tensor, ...]]:
    """Channels that are no power of two, rows that repeat, an index longer than the table."""
    yield torch.randn(6, 5, generator=generator), torch.tensor([3, 0, 5, 3])
    yield torch.randn(4, 13, generator=generator), torch.tensor([1, 1, 0, 2, 3, 2])
    yield torch.randn(3, 1, generator=generator), torch.tensor([2])


def launch_gather(kernel: Any, table: Tensor, index: Tensor) -> dict[str, Any]:
    rows, C = len(index), table.shape[1]
    out, lanes = torch.full((rows, C), NAN), next_power_of_2(C)
    most = (rows + rows * C, rows * C)
    return report(kernel, rows, out, most, table, index, out, C, LANES=lanes)


SLIPS: Slips = {
    "forgets_mask": (
        {"mask=c < C": "mask=c >= 0"},
        "Your spare lanes run into the next row, and behind the table's end. There are C "
        "channels and LANES lanes: mask=c < C.",
    ),
    "forgets_index": (
        {"row = tl.load(index + r)": "row = r"},
        "You copied row r. The row to copy is the number that index[r] holds: load it first.",
    ),
    "forgets_row_length": (
        {" * C": ""},
        "Your rows begin one number apart. A pointer counts numbers, not rows: times C.",
    ),
    "steps_by_lanes": (
        {"* C": "* LANES"},
        "You step from row to row by LANES. In memory rows lie C apart; LANES is only how many "
        "lanes you have.",
    ),
    "scatters": (
        {"out + r * C": "out + row * C", "table + row * C": "table + r * C"},
        "You wrote row r to row index[r]: a scatter. A gather *reads* from index[r] and writes "
        "to r.",
    ),
    "loads_index_per_lane": (
        {"tl.load(index + r)": "tl.load(index + r + 0 * c)"},
        "The result is right, but each lane loads the index again. tl.load(index + r), with "
        "no lanes in the pointer, loads it once for all.",
    ),
}

GATHER = Exercise(
    "23.gather",
    reference=gather,
    cases=rows_to_gather,
    probe=launch_gather,
    hints=(
        "r = tl.program_id(0), and row = tl.load(index + r) is one number. The lanes are channels.",
        "In memory row r of a table with C columns begins at r * C. Channel c lies c further on.",
        "Load table + row * C + c and store it at out + r * C + c, both with mask=c < C.",
    ),
    mistakes=mistakes_of(gather, SLIPS),
)

"""What one program of the RoIAlign kernel reads and writes, and how many bytes that is.

The package's real kernel, `minseg_kernels.forward`, runs in Triton's interpreter while
`kernel_trace` takes notes. Program number k·PH + p makes row p of RoI k; each of its loads is one
instruction, which reads one pixel for every bin of the row, with all channels. No program can move
less than the floor: every pixel that is needed, once, and the output, once. Unit 24.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from minseg.kernel_trace import Trace, watch

ROWS, COLUMNS, CHANNELS = 9, 14, 64  # the map, in pixels and float32 numbers a pixel
BINS = 3  # each way
NUMBER = 4  # bytes

Load = list[int]  # the pixel of each bin, row · 14 + column; -1: none


def rows_of_loads(box: tuple[float, ...], samples: int) -> list[list[Load]]:
    """The loads of each row of bins of one RoI, as the kernel does them.

    Args:
        box: (x1, y1, x2, y2) in feature pixels. samples: sampling points a bin and axis.
    """
    from minseg_kernels.forward import forward
    from minseg_kernels.launch import Sampling

    features = torch.arange(float(ROWS * COLUMNS * CHANNELS)).view(1, ROWS, COLUMNS, CHANNELS)
    out = torch.empty(1, BINS, BINS, CHANNELS).permute(0, 3, 1, 2)
    rois, level = torch.tensor([[0.0, *box]]), torch.zeros(1, dtype=torch.int32)
    with watch({"features": features}) as trace:
        forward([features], rois, level, out, Sampling((1.0,), samples, True))
    return [_loads_of(trace, row) for row in range(BINS)]


def _loads_of(trace: Trace, program: int) -> list[Load]:
    found = []
    for access in trace.accesses:
        if access.program[0] == program:
            pixel = access.element[:BINS, 0] // CHANNELS
            found.append(torch.where(access.active[:BINS, 0], pixel, -1).tolist())
    return found


def bytes_moved(every: Sequence[list[Load]], program: int) -> dict[str, int]:
    """Bytes: asked for and written by one program and by all, and the least possible.

    Args:
        every: the loads of each program. program: the number of the one.
    """
    asked = [sum(pixel >= 0 for load in loads for pixel in load) for loads in every]
    touched = [{pixel for load in loads for pixel in load} - {-1} for loads in every]
    pixel, out = CHANNELS * NUMBER, BINS * CHANNELS * NUMBER
    return {
        "asked": asked[program] * pixel,
        "distinct": len(touched[program]) * pixel,
        "written": out,
        "all asked": sum(asked) * pixel,
        "all distinct": len(set.union(*touched)) * pixel,
        "all written": len(every) * out,
    }


def numbers(every: Sequence[list[Load]], program: int, load: int) -> dict[str, Any]:
    """What the browser draws.

    Args:
        every: the loads of each program.
        program: which of them is shown.
        load: 0 shows all its loads, 1 and up one of them; beyond the last, all.
    """
    loads = every[program]
    one = 0 < load <= len(loads)
    return {
        "loads": len(loads),
        "shown": [loads[load - 1]] if one else loads,
        "facts": _facts(program, len(loads), load, loads[load - 1] if one else None),
        "table": _table(bytes_moved(every, program)),
    }


def _facts(program: int, loads: int, number: int, load: Load | None) -> str:
    k, p = divmod(program, BINS)
    which = f"Program {program} = {k} · {BINS} + {p}: row {p} of RoI {k}. "
    if load is None:
        return which + f"{loads} loads, independent of one another."
    places = [f"({i // COLUMNS}, {i % COLUMNS})" for i in load if i >= 0]
    values = len(places) * CHANNELS
    return (
        which + f"Load {number} of {loads} reads, a pixel (row, column) for each bin, "
        f"{' '.join(places)}: {values} numbers, {values * NUMBER} bytes."
    )


def _table(moved: dict[str, int]) -> list[list[str]]:
    """Rows of a name, bytes, and how often that is the floor."""
    floor = moved["all distinct"] + moved["all written"]
    rows = [
        ("this program asks for", moved["asked"]),
        ("… in distinct pixels", moved["distinct"]),
        ("… and writes", moved["written"]),
        ("all programs, in and out", moved["all asked"] + moved["all written"]),
        ("the floor", floor),
    ]
    return [[name, f"{count:,}", f"{count / floor:.2f}"] for name, count in rows]

# mypy: allow-untyped-defs
"""Exercises of lesson 06: five Triton kernels, from adding two vectors to RoIAlign.

A learner writes a kernel; `check` launches it in the interpreter and looks at more than the result:
at reads and writes outside of the tensors, and at how many numbers were loaded and stored. Sizes
are odd, so that a missing mask shows. Without Triton the exercises are listed but cannot be tried.

In the mistakes' kernels SLIP names what is done wrong; the rest is as it should be.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.kernel_trace import launch

try:
    import triton
    import triton.language as tl

    from minseg_kernels.geometry import axis_sample, box_edges
except ImportError:  # macOS, Windows: `launch` says so as soon as a kernel is to run
    triton = SimpleNamespace(jit=lambda kernel: kernel)


Case = tuple[Tensor, ...]
NAN = float("nan")


def next_power_of_2(number: int) -> int:
    """A block's size for so many numbers: Triton's vectors are powers of two."""
    return 1 << (number - 1).bit_length()


def report(
    kernel: Any, programs: int, out: Tensor, most: tuple[int, int], *args: Any, **constants: int
) -> dict[str, Any]:
    """Launch a kernel, and say what came of it.

    Args:
        out: what it fills, one of `args`. most: how many numbers it may load and store.

    Raises:
        NotImplementedError: if it touched nothing: not attempted yet.
    """
    kernel = kernel.__wrapped__  # out of what `check` wraps it in
    if isinstance(kernel, partial):
        kernel, constants = kernel.func, constants | kernel.keywords
    trace = launch(kernel, (programs,), *args, **constants)
    if not trace.accesses:
        raise NotImplementedError
    loads, stores = (
        f"within {limit}" if made <= limit else f"{made}, where {limit} are enough"
        for made, limit in zip((trace.count("load"), trace.count("store")), most, strict=True)
    )
    return {"touched outside": trace.outside, "out": out, "loads": loads, "stores": stores}


# 06.add


@triton.jit
def add(a, b, out, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < n
    total = tl.load(a + i, mask=inside) + tl.load(b + i, mask=inside)
    tl.store(out + i, total, mask=inside)


@triton.jit
def add_wrongly(a, b, out, n, BLOCK: tl.constexpr, SLIP: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    if SLIP == "forgets_program":
        i = tl.arange(0, BLOCK)
    if SLIP == "forgets_block":
        i = tl.program_id(0) + tl.arange(0, BLOCK)
    inside = i < n
    if SLIP == "off_by_one":
        inside = i <= n
    if SLIP == "wraps_around":
        i = i % n
    if SLIP == "wraps_around" or SLIP == "forgets_mask" or SLIP == "masks_store_only":
        inside = i >= 0
    total = tl.load(a + i, mask=inside) + tl.load(b + i, mask=inside)
    if SLIP == "masks_loads_only":
        inside = i >= 0
    if SLIP == "masks_store_only":
        inside = i < n
    tl.store(out + i, total, mask=inside)


def launch_add(kernel: Any, a: Tensor, b: Tensor) -> dict[str, Any]:
    n, out = len(a), torch.full_like(a, NAN)
    return report(kernel, -(-n // 8), out, (2 * n, n), a, b, out, n, BLOCK=8)


def vectors(generator: torch.Generator) -> Iterable[Case]:
    """Lengths that are no multiple of the block, one that is, and a single number."""
    for n in (13, 17, 8, 1):
        yield torch.randn(n, generator=generator), torch.randn(n, generator=generator)


ADD = Exercise(
    "06.add",
    reference=add,
    cases=vectors,
    probe=launch_add,
    hints=(
        "Program number tl.program_id(0) owns BLOCK numbers in a row. Which is its first?",
        "i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK) are the places; the last program has "
        "some that do not exist. mask=i < n switches those lanes off.",
        "Load both with that mask, and tl.store(out + i, their sum, mask=inside) with it as well.",
    ),
    mistakes={
        "forgets_mask": (
            partial(add_wrongly, SLIP="forgets_mask"),
            "Your last program reads and writes beyond the end. Lanes come in powers of two, "
            "numbers do not: give every load and store mask=i < n.",
        ),
        "masks_loads_only": (
            partial(add_wrongly, SLIP="masks_loads_only"),
            "Your loads have a mask, your store has none: it writes over whatever lies behind "
            "`out`.",
        ),
        "masks_store_only": (
            partial(add_wrongly, SLIP="masks_store_only"),
            "Your sums are right, and your loads read what lies behind `a` and `b`: on a GPU that "
            "may be nobody's memory. Give the loads the mask that the store has.",
        ),
        "off_by_one": (
            partial(add_wrongly, SLIP="off_by_one"),
            "Your mask lets one lane too many through. Places go from 0 to n - 1: i < n.",
        ),
        "forgets_program": (
            partial(add_wrongly, SLIP="forgets_program"),
            "All your programs do the first block. Start each at tl.program_id(0) * BLOCK.",
        ),
        "forgets_block": (
            partial(add_wrongly, SLIP="forgets_block"),
            "Your programs start one number apart. They own BLOCK numbers each: multiply.",
        ),
        "wraps_around": (
            partial(add_wrongly, SLIP="wraps_around"),
            "Every sum is right, and some are made twice: your spare lanes wrap round to the "
            "beginning. Switch them off with a mask, so that they move no memory.",
        ),
    },
)

# 06.gather


@triton.jit
def gather(table, index, out, C, LANES: tl.constexpr):
    r = tl.program_id(0)
    c = tl.arange(0, LANES)
    row = tl.load(index + r)  # one number for all lanes
    tl.store(out + r * C + c, tl.load(table + row * C + c, mask=c < C), mask=c < C)


@triton.jit
def gather_wrongly(table, index, out, C, LANES: tl.constexpr, SLIP: tl.constexpr):
    r = tl.program_id(0)
    c = tl.arange(0, LANES)
    row = tl.load(index + r)
    inside, pitch, target = c < C, C, r
    if SLIP == "loads_index_per_lane":
        row = tl.load(index + r + 0 * c)
    if SLIP == "forgets_mask":
        inside = c >= 0
    if SLIP == "forgets_index":
        row = r
    if SLIP == "steps_by_lanes":
        pitch = LANES
    if SLIP == "forgets_row_length":
        pitch = 1
    if SLIP == "scatters":
        target, row = row, r
    tl.store(out + target * pitch + c, tl.load(table + row * pitch + c, mask=inside), mask=inside)


def launch_gather(kernel: Any, table: Tensor, index: Tensor) -> dict[str, Any]:
    rows, C = len(index), table.shape[1]
    out, lanes = torch.full((rows, C), NAN), next_power_of_2(C)
    most = (rows + rows * C, rows * C)
    return report(kernel, rows, out, most, table, index, out, C, LANES=lanes)


def rows_to_gather(generator: torch.Generator) -> Iterable[Case]:
    """Channels that are no power of two, rows that repeat, an index longer than the table."""
    yield torch.randn(6, 5, generator=generator), torch.tensor([3, 0, 5, 3])
    yield torch.randn(4, 13, generator=generator), torch.tensor([1, 1, 0, 2, 3, 2])
    yield torch.randn(3, 1, generator=generator), torch.tensor([2])


GATHER = Exercise(
    "06.gather",
    reference=gather,
    cases=rows_to_gather,
    probe=launch_gather,
    hints=(
        "r = tl.program_id(0), and row = tl.load(index + r) is one number. The lanes are channels.",
        "In memory row r of a table with C columns begins at r * C. Channel c lies c further on.",
        "Load table + row * C + c and store it at out + r * C + c, both with mask=c < C.",
    ),
    mistakes={
        "forgets_mask": (
            partial(gather_wrongly, SLIP="forgets_mask"),
            "Your spare lanes run into the next row, and behind the table's end. There are C "
            "channels and LANES lanes: mask=c < C.",
        ),
        "forgets_index": (
            partial(gather_wrongly, SLIP="forgets_index"),
            "You copied row r. The row to copy is the number that index[r] holds: load it first.",
        ),
        "forgets_row_length": (
            partial(gather_wrongly, SLIP="forgets_row_length"),
            "Your rows begin one number apart. A pointer counts numbers, not rows: times C.",
        ),
        "steps_by_lanes": (
            partial(gather_wrongly, SLIP="steps_by_lanes"),
            "You step from row to row by LANES. In memory rows lie C apart; LANES is only how many "
            "lanes you have.",
        ),
        "scatters": (
            partial(gather_wrongly, SLIP="scatters"),
            "You wrote row r to row index[r]: a scatter. A gather *reads* from index[r] and writes "
            "to r.",
        ),
        "loads_index_per_lane": (
            partial(gather_wrongly, SLIP="loads_index_per_lane"),
            "The result is right, but each lane loads the index again. tl.load(index + r), with "
            "no lanes in the pointer, loads it once for all.",
        ),
    },
)

# 06.sample


@triton.jit
def sample(pixels, x, y, out, H, W, C, LANES: tl.constexpr):
    i = tl.program_id(0)
    c = tl.arange(0, LANES)
    px = tl.minimum(tl.maximum(tl.load(x + i), 0.0), W - 1.0)
    py = tl.minimum(tl.maximum(tl.load(y + i), 0.0), H - 1.0)
    x0, y0 = px.to(tl.int32), py.to(tl.int32)  # not negative, so this is the floor
    x1, y1 = tl.minimum(x0 + 1, W - 1), tl.minimum(y0 + 1, H - 1)
    a, b = px - x0, py - y0
    value = (1 - b) * (1 - a) * tl.load(pixels + (y0 * W + x0) * C + c, mask=c < C)
    value += (1 - b) * a * tl.load(pixels + (y0 * W + x1) * C + c, mask=c < C)
    value += b * (1 - a) * tl.load(pixels + (y1 * W + x0) * C + c, mask=c < C)
    value += b * a * tl.load(pixels + (y1 * W + x1) * C + c, mask=c < C)
    tl.store(out + i * C + c, value, mask=c < C)


@triton.jit
def sample_wrongly(pixels, x, y, out, H, W, C, LANES: tl.constexpr, SLIP: tl.constexpr):
    i = tl.program_id(0)
    c = tl.arange(0, LANES)
    px, py = tl.load(x + i), tl.load(y + i)
    if SLIP == "swaps_xy":
        px, py = py, px
    if SLIP == "forgets_half_pixel":
        px, py = px - 0.5, py - 0.5
    px = tl.minimum(tl.maximum(px, 0.0), W - 1.0)
    py = tl.minimum(tl.maximum(py, 0.0), H - 1.0)
    x0, y0 = px.to(tl.int32), py.to(tl.int32)
    x1, y1 = x0 + 1, y0 + 1
    if SLIP != "runs_off_the_map":
        x1, y1 = tl.minimum(x1, W - 1), tl.minimum(y1, H - 1)
    a, b = px - x0, py - y0
    if SLIP == "swaps_weights":
        a, b = 1 - a, 1 - b
    if SLIP == "nearest_pixel":
        x0, y0, a, b = (px + 0.5).to(tl.int32), (py + 0.5).to(tl.int32), 0.0, 0.0
    pitch = H if SLIP == "steps_by_height" else W
    inside = c >= 0 if SLIP == "forgets_mask" else c < C
    unit, lane = C, c  # from a pixel to the next, and from its first number to this lane's
    if SLIP == "forgets_channels":
        unit = 1
    if SLIP == "reads_planes":
        unit, lane = 1, c * H * W
    value = (1 - b) * (1 - a) * tl.load(pixels + (y0 * pitch + x0) * unit + lane, mask=inside)
    if SLIP != "nearest_pixel":
        value += (1 - b) * a * tl.load(pixels + (y0 * pitch + x1) * unit + lane, mask=inside)
        value += b * (1 - a) * tl.load(pixels + (y1 * pitch + x0) * unit + lane, mask=inside)
        value += b * a * tl.load(pixels + (y1 * pitch + x1) * unit + lane, mask=inside)
    tl.store(out + i * C + c, value, mask=inside)


def launch_sample(kernel: Any, pixels: Tensor, x: Tensor, y: Tensor) -> dict[str, Any]:
    (H, W, C), points = pixels.shape, len(x)
    out, lanes = torch.full((points, C), NAN), next_power_of_2(C)
    most = (points * (2 + 4 * C), points * C)
    return report(kernel, points, out, most, pixels, x, y, out, H, W, C, LANES=lanes)


def points_to_sample(generator: torch.Generator) -> Iterable[Case]:
    """Between pixels, on the last row and column, outside the map; maps higher than wide."""
    pixels = torch.randn(4, 6, 5, generator=generator)  # (H, W, C): channels-last
    yield pixels, torch.tensor([1.25, 3.6]), torch.tensor([0.75, 1.5])
    yield pixels, torch.tensor([4.75, 5.0, -0.4]), torch.tensor([2.5, 3.0, 3.8])
    yield torch.randn(5, 2, 3, generator=generator), torch.tensor([0.3]), torch.tensor([3.9])


SAMPLE = Exercise(
    "06.sample",
    reference=sample,
    cases=points_to_sample,
    probe=launch_sample,
    hints=(
        "Hold x within 0 … W - 1 with tl.minimum and tl.maximum, y alike. px.to(tl.int32) cuts "
        "off the fraction, which is the floor of a number that is not negative.",
        "Pixel (row, column) of the map begins at (row * W + column) * C. The right neighbour is "
        "tl.minimum(x0 + 1, W - 1), the lower one alike.",
        "Four loads of all channels, each with mask=c < C, with the weights (1-b)(1-a), (1-b)a, "
        "b(1-a) and ba, where a = px - x0 and b = py - y0.",
    ),
    mistakes={
        "forgets_mask": (
            partial(sample_wrongly, SLIP="forgets_mask"),
            "Your spare lanes read into the next pixel, and write over the next row of `out`. "
            "Give loads and store mask=c < C.",
        ),
        "runs_off_the_map": (
            partial(sample_wrongly, SLIP="runs_off_the_map"),
            "At the last row or column there is no neighbour, and you read what lies behind. Its "
            "weight is 0, but on a GPU the read itself may be an error, and 0 · NaN is NaN: "
            "tl.minimum(x0 + 1, W - 1).",
        ),
        "swaps_xy": (
            partial(sample_wrongly, SLIP="swaps_xy"),
            "You took x for y. y chooses the row, so it is y that is multiplied by W.",
        ),
        "swaps_weights": (
            partial(sample_wrongly, SLIP="swaps_weights"),
            "Your weights are the wrong way round: the nearer a pixel, the more it counts. The "
            "left one has 1 - a.",
        ),
        "nearest_pixel": (
            partial(sample_wrongly, SLIP="nearest_pixel"),
            "You read the nearest pixel only. Interpolation mixes the four around the point.",
        ),
        "forgets_channels": (
            partial(sample_wrongly, SLIP="forgets_channels"),
            "Your pixels begin one number apart. Each is C numbers long: (row * W + column) * C.",
        ),
        "reads_planes": (
            partial(sample_wrongly, SLIP="reads_planes"),
            "You read NCHW, where the channels of a pixel lie H * W apart. This map is (H, W, C): "
            "they lie side by side, at (row * W + column) * C + c.",
        ),
        "steps_by_height": (
            partial(sample_wrongly, SLIP="steps_by_height"),
            "You step from row to row by H pixels. A row is W pixels long.",
        ),
        "forgets_half_pixel": (
            partial(sample_wrongly, SLIP="forgets_half_pixel"),
            "You took half a pixel off. Here x and y are index coordinates already: pixel j sits "
            "at x = j.",
        ),
    },
)

# 06.bin


@triton.jit
def bin_average(pixels, bins, out, H, W, C, S: tl.constexpr, LANES: tl.constexpr):
    i = tl.program_id(0)
    c = tl.arange(0, LANES)
    y, height = tl.load(bins + i * 4), tl.load(bins + i * 4 + 1)
    x, width = tl.load(bins + i * 4 + 2), tl.load(bins + i * 4 + 3)
    total = tl.zeros([LANES], tl.float32)
    for sy in tl.static_range(S):
        y0, y1, wy0, wy1 = axis_sample(y, height, 0, sy, S, H)
        for sx in tl.static_range(S):
            x0, x1, wx0, wx1 = axis_sample(x, width, 0, sx, S, W)
            total += wy0 * wx0 * tl.load(pixels + (y0 * W + x0) * C + c, mask=c < C)
            total += wy0 * wx1 * tl.load(pixels + (y0 * W + x1) * C + c, mask=c < C)
            total += wy1 * wx0 * tl.load(pixels + (y1 * W + x0) * C + c, mask=c < C)
            total += wy1 * wx1 * tl.load(pixels + (y1 * W + x1) * C + c, mask=c < C)
    tl.store(out + i * C + c, total, mask=c < C)


@triton.jit
def bin_wrongly(
    pixels, bins, out, H, W, C, S: tl.constexpr, LANES: tl.constexpr, SLIP: tl.constexpr
):
    i = tl.program_id(0)
    c = tl.arange(0, LANES)
    y, height = tl.load(bins + i * 4), tl.load(bins + i * 4 + 1)
    x, width = tl.load(bins + i * 4 + 2), tl.load(bins + i * 4 + 3)
    if SLIP == "swaps_axes":
        y, height, x, width = x, width, y, height
    inside = c >= 0 if SLIP == "forgets_mask" else c < C
    p = i if SLIP == "counts_bins" else 0
    total = tl.zeros([LANES], tl.float32)
    for sy in tl.static_range(S):
        y0, y1, wy0, wy1 = axis_sample(y, height, p, sy, S, H)
        if SLIP == "starts_again":
            total = tl.zeros([LANES], tl.float32)
        for sx in tl.static_range(S):
            x0, x1, wx0, wx1 = axis_sample(x, width, p, sx, S, W)
            if SLIP != "walks_the_diagonal" or sx == sy:
                total += wy0 * wx0 * tl.load(pixels + (y0 * W + x0) * C + c, mask=inside)
                total += wy0 * wx1 * tl.load(pixels + (y0 * W + x1) * C + c, mask=inside)
                total += wy1 * wx0 * tl.load(pixels + (y1 * W + x0) * C + c, mask=inside)
                total += wy1 * wx1 * tl.load(pixels + (y1 * W + x1) * C + c, mask=inside)
            if SLIP == "stores_each_time":
                tl.store(out + i * C + c, total, mask=inside)
    if SLIP == "divides_again":
        total = total / (S * S)
    if SLIP != "stores_each_time":
        tl.store(out + i * C + c, total, mask=inside)


def launch_bin(kernel: Any, pixels: Tensor, bins: Tensor) -> dict[str, Any]:
    (H, W, C), count = pixels.shape, len(bins)
    out, lanes = torch.full((count, C), NAN), next_power_of_2(C)
    most = (count * (4 + 16 * C), count * C)
    return report(kernel, count, out, most, pixels, bins, out, H, W, C, S=2, LANES=lanes)


def bins_to_average(generator: torch.Generator) -> Iterable[Case]:
    """Two inside the map, one over its border, one wholly outside, where the average is 0."""
    pixels = torch.randn(4, 6, 5, generator=generator)  # and bins of y, height, x, width
    yield pixels, torch.tensor([[0.4, 1.0, 1.3, 1.5], [1.2, 0.8, 0.4, 2.0]])
    yield pixels, torch.tensor([[2.2, 3.0, -1.6, 2.0], [9.0, 1.0, 2.0, 1.0]])
    yield torch.randn(5, 3, 3, generator=generator), torch.tensor([[3.1, 1.0, 0.2, 0.5]])


BIN = Exercise(
    "06.bin",
    reference=bin_average,
    cases=bins_to_average,
    probe=launch_bin,
    hints=(
        "Two loops of S samples, `for sy in tl.static_range(S)` and inside it sx. "
        "axis_sample(y, height, 0, sy, S, H) gives both rows and their weights.",
        "Start with total = tl.zeros([LANES], tl.float32), a block of zeros; each sample adds four "
        "loads, weighted wy0 * wx0, wy0 * wx1, wy1 * wx0 and wy1 * wx1. Store once, at the end.",
        "The weights of axis_sample hold the 1/S of the average: nothing is left to divide.",
    ),
    mistakes={
        "forgets_mask": (
            partial(bin_wrongly, SLIP="forgets_mask"),
            "Your spare lanes touch what belongs to others. Loads and store need mask=c < C.",
        ),
        "divides_again": (
            partial(bin_wrongly, SLIP="divides_again"),
            "You divide by the number of samples, and axis_sample has done so: its weights add up "
            "to 1/S.",
        ),
        "starts_again": (
            partial(bin_wrongly, SLIP="starts_again"),
            "Your total starts from 0 at every row of samples, so only the last row is left. Make "
            "it before both loops.",
        ),
        "walks_the_diagonal": (
            partial(bin_wrongly, SLIP="walks_the_diagonal"),
            "You took S samples, along the diagonal. A bin has S × S: all pairs of sy and sx.",
        ),
        "counts_bins": (
            partial(bin_wrongly, SLIP="counts_bins"),
            "Your bin 0 is right, and the others lie too far on: i chooses the row of `bins`, "
            "which says where that bin starts. As `p`, axis_sample takes 0.",
        ),
        "swaps_axes": (
            partial(bin_wrongly, SLIP="swaps_axes"),
            "You took y for x. A row of `bins` is y, height, x, width.",
        ),
        "stores_each_time": (
            partial(bin_wrongly, SLIP="stores_each_time"),
            "The averages are right, but you store after every sample. Keep the total within the "
            "program and store it once: memory is what costs.",
        ),
    },
)

# 06.roi

PH, PW, S, SCALE = 2, 3, 2, 0.5


@triton.jit
def roi_rows(
    pixels, rois, out, scale, H, W, C, PH: tl.constexpr, PW: tl.constexpr, S: tl.constexpr,
    BINS: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip
    k, p = tl.program_id(0) // PH, tl.program_id(0) % PH  # which RoI, which row of its bins
    n, y, bin_h, x, bin_w = box_edges(rois, k, scale, PH, PW, True)
    q, c = tl.arange(0, BINS), tl.arange(0, LANES)
    inside = (q < PW)[:, None] & (c < C)[None, :]
    image = pixels + n * H * W * C + c[None, :]
    total = tl.zeros([BINS, LANES], tl.float32)
    for sy in tl.static_range(S):
        y0, y1, wy0, wy1 = axis_sample(y, bin_h, p, sy, S, H)  # numbers
        for sx in tl.static_range(S):
            x0, x1, wx0, wx1 = axis_sample(x, bin_w, q, sx, S, W)  # vectors, one entry a bin
            total += (wy0 * wx0)[:, None] * tl.load(image + ((y0 * W + x0) * C)[:, None], inside)
            total += (wy0 * wx1)[:, None] * tl.load(image + ((y0 * W + x1) * C)[:, None], inside)
            total += (wy1 * wx0)[:, None] * tl.load(image + ((y1 * W + x0) * C)[:, None], inside)
            total += (wy1 * wx1)[:, None] * tl.load(image + ((y1 * W + x1) * C)[:, None], inside)
    row = out + ((k * PH + p) * PW + q)[:, None] * C + c[None, :]
    tl.store(row, total, mask=inside)


@triton.jit
def roi_rows_wrongly(
    pixels, rois, out, scale, H, W, C, PH: tl.constexpr, PW: tl.constexpr, S: tl.constexpr,
    BINS: tl.constexpr, LANES: tl.constexpr, SLIP: tl.constexpr,
):  # fmt: skip
    k, p = tl.program_id(0) // PH, tl.program_id(0) % PH
    if SLIP == "mixes_roi_and_row":
        k, p = tl.program_id(0) % PH, tl.program_id(0) // PH
    if SLIP == "forgets_scale":
        scale = 1.0
    n, y, bin_h, x, bin_w = box_edges(rois, k, scale, PH, PW, SLIP != "forgets_half_pixel")
    if SLIP == "drops_batch_index":
        n = 0
    q, c = tl.arange(0, BINS), tl.arange(0, LANES)
    inside = (q < PW)[:, None] & (c < C)[None, :]
    if SLIP == "forgets_mask_of_bins":
        inside = (q >= 0)[:, None] & (c < C)[None, :]
    if SLIP == "forgets_mask_of_channels":
        inside = (q < PW)[:, None] & (c >= 0)[None, :]
    image = pixels + n * H * W * C + c[None, :]
    total = tl.zeros([BINS, LANES], tl.float32)
    for sy in tl.static_range(S):
        y0, y1, wy0, wy1 = axis_sample(y, bin_h, 0 if SLIP == "first_row_only" else p, sy, S, H)
        for sx in tl.static_range(S):
            x0, x1, wx0, wx1 = axis_sample(x, bin_w, q, sx, S, W)
            total += (wy0 * wx0)[:, None] * tl.load(image + ((y0 * W + x0) * C)[:, None], inside)
            total += (wy0 * wx1)[:, None] * tl.load(image + ((y0 * W + x1) * C)[:, None], inside)
            total += (wy1 * wx0)[:, None] * tl.load(image + ((y1 * W + x0) * C)[:, None], inside)
            total += (wy1 * wx1)[:, None] * tl.load(image + ((y1 * W + x1) * C)[:, None], inside)
    row = out + ((k * PH + p) * PW + q)[:, None] * C + c[None, :]
    tl.store(row, total, mask=inside)


def launch_roi(kernel: Any, pixels: Tensor, rois: Tensor) -> dict[str, Any]:
    (_, H, W, C), K = pixels.shape, len(rois)
    out = torch.full((K, PH, PW, C), NAN)
    most = (K * PH * (5 + 4 * S * S * PW * C), K * PH * PW * C)
    args = (pixels, rois, out, SCALE, H, W, C)
    blocks = {"BINS": next_power_of_2(PW), "LANES": next_power_of_2(C)}
    return report(kernel, K * PH, out, most, *args, PH=PH, PW=PW, S=S, **blocks)


def rois_to_align(generator: torch.Generator) -> Iterable[Case]:
    """Two images of stride 2, a box over the border, a tiny one, three channels and one."""
    pixels = torch.randn(2, 5, 7, 3, generator=generator)  # (N, H, W, C)
    yield pixels, torch.tensor([[1.0, 2.4, 1.2, 10.8, 6.6], [0.0, -5.0, 3.4, 5.0, 8.2]])
    yield pixels[:1].contiguous(), torch.tensor([[0.0, 1.5, 2.5, 12.0, 9.5]])
    yield pixels[..., :1].contiguous(), torch.tensor([[1.0, 3.0, 3.0, 4.0, 4.0]])


ROI = Exercise(
    "06.roi",
    reference=roi_rows,
    cases=rois_to_align,
    probe=launch_roi,
    hints=(
        "k = tl.program_id(0) // PH is the RoI, p = tl.program_id(0) % PH the row of its bins. "
        "box_edges(rois, k, scale, PH, PW, True) gives n, y, bin_h, x, bin_w.",
        "Let q = tl.arange(0, BINS) be the bins of the row and c the channels: blocks of shape "
        "[BINS, LANES]. x[:, None] stands for bins, c[None, :] for channels, and the mask is "
        "(q < PW)[:, None] & (c < C)[None, :].",
        "It is the kernel of 06.bin with p in place of 0 for y, q for x, image n at "
        "pixels + n * H * W * C, and the result at ((k * PH + p) * PW + q) * C + c.",
    ),
    mistakes={
        "forgets_mask_of_bins": (
            partial(roi_rows_wrongly, SLIP="forgets_mask_of_bins"),
            "You have BINS lanes for PW bins, and the spare ones write into the next row. Mask "
            "with q < PW as well as c < C.",
        ),
        "forgets_mask_of_channels": (
            partial(roi_rows_wrongly, SLIP="forgets_mask_of_channels"),
            "You mask the bins and not the channels: lanes beyond C belong to the next pixel.",
        ),
        "drops_batch_index": (
            partial(roi_rows_wrongly, SLIP="drops_batch_index"),
            "You read every RoI from image 0. box_edges returns the image n: it begins n * H * W "
            "* C numbers further on.",
        ),
        "mixes_roi_and_row": (
            partial(roi_rows_wrongly, SLIP="mixes_roi_and_row"),
            "You took the RoI for the row. Programs 0 … PH - 1 make the rows of RoI 0: divide by "
            "PH for the RoI, and the rest is the row.",
        ),
        "first_row_only": (
            partial(roi_rows_wrongly, SLIP="first_row_only"),
            "All rows of a RoI are alike: you sample the first row of bins each time. The y side "
            "of axis_sample takes p.",
        ),
        "forgets_scale": (
            partial(roi_rows_wrongly, SLIP="forgets_scale"),
            "Boxes are in image pixels, the map is coarser. Hand `scale` on to box_edges.",
        ),
        "forgets_half_pixel": (
            partial(roi_rows_wrongly, SLIP="forgets_half_pixel"),
            "Half a pixel is missing: call box_edges with ALIGNED = True.",
        ),
    },
)

EXERCISES = (ADD, GATHER, SAMPLE, BIN, ROI)

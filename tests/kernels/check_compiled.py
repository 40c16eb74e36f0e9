"""Machine code for GPUs that need not be there: no spills, wide loads, vector reductions.

What a kernel costs is decided here as much as in its source. Registers that do not fit are written
to memory and read back (LDL, STL). Loads of 4 bytes instead of 16 are four times as many. And
from sm_90 on, four atomic additions are one instruction.

Register counts are not asserted: they change by half from one Triton to the next.
Collected by test_kernels.py, in a process of its own; needs no GPU.
"""

import os
from pathlib import Path

import pytest
import triton
from helpers.machine_code import compile_kernel

from minseg_kernels import INTERPRETED
from minseg_kernels.backward_atomic import roi_align_scatter
from minseg_kernels.backward_tiles import roi_align_gather
from minseg_kernels.forward import roi_align_forward
from minseg_kernels.launch import channel_block, pixel_warps, row_block
from minseg_kernels.tiles import TILE, list_rois
from minseg_kernels.transpose import planes_to_pixels

pytestmark = pytest.mark.skipif(INTERPRETED, reason="TRITON_INTERPRET is set: nothing to compile")
OTHERS = [80, 100]
GPUS = [90, *(pytest.param(sm, marks=pytest.mark.long) for sm in OTHERS)]
C = 256


def types(dtype, levels=1):
    """The type of every argument that any kernel has, by its name."""
    each = {
        "features": f"*{dtype}",
        "grad_features": f"*{dtype}",
        **dict.fromkeys(("heights", "widths", "first_tiles", "scales"), "fp32"),
    }
    numbers = ("images", "K", "PIXELS", *(a + b for a in ("out_", "grad_") for b in "kchw"))
    pointers = dict.fromkeys(("out", "grad_out", "planes", "pixels"), f"*{dtype}")
    lists = {"rois": "*fp32", **dict.fromkeys(("levels", "lists", "counts"), "*i32")}
    return (
        {k: (t,) * levels for k, t in each.items()}
        | dict.fromkeys(numbers, "i32")
        | pointers
        | lists
    )


def rule(size=7, ratio=2):
    return {"C": C, "PH": size, "PW": size, "S": ratio, "ALIGNED": True}


def compiled_rows(kernel, dtype, sm, levels=1, size=7, ratio=2):
    """The forward or the scatter, launched as the library launches it, channels-last."""
    bins, lanes, warps = row_block(C, size)
    stride = {"out_c": 1} if kernel is roi_align_forward else {"grad_c": 1}
    constants = rule(size, ratio) | stride | {"BINS": bins, "LANES": lanes}
    aligned = [a + b for a in ("out_", "grad_") for b in "khw"]
    return compile_kernel(
        kernel, types(dtype, levels), constants, sm=sm, warps=warps, aligned=aligned
    )


def others(*dtypes):
    """The same for the other GPUs."""
    cases = [(dtype, sm, {}) for dtype in dtypes for sm in OTHERS]
    return [pytest.param(*case, marks=pytest.mark.long) for case in cases]


def assert_no_spills(code):
    assert code.stack == 0 and code.count("LDL|STL") == 0, code


@pytest.mark.parametrize(
    ("dtype", "sm", "how"),
    [
        ("fp32", 90, {}),
        ("bf16", 90, {}),
        ("fp16", 90, {}),
        ("fp32", 90, {"levels": 4}),
        ("fp32", 90, {"size": 14}),
        *others("fp32", "bf16"),
    ],
    ids=str,
)
def test_forward(dtype, sm, how):
    """Four taps of 2 × 2 samples: each block of 16 × BINS × LANES numbers in 16-byte loads."""
    code = compiled_rows(roi_align_forward, dtype, sm, **how)
    bins, lanes, warps = row_block(C, how.get("size", 7))
    assert_no_spills(code)
    taps, numbers = 16, 4 if dtype == "fp32" else 8
    assert code.count(r"LDG\.E.*\.128") == taps * bins * lanes // (32 * warps * numbers)
    assert code.count(r"STG\.E.*\.128") == code.count("STG") > 0


def test_adaptive_forward():
    code = compiled_rows(roi_align_forward, "fp32", 90, ratio=0)
    assert_no_spills(code)
    assert code.count(r"LDG\.E.*\.128") > 0


@pytest.mark.parametrize("sm", GPUS)
def test_atomic_backward(sm):
    code = compiled_rows(roi_align_scatter, "fp32", sm)
    bins, lanes, warps = row_block(C, 7)
    assert_no_spills(code)
    numbers = 16 * bins * lanes // (32 * warps)  # that a thread adds
    assert code.count("ATOM") == 0, "an atomic that returns what was there, though nothing reads it"
    if sm >= 90:
        assert code.count(r"RED\.|REDG\.E\.ADD\.F32x4") == code.count("RED") == numbers // 4
    else:
        assert code.count("RED") >= numbers


@pytest.mark.parametrize(
    ("dtype", "sm", "how"),
    [
        ("fp32", 90, {}),
        ("bf16", 90, {"levels": 4}),
        ("fp32", 90, {"ratio": 0}),
        *others("fp32"),
    ],
    ids=str,
)
def test_tile_backward(dtype, sm, how):
    """One store an element, 16 bytes wide, and no atomic anywhere."""
    lanes = channel_block(C, most=128)
    constants = rule(ratio=how.get("ratio", 2)) | {"TY": TILE, "TX": TILE, "LANES": lanes}
    warps = pixel_warps(lanes)
    code = compile_kernel(
        roi_align_gather, types(dtype, how.get("levels", 1)), constants, sm=sm, warps=warps
    )
    assert_no_spills(code)
    numbers = 4 if dtype == "fp32" else 8
    assert code.count(r"STG\.E.*\.128") == code.count("STG")
    assert code.count("STG") == TILE * TILE * lanes // (32 * warps * numbers)
    assert code.count("RED[G.]|ATOM") == 0


def test_tile_lists():
    constants = rule() | {"TY": TILE, "TX": TILE, "BLOCK": 1024}
    del constants["C"]
    assert_no_spills(compile_kernel(list_rois, types("fp32", 4), constants, sm=90, warps=4))


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_transposition_is_wide_on_both_sides(dtype):
    constants = {"C": C, "BLOCK": 64, "LANES": 64}
    code = compile_kernel(
        planes_to_pixels, types(dtype), constants, sm=90, warps=4, aligned=["PIXELS"]
    )
    assert_no_spills(code)
    for side in ("LDG", "STG"):
        assert code.count(rf"{side}\.E.*\.128") == code.count(side) > 0


@pytest.mark.parametrize("levels", [1, pytest.param(2, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    ("kernel", "block"),
    [
        (roi_align_forward, {"BINS": 1, "LANES": 1}),
        (roi_align_scatter, {"BINS": 1, "LANES": 1}),
        (roi_align_gather, {"TY": TILE, "TX": TILE, "LANES": 1}),
        (list_rois, {"TY": TILE, "TX": TILE, "BLOCK": 16}),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_sizes_of_one(kernel, block, levels):
    """A launch makes constants of numbers that are 1, and code that wants tensors then fails."""
    ones = {name: 1 for name, kind in types("fp32").items() if kind == "i32"}
    del ones["images"], ones["K"]  # which they say not to treat so
    ones |= {"C": 1, "PH": 1, "PW": 1, "S": 2, "ALIGNED": False, **block}
    ones = {name: ones[name] for name in kernel.arg_names if name in ones}
    compile_kernel(kernel, types("fp32", levels), ones, sm=90, warps=1)


def test_this_is_the_triton_that_was_asked_for():
    wanted = os.environ.get("MINSEG_TRITON")
    assert tuple(map(int, triton.__version__.split(".")[:2])) >= (3, 6)
    assert not wanted or Path(triton.__file__).is_relative_to(Path(wanted).resolve())

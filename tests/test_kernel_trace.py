"""The watcher of Triton's interpreter: counts, guards, and another order of programs."""

import os

os.environ.setdefault("TRITON_INTERPRET", "1")  # read when Triton is first imported

import pytest
import torch
from helpers.imported import imported_by

from minseg.kernel_trace import launch, shuffled, watch

triton = pytest.importorskip("triton", reason="Triton exists for Linux only: pip install triton")
tl = pytest.importorskip("triton.language")


@triton.jit
def double(x, out, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + i, 2 * tl.load(x + i, mask=i < n), mask=i < n)


@triton.jit
def double_without_mask(x, out, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + i, 2 * tl.load(x + i))


@triton.jit
def add_to_first(x, total, n):
    tl.atomic_add(total, tl.load(x + tl.program_id(0)))


def test_notes_each_access():
    x, out = torch.arange(5.0), torch.full((5,), float("nan"))
    trace = launch(double, (2,), x, out, 5, BLOCK=4)
    assert out.tolist() == [0, 2, 4, 6, 8]
    assert (trace.count("load"), trace.count("store"), trace.outside) == (5, 5, 0)
    assert trace.elements("load", "x").tolist() == trace.elements("store", "out").tolist()
    assert trace.elements("load", "x").tolist() == [0, 1, 2, 3, 4]
    assert [access.program[0] for access in trace.accesses] == [0, 0, 1, 1]
    assert trace.accesses[3].active.tolist() == [True, False, False, False]


def test_counts_what_lies_outside_and_keeps_it_away():
    x, out = torch.arange(8.0)[:5], torch.full((8,), 7.0)
    trace = launch(double_without_mask, (2,), x, out[:5], 5, BLOCK=4)
    assert (trace.count("load"), trace.count("store"), trace.outside) == (8, 8, 6)
    assert out.tolist() == [0, 2, 4, 6, 8, 7, 7, 7]  # the neighbour's memory is as it was


def test_strided_tensors_are_counted_in_memory():
    x, out = torch.arange(10.0)[::2], torch.zeros(5)
    trace = launch(double, (2,), x, out, 5, BLOCK=4)
    assert out[::2].tolist() == [0, 4, 8]  # a kernel that knows no strides reads the gaps too
    assert trace.sizes == {"x": 9, "out": 5} and trace.outside == 0


def test_without_margin_it_only_looks_on():
    x, out = torch.arange(5.0), torch.zeros(5)
    with watch({"out": out}) as trace:
        double[(2,)](x, out, 5, BLOCK=4)
    assert trace.count("load") == 0 and trace.count("store") == 5
    assert out.tolist() == [0, 2, 4, 6, 8]


def test_another_order_of_programs_gives_other_bits():
    x = torch.randn(64, generator=torch.Generator().manual_seed(0)) * 1e3
    sums = set()
    for seed in (None, 1, 2, 3, 4):
        total = torch.zeros(1)
        if seed is None:
            trace = launch(add_to_first, (64,), x, total, 64)
            assert trace.count("add") == 64
        else:
            with shuffled(seed):
                trace = launch(add_to_first, (64,), x, total, 64)
        assert sorted(trace.elements("load", "x").tolist()) == list(range(64))
        sums.add(total.item())
    assert len(sums) > 1
    assert max(sums) - min(sums) < 0.1


@pytest.mark.slow
def test_triton_is_not_imported_before_it_is_needed():
    code = (
        "import minseg.course, minseg.explore, minseg.kernel_trace;"
        "from minseg.course.exercises import exercises_of; exercises_of('21')"
    )
    assert "triton" not in imported_by(code)

"""The exercises of units 23 and 24: kernels equal PyTorch, and a learner's cannot do harm."""

import difflib
import inspect
import subprocess
import sys

import pytest
import torch

from minseg.course.check import judge, run
from minseg.course.exercises import find
from minseg.course.source import source_of
from minseg.roi import bilinear_sample, roi_align

triton = pytest.importorskip("triton", reason="Triton exists for Linux only: pip install triton")
tl = pytest.importorskip("triton.language")

from minseg.course.exercises import exercises_of  # noqa: E402  # it needs Triton
from minseg.course.exercises.lesson_23.add import add  # noqa: E402
from minseg.course.exercises.lesson_23.patch import patched  # noqa: E402


def expected_bins(pixels, bins):
    y, h, x, w = bins.unbind(dim=1)
    rois = torch.stack([0 * x, x, y, x + w, y + h], dim=1) + torch.tensor([0, 1, 1, 1, 1]) / 2
    return roi_align(pixels.permute(2, 0, 1)[None], rois, 1, 1.0, 2, True)[:, :, 0, 0]


def expected_rois(pixels, rois):
    return roi_align(pixels.permute(0, 3, 1, 2), rois, (2, 3), 0.5, 2, True).permute(0, 2, 3, 1)


@pytest.mark.parametrize(
    ("id", "expected"),
    [
        ("23.add", torch.add),
        ("23.gather", lambda table, index: table[index]),
        ("23.sample", lambda pixels, x, y: bilinear_sample(pixels.permute(2, 0, 1), x, y).T),
        ("24.bin", expected_bins),
        ("24.roi", expected_rois),
    ],
)
def test_the_answer_key_is_right(id, expected):
    exercise = find(id)
    for case in exercise.inputs():
        found = run(exercise, exercise.reference, case).value
        assert found["touched outside"] == 0
        assert found["loads"].startswith("within") and found["stores"].startswith("within")
        torch.testing.assert_close(found["out"], expected(*case))


@triton.jit
def another_add(a, b, out, n, BLOCK: tl.constexpr):
    for j in tl.static_range(BLOCK):
        i = tl.program_id(0) * BLOCK + j
        if i < n:
            tl.store(out + i, tl.load(b + i) + tl.load(a + i))


@triton.jit
def untouched(a, b, out, n, BLOCK: tl.constexpr):
    """A stub."""
    ...


@triton.jit
def breaks(a, b, out, n, BLOCK: tl.constexpr):
    return tl.load(a + {}["a key that is missing"])


@triton.jit
def wild(a, b, out, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + i * 1_000_000_000, tl.load(a - 1_000_000_000 * i), mask=i < n)


@triton.jit
def relies_on_zeros(a, b, out, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    total = tl.load(a + i, mask=i < n) + tl.load(b + i, mask=(i < n) & (i != 2))
    tl.store(out + i, total, mask=i < n)


def test_another_way_of_writing_it_passes():
    assert judge(find("23.add"), another_add) == ("right, on all 4 cases.", True)


def test_an_untouched_stub_is_not_attempted_yet():
    verdict, solved = judge(find("23.add"), untouched)
    assert verdict.startswith("not attempted yet") and not solved


def test_an_exception_is_reported_with_its_line():
    verdict, _ = judge(find("23.add"), breaks)
    assert "your code stopped with KeyError: 'a key that is missing'" in verdict
    assert 'in `breaks`: return tl.load(a + {}["a key that is missing"])' in verdict


def test_a_wild_kernel_does_no_harm():
    verdict, solved = judge(find("23.add"), wild)
    assert "['touched outside']: yours is" in verdict and not solved


def test_what_a_mask_leaves_out_is_not_zero_by_luck():
    """The interpreter would give 0 there, a GPU anything."""
    verdict, solved = judge(find("23.add"), relies_on_zeros)
    assert "at [2] yours is nan" in verdict and not solved


def test_a_function_that_is_no_kernel_hears_what_is_missing():
    verdict, _ = judge(find("23.add"), lambda a, b, out, n, BLOCK: None)
    assert "TypeError: a kernel needs @triton.jit" in verdict


@pytest.mark.slow
@pytest.mark.parametrize(
    ("opening", "says"),
    [
        ("import os; os.environ.pop('TRITON_INTERPRET', 0)", "restart the kernel"),
        ("import sys; sys.modules['triton'] = None", "pip install triton"),
    ],
)
def test_where_nothing_can_be_judged_it_says_what_is_missing(opening, says):
    """The answer key cannot run there either, and two that cannot run are not alike."""
    code = (
        f"{opening}; from minseg.course import check; from minseg.course.exercises import find;"
        "check('23.add', find('23.add').reference)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("23.add: cannot be judged here: ") and says in said.stdout


def test_a_kernel_shows_its_source():
    assert source_of(add).startswith("@triton.jit\ndef add(a, b, out, n, BLOCK")
    assert not inspect.isfunction(add)


def test_the_case_is_described_by_the_kernels_names():
    assert "case 1 of 4: a = float32 tensor (13,)" in judge(find("23.add"), wild)[0]


# ---- Mistakes are patches of the right kernel


def changed_lines(kernel, other):
    """Lines that only one of the two has, with - or + in front."""
    lines = difflib.ndiff(source_of(kernel).splitlines(), source_of(other).splitlines())
    return [line for line in lines if line[0] in "-+"]


def test_a_patch_replaces_a_piece_and_leaves_the_right_kernel_alone():
    wrong = patched(add, {"i < n": "i <= n"})
    assert changed_lines(add, wrong) == ["-     inside = i < n", "+     inside = i <= n"]
    assert judge(find("23.add"), add)[1] and not judge(find("23.add"), wrong)[1]


def test_two_pieces_may_change_places():
    wrong = patched(add, {"load(a": "load(b", "load(b": "load(a"})
    assert "tl.load(b + i, mask=inside) + tl.load(a + i, mask=inside)" in source_of(wrong)
    assert judge(find("23.add"), wrong)[1]  # a + b = b + a


def test_a_patch_that_does_not_apply_fails():
    with pytest.raises(ValueError, match="'i == n' is not in the source of `add`"):
        patched(add, {"i < n": "i <= n", "i == n": "i <= n"})


@pytest.mark.parametrize(
    "exercise", [*exercises_of("23"), *exercises_of("24")], ids=lambda exercise: exercise.id
)
def test_a_mistake_differs_in_a_few_lines(exercise):
    for mistake, _ in exercise.mistakes.values():
        changed = changed_lines(exercise.reference, mistake)
        assert 1 <= sum(line[0] == "+" for line in changed) <= 5, changed

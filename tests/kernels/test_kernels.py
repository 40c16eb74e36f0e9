"""Runs the checks of the Triton kernels, each file in a process of its own.

Triton decides when a kernel is *defined* whether its interpreter runs it, so a process is for the
interpreter or for a compiler, never both. The checks are the files check_*.py beside this one:

    forward, backward, operator   run in the interpreter; and on a GPU, where there is one
    compiled                      compiles ahead of time for three GPUs that need not be there

Compiled checks that are marked `long` are for other GPUs than sm_90. They are run by make test-slow
and, all of them with the oldest Triton, by make test-triton.

By hand, one file:         TRITON_INTERPRET=1 python -m pytest tests/kernels/check_forward.py
A failure prints its seed: MINSEG_SEED=… repeats it
With another Triton than the installed one, unpacked in a folder and not installed:
    pip download --no-deps triton==3.6.0 -d wheel && unzip -q wheel/triton-3.6.0*.whl -d other
    MINSEG_TRITON=$PWD/other python -m pytest tests/kernels
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent
CHECKS = ["forward", "backward", "operator"]
HALVES = ["not long", pytest.param("long", marks=pytest.mark.long)]
OTHER = os.environ.get("MINSEG_TRITON")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not OTHER and importlib.util.find_spec("triton") is None,
        reason="Triton is not installed (it exists for Linux only): pip install triton",
    ),
]


def run(check, folder, marks, **environment):
    """The checks of one file with these marks, in a fresh Python; where it fails, its report."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "TRITON"))}
    paths = [OTHER, os.environ.get("PYTHONPATH")]
    environment |= {
        "PYTHONPATH": os.pathsep.join(p for p in paths if p),
        "TRITON_CACHE_DIR": str(folder),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=8"]
    result = subprocess.run(
        [*command, "-m", marks, str(HERE / f"check_{check}.py")],
        cwd=HERE.parents[1],
        env=inherited | environment,
        capture_output=True,
        text=True,
    )
    print(result.stdout)
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]


@pytest.mark.parametrize("check", CHECKS)
def test_in_the_interpreter(check, tmp_path):
    run(check, tmp_path, "long or not long", TRITON_INTERPRET="1")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU here")
@pytest.mark.parametrize("check", CHECKS)
def test_on_the_gpu(check, tmp_path):
    run(check, tmp_path, "long or not long")


@pytest.mark.parametrize("half", HALVES)
def test_compiled_ahead_of_time(half, tmp_path):
    run("compiled", tmp_path, half)


def test_without_interpreter_cpu_tensors_are_refused_in_words(tmp_path):
    code = (
        "import torch; from minseg.roi import roi_align;"
        "roi_align(torch.zeros(1, 1, 2, 2), torch.zeros(1, 5), 1, backend='triton')"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    paths = [OTHER, str(HERE.parents[1] / "kernels"), os.environ.get("PYTHONPATH")]
    environment["PYTHONPATH"] = os.pathsep.join(p for p in paths if p)
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert "RuntimeError" in result.stderr and "TRITON_INTERPRET=1" in result.stderr

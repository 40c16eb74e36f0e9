"""All that this project asks of a GPU, in one command of at most seven minutes: `make gpu`.

    python benchmarks/gpu/run.py [--out FOLDER]

Three parts, each a process of its own with a limit of time; if one fails the others still run:

1. tests      what is marked `gpu`: the kernels against float64, forward, gradients and operator
2. roi_align  benchmarks/roi_align_gpu.py: times beside torchvision's, and of the floors
3. train      benchmarks/gpu/train.py: a minute of Mask R-CNN in bfloat16, AP over seconds

It needs a CUDA GPU, PyTorch 2.11 and Triton 3.6 or newer, else it says so, writes nothing and ends
with status 2; neither network nor JupyterLab, scikit-image or contourpy. The folder, by default
`benchmarks/results/`, gets `gpu.log`, all that was printed; `gpu.json`, each part's status and
seconds; and the results of parts 2 and 3, which are named by the GPU.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "kernels")]

from benchmarks.machine import RESULTS, describe, describe_gpu, write_result

NEEDED = {"torch": (2, 11), "triton": (3, 6)}


class Part(NamedTuple):
    """One process: its name, what follows `python`, and the seconds that it may take."""

    name: str
    arguments: list[str]
    limit: float


def missing() -> str:
    """Why nothing can be measured here; empty if it can."""
    for name, least in NEEDED.items():
        wanted = f"{name} {'.'.join(map(str, least))} or newer"
        if importlib.util.find_spec(name) is None:
            return f"{wanted} is not installed"
        found = importlib.import_module(name).__version__
        if tuple(map(int, re.findall(r"\d+", found)[:2])) < least:
            return f"{wanted} is needed, {found} is installed"
    import torch

    return "" if torch.cuda.is_available() else "a CUDA GPU is needed, and PyTorch finds none"


def gpu_tests() -> list[str]:
    """Test files that have tests for a GPU; others may need what is not installed here."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [str(path) for path in files if "mark.gpu" in path.read_text(encoding="utf-8")]


def parts(out: Path) -> list[Part]:
    """What is run, in this order."""
    pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "gpu", "--durations=10"]
    if importlib.util.find_spec("xdist"):
        pytest += ["-n", "3"]  # most of their time is the compiler's, which has cores
    where = ["--out", str(out)]
    return [
        Part("tests", [*pytest, *gpu_tests()], limit=180),
        Part("roi_align", ["benchmarks/roi_align_gpu.py", "--write", *where], limit=120),
        Part("train", ["benchmarks/gpu/train.py", *where], limit=120),
    ]


def run(part: Part, log: Any) -> dict[str, Any]:
    """Run one part; what it prints goes to the log.

    Returns:
        "status", that of the process or "stopped after … s"; and "seconds".
    """
    began = time.monotonic()
    path = os.pathsep.join(filter(None, [str(ROOT / "kernels"), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, *part.arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        status: int | str = process.wait(part.limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # and what it has started
        process.wait()
        status = f"stopped after {part.limit:.0f} s"
    return {"status": status, "seconds": round(time.monotonic() - began, 1)}


def run_all(chosen: list[Part], out: Path) -> dict[str, dict[str, Any]]:
    """Run the parts one after another; what each came to, by name. The log lies in `out`."""
    out.mkdir(parents=True, exist_ok=True)
    results = {}
    (out / "gpu.log").unlink(missing_ok=True)
    with (out / "gpu.log").open("a+b") as log:
        for part in chosen:
            begins = log.seek(0, os.SEEK_END)
            log.write(f"== {part.name}\n".encode())
            log.flush()
            results[part.name] = run(part, log)
            log.seek(begins)
            print(log.read().decode(errors="replace").rstrip())
            print(f"== {part.name}: {results[part.name]}", flush=True)
    return results


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit status: 0, 1 if a part failed, 2 if nothing can be measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for what is measured")
    out = parser.parse_args(arguments).out.resolve()
    if reason := missing():
        print(f"make gpu measures nothing: {reason}")
        return 2
    results = run_all(parts(out), out)
    write_result("gpu", describe() | describe_gpu() | {"parts": results}, out)
    return int(any(result["status"] != 0 for result in results.values()))


if __name__ == "__main__":
    sys.exit(main())

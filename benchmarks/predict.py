"""What `python -m minseg predict` takes for large pictures: seconds and peak memory.

The pictures are the photograph of coins, repeated until it has 12 or 24 megapixels; the model keeps
its 100 best of some thousand coins. Measured, each in a process of its own, is the whole command,
and what of it the reading and the network take alone. The difference is drawing and writing.

    python benchmarks/predict.py [--megapixels 12 24] [--before DIR] [--write]    (about a minute)

`--before` names a checkout of another commit, whose command is measured on the same pictures.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import describe, write_result

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "minseg" / "models" / "pretrained" / "coins.safetensors"
SIZES = {1: (900, 1200), 12: (3000, 4000), 24: (4000, 6000)}  # megapixels: height, width
THREADS = 2

# Nothing large is imported here: a process inherits the peak of the one that started it.
MAKE = """
import sys
from PIL import Image
from minseg.data import photo
height, width, file = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
coins = photo("coins").repeat(1, height // 303 + 1, width // 384 + 1)[:, :height, :width]
Image.fromarray((coins * 255).round().byte().permute(1, 2, 0).numpy()).save(file)
"""
READ = """
import sys
import torch, minseg.commands.predict
from minseg.data.pictures import read_picture
image = read_picture(sys.argv[1])
"""
NETWORK = READ + "minseg.commands.predict.load_model(sys.argv[2]).predict_crops([image])\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=int, nargs="+", default=[12, 24], choices=SIZES)
    parser.add_argument("--before", metavar="DIR", help="another checkout, to compare with")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/")
    arguments = parser.parse_args()
    result: dict[str, Any] = {"machine": describe(), "threads": THREADS}
    with tempfile.TemporaryDirectory() as folder:
        for size in arguments.megapixels:
            row = result[f"{size}_megapixels"] = measure(size, Path(folder), arguments.before)
            for name, numbers in row.items():
                print(f"{size} MP, {name}: {numbers}", flush=True)
    if arguments.write:
        write_result("predict", result)


def measure(size: int, folder: Path, before: str | None) -> dict[str, Any]:
    """Seconds and peak memory of each part, for one picture."""
    file = folder / f"{size}.png"
    height, width = SIZES[size]
    run(ROOT, ["-c", MAKE, str(height), str(width), str(file)])
    command = ["-m", "minseg", "predict", "--model", str(MODEL), str(file), "--out"]
    row = {
        "imports_and_reading": run(ROOT, ["-c", READ, str(file)]),
        "and_network": run(ROOT, ["-c", NETWORK, str(file), str(MODEL)]),
        "whole_command": run(ROOT, [*command, str(folder / "out")]),
    }
    if before is not None:
        row["before"] = run(Path(before), [*command, str(folder / "before")])
    return row


def run(root: Path, arguments: list[str]) -> dict[str, float]:
    """A process of the Python that runs this: how long it took, and the most memory it held.

    Seconds of the processor are for machines that have other work at the same time.
    """
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": str(THREADS)}
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], env=environment, cwd=root)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status != 0:
        raise SystemExit(f"{' '.join(arguments[:3])} ended with status {status}")
    return {
        "seconds": round(seconds, 1),
        "processor_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mb": round(usage.ru_maxrss * 1024 / 1e6),
    }


if __name__ == "__main__":
    main()

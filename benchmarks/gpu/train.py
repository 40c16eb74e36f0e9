"""A minute of training on a GPU: the exam's AP over seconds, Mask R-CNN from nothing in bfloat16.

    python benchmarks/gpu/train.py [--seconds 60] [--out FOLDER]

The same network, scenes and batches as in `benchmarks/train.py`, which has two cores for it. At a
few moments the clock stops and the 200 exam scenes are predicted, so that the seconds are those of
training alone. Needs a CUDA GPU, else it says so and ends with status 2.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import torch

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / p) for p in (".", "kernels")]

from benchmarks.machine import RESULTS, require_gpu, write_gpu_result
from minseg.data import SceneDataset
from minseg.data.example import Dataset
from minseg.models import MaskRCNN
from minseg.train import InMemory, train, validate

MOMENTS = (1 / 12, 1 / 6, 1 / 3, 1 / 2, 2 / 3)  # of the seconds, beside the end
SCENES, NUMBERS = 2000, ("ap", "ap50", "ap75")


class Judge:
    """Called after each step: at the moments it notes seconds, step and AP so far."""

    def __init__(self, model: MaskRCNN, exam: Dataset, moments: list[float]) -> None:
        self.model, self.exam, self.moments = model, exam, moments
        self.rows: list[dict[str, float]] = []

    def __call__(self, row: dict[str, float]) -> None:
        if self.moments and row["seconds"] >= self.moments[0]:
            self.moments = [m for m in self.moments if m > row["seconds"]]
            self.note(row["seconds"], row["step"])

    def note(self, seconds: float, step: float) -> None:
        found = validate(self.model, self.exam)
        numbers = {name: round(found[name], 3) for name in NUMBERS}
        self.rows.append({"seconds": round(seconds, 1), "step": step, **numbers})
        print(self.rows[-1], flush=True)


def train_and_judge(
    model: MaskRCNN, known: Dataset, exam: Dataset, seconds: float, batch_size: int = 8
) -> dict[str, Any]:
    """Train for so many seconds; the rows of AP, steps a second, and the peak of the memory."""
    judge = Judge(model, exam, [seconds * m for m in MOMENTS])
    began = time.perf_counter()
    done = train(model, known, seconds=seconds, batch_size=batch_size, bf16=True, on_step=judge)
    judge.note(done.seconds, done.steps)
    cuda = next(model.parameters()).is_cuda
    return {
        "seconds": round(done.seconds, 1),
        "with_exams": round(time.perf_counter() - began, 1),
        "steps": done.steps,
        "steps_per_s": round(done.steps / done.seconds, 2),
        "peak_mib": round(torch.cuda.max_memory_allocated() / 2**20) if cuda else None,
        "last_loss": round(done.losses[-1]["loss"], 3),
        "rows": judge.rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--out", type=Path, default=RESULTS, help="where train_<gpu>.json goes")
    arguments = parser.parse_args()
    require_gpu("gpu/train", "nothing was trained")
    torch.manual_seed(0)  # of the first weights
    known, exam = InMemory(SceneDataset("train"), SCENES), InMemory(SceneDataset("exam"))
    found = train_and_judge(MaskRCNN().cuda(), known, exam, arguments.seconds)
    write_gpu_result("train", found, arguments.out)


if __name__ == "__main__":
    main()

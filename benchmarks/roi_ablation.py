"""What alignment is worth: Mask R-CNN trained with RoI pooling, RoIWarp and RoIAlign.

Nothing else differs: the same budget of steps, the same first weights, scenes and lots for a seed.
On one level of stride 16, where rounding costs most, and on the pyramid of strides 4, 8 and 16.
RoIWarp reads bilinearly like RoIAlign, but from the box that RoI pooling has rounded: it tells
interpolation and alignment apart (He et al., Mask R-CNN, 2017, table 2c). Mask AP on the exam.

As many runs go on at a time as there are cores, with one thread each, which is quicker than one
after the other. What they learn does not depend on how fast they are.

    python benchmarks/roi_ablation.py [--steps 200] [--pyramids stride16 fpn] [--write]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from typing import Any

import torch
from machine import describe, write_result
from train import NUMBERS, SCENES, judge

from minseg.data import SceneDataset
from minseg.models import MaskRCNN
from minseg.train import InMemory, train

PYRAMIDS: dict[str, dict[str, Any]] = {
    "stride16": {"strides": (16,), "anchor_scale": 1.5},
    "fpn": {"strides": (4, 8, 16)},
}
OPERATORS = ("pool", "warp", "align")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--pyramids", choices=PYRAMIDS, nargs="+", default=["stride16"])
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/")
    arguments = parser.parse_args()
    result: dict[str, Any] = {"machine": describe(), "steps": arguments.steps, "runs": []}
    jobs = [(p, s, o) for p in arguments.pyramids for s in arguments.seeds for o in OPERATORS]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn) as pool:
        steps = [arguments.steps] * len(jobs)
        for run in pool.map(train_and_judge, *zip(*jobs, strict=True), steps):
            result["runs"].append(run)
            print(run, flush=True)
    for pyramid in arguments.pyramids:
        summarise(pyramid, [run for run in result["runs"] if run["pyramid"] == pyramid])
    if arguments.write:
        write_result("roi_ablation", result)


def train_and_judge(pyramid: str, seed: int, roi_op: str, steps: int) -> dict[str, Any]:
    """One run."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)  # of the first weights
    model = MaskRCNN(roi_op=roi_op, **PYRAMIDS[pyramid])
    scenes, exam = data()
    train(model, scenes, steps=steps, seed=seed, bf16="auto")
    judged = judge(model, exam)
    numbers = {name: judged[name] for name in NUMBERS}
    return {"pyramid": pyramid, "roi_op": roi_op, "seed": seed, **numbers}


@cache
def data() -> tuple[InMemory, InMemory]:
    """Training scenes and exam, made once a process."""
    return InMemory(SceneDataset("train"), SCENES), InMemory(SceneDataset("exam"))


def summarise(pyramid: str, runs: list[dict[str, Any]]) -> None:
    """A line an operator: the mean over seeds."""
    for roi_op in OPERATORS:
        own = [run for run in runs if run["roi_op"] == roi_op]
        means = {name: round(statistics.fmean(run[name] for run in own), 3) for name in NUMBERS}
        print(f"{pyramid}, {roi_op}: {means}")


if __name__ == "__main__":
    main()

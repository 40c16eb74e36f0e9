"""What alignment is worth: Mask R-CNN trained with RoI pooling, RoIWarp and RoIAlign.

Nothing else differs: the same budget of steps, the same first weights, scenes and lots for a seed.
On one level of stride 16, where rounding costs most, and on the pyramid of strides 4, 8 and 16.
RoIWarp reads bilinearly like RoIAlign, but from the box that RoI pooling has rounded: it tells
interpolation and alignment apart (He et al., Mask R-CNN, 2017, table 2c). Mask AP on the exam.

    python benchmarks/roi_ablation.py [--steps 450] [--pyramids stride16 fpn] [--write]
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

import torch
from machine import describe, write_result
from train import NUMBERS, SCENES, THREADS, judge

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
    parser.add_argument("--steps", type=int, default=450)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--pyramids", choices=PYRAMIDS, nargs="+", default=["stride16"])
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/")
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    result: dict[str, Any] = {"machine": describe(), "steps": arguments.steps, "runs": []}
    scenes, exam = InMemory(SceneDataset("train"), SCENES), InMemory(SceneDataset("exam"))
    for pyramid in arguments.pyramids:
        for seed in arguments.seeds:
            for roi_op in OPERATORS:
                torch.manual_seed(seed)
                model = MaskRCNN(roi_op=roi_op, **PYRAMIDS[pyramid])
                train(model, scenes, steps=arguments.steps, seed=seed, bf16=True)
                run = {"pyramid": pyramid, "roi_op": roi_op, "seed": seed, **judge(model, exam)}
                result["runs"].append(run)
                print(run, flush=True)
        summarise(pyramid, [run for run in result["runs"] if run["pyramid"] == pyramid])
    if arguments.write:
        write_result("roi_ablation", result)


def summarise(pyramid: str, runs: list[dict[str, Any]]) -> None:
    """A line an operator: the mean over seeds."""
    for roi_op in OPERATORS:
        own = [run for run in runs if run["roi_op"] == roi_op]
        means = {name: round(statistics.fmean(run[name] for run in own), 3) for name in NUMBERS}
        print(f"{pyramid}, {roi_op}: {means}")


if __name__ == "__main__":
    main()

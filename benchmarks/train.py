"""How well a model is trained from nothing on two cores in a few minutes, judged by the exam.

Each run has a budget of seconds and a seed, and its own schedule from warm-up to the last step:
2000 training scenes of 128×128, made before the clock starts, bfloat16 where the machine is quicker
with it. Mask AP is that of the 200 exam scenes, which nothing was tuned on. Every run has a fresh
process, so that peak memory is its own; give the machine nothing else to do.

    python benchmarks/train.py [--model mask-rcnn] [--seconds 180 600] [--seeds 0 1 2] [--write]

(that: 45 minutes). Of models that are to be compared, a session measures one after the other.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import torch
from machine import describe, write_result

from minseg.data import SceneDataset
from minseg.data.example import Dataset
from minseg.metrics import average_precision
from minseg.models.names import MODELS
from minseg.train import InMemory, train

THREADS, SCENES, POINTS = 2, 2000, 40
NUMBERS = ("ap", "ap50", "ap75", "ap_small", "ap_medium")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=MODELS, default="mask-rcnn")
    parser.add_argument("--seconds", type=float, nargs="+", default=[180])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/")
    arguments = parser.parse_args()
    result: dict[str, Any] = {"machine": describe(), "threads": THREADS, "scenes": SCENES}
    name = arguments.model
    result |= {"model": name, "runs": []}
    spawn = multiprocessing.get_context("spawn")
    for seconds in arguments.seconds:
        for seed in arguments.seeds:
            with ProcessPoolExecutor(1, mp_context=spawn) as process:
                run = process.submit(train_and_judge, name, seconds, seed).result()
            result["runs"].append(run)
            print({key: value for key, value in run.items() if key != "curve"}, flush=True)
        same = [run for run in result["runs"] if run["budget_s"] == seconds]
        medians = [statistics.median(run[key] for run in same) for key in ("ap", "ap50", "ap75")]
        print(f"{name}, {seconds:.0f} s: median AP, AP50, AP75 of {len(same)} seeds {medians}")
    if arguments.write:
        write_result("train" if name == "mask-rcnn" else f"train_{name}", result)


def train_and_judge(name: str, seconds: float, seed: int) -> dict[str, Any]:
    """One run: what it reached, how long it took, its losses at some steps."""
    torch.set_num_threads(THREADS)
    torch.manual_seed(seed)  # of the first weights
    scenes, model = InMemory(SceneDataset("train"), SCENES), MODELS[name]()
    done = train(model, scenes, seconds=seconds, seed=seed, bf16="auto")
    judged = judge(model, InMemory(SceneDataset("exam")))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return {
        "budget_s": seconds,
        "seed": seed,
        "seconds": round(done.seconds, 1),
        "steps": done.steps,
        **judged,
        "peak_mib": round(peak),
        "curve": done.losses[:: max(done.steps // POINTS, 1)],
    }


def judge(model: Any, exam: Dataset) -> dict[str, float]:
    """Mask AP on a data set, and how long an image takes, one at a time."""
    model.eval()
    samples = [exam[k] for k in range(len(exam))]
    start = time.perf_counter()
    predictions = [model.predict(sample.image[None])[0] for sample in samples]
    each = 1000 * (time.perf_counter() - start) / len(samples)
    judged = average_precision(predictions, [sample.instances for sample in samples])
    numbers = {name: round(getattr(judged, name), 3) for name in NUMBERS}
    return numbers | {"prediction_ms": round(each, 1)}


if __name__ == "__main__":
    main()

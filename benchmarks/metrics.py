"""Metrics beside the tools of the field, in one run, taking turns, with two threads.

    python benchmarks/metrics.py [--only ap|iou|large|many] [--write]

Mask AP: 200 images of 128×128 with 10 detections and 6 truths each, from dense masks, so that every
tool also pays for the form it wants (pycocotools and faster-coco-eval: run lengths). Targets: 1.5
times as fast as pycocotools, as fast as faster-coco-eval. Peers that are not installed are skipped.

Files (`large`, `many`): each tool reads, checks and evaluates them in a process of its own, with
one thread. Targets for a picture of 12 megapixels: no slower than pycocotools, and at most three
times its memory plus 300 MB; for 5000 images with 100 detections each: at most 1.5 times its time,
and a gigabyte.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe, write_result
from metrics_files import Workload, write_files

from minseg.instances import Instances
from minseg.metrics import average_precision, mask_iou
from minseg.metrics.iou import mask_iou_dense

THREADS, ROUNDS = 2, 7


def side_by_side(tools: dict[str, Callable[[], Any]], rounds: int = ROUNDS) -> dict[str, Any]:
    """Milliseconds of each tool, which take turns; and how much faster the first is."""
    times: dict[str, list[float]] = {name: [] for name in tools}
    for one in tools.values():
        one()
    for _ in range(rounds):
        for name, one in tools.items():
            start = time.perf_counter()
            one()
            times[name].append(1000 * (time.perf_counter() - start))
    median = {name: statistics.median(values) for name, values in times.items()}
    ours = next(iter(median.values()))
    for name, value in median.items():
        low, high = min(times[name]), max(times[name])
        print(f"  {name:22}{value:9.2f} ms  ({low:.2f} to {high:.2f}){value / ours:8.2f} ×")
    return {
        "milliseconds": {name: round(value, 3) for name, value in median.items()},
        "times_as_fast": {name: round(value / ours, 2) for name, value in median.items()},
    }


def ellipses(count: int, height: int, width: int, rng: np.random.Generator) -> torch.Tensor:
    """(count, height, width) bool, each an ellipse of about a sixth of the image's sides."""
    y, x = np.mgrid[:height, :width]
    centre = rng.random((2, count, 1, 1)) * np.array([height, width]).reshape(2, 1, 1, 1)
    radius = rng.uniform(0.05, 0.25, (2, count, 1, 1)) * np.array([height, width]).reshape(
        2, 1, 1, 1
    )
    inside = ((y - centre[0]) / radius[0]) ** 2 + ((x - centre[1]) / radius[1]) ** 2 <= 1
    return torch.from_numpy(inside)


def ap() -> dict[str, Any]:
    """Mask AP from dense masks."""
    rng = np.random.default_rng(0)
    targets, predictions = [], []
    for _ in range(200):
        masks, labels = ellipses(6, 128, 128, rng), torch.from_numpy(rng.integers(1, 4, 6))
        copies = torch.from_numpy(rng.integers(0, 6, 8))
        found = torch.cat([masks[copies].roll(2, dims=2), ellipses(2, 128, 128, rng)])
        guessed = torch.cat([labels[copies], labels[:2]])
        targets.append(Instances(masks, labels))
        predictions.append(Instances(found, guessed, torch.from_numpy(rng.random(10))))
    tools: dict[str, Callable[[], Any]] = {
        "minseg": lambda: average_precision(predictions, targets)
    }
    if find_spec("pycocotools"):
        tools["pycocotools"] = lambda: coco_ap(predictions, targets, *pycocotools_classes())
    if find_spec("faster_coco_eval"):
        tools["faster-coco-eval"] = lambda: coco_ap(predictions, targets, *faster_classes())
    for name, tool in tools.items():
        value = tool()
        print(f"  {name:22}AP {value.ap if name == 'minseg' else value:.12f}")
    return side_by_side(tools)


def pycocotools_classes() -> tuple[Any, Any, Any]:
    from pycocotools import mask
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    return mask, COCO, COCOeval


def faster_classes() -> tuple[Any, Any, Any]:
    from faster_coco_eval import COCO, COCOeval_faster
    from faster_coco_eval.core import mask

    return mask, COCO, COCOeval_faster


def coco_ap(
    predictions: list[Instances], targets: list[Instances], mask: Any, coco: Any, evaluator: Any
) -> float:
    """From dense masks through run lengths, which is how these tools want them."""
    truth: dict[str, Any] = {"images": [], "annotations": [], "info": {}}
    truth["categories"] = [{"id": c, "name": str(c)} for c in (1, 2, 3)]
    results = []
    for image, (prediction, target) in enumerate(zip(predictions, targets, strict=True), 1):
        truth["images"].append({"id": image, "height": 128, "width": 128})
        common = {"image_id": image}
        for rle, label in zip(encoded(mask, target), target.labels.tolist(), strict=True):
            extra = {"area": float(mask.area(rle)), "bbox": mask.toBbox(rle).tolist()}
            record = {**common, **extra, "category_id": label, "segmentation": rle}
            truth["annotations"].append(
                {**record, "id": len(truth["annotations"]) + 1, "iscrowd": 0}
            )
        labels, scores = prediction.labels.tolist(), prediction.scores.tolist()
        for rle, label, score in zip(encoded(mask, prediction), labels, scores, strict=True):
            record = {**common, "category_id": label, "segmentation": rle, "score": score}
            results.append(record)
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = coco()
        dataset.dataset = truth
        dataset.createIndex()
        evaluation = evaluator(dataset, dataset.loadRes(results), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


def encoded(mask: Any, instances: Instances) -> list[dict[str, Any]]:
    pixels = instances.masks.permute(1, 2, 0).numpy().view(np.uint8)  # (H, W, N)
    return mask.encode(np.asfortranarray(pixels))


def iou() -> dict[str, Any]:
    """Pairwise mask IoU, 100 detections with 20 truths of 480×640."""
    rng = np.random.default_rng(0)
    a, b = ellipses(100, 480, 640, rng), ellipses(20, 480, 640, rng)
    tools: dict[str, Callable[[], Any]] = {
        "minseg": lambda: mask_iou(a, b),
        "matrix product": lambda: mask_iou_dense(a, b),
    }
    if find_spec("pycocotools"):
        mask = pycocotools_classes()[0]
        one, other = Instances(a, torch.ones(100).long()), Instances(b, torch.ones(20).long())
        tools["pycocotools"] = lambda: mask.iou(encoded(mask, one), encoded(mask, other), [0] * 20)
    return side_by_side(tools)


def large() -> dict[str, Any]:
    """Files of one picture of 4000×3000 with 40 + 40 and with 150 + 150 things."""
    rows = {}
    for things in (40, 150):
        load = Workload(1, 3000, 4000, truths=things, results=things, radius=(0.02, 0.12))
        with tempfile.TemporaryDirectory() as folder:
            write_files(Path(folder), load)
            rows[f"{things} + {things}"] = processes(folder, ["mask", "boundary"], rounds=5)
    return rows


def many() -> dict[str, Any]:
    """Files of 200 images of 480×640 with 100 detections and 20 truths, and of 5000."""
    rows = {}
    for images, rounds in ((200, 3), (5000, 1)):
        load = Workload(images, 480, 640, truths=20, results=100, radius=(0.03, 0.2))
        with tempfile.TemporaryDirectory() as folder:
            write_files(Path(folder), load)
            rows[f"{images} images"] = processes(folder, ["mask"], rounds)
    return rows


def processes(folder: str, kinds: list[str], rounds: int) -> dict[str, Any]:
    """Seconds and megabytes of each tool, which take turns; pycocotools has no boundary kind."""
    runs = [("minseg", kind) for kind in kinds]
    if find_spec("pycocotools"):
        runs.append(("pycocotools", "mask"))
    taken: dict[str, list[dict[str, float]]] = {f"{tool} {kind}": [] for tool, kind in runs}
    for _ in range(rounds):
        for tool, kind in runs:
            taken[f"{tool} {kind}"].append(in_a_process(tool, folder, kind))
    medians = {}
    for name, some in taken.items():
        one = {key: statistics.median(each[key] for each in some) for key in some[0]}
        medians[name] = {"seconds": round(one["seconds"], 3), "megabytes": one["megabytes"]}
        low, high = min(each["seconds"] for each in some), max(each["seconds"] for each in some)
        print(
            f"  {name:22}{one['seconds']:9.2f} s  ({low:.2f} to {high:.2f})"
            f"{one['megabytes']:8.0f} MB   AP {one['ap']:.12f}"
        )
    return medians


def in_a_process(tool: str, folder: str, kind: str) -> dict[str, float]:
    """What `metrics_worker.py` says of one evaluation."""
    here = Path(__file__).parent
    paths = os.pathsep.join(filter(None, (str(here.parent), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, str(here / "metrics_worker.py"), tool, folder, kind],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
    )
    return json.loads(done.stdout)


BENCHMARKS = {"ap": ap, "iou": iou, "large": large, "many": many}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=BENCHMARKS)
    files = "write benchmarks/results/metrics.json, or with --only metrics_NAME.json"
    parser.add_argument("--write", action="store_true", help=files)
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    result: dict[str, Any] = {"machine": describe(), "threads": THREADS}
    for name in [arguments.only] if arguments.only else BENCHMARKS:
        print(f"{name}: {BENCHMARKS[name].__doc__}")
        result[name] = BENCHMARKS[name]()
    if arguments.write:
        write_result(f"metrics_{arguments.only}" if arguments.only else "metrics", result)


if __name__ == "__main__":
    main()

"""COCO files of ellipses, truth and results, which `benchmarks/metrics.py` evaluates.

A third of the results are inventions, the others truths, moved and stretched by 3 %. All masks are
compressed run lengths, drawn within their boxes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minseg.masks.rle import encode_counts
from minseg.masks.runs import Crop, Runs

CLASSES = 3
DIFFERENT = 200  # images; more are copies of these, since drawing takes longer than evaluating

Record = dict[str, Any]


class Workload(NamedTuple):
    """What the files hold."""

    images: int
    height: int
    width: int
    truths: int  # of an image
    results: int  # of an image
    radius: tuple[float, float]  # shortest and longest half axis, as shares of the height


def write_files(folder: Path, load: Workload) -> None:
    """Write truth.json and results.json into a folder."""
    rng = np.random.default_rng(0)
    drawn = [_image(load, rng) for _ in range(min(load.images, DIFFERENT))]
    size = {"height": load.height, "width": load.width}
    ids = range(1, load.images + 1)
    truth = {
        "images": [{"id": k, "file_name": f"{k}.jpg", **size} for k in ids],
        "annotations": [
            {"id": n, "iscrowd": 0, **one}
            for n, one in enumerate(_of_images(load, [true for true, _ in drawn]), 1)
        ],
        "categories": [{"id": c, "name": f"class {c}"} for c in range(1, CLASSES + 1)],
    }
    (folder / "truth.json").write_text(json.dumps(truth))
    results = map(json.dumps, _of_images(load, [found for _, found in drawn]))
    with (folder / "results.json").open("w") as file:  # half a million of them, one at a time
        file.write("[" + next(results))
        file.writelines(f",\n{one}" for one in results)
        file.write("]\n")


def _of_images(load: Workload, drawn: list[list[Record]]) -> Iterator[Record]:
    for k in range(load.images):
        yield from ({"image_id": k + 1, **one} for one in drawn[k % len(drawn)])


def _image(load: Workload, rng: np.random.Generator) -> tuple[list[Record], list[Record]]:
    """Annotations and results of one image."""
    size = load.height, load.width
    true = np.concatenate(  # (truths, 4) centre y, x and the half axes along them
        [rng.random((load.truths, 2)) * size, _axes(load, load.truths, rng)], axis=1
    )
    copied = rng.integers(0, load.truths, load.results)
    found = true[copied] * (1 + rng.normal(0, 0.03, (load.results, 4)))
    invented = rng.random(load.results) < 1 / 3
    found[invented, :2] = rng.random((invented.sum(), 2)) * size
    labels = rng.integers(1, CLASSES + 1, load.truths)
    scores = rng.random(load.results).round(4)
    annotations = [
        _record(size, ellipse, label) for ellipse, label in zip(true, labels, strict=True)
    ]
    results = [
        {**_record(size, ellipse, label, boxed=False), "score": float(score)}
        for ellipse, label, score in zip(found, labels[copied], scores, strict=True)
    ]
    return annotations, results


def _axes(load: Workload, count: int, rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(*load.radius, (count, 2)) * load.height


def _record(size: tuple[int, int], ellipse: np.ndarray, label: int, boxed: bool = True) -> Record:
    runs = Runs.of_crops(size, [_draw(size, *ellipse)])
    record = {
        "category_id": int(label),
        "segmentation": encode_counts(size, runs.counts(0), compressed=True),
    }
    if boxed:  # a result with a box would be sized by it in pycocotools
        x1, y1, x2, y2 = runs.boxes()[0].tolist()
        record |= {"area": runs.areas().item(), "bbox": [x1, y1, x2 - x1, y2 - y1]}
    return record


def _draw(size: tuple[int, int], y: float, x: float, a: float, b: float) -> Crop:
    top, left = max(int(y - a), 0), max(int(x - b), 0)
    rows, columns = (
        np.arange(top, min(y + a + 1, size[0])),
        np.arange(left, min(x + b + 1, size[1])),
    )
    inside = ((rows[:, None] - y) / a) ** 2 + ((columns - x) / b) ** 2 <= 1
    return Crop(inside, left, top)

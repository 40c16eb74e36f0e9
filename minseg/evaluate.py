"""Evaluate files of predictions against files of truth: `python -m minseg evaluate`.

    --kind mask|box|boundary   COCO instances and a list of results: average precision
    --kind panoptic            COCO panoptic, both sides: panoptic quality

Images go through one at a time, so memory does not grow with the data set. The numbers are those of
pycocotools and panopticapi, the boundary kind those of the Boundary IoU API (`minseg.metrics` says
which papers). With `--json` the table is JSON, with null for what is undefined.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from minseg.data import load_coco, load_panoptic, load_results
from minseg.metrics import APAccumulator, PQAccumulator
from minseg.metrics.iou import box_overlap

T = TypeVar("T")
Row = dict[str, Any]  # a name, then numbers


def run(arguments: argparse.Namespace) -> int:
    """Evaluate and print; the exit status: 0, or 2 for files that cannot be evaluated."""
    try:
        if arguments.kind == "panoptic":
            report = evaluate_panoptic(
                arguments.truth,
                arguments.predictions,
                arguments.truth_folder,
                arguments.predictions_folder,
            )
        else:
            report = evaluate_instances(arguments.truth, arguments.predictions, arguments.kind)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(_without_nan(report), indent=1) if arguments.json else as_table(report))
    return 0


def evaluate_instances(truth_file: str, results_file: str, kind: str = "mask") -> dict[str, Any]:
    """COCO's twelve numbers and each class's.

    Returns:
        {"kind", "images", "all": {"ap": …, …}, "classes": [{"name", "ap", "ap50", "ar_100"}, …]}
    """
    truth = load_coco(truth_file)
    results = load_results(results_file, truth)
    accumulator = APAccumulator(kind)
    for image in _progress(truth.image_ids):
        if kind == "box":  # the boxes that were annotated, not the masks'
            p, t = results.boxes(image), truth.boxes(image)
            iou = box_overlap(p.boxes, t.boxes, t.crowd)
            accumulator.add_overlaps(
                iou, p.scores, p.labels, p.areas, t.labels, t.areas, t.crowd, image
            )
        else:
            pair = results.by_id(image).instances, truth.by_id(image).instances
            accumulator.add(*pair, image_id=image)
    result = accumulator.result()
    classes = [
        {"name": truth.categories[c], "ap": one.ap, "ap50": one.ap50, "ar_100": one.ar_100}
        for c, one in result.per_class.items()
        if one.truths
    ]
    return {"kind": kind, "images": len(truth), "all": result.summary(), "classes": classes}


def evaluate_panoptic(
    truth_file: str,
    predictions_file: str,
    truth_folder: str | None = None,
    predictions_folder: str | None = None,
) -> dict[str, Any]:
    """Panoptic quality over all classes, things and stuff, and each class's.

    Returns:
        {"kind", "images", "all": [{"name", "pq", "sq", "rq"}, …], "classes": [… with "tp", "fp",
        "fn"]}
    """
    truth = load_panoptic(truth_file, truth_folder)
    predictions = load_panoptic(predictions_file, predictions_folder, truth=truth)
    if missing := set(truth.image_ids) - set(predictions.image_ids):
        raise ValueError(f"{predictions.file}: has no prediction for image {min(missing)}")
    if extra := set(predictions.image_ids) - set(truth.image_ids):
        raise ValueError(f"{truth.file}: has no map of image {min(extra)}, which is predicted")
    accumulator = PQAccumulator(
        things=truth.things, stuff=truth.stuff, max_instances=truth.max_instances
    )
    for image in _progress(truth.image_ids):
        target = truth.by_id(image)
        accumulator.add(predictions.by_id(image).ids, target.ids, crowd=target.crowd)
    result = accumulator.result()
    averages = {"all": result, "things": result.things, "stuff": result.stuff}
    classes = [
        {"name": truth.categories[c], "pq": one.pq, "sq": one.sq, "rq": one.rq}
        | {"tp": one.tp, "fp": one.fp, "fn": one.fn}
        for c, one in sorted(result.per_class.items())
        if one.tp + one.fp + one.fn
    ]
    rows = [{"name": n, "pq": one.pq, "sq": one.sq, "rq": one.rq} for n, one in averages.items()]
    return {"kind": "panoptic", "images": len(truth), "all": rows, "classes": classes}


def as_table(report: dict[str, Any]) -> str:
    """The report for people."""
    every = report["all"]
    if isinstance(every, dict):
        every = [{"name": name, "value": value} for name, value in every.items()]
    number = report["images"]
    first = f"{report['kind']}, {number} image{'s' if number != 1 else ''}"
    return "\n".join([first, "", *_lines(every), "", *_lines(report["classes"])])


def _lines(rows: list[Row]) -> Iterator[str]:
    if not rows:
        return
    width = max(len(row["name"]) for row in rows)
    numbers = [key for key in rows[0] if key != "name"]
    yield " " * width + "".join(f"{key:>10}" for key in numbers)
    for row in rows:
        yield f"{row['name']:{width}}" + "".join(f"{_cell(row[key]):>10}" for key in numbers)


def _cell(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return "–" if math.isnan(value) else f"{value:.4f}"


def _without_nan(value: Any) -> Any:
    """The same with None for NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _progress(items: Iterable[T]) -> Iterable[T]:
    """A bar on stderr where somebody is looking at it."""
    from tqdm import tqdm

    return tqdm(items, unit="image", disable=None, leave=False)

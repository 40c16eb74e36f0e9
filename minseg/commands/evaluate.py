"""Evaluate files of predictions against files of truth: `python -m minseg evaluate`.

    --kind mask|box|boundary   COCO instances and a list of results: average precision
    --kind panoptic            COCO panoptic, both sides: panoptic quality

Images go through one at a time, and masks as run lengths, so memory grows neither with the data set
nor with the pictures. The numbers are those of pycocotools and panopticapi, the boundary kind those
of the Boundary IoU API (`minseg.metrics` says which papers). Two exceptions: results with a box and
a mask are sized by the mask, where pycocotools takes the box; and of several crowds of one class in
a panoptic map all count, where panopticapi takes the last. With `--json` the table is JSON, with
null for what is undefined. What a reader of the numbers should know stands on stderr.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from minseg.data import load_coco, load_panoptic, load_results
from minseg.data.coco.image import Boxes, RunInstances
from minseg.data.coco.instances import CocoInstances
from minseg.data.coco.panoptic import CocoPanoptic
from minseg.data.coco.records import Id
from minseg.metrics import APAccumulator, PQAccumulator
from minseg.metrics.iou import box_overlap
from minseg.terminal import complain, notice, printable

T = TypeVar("T")
Row = dict[str, Any]  # a name, then numbers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command line may say."""
    parser.add_argument("--kind", choices=("panoptic", "mask", "box", "boundary"), required=True)
    parser.add_argument("--truth", required=True, metavar="FILE", help="COCO JSON")
    parser.add_argument("--predictions", required=True, metavar="FILE", help="COCO JSON")
    parser.add_argument("--truth-folder", metavar="DIR", help="its PNGs, if not beside it")
    parser.add_argument("--predictions-folder", metavar="DIR", help="its PNGs, if not beside it")
    limit = "detections of a class that are read in an image, the best first (default: 100)"
    parser.add_argument("--most", type=int, default=100, metavar="N", help=limit)
    unknown = "leave out predictions of images and categories that the truth has not"
    parser.add_argument("--skip-unknown", action="store_true", help=unknown)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(options: argparse.Namespace) -> int:
    """Evaluate and print; the exit status: 0, or 2 for files that cannot be evaluated."""
    try:
        if options.kind == "panoptic":
            folders = options.truth_folder, options.predictions_folder
            report = evaluate_panoptic(
                options.truth, options.predictions, *folders, strangers=options.skip_unknown
            )
        else:
            report = evaluate_instances(
                options.truth,
                options.predictions,
                options.kind,
                most=options.most,
                strangers=options.skip_unknown,
            )
    except (ValueError, OSError, ImportError) as error:
        return complain(error)
    for line in report["notes"]:
        notice(line)
    print(json.dumps(_without_nan(report), indent=1) if options.json else as_table(report))
    return 0


def evaluate_instances(
    truth_file: str,
    results_file: str,
    kind: str = "mask",
    *,
    most: int = 100,
    strangers: bool = False,
) -> dict[str, Any]:
    """COCO's twelve numbers and each class's.

    Args:
        truth_file, results_file: in COCO's format.
        kind: "mask", "box" or "boundary".
        most: how many detections of a class are read in an image.
        strangers: whether results of images and categories that the truth has not are left out.

    Returns:
        {"kind", "images", "all": {"ap": …, …}, "classes": [{"id", "name", "ap", "ap50", "ar_100"},
        …], "notes": [what a reader should know]}; ids are the file's own.
    """
    truth = load_coco(truth_file)
    results = load_results(results_file, truth, strangers=strangers)
    accumulator = APAccumulator(kind, most=most)
    for image in _progress(truth.image_ids):
        if kind == "box":  # the boxes that were annotated, not the masks'
            _add_boxes(accumulator, results.boxes(image), truth.boxes(image), image)
        else:
            _add_runs(accumulator, results.runs(image), truth.runs(image), image)
    result = accumulator.result()
    classes = [
        {"id": truth.category_ids[c], "name": truth.categories[c]}
        | {"ap": one.ap, "ap50": one.ap50, "ar_100": one.ar_100}
        for c, one in result.per_class.items()
        if one.truths
    ]
    notes = [*_crowd_note(truth), *_left_out_note(results, "results")]
    if result.cut:
        notes.append(
            f"{result.cut} detections in {result.images_cut} of {len(truth)} images were not read: "
            f"more than {most} of a class in an image; --most reads more"
        )
    summary = result.summary()
    return {
        "kind": kind,
        "images": len(truth),
        "all": summary,
        "classes": classes,
        "notes": notes,
    }


def _add_boxes(accumulator: APAccumulator, p: Boxes, t: Boxes, image: Id) -> None:
    iou = box_overlap(p.boxes, t.boxes, t.crowd, area_a=p.box_areas, area_b=t.box_areas)
    accumulator.add_overlaps(iou, p.scores, p.labels, p.areas, t.labels, t.areas, t.crowd, image)


def _add_runs(accumulator: APAccumulator, p: RunInstances, t: RunInstances, image: Id) -> None:
    accumulator.add_runs(p.runs, p.scores, p.labels, t.runs, t.labels, t.areas, t.crowd, image)


def _crowd_note(truth: CocoInstances | CocoPanoptic) -> list[str]:
    """Crowds are not looked for; a class of nothing else has no number."""
    counts = truth.crowds()
    empty = [truth.categories[label] for label, (n, crowds) in counts.items() if n == crowds]
    if not empty:
        return []
    objects, crowds = (sum(column) for column in zip(*counts.values(), strict=True))
    return [
        f"{crowds} of {objects} annotations are crowds, which need not be found: "
        f"nothing else is annotated of {', '.join(map(repr, empty))}"
    ]


def _left_out_note(predictions: CocoInstances | CocoPanoptic, what: str) -> list[str]:
    of_images, of_categories = predictions.left_out
    if not of_images and not of_categories:
        return []
    return [
        f"left out {of_images} {what} of images and {of_categories} of categories that the truth "
        f"has not"
    ]


def evaluate_panoptic(
    truth_file: str,
    predictions_file: str,
    truth_folder: str | None = None,
    predictions_folder: str | None = None,
    *,
    strangers: bool = False,
) -> dict[str, Any]:
    """Panoptic quality over all classes, things and stuff, and each class's.

    Args:
        truth_file, predictions_file: in COCO's format.
        truth_folder, predictions_folder: of the PNGs; left out, named as the files.
        strangers: whether predicted maps of images that the truth has not are left out, and
            segments of categories that it has not are read as void.

    Returns:
        {"kind", "images", "all": [{"name", "pq", "sq", "rq"}, …], "classes": [{"id", … "tp", "fp",
        "fn"}], "notes": [what a reader should know]}; ids are the file's own.
    """
    truth = load_panoptic(truth_file, truth_folder)
    predictions = load_panoptic(
        predictions_file, predictions_folder, truth=truth, strangers=strangers
    )
    _check_paired(truth, predictions)
    divisor = predictions.max_instances  # the larger of the two: a class may have 2000 instances
    accumulator = PQAccumulator(things=truth.things, stuff=truth.stuff, max_instances=divisor)
    truth = truth.with_divisor(divisor)
    for image in _progress(truth.image_ids):
        target = truth.by_id(image)
        accumulator.add(predictions.by_id(image).ids, target.ids, crowd=target.crowd)
    result = accumulator.result()
    averages = {"all": result, "things": result.things, "stuff": result.stuff}
    classes = [
        {"id": truth.category_ids[c], "name": truth.categories[c]}
        | {"pq": one.pq, "sq": one.sq, "rq": one.rq, "tp": one.tp, "fp": one.fp, "fn": one.fn}
        for c, one in sorted(result.per_class.items())
        if one.tp + one.fp + one.fn
    ]
    rows = [{"name": n, "pq": one.pq, "sq": one.sq, "rq": one.rq} for n, one in averages.items()]
    return {
        "kind": "panoptic",
        "images": len(truth),
        "all": rows,
        "classes": classes,
        "notes": [*_crowd_note(truth), *_left_out_note(predictions, "maps")],
    }


def _check_paired(truth: CocoPanoptic, predictions: CocoPanoptic) -> None:
    """Every image must have a map in both files."""
    for one, other, lacks in (
        (truth, predictions, "has no prediction for image {}"),
        (predictions, truth, "has no map of image {}, which is predicted"),
    ):
        there = set(other.image_ids)
        for image in one.image_ids:
            if image not in there:
                raise ValueError(f"{other.file}: {lacks.format(image)}")


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
    width = max(len(printable(row["name"])) for row in rows)
    columns = [key for key in rows[0] if key != "name"]
    yield " " * width + "".join(f"{key:>10}" for key in columns)
    for row in rows:
        cells = (f"{_cell(row[key]):>10}" for key in columns)
        yield f"{printable(row['name']):{width}}" + "".join(cells)


def _cell(value: float | str) -> str:
    if isinstance(value, int | str):
        return f" {printable(value)}"
    return "–" if math.isnan(value) else f"{value:.4f}"


def _without_nan(value: Any) -> Any:
    """The same with None for NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _progress(items: Iterable[T]) -> Iterable[T]:
    """A bar on stderr where that is a terminal."""
    from tqdm import tqdm

    return tqdm(items, unit="image", disable=None, leave=False)

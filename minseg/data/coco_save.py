"""Write instances as COCO does: annotations of a data set, or results of a model.

The formats are those of `minseg.data.coco`, and pycocotools reads what is written here. Images may
come from a generator: one at a time is held, and goes straight into the file.

(Lin et al., Microsoft COCO, 2014; the format of its web site.) Lesson 07.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from minseg.data.coco import CocoImage
from minseg.data.coco_files import check_id, safe_name, written_whole
from minseg.masks import encode_rle


def save_coco(
    annotation_file: str | Path, images: Iterable[CocoImage], categories: Mapping[int, str]
) -> None:
    """Write annotated instances; images may come from a generator, one at a time.

    Masks are written as compressed run lengths, annotations numbered from 1 (some tools take an
    id of 0 for "no match"). The file appears when all is written, and not at all on an error.

    Raises:
        ValueError: if an id is negative or comes twice, a file name leaves its folder, or a label
            is not among the categories.
    """
    listed: dict[int, dict[str, Any]] = {}
    with written_whole(Path(annotation_file)) as stream:
        stream.write('{"annotations": [')
        number = 0
        for one in images:
            listed[check_id(one.image_id, listed)] = _image_record(one)
            for record in _annotations(one, categories):
                number += 1
                stream.write(
                    ("" if number == 1 else ",") + "\n" + json.dumps({"id": number, **record})
                )
        names = [{"id": c, "name": name} for c, name in categories.items()]
        stream.write(f'\n],\n"images": {json.dumps(list(listed.values()))},\n')
        stream.write(f'"categories": {json.dumps(names)}}}\n')


def save_results(
    results_file: str | Path, images: Iterable[CocoImage], categories: Mapping[int, str]
) -> None:
    """Write predictions as a list of results with scores, as the official tools read it.

    No bbox is written: pycocotools would take its area for the mask's.
    """
    seen: set[int] = set()
    first = True
    with written_whole(Path(results_file)) as stream:
        stream.write("[")
        for one in images:
            seen.add(check_id(one.image_id, seen))
            scores = one.instances.scores.tolist()
            for record, score in zip(_objects(one, categories), scores, strict=True):
                stream.write(("" if first else ",") + "\n" + json.dumps({**record, "score": score}))
                first = False
        stream.write("\n]\n")


def _image_record(one: CocoImage) -> dict[str, Any]:
    height, width = one.instances.masks.shape[1:]
    safe_name(one.file_name, f"image {one.image_id}")
    return {"id": one.image_id, "file_name": one.file_name, "height": height, "width": width}


def _annotations(one: CocoImage, categories: Mapping[int, str]) -> Iterator[dict[str, Any]]:
    boxes = one.instances.boxes if one.boxes is None else one.boxes
    extras = zip(boxes.tolist(), one.instances.areas.tolist(), one.instances.crowd, strict=True)
    for record, ((x1, y1, x2, y2), area, crowd) in zip(
        _objects(one, categories), extras, strict=True
    ):
        box = [x1, y1, x2 - x1, y2 - y1]
        yield {**record, "area": area, "bbox": box, "iscrowd": int(crowd)}


def _objects(one: CocoImage, categories: Mapping[int, str]) -> Iterator[dict[str, Any]]:
    """What annotations and results have in common."""
    for mask, label in zip(one.instances.masks, one.instances.labels.tolist(), strict=True):
        if label not in categories:
            raise ValueError(f"image {one.image_id}: label {label} is not among the categories")
        rle = encode_rle(mask, compressed=True)
        yield {"image_id": one.image_id, "category_id": label, "segmentation": rle}

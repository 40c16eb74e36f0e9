"""Write instances as COCO does: annotations of a data set, or results of a model.

The formats are those of `minseg.data.coco.instances`, and pycocotools reads what is written here.
Images may come from a generator: one at a time is held, and goes straight into the file.

(Lin et al., Microsoft COCO, 2014; the format of its web site.) Unit 31.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from minseg.data.coco.image import CocoImage
from minseg.data.coco.records import Id, check_id, safe_name
from minseg.files import written_whole
from minseg.masks import encode_rle


def save_coco(
    annotation_file: str | Path,
    images: Iterable[CocoImage],
    categories: Mapping[int, str],
    *,
    category_ids: Mapping[int, Id] | None = None,
) -> None:
    """Write annotated instances; images may come from a generator, one at a time.

    Masks are written as compressed run lengths, annotations numbered from 1 (some tools take an
    id of 0 for "no match"). The file appears when all is written, and not at all on an error.

    Args:
        annotation_file: the JSON.
        images: what to write.
        categories: names by label.
        category_ids: ids to write instead of labels, such as those of `load_coco`.

    Raises:
        ValueError: if an image's id is neither a whole number nor a text or comes twice, a file
            name leaves its folder, or a label is not among the categories.

    Example:
        >>> import tempfile, torch
        >>> from minseg.instances import Instances
        >>> file = Path(tempfile.mkdtemp()) / "truth.json"
        >>> instances = Instances(torch.eye(3).bool()[None], torch.tensor([1]))
        >>> save_coco(file, [CocoImage(7, "a.png", instances)], {1: "line"})
        >>> json.loads(file.read_text())["annotations"][0]["bbox"]
        [0.0, 0.0, 3.0, 3.0]
    """
    ids = _ids(categories, category_ids)
    listed: dict[Id, dict[str, Any]] = {}
    with written_whole(Path(annotation_file)) as stream:
        stream.write('{"annotations": [')
        number = 0
        for one in images:
            listed[check_id(one.image_id, listed)] = _image_record(one)
            for record in _annotations(one, ids):
                number += 1
                stream.write(
                    ("" if number == 1 else ",") + "\n" + json.dumps({"id": number, **record})
                )
        names = [{"id": ids[c], "name": name} for c, name in categories.items()]
        stream.write(f'\n],\n"images": {json.dumps(list(listed.values()))},\n')
        stream.write(f'"categories": {json.dumps(names)}}}\n')


def save_results(
    results_file: str | Path,
    images: Iterable[CocoImage],
    categories: Mapping[int, str],
    *,
    category_ids: Mapping[int, Id] | None = None,
) -> None:
    """Write predictions as a list of results with scores, as the official tools read it.

    No bbox is written: pycocotools would take its area for the mask's. Arguments and errors are
    those of `save_coco`.

    Example:
        >>> import tempfile, torch
        >>> from minseg.instances import Instances
        >>> file = Path(tempfile.mkdtemp()) / "results.json"
        >>> found = Instances(torch.ones(1, 2, 3).bool(), torch.tensor([1]), torch.tensor([0.5]))
        >>> save_results(file, [CocoImage(7, None, found)], {1: "disc"})
        >>> one = json.loads(file.read_text())[0]
        >>> one["segmentation"], one["score"]
        ({'size': [2, 3], 'counts': '06'}, 0.5)
    """
    ids = _ids(categories, category_ids)
    seen: set[Id] = set()
    first = True
    with written_whole(Path(results_file)) as stream:
        stream.write("[")
        for one in images:
            seen.add(check_id(one.image_id, seen))
            scores = one.instances.scores.tolist()
            for record, score in zip(_objects(one, ids), scores, strict=True):
                stream.write(("" if first else ",") + "\n" + json.dumps({**record, "score": score}))
                first = False
        stream.write("\n]\n")


def _ids(categories: Mapping[int, str], category_ids: Mapping[int, Id] | None) -> dict[int, Id]:
    """What is written for each label."""
    return {label: (category_ids or {}).get(label, label) for label in categories}


def _image_record(one: CocoImage) -> dict[str, Any]:
    height, width = one.instances.masks.shape[1:]
    record = {"id": one.image_id, "height": height, "width": width}
    if one.file_name is not None:
        record["file_name"] = safe_name(one.file_name, f"image {one.image_id}")
    return record


def _annotations(one: CocoImage, ids: Mapping[int, Id]) -> Iterator[dict[str, Any]]:
    boxes = one.instances.boxes if one.boxes is None else one.boxes
    extras = zip(boxes.tolist(), one.instances.areas.tolist(), one.instances.crowd, strict=True)
    for record, ((x1, y1, x2, y2), area, crowd) in zip(_objects(one, ids), extras, strict=True):
        box = [x1, y1, x2 - x1, y2 - y1]
        yield {**record, "area": area, "bbox": box, "iscrowd": int(crowd)}


def _objects(one: CocoImage, ids: Mapping[int, Id]) -> Iterator[dict[str, Any]]:
    """What annotations and results have in common."""
    for mask, label in zip(one.instances.masks, one.instances.labels.tolist(), strict=True):
        if label not in ids:
            raise ValueError(f"image {one.image_id}: label {label} is not among the categories")
        rle = encode_rle(mask, compressed=True)
        yield {"image_id": one.image_id, "category_id": ids[label], "segmentation": rle}

"""Write panoptic maps as COCO does: a PNG for each image, whose colours are numbers, and one JSON.

The format is that of `minseg.data.coco.panoptic`. Maps may come from a generator: one at a time is
held. The PNGs are first written aside; when all maps are through they take their places, and the
JSON that names them comes last, so an error halfway leaves everything as it was. Other files in the
folder stay.

(Kirillov et al., Panoptic Segmentation, 2019, and the format of COCO's web site.) Unit 33.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from minseg.data.coco.panoptic import PanopticImage
from minseg.data.coco.png import LARGEST_COLOUR, write_png
from minseg.data.coco.records import Id, check_id, safe_name
from minseg.files import drafts_in, written_whole
from minseg.panoptic import decode


def save_panoptic(
    annotation_file: str | Path,
    images: Iterable[PanopticImage],
    categories: Mapping[int, str],
    things: Collection[int],
    folder: str | Path | None = None,
    *,
    max_instances: int = 1000,
    category_ids: Mapping[int, Id] | None = None,
) -> None:
    """Write panoptic maps.

    Args:
        annotation_file: the JSON.
        images: maps, one for each image; from a generator if there are many.
        categories: names by label. things: which of them are counted; the rest is stuff, whose
            first segment in a map has instance 0.
        folder: for the PNGs; left out, the file's name without ".json". It may lie on another disk.
        max_instances: the divisor of the ids.
        category_ids: ids to write instead of labels, such as those of `load_panoptic`.

    Raises:
        TypeError: if a map is not of integers.
        ValueError: with the image and the reason, if an id is negative, of no category, too large
            for a colour, or a thing with instance 0; if an image comes twice or a name leaves the
            folder.

    Example:
        >>> import tempfile
        >>> from minseg.data.coco.panoptic import load_panoptic
        >>> file, ids = Path(tempfile.mkdtemp()) / "maps.json", torch.tensor([[1001, 7000, 0]])
        >>> save_panoptic(file, [PanopticImage(1, "a.png", ids)], {1: "disc", 7: "sky"}, things=[1])
        >>> load_panoptic(file).by_id(1).ids.tolist()
        [[1001, 7000, 0]]
    """
    if unknown := set(things) - set(categories):
        raise ValueError(f"things must be among the categories, got {sorted(unknown)}")
    if min(categories, default=1) < 1:
        raise ValueError(f"categories must have ids from 1 (0 is void), got {min(categories)}")
    file = Path(annotation_file)
    where = file.with_suffix("") if folder is None else Path(folder)
    listed: dict[Id, dict[str, Any]] = {}
    annotations: dict[str, dict[str, Any]] = {}
    # every map aside, as it comes; when all are there, to their places
    with drafts_in(where) as drafts:
        for one in images:
            number, name = check_id(one.image_id, listed), _png_name(one, annotations)
            segments = _segments(one, categories, things, max_instances)
            for segment in segments:
                label = segment["category_id"]
                segment["category_id"] = (category_ids or {}).get(label, label)
            height, width = one.ids.shape
            size = {"height": height, "width": width}
            listed[number] = {"id": number, "file_name": name, **size}
            annotations[name] = {"image_id": number, "file_name": name, "segments_info": segments}
            write_png(drafts / name, one.ids.cpu().numpy())
    # the JSON that names them, last
    top: dict[str, Any] = {"images": list(listed.values())}
    top["annotations"] = list(annotations.values())
    top["categories"] = [
        {"id": (category_ids or {}).get(c, c), "name": name, "isthing": int(c in things)}
        for c, name in categories.items()
    ]
    with written_whole(file) as stream:
        json.dump(top, stream)


def _png_name(one: PanopticImage, taken: Collection[str]) -> str:
    name = safe_name(one.file_name, f"image {one.image_id}")
    if not name.endswith(".png") or name in taken:
        raise ValueError(f"image {one.image_id} needs a name of its own in .png, got {name!r}")
    return name


def _segments(
    one: PanopticImage, categories: Mapping[int, str], things: Collection[int], divisor: int
) -> list[dict[str, Any]]:
    """segments_info of a map, checked."""
    what = f"image {one.image_id}"
    if one.ids.ndim != 2:
        raise ValueError(f"{what}: ids must be (H, W), got {tuple(one.ids.shape)}")
    numbers, areas = (values.tolist() for values in one.ids.unique(return_counts=True))
    try:
        pairs = zip(
            *(part.tolist() for part in decode(torch.tensor(numbers), divisor)), strict=True
        )
    except (TypeError, ValueError) as error:
        raise type(error)(f"{what}: {error}") from None
    segments = []
    for number, area, (category, instance) in zip(numbers, areas, pairs, strict=True):
        if number == 0:
            continue
        if category not in categories:
            raise ValueError(f"{what}: id {number} is of category {category}, which is unknown")
        if category in things and instance == 0:
            raise ValueError(f"{what}: id {number} has instance 0, but is a thing, counted from 1")
        if number > LARGEST_COLOUR:
            raise ValueError(f"{what}: id {number} is above {LARGEST_COLOUR}, the last colour")
        record = {"id": number, "category_id": category, "area": area}
        segments.append({**record, "bbox": _box(one, number), "iscrowd": int(number in one.crowd)})
    if strangers := set(one.crowd) - set(numbers):
        raise ValueError(f"{what}: crowd {min(strangers)} has no pixel in the map")
    return segments


def _box(one: PanopticImage, number: int) -> list[int]:
    """x, y, width, height."""
    rows, columns = (torch.nonzero((one.ids == number).any(dim=d)) for d in (1, 0))
    x, y = int(columns[0]), int(rows[0])
    return [x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y]

"""COCO's instance files: read them, image by image. `coco_save` writes them.

    {"images":      [{"id", "file_name", "height", "width"}, …],
     "annotations": [{"id", "image_id", "category_id", "segmentation", "area", "bbox", "iscrowd"}],
     "categories":  [{"id", "name"}, …]}

A segmentation is a list of polygons or run lengths (`minseg.masks`); a bbox is x, y, width, height.
Results are a bare list of {"image_id", "category_id", "segmentation", "score"}: images and
categories are those of the truth (Lin et al., Microsoft COCO, 2014; the format of its web site).

What a file says is checked when it is opened; masks are made when an image is asked for, and only
one image's are in memory. Polygons are drawn by pycocotools, so that a mask has the very pixels the
official tools count. Lesson 07 evaluates such files; `python -m minseg evaluate` does it for you.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from minseg.data.coco_files import Record, read_json, safe_name
from minseg.data.coco_masks import read_mask
from minseg.instances import Instances


@dataclass(frozen=True)
class CocoImage:
    """One image of a COCO file.

    Attributes:
        image_id, file_name: as in the file.
        instances: with crowds and annotated areas, or with scores if these are results.
        boxes: (N, 4) float64 (x1, y1, x2, y2) as annotated; None means the masks' tight boxes.
        image: (3, H, W) float in [0, 1], where the folder of images was named, else None.
    """

    image_id: int
    file_name: str
    instances: Instances
    boxes: Tensor | None = None
    image: Tensor | None = None


class Boxes(NamedTuple):
    """What box AP reads of one image: boxes as the file has them, no masks needed."""

    boxes: Tensor  # (N, 4) float64
    scores: Tensor  # (N,) float64
    labels: Tensor  # (N,) int64
    areas: Tensor  # (N,) float64, of the annotation; of a result, its box or else its mask
    crowd: Tensor  # (N,) bool


class CocoInstances:
    """The images of a COCO file, in the order of the file; made by `load_coco`, `load_results`.

    Iterate, index from 0, or ask for an image by its id. `categories` maps ids to names.
    """

    def __init__(
        self,
        file: Path,
        images: dict[int, Record],
        categories: dict[int, str],
        records: dict[int, list[Record]],
        folder: Path | None,
    ) -> None:
        self.file, self.categories, self.image_ids = file, categories, tuple(images)
        self._images, self._records, self._folder = images, records, folder

    def __len__(self) -> int:
        return len(self.image_ids)

    def __getitem__(self, index: int) -> CocoImage:
        return self.by_id(self.image_ids[index])

    def __iter__(self) -> Iterator[CocoImage]:
        return map(self.by_id, self.image_ids)

    def __repr__(self) -> str:
        return f"CocoInstances({str(self.file)!r}, {len(self)} images)"

    def size(self, image_id: int) -> tuple[int, int]:
        """(height, width) of an image; KeyError for an id that the file does not list."""
        image = self._images[image_id]
        return image.whole("height", 1), image.whole("width", 1)

    def by_id(self, image_id: int) -> CocoImage:
        """An image with its masks; ValueError, with file and id, where one cannot be read."""
        image, records, size = self._images[image_id], self._records[image_id], self.size(image_id)
        masks = [read_mask(one, size) for one in records]
        stacked = torch.stack(masks) if masks else torch.zeros(0, *size, dtype=torch.bool)
        counted = stacked.count_nonzero(dim=(1, 2)).tolist()
        areas = [one.number("area", n) for one, n in zip(records, counted, strict=True)]
        tight = Instances(stacked, _labels(records)).boxes.tolist()
        boxes = [
            one.box("bbox") if one.has("bbox") else box
            for one, box in zip(records, tight, strict=True)
        ]
        return CocoImage(
            image_id,
            image.text("file_name"),
            Instances(
                stacked,
                _labels(records),
                _scores(records),
                crowd=torch.tensor([one.flag("iscrowd") for one in records], dtype=torch.bool),
                areas=torch.tensor(areas, dtype=torch.float64),
            ),
            torch.tensor(boxes, dtype=torch.float64).reshape(-1, 4),
            None if self._folder is None else _picture(image.path(self._folder), size, image),
        )

    def boxes(self, image_id: int) -> Boxes:
        """The boxes of an image; a mask is only read where a record has no bbox."""
        records, rows, areas = self._records[image_id], [], []
        for one in records:
            if one.has("bbox"):
                x1, y1, x2, y2 = one.box("bbox")
                area = (x2 - x1) * (y2 - y1)
            else:
                mask = Instances(read_mask(one, self.size(image_id))[None], torch.ones(1).long())
                (x1, y1, x2, y2), area = mask.boxes[0].tolist(), mask.areas.item()
            rows.append((x1, y1, x2, y2))
            areas.append(one.number("area", area))
        return Boxes(
            torch.tensor(rows, dtype=torch.float64).reshape(-1, 4),
            _scores(records),
            _labels(records),
            torch.tensor(areas, dtype=torch.float64),
            torch.tensor([one.flag("iscrowd") for one in records], dtype=torch.bool),
        )


def load_coco(annotation_file: str | Path, images: str | Path | None = None) -> CocoInstances:
    """Open a file of annotated instances.

    Args:
        annotation_file: JSON as above. Missing areas and boxes are taken from the masks.
        images: the folder of the images; with it, each CocoImage carries its picture.

    Raises:
        ValueError, FileNotFoundError: with the file, the record and the reason.
    """
    file, folder = Path(annotation_file), None if images is None else Path(images)
    top = Record(file, "the file", read_json(file))
    by_id = read_images(top)
    categories = read_categories(top)
    if folder is not None:
        for image in by_id.values():
            image.path(folder)
    annotations = top.records("annotations", "annotation")
    seen: set[int] = set()
    for one in annotations:
        number = one.whole("id")
        one.what = f"annotation {number}"
        if number in seen:
            raise one.error("is there twice")
        seen.add(number)
        if one.number("area", 0) < 0:
            raise one.error(f"needs an area from 0, got {one.get('area')}")
    return CocoInstances(file, by_id, categories, _grouped(annotations, by_id, categories), folder)


def load_results(results_file: str | Path, truth: CocoInstances) -> CocoInstances:
    """Open a file of results on the images of `truth`, with scores in float64.

    Raises:
        ValueError, FileNotFoundError: with the file, the result and the reason.
    """
    file = Path(results_file)
    results = Record(file, "the file", {"results": read_json(file)}).records("results", "result")
    for one in results:
        one.number("score")
        # Numbers of a result are its own: an area or a crowd there would be somebody else's.
        one.values = {k: v for k, v in one.values.items() if k not in ("area", "iscrowd")}
    grouped = _grouped(results, truth._images, truth.categories)
    return CocoInstances(file, truth._images, truth.categories, grouped, None)


def read_images(top: Record) -> dict[int, Record]:
    """The image records of a file by id, each with a name and a size."""
    by_id: dict[int, Record] = {}
    for image in top.records("images", "image"):
        number = image.whole("id")
        image.what = f"image {number}"
        if number in by_id:
            raise image.error("is there twice")
        image.whole("height", 1)
        image.whole("width", 1)
        safe_name(image.text("file_name"), f"{image.file}: {image.what}")
        by_id[number] = image
    return by_id


def read_categories(top: Record) -> dict[int, str]:
    """Names by id; 0 is void in a panoptic map, so ids start at 1."""
    names: dict[int, str] = {}
    for one in top.records("categories", "category"):
        number = one.whole("id", 1)
        if number in names:
            raise one.error(f"repeats the id {number}")
        names[number] = one.text("name")
    return names


def _grouped(
    records: list[Record], images: Mapping[int, Any], categories: Mapping[int, str]
) -> dict[int, list[Record]]:
    """Records by image, once their ids and numbers make sense."""
    groups: dict[int, list[Record]] = {number: [] for number in images}
    for one in records:
        image, category = one.whole("image_id"), one.whole("category_id")
        if image not in groups:
            raise one.error(f"is of image {image}, which the file of the truth does not list")
        if category not in categories:
            raise one.error(f"is of category {category}, which is not among the categories")
        if not one.has("segmentation") and not one.has("bbox"):
            raise one.error("has neither 'segmentation' nor 'bbox'")
        if one.has("bbox"):
            one.box("bbox")
        one.flag("iscrowd")
        groups[image].append(one)
    return groups


def _labels(records: list[Record]) -> Tensor:
    return torch.tensor([one.whole("category_id") for one in records], dtype=torch.int64)


def _scores(records: list[Record]) -> Tensor:
    return torch.tensor([one.number("score", 1.0) for one in records], dtype=torch.float64)


def _picture(path: Path, size: tuple[int, int], image: Record) -> Tensor:
    from PIL import Image  # comes with matplotlib

    with Image.open(path) as picture:
        if picture.size != size[::-1]:
            raise image.error(f"is {size} (height, width), but {path.name} is {picture.size[::-1]}")
        pixels = torch.from_numpy(np.array(picture.convert("RGB")))
    return pixels.permute(2, 0, 1).float().div(255).contiguous()

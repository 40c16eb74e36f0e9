"""COCO's instance files: read them, image by image. `write_instances` writes them.

    {"images":      [{"id", "file_name", "height", "width"}, …],
     "annotations": [{"id", "image_id", "category_id", "segmentation", "area", "bbox", "iscrowd"}],
     "categories":  [{"id", "name"}, …]}

A segmentation is a list of polygons or run lengths (`minseg.masks`); a bbox is x, y, width, height.
Results are a bare list of {"image_id", "category_id", "segmentation", "score"}: images and
categories are those of the truth (Lin et al., Microsoft COCO, 2014; the format of its web site).

Ids are looked at when a file is opened; sizes, masks and pictures when an image is asked for, and
only one image's are in memory. There are three ways to ask: `by_id` makes all pixels, `runs` only
run lengths, `boxes` neither. Polygons are drawn by pycocotools, so that a mask has the very pixels
the official tools count. Unit 31 evaluates such files; `python -m minseg evaluate` does it for
you.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from minseg.data.coco.categories import Category, read_categories
from minseg.data.coco.groups import (
    Groups,
    check_any_known,
    count_crowds,
    read_images,
    share_out,
)
from minseg.data.coco.image import Boxes, CocoImage, RunInstances
from minseg.data.coco.masks import check_mask, read_runs, stated_size
from minseg.data.coco.records import OBJECT, Id, Record, read_json
from minseg.data.pictures import picture_size, read_picture
from minseg.instances import Instances
from minseg.masks.rle import MOST_PIXELS

MOST_BYTES = 2**32  # of one image's masks, a byte for each pixel; `runs` needs none of them
LISTED = 10  # bad records that a message names


class CocoInstances:
    """The images of a COCO file, in the order of the file; made by `load_coco`, `load_results`.

    Iterate, index from 0, or ask for an image by its id.

    Attributes:
        file: where it comes from.
        image_ids: of all images, whole numbers or texts.
        categories: names by label. category_ids: the file's own ids by label; the two are the same
            where these are whole numbers from 1 on, else labels are 1, 2, 3 … (`categories`).
        left_out: for results, how many were of images and of categories that the truth has not.
    """

    def __init__(
        self,
        file: Path,
        images: dict[Id, Record],
        categories: dict[Id, Category],
        records: Groups,
        folder: Path | None,
        left_out: tuple[int, int] = (0, 0),
    ) -> None:
        self.file, self.image_ids, self.left_out = file, tuple(images), left_out
        self.categories = {one.label: one.name for one in categories.values()}
        self.category_ids = {one.label: one.id for one in categories.values()}
        self._images, self._records, self._folder = images, records, folder
        self._categories = categories

    @property
    def labels(self) -> tuple[int, ...]:
        """All labels, in the order of the file's categories."""
        return tuple(self.categories)

    def __len__(self) -> int:
        return len(self.image_ids)

    def __getitem__(self, index: int) -> CocoImage:
        return self.by_id(self.image_ids[index])

    def __iter__(self) -> Iterator[CocoImage]:
        return map(self.by_id, self.image_ids)

    def __repr__(self) -> str:
        return f"CocoInstances({str(self.file)!r}, {len(self)} images)"

    def size(self, image_id: Id) -> tuple[int, int]:
        """(height, width) of an image: from the file, else its picture, else its run lengths.

        Raises:
            KeyError: for an id that the file does not list.
            ValueError: if the file does not say, or says more than an image may have.
        """
        image = self._images[image_id]
        if not image.has("height") and not image.has("width"):
            if self._folder is not None:
                return picture_size(image.path(self._folder))
            for record in self._records[image_id]:
                if (stated := stated_size(record)) is not None:
                    return stated
        height, width = image.whole("height", 1), image.whole("width", 1)
        if height * width > MOST_PIXELS:
            raise image.error(f"has {height} × {width} pixels, more than {MOST_PIXELS}")
        return height, width

    def by_id(self, image_id: Id) -> CocoImage:
        """An image with its masks; ValueError, with file and id, where one cannot be read."""
        image, records, size = self._images[image_id], self._records[image_id], self.size(image_id)
        if len(records) * size[0] * size[1] > MOST_BYTES:
            raise image.error(
                f"has {len(records)} masks of {size[0]} × {size[1]} pixels, which do not fit into "
                f"{MOST_BYTES} bytes: `runs` reads them without their pixels"
            )
        runs = self._runs(image_id, size)
        boxes = [
            _corners(one.box("bbox")) if one.has("bbox") else box
            for one, box in zip(records, runs.runs.boxes().tolist(), strict=True)
        ]
        name = image.text("file_name") if image.has("file_name") else None
        return CocoImage(
            image_id,
            name,
            Instances(
                runs.runs.masks(), runs.labels, runs.scores, crowd=runs.crowd, areas=runs.areas
            ),
            torch.tensor(boxes, dtype=torch.float64).reshape(-1, 4),
            None if self._folder is None else _picture(image.path(self._folder), size, image),
        )

    def runs(self, image_id: Id) -> RunInstances:
        """The masks of an image as run lengths, whatever its size."""
        records = self._records[image_id]
        return self._runs(image_id, self.size(image_id) if records else (0, 0))

    def _runs(self, image_id: Id, size: tuple[int, int]) -> RunInstances:
        records = self._records[image_id]
        runs = read_runs(records, size)
        counted = runs.areas().tolist()
        areas = [one.number("area", n) for one, n in zip(records, counted, strict=True)]
        return RunInstances(runs, *self._common(records, areas))

    def boxes(self, image_id: Id) -> Boxes:
        """The boxes of an image; a mask is only read where a record has no bbox."""
        records = self._records[image_id]
        boxes, areas = np.zeros((len(records), 4)), np.zeros(len(records))  # x, y, width, height
        unboxed = [k for k, one in enumerate(records) if not one.has("bbox")]
        if unboxed:
            runs = read_runs([records[k] for k in unboxed], self.size(image_id))
            boxes[unboxed], areas[unboxed] = runs.boxes(), runs.areas()
            boxes[unboxed, 2:] -= boxes[unboxed, :2]
        for k, one in enumerate(records):
            if one.has("bbox"):
                boxes[k] = one.box("bbox")
                areas[k] = boxes[k, 2] * boxes[k, 3]
        sides = boxes[:, 2] * boxes[:, 3]
        boxes[:, 2:] += boxes[:, :2]  # corners from here on
        annotated = [one.number("area", n) for one, n in zip(records, areas.tolist(), strict=True)]
        scores, labels, area, crowd = self._common(records, annotated)
        return Boxes(torch.from_numpy(boxes), scores, labels, area, crowd, torch.from_numpy(sides))

    def _common(
        self, records: list[Record], areas: list[float]
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Scores, labels, areas and crowds."""
        labels = [self._categories[one.id("category_id")].label for one in records]
        return (
            torch.tensor([one.number("score", 1.0) for one in records], dtype=torch.float64),
            torch.tensor(labels, dtype=torch.int64),
            torch.tensor(areas, dtype=torch.float64),
            torch.tensor([one.flag("iscrowd") for one in records], dtype=torch.bool),
        )

    def check(self) -> None:
        """Look at every mask and every picture's size, so that nothing is found out hours later.

        Raises:
            ValueError: with the first ten records that cannot be used, and how many there are.
        """
        faults = list(self._faults())
        if faults:
            listed = [str(one).removeprefix(f"{self.file}: ") for one in faults[:LISTED]]
            more = f"; and {len(faults) - LISTED} more" if len(faults) > LISTED else ""
            number = f"{len(faults)} record{'s' if len(faults) > 1 else ''} cannot be used"
            raise ValueError(f"{self.file}: {number}: {'; '.join(listed)}{more}")

    def _faults(self) -> Iterator[Exception]:
        for image_id, image in self._images.items():
            try:
                size = self.size(image_id)
                if self._folder is not None:
                    _check_picture(image.path(self._folder), size, image)
            except (ValueError, OSError) as error:
                yield error
                continue
            for record in self._records[image_id]:
                try:
                    check_mask(record, size)
                except (ValueError, OSError) as error:
                    yield error

    def crowds(self) -> dict[int, tuple[int, int]]:
        """By label, how many objects there are and how many of them are crowds."""
        return count_crowds(
            (self._categories[one.id("category_id")].label, one.flag("iscrowd"))
            for one in self._records
        )

    def fingerprint(self) -> str:
        """A digest of all that is read of the file: the same for the same data, in any layout."""
        total = hashlib.sha256()
        groups: list[tuple[tuple[str, ...], Iterator[Record]]] = [
            (("id", "file_name", "height", "width"), iter(self._images.values())),
            (("id", "name"), (one.record for one in self._categories.values())),
            (OBJECT[1:-1], iter(self._records)),
        ]
        for keys, records in groups:
            for one in records:
                read = {key: one.values.get(key) for key in keys}
                total.update(json.dumps(read, sort_keys=True).encode() + b"\n")
        return total.hexdigest()


def load_coco(annotation_file: str | Path, images: str | Path | None = None) -> CocoInstances:
    """Open a file of annotated instances.

    Args:
        annotation_file: JSON as above. Missing areas and boxes are taken from the masks.
        images: the folder of the images; with it, each CocoImage carries its picture.

    Raises:
        ValueError, FileNotFoundError: with the file, the record and the reason.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "truth.json"
        >>> mask = {"size": [2, 3], "counts": "231"}
        >>> one = {"id": 1, "image_id": 7, "category_id": 4, "segmentation": mask}
        >>> images, dog = [{"id": 7, "height": 2, "width": 3}], {"id": 4, "name": "dog"}
        >>> top = {"images": images, "annotations": [one], "categories": [dog]}
        >>> _ = file.write_text(json.dumps(top))
        >>> truth = load_coco(file)
        >>> truth.by_id(7).instances.masks.int().tolist(), truth.categories
        ([[[0, 1, 1], [0, 1, 0]]], {4: 'dog'})
    """
    file, folder = Path(annotation_file), None if images is None else Path(images)
    top = Record(file, "the file", read_json(file))
    by_id = read_images(top)
    categories = read_categories(top)
    if folder is not None:
        for image in by_id.values():
            image.path(folder)
    groups = Groups(file, "annotation", top.rows("annotations"), by_id)
    seen: set[Id] = set()
    for row in range(len(groups)):
        one = groups.record(row)
        if one.has("id"):
            number = one.id("id")
            if number in seen:
                raise one.error("is there twice")
            seen.add(number)
        if one.number("area", 0) < 0:
            raise one.error(f"needs an area from 0, got {one.get('area')}")
    share_out(groups, categories, strangers=False)
    return CocoInstances(file, by_id, categories, groups, folder)


def load_results(
    results_file: str | Path, truth: CocoInstances, *, strangers: bool = False
) -> CocoInstances:
    """Open a file of results on the images of `truth`, with scores in float64.

    Args:
        results_file: a JSON list.
        truth: whose images and categories count.
        strangers: whether results of images and categories that the truth has not are left out,
            and counted in `left_out`, instead of being an error.

    Raises:
        ValueError, FileNotFoundError: with the file, the result and the reason.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> top = {"images": [{"id": 7, "height": 2, "width": 3}], "annotations": []}
        >>> top["categories"] = [{"id": 4, "name": "dog"}]
        >>> _ = (folder / "truth.json").write_text(json.dumps(top))
        >>> one = {"image_id": 7, "category_id": 4, "bbox": [0, 0, 2, 2], "score": 0.9}
        >>> _ = (folder / "results.json").write_text(json.dumps([one]))
        >>> results = load_results(folder / "results.json", load_coco(folder / "truth.json"))
        >>> results.boxes(7).boxes.tolist(), results.boxes(7).scores.tolist()
        ([[0.0, 0.0, 2.0, 2.0]], [0.9])
    """
    file = Path(results_file)
    values = Record(file, "the file", {"results": read_json(file)}).rows("results")
    groups = Groups(file, "result", values, truth._images, without=("id", "area", "iscrowd"))
    images = set()
    for row in range(len(groups)):
        one = groups.record(row)
        one.number("score")
        images.add(one.id("image_id"))
    check_any_known(file, images, truth._images)
    left_out = share_out(groups, truth._categories, strangers=strangers)
    return CocoInstances(file, truth._images, truth._categories, groups, None, left_out)


def _corners(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    x, y, width, height = box
    return x, y, x + width, y + height


def _picture(path: Path, size: tuple[int, int], image: Record) -> Tensor:
    _check_picture(path, size, image)
    return read_picture(path)


def _check_picture(path: Path, size: tuple[int, int], image: Record) -> None:
    is_size = picture_size(path)
    if is_size != size:
        raise image.error(f"is {size} (height, width), but {path.name} is {is_size}")

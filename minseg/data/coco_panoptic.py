"""COCO's panoptic files: a PNG an image and one JSON, read and written map by map.

    {"images":      [{"id", "file_name", "height", "width"}, …],
     "annotations": [{"image_id", "file_name", "segments_info":
                      [{"id", "category_id", "iscrowd"}, …]}, …],
     "categories":  [{"id", "name", "isthing"}, …]}

A pixel's colour is its segment's number, R + 256 G + 256² B; 0 is void, and the JSON says what each
segment is. minseg's maps say it in the number itself, category × max_instances + instance, so a map
is read without a table: things are numbered from 1 in the order of segments_info, stuff has
instance 0. When a map is written, that number is the colour.

(Kirillov et al., Panoptic Segmentation, 2019, and the format of COCO's web site.) Lesson 13.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from minseg.data.coco import read_categories, read_images
from minseg.data.coco_files import Record, read_json

LARGEST_COLOUR = 256**3 - 1


@dataclass(frozen=True)
class PanopticImage:
    """One map of a panoptic file.

    Attributes:
        image_id: as in the file.
        file_name: of the PNG.
        ids: (H, W) int64, category × max_instances + instance; 0 is void.
        crowd: the ids that are crowds.
    """

    image_id: int
    file_name: str
    ids: Tensor
    crowd: tuple[int, ...] = ()


class CocoPanoptic:
    """The maps of a panoptic file; made by `load_panoptic`. Iterate, or ask for an image by id.

    Attributes:
        categories: names by category id. things, stuff: the category ids of each kind.
    """

    def __init__(
        self,
        file: Path,
        folder: Path,
        categories: dict[int, str],
        things: tuple[int, ...],
        sizes: Mapping[int, tuple[int, int]],
        annotations: dict[int, Record],
        max_instances: int,
    ) -> None:
        self.file, self.categories, self.things = file, categories, things
        self.stuff = tuple(c for c in categories if c not in things)
        self.max_instances, self.image_ids = max_instances, tuple(annotations)
        self._folder, self._sizes, self._annotations = folder, sizes, annotations

    def __len__(self) -> int:
        return len(self.image_ids)

    def __getitem__(self, index: int) -> PanopticImage:
        return self.by_id(self.image_ids[index])

    def __iter__(self) -> Iterator[PanopticImage]:
        return map(self.by_id, self.image_ids)

    def __repr__(self) -> str:
        return f"CocoPanoptic({str(self.file)!r}, {len(self)} images)"

    def by_id(self, image_id: int) -> PanopticImage:
        """A map; ValueError or FileNotFoundError, with file and id, where it cannot be read."""
        annotation = self._annotations[image_id]
        colours = _read_colours(annotation, self._folder, self._sizes[image_id])
        table, crowd = _segments(annotation, self.categories, self.things, self.max_instances)
        known = np.array([0, *table])
        order = np.argsort(known)
        place = np.searchsorted(known[order], colours).clip(max=len(known) - 1)
        found = order[place]
        if (strangers := known[found] != colours).any():
            number = colours[strangers][0]
            raise annotation.error(f"has pixels of segment {number}, which segments_info lacks")
        ids = np.array([0, *table.values()])[found]
        present = np.bincount(found.ravel(), minlength=len(known)) > 0
        if not present[1:].all():
            number = known[1:][~present[1:]][0]
            raise annotation.error(f"lists segment {number}, of which the PNG has no pixel")
        name = annotation.text("file_name")
        return PanopticImage(image_id, name, torch.from_numpy(ids), tuple(crowd))


def load_panoptic(
    annotation_file: str | Path,
    folder: str | Path | None = None,
    *,
    truth: CocoPanoptic | None = None,
    max_instances: int = 1000,
) -> CocoPanoptic:
    """Open a panoptic file.

    Args:
        annotation_file: JSON as above.
        folder: where the PNGs are; left out, the file's name without ".json".
        truth: for predictions, whose file need not repeat images and categories: those of the
            truth count.
        max_instances: the divisor of the ids.

    Raises:
        ValueError, FileNotFoundError: with the file, the image or segment, and the reason.
    """
    file = Path(annotation_file)
    where = file.with_suffix("") if folder is None else Path(folder)
    top = Record(file, "the file", read_json(file))
    images: Mapping[int, tuple[int, int]]
    if truth is None:
        images = {number: _size(image) for number, image in read_images(top).items()}
        categories, things = read_categories(top), _things(top)
    else:
        images, categories, things = truth._sizes, truth.categories, truth.things
    annotations: dict[int, Record] = {}
    for one in top.records("annotations", "annotation"):
        number = one.whole("image_id")
        one.what = f"the annotation of image {number}"
        if number not in images:
            raise one.error("is of an image that the file of the truth does not list")
        if number in annotations:
            raise one.error("is there twice")
        one.path(where)
        _segments(one, categories, things, max_instances)
        annotations[number] = one
    return CocoPanoptic(file, where, categories, things, images, annotations, max_instances)


def _size(image: Record) -> tuple[int, int]:
    return image.whole("height", 1), image.whole("width", 1)


def _things(top: Record) -> tuple[int, ...]:
    records = top.records("categories", "category")
    for one in records:
        one.get("isthing")
    return tuple(one.whole("id") for one in records if one.flag("isthing"))


def _segments(
    annotation: Record, categories: Mapping[int, str], things: tuple[int, ...], divisor: int
) -> tuple[dict[int, int], list[int]]:
    """From the numbers in the PNG to ids, and which ids are crowds."""
    table: dict[int, int] = {}
    crowd = []
    count = dict.fromkeys(categories, 0)
    for one in annotation.records("segments_info", f"in {annotation.what}, segment"):
        number, category = one.whole("id", 1), one.whole("category_id")
        if number in table or number > LARGEST_COLOUR:
            reason = "comes twice" if number in table else f"is above {LARGEST_COLOUR}, no colour"
            raise one.error(f"has the id {number}, which {reason}")
        if category not in categories:
            raise one.error(f"is of category {category}, which is not among the categories")
        count[category] += 1
        if category not in things and count[category] > 1:
            raise one.error(f"is a second segment of stuff {category}; a map may have one")
        if count[category] >= divisor:
            raise one.error(f"is number {count[category]} of category {category}: max_instances "
                            f"must be larger than {divisor}")  # fmt: skip
        table[number] = category * divisor + (count[category] if category in things else 0)
        if one.flag("iscrowd"):
            crowd.append(table[number])
    return table, crowd


def _read_colours(annotation: Record, folder: Path, size: tuple[int, int]) -> np.ndarray:
    """(H, W) int64 numbers of a PNG; refused if it is not RGB of that size."""
    from PIL import Image  # comes with matplotlib

    path = annotation.path(folder)
    try:
        with Image.open(path) as picture:
            if picture.format != "PNG" or picture.mode != "RGB":
                kind = f"{picture.format} with mode {picture.mode}"
                raise annotation.error(f"needs {path.name} as a PNG in RGB, 8 bits, got {kind}")
            if picture.size != size[::-1]:
                raise annotation.error(
                    f"is {size} (height, width), but {path.name} is {picture.size[::-1]}"
                )
            red, green, blue = np.moveaxis(np.asarray(picture, dtype=np.int64), 2, 0)
    except (OSError, SyntaxError) as error:  # a broken chunk is a SyntaxError
        raise annotation.error(f"needs {path.name}, which cannot be read: {error}") from None
    return red + 256 * green + 256**2 * blue

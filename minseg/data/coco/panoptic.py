"""COCO's panoptic files: a PNG for each image and one JSON, read map by map.

`write_panoptic` writes them.

    {"images":      [{"id", "file_name", "height", "width"}, …],
     "annotations": [{"image_id", "file_name", "segments_info":
                      [{"id", "category_id", "iscrowd"}, …]}, …],
     "categories":  [{"id", "name", "isthing"}, …]}

A pixel's colour is its segment's number, R + 256 G + 256² B; 0 is void, and the JSON says what each
segment is. minseg's maps say it in the number itself, label × max_instances + instance, so a map is
read without a table: things are numbered from 1 in the order of segments_info, stuff from 0. When a
map is written, that number is the colour. Labels are the file's category ids where these are whole
numbers from 1 on, else 1, 2, 3 … (`categories`).

A file may cut one class of stuff into several segments, as CVAT's do: they are scored one by one,
as the official tool does. The divisor max_instances is 1000, or more if a map has more segments of
a class.

(Kirillov et al., Panoptic Segmentation, 2019, and the format of COCO's web site.) Unit 33.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from minseg.data.coco.categories import Category, read_categories
from minseg.data.coco.groups import check_any_known, count_crowds, read_images
from minseg.data.coco.png import read_colours
from minseg.data.coco.records import Id, Record, read_json
from minseg.data.coco.segments import (
    STRANGER,
    drop_strangers,
    is_thing,
    least_divisor,
    read_segments,
)

USUAL_DIVISOR = 1000


@dataclass(frozen=True)
class PanopticImage:
    """One map of a panoptic file.

    Attributes:
        image_id: as in the file.
        file_name: of the PNG.
        ids: (H, W) int64, label × max_instances + instance; 0 is void.
        crowd: the ids that are crowds.
    """

    image_id: Id
    file_name: str
    ids: Tensor
    crowd: tuple[int, ...] = ()


class CocoPanoptic:
    """The maps of a panoptic file; made by `load_panoptic`. Iterate, or ask for an image by id.

    Attributes:
        image_ids: of all maps, whole numbers or texts.
        categories: names by label. category_ids: the file's own ids by label.
        things, stuff: the labels of each kind.
        max_instances: the divisor of the ids.
        left_out: how many maps, and how many segments, were of images and categories that the
            truth has not.
    """

    def __init__(
        self,
        file: Path,
        folder: Path,
        categories: dict[Id, Category],
        sizes: Mapping[Id, tuple[int, int] | None],
        annotations: dict[Id, Record],
        max_instances: int,
        left_out: tuple[int, int] = (0, 0),
    ) -> None:
        self.file, self._categories, self.left_out = file, categories, left_out
        self.categories = {one.label: one.name for one in categories.values()}
        self.category_ids = {one.label: one.id for one in categories.values()}
        self.things = tuple(one.label for one in categories.values() if is_thing(one))
        self.stuff = tuple(label for label in self.categories if label not in self.things)
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

    def with_divisor(self, max_instances: int) -> CocoPanoptic:
        """The same file, read with another divisor."""
        other = copy.copy(self)
        other.max_instances = max_instances
        return other

    def by_id(self, image_id: Id) -> PanopticImage:
        """A map; ValueError or FileNotFoundError, with file and id, where it cannot be read."""
        annotation = self._annotations[image_id]
        colours = read_colours(annotation, self._folder, self._sizes.get(image_id))  # (H, W)
        table, crowd = read_segments(annotation, self._categories, self.max_instances)
        # A map is mostly runs of one colour: a segment is looked up once for each run, not pixel.
        flat = colours.ravel()
        start = np.flatnonzero(np.diff(flat, prepend=-1))  # (R,) runs
        known = np.array([0, *table])  # void and the segments that the JSON lists
        order = np.argsort(known)
        place = np.searchsorted(known[order], flat[start]).clip(max=len(known) - 1)
        found = order[place]  # (R,) which of them
        if (strangers := known[found] != flat[start]).any():
            number = flat[start][strangers][0]
            raise annotation.error(f"has pixels of segment {number}, which segments_info lacks")
        present = np.bincount(found, minlength=len(known)) > 0
        if not present[1:].all():
            number = known[1:][~present[1:]][0]
            raise annotation.error(f"lists segment {number}, of which the PNG has no pixel")
        ids = np.array([0, *table.values()])[found]  # (R,)
        ids = np.repeat(ids, np.diff(start, append=flat.size)).reshape(colours.shape)
        name = annotation.text("file_name")
        return PanopticImage(image_id, name, torch.from_numpy(ids), tuple(crowd))

    def crowds(self) -> dict[int, tuple[int, int]]:
        """By label, how many segments there are and how many of them are crowds."""
        pairs = []
        for annotation in self._annotations.values():
            for one in annotation.records("segments_info", "segment"):
                if not one.has(STRANGER):
                    label = self._categories[one.id("category_id")].label
                    pairs.append((label, one.flag("iscrowd")))
        return count_crowds(pairs)


def load_panoptic(
    annotation_file: str | Path,
    folder: str | Path | None = None,
    *,
    truth: CocoPanoptic | None = None,
    max_instances: int | None = None,
    strangers: bool = False,
) -> CocoPanoptic:
    """Open a panoptic file.

    Args:
        annotation_file: JSON as above.
        folder: where the PNGs are; left out, the file's name without ".json".
        truth: for predictions, whose file need not repeat images and categories: those of the
            truth count.
        max_instances: the divisor of the ids; left out, the truth's, or 1000, or what the map with
            most segments of a class needs, whichever is largest.
        strangers: whether maps of images that the truth has not are left out, and segments of
            categories that it has not are read as void; `left_out` counts both. Else an error.

    Raises:
        ValueError, FileNotFoundError: with the file, the image or segment, and the reason.

    Example:
        >>> import tempfile
        >>> from minseg.data.coco.write_panoptic import save_panoptic
        >>> file, ids = Path(tempfile.mkdtemp()) / "maps.json", torch.tensor([[1001, 7000, 0]])
        >>> save_panoptic(file, [PanopticImage(1, "a.png", ids)], {1: "disc", 7: "sky"}, things=[1])
        >>> maps = load_panoptic(file)
        >>> maps.things, maps.stuff, maps[0].ids.tolist()
        ((1,), (7,), [[1001, 7000, 0]])
    """
    file = Path(annotation_file)
    where = file.with_suffix("") if folder is None else Path(folder)
    top = Record(file, "the file", read_json(file))
    sizes: Mapping[Id, tuple[int, int] | None]
    if truth is None:
        sizes = {number: _size(image) for number, image in read_images(top).items()}
        categories = read_categories(top)
    else:
        sizes, categories = truth._sizes, truth._categories
    annotations, of_images = _of_known_images(top, where, sizes, truth is not None, strangers)
    of_categories = 0
    if strangers:
        of_categories = sum(drop_strangers(one, categories) for one in annotations.values())
    needed = max((least_divisor(one, categories) for one in annotations.values()), default=1)
    if max_instances is None:
        max_instances = max(needed, USUAL_DIVISOR, truth.max_instances if truth else 1)
    elif max_instances < needed:
        raise ValueError(
            f"{file}: max_instances must be at least {needed}, as an image has so many segments of "
            f"a class, got {max_instances}"
        )
    left_out = of_images, of_categories
    return CocoPanoptic(file, where, categories, sizes, annotations, max_instances, left_out)


def _of_known_images(
    top: Record,
    folder: Path,
    sizes: Mapping[Id, tuple[int, int] | None],
    predicted: bool,
    strangers: bool,
) -> tuple[dict[Id, Record], int]:
    """The annotations by image, and how many were left out, being of unknown images.

    Args:
        top: the file. folder: in which each must have its PNG.
        sizes: of the images that are known.
        predicted: whether images are listed in another file, that of the truth.
        strangers: whether those of other images are left out; else an error.
    """
    annotations: dict[Id, Record] = {}
    records = list(top.records("annotations", "annotation"))
    if predicted:
        check_any_known(top.file, {one.id("image_id") for one in records}, sizes)
    unknown = 0
    for one in records:
        number = one.id("image_id")
        one.what = f"the annotation of image {number}"
        if number not in sizes and strangers:
            unknown += 1
            continue
        if number not in sizes:
            raise one.error("is of an image that the file of the truth does not list")
        if number in annotations:
            raise one.error("is there twice")
        one.path(folder)
        annotations[number] = one
    return annotations, unknown


def _size(image: Record) -> tuple[int, int] | None:
    """(height, width), where the file says."""
    if not image.has("height") and not image.has("width"):
        return None
    return image.whole("height", 1), image.whole("width", 1)

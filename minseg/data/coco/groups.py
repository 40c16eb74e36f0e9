"""Which records of a COCO file belong to which image, checked when the file is opened.

A file lists images, and in another list, in any order, all that is on them. Here the second list
is shared out to the first, and what cannot be right is refused with the record's own id: an id that
is there twice, an image or a category that is not listed, a record without mask and box.

(Lin et al., Microsoft COCO, 2014; the format of its web site.)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from minseg.data.coco.categories import Category
from minseg.data.coco.records import Id, Record


class Groups:
    """The records of each image. A file may have millions, so a `Record` is made when asked for.

    Args:
        file: for messages. what: "annotation" or "result".
        values: the list in the file, as `read_json` packs it.
        images: all ids that have a place.
        without: keys that are not read: of results, those which only the truth can decide.
    """

    def __init__(
        self,
        file: Path,
        what: str,
        values: list[Any],
        images: Iterable[Id],
        without: tuple[str, ...] = (),
    ) -> None:
        self._file, self._what, self._values, self._without = file, what, values, without
        self._rows: dict[Id, list[int]] = {number: [] for number in images}

    def put(self, image_id: Id, row: int) -> None:
        """Say that row `row` of the list belongs to an image."""
        self._rows[image_id].append(row)

    def record(self, row: int) -> Record:
        """One row, called by its id where it has one."""
        one = Record(self._file, f"{self._what} at {row}", self._values[row])
        for key in self._without:
            one.values.pop(key, None)
        if one.has("id"):
            one.what = f"{self._what} {one.id('id')}"
        return one

    def __contains__(self, image_id: Id) -> bool:
        return image_id in self._rows

    def __getitem__(self, image_id: Id) -> list[Record]:
        return [self.record(row) for row in self._rows[image_id]]

    def __iter__(self) -> Iterator[Record]:
        return (self.record(row) for rows in self._rows.values() for row in rows)

    def __len__(self) -> int:
        return len(self._values)


def read_images(top: Record) -> dict[Id, Record]:
    """The image records of a file by id; ValueError if an id is there twice."""
    by_id: dict[Id, Record] = {}
    for image in top.records("images", "image"):
        number = image.id("id")
        image.what = f"image {number}"
        if number in by_id:
            raise image.error("is there twice")
        by_id[number] = image
    return by_id


def share_out(
    groups: Groups, categories: Mapping[Id, Category], *, strangers: bool
) -> tuple[int, int]:
    """Share the records out to images, once their ids and numbers make sense.

    Args:
        groups: of the images that have a place.
        categories: those that are known.
        strangers: whether records of other images and categories are left out; else an error.

    Returns:
        How many were left out, of unknown images and of unknown categories.
    """
    of_images = of_categories = 0
    for row in range(len(groups)):
        one = groups.record(row)
        image, category = one.id("image_id"), one.id("category_id")
        if image not in groups:
            if not strangers:
                raise one.error(f"is of image {image}, which the file of the truth does not list")
            of_images += 1
            continue
        if category not in categories:
            if not strangers:
                raise one.error(f"is of category {category}, which is not among the categories")
            of_categories += 1
            continue
        if not one.has("segmentation") and not one.has("bbox"):
            raise one.error("has neither 'segmentation' nor 'bbox'")
        if one.has("bbox"):
            one.box("bbox")
        one.flag("iscrowd")
        groups.put(image, row)
    return of_images, of_categories


def check_any_known(file: Path, images: Collection[Id], known: Collection[Id]) -> None:
    """Ids from 0 on, given by a tool that knew no truth, mean other images, or none."""
    if images and set(images).isdisjoint(known):
        mine, theirs = min(images, key=str), min(known, key=str, default=None)
        raise ValueError(
            f"{file}: none of the predictions' {len(images)} images is among the truth's "
            f"{len(known)}: the first ids are {mine!r} and {theirs!r}"
        )


def count_crowds(pairs: Iterable[tuple[int, bool]]) -> dict[int, tuple[int, int]]:
    """(objects, crowds) by label, from (label, crowd) of each object."""
    counts: dict[int, tuple[int, int]] = {}
    for label, crowd in pairs:
        objects, crowds = counts.get(label, (0, 0))
        counts[label] = objects + 1, crowds + crowd
    return counts

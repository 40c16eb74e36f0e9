"""Which pictures are predicted, and under which ids their results are written.

Results in COCO's format say of which image they are by its id, and ids are names given by the
makers of the data: whole numbers in no order, or texts. A file of truth has them, so with one

    picture → the image of that file name → its id        label → the category → the file's own id

and without one pictures are numbered from 0 in the order given, which fits no truth but by chance.
Only images and categories of the file are read: one without annotations, as test sets have, will
do. (Lin et al., Microsoft COCO, 2014; the format of its web site.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from minseg.data.coco.categories import read_categories
from minseg.data.coco.groups import read_images
from minseg.data.coco.records import Id, Record, read_json
from minseg.data.pictures import picture_size

LISTED = 10  # bad pictures that a message names


class Picture(NamedTuple):
    """A picture to predict."""

    file: Path
    image_id: Id
    name: str  # of its drawing, without .png
    record: Record | None = None  # of the file of truth


class Truth:
    """The images and categories of a COCO file, whatever it says of objects.

    Raises:
        FileNotFoundError, ValueError: with the file, the record and the reason.
    """

    def __init__(self, file: Path) -> None:
        top = Record(file, "the file", read_json(file))
        self.file, self.images = file, read_images(top)
        self.categories = read_categories(top) if top.has("categories") else {}

    def pictures(self, files: Sequence[Path], folder: Path | None = None) -> list[Picture]:
        """The pictures to predict: those named, with the ids of their images, or all of a folder.

        Args:
            files: matched with images by the end of their path; none stands for all images.
            folder: where the pictures of all images are; that of the file of truth if left out.

        Raises:
            ValueError: if a file is no image of the truth, or two images or two files are one.
        """
        if files:
            return _named([(file, self.images[i]) for file, i in self._matched(files)])
        where = self.file.parent if folder is None else folder
        missing: list[Exception] = []
        found = []
        for record in self.images.values():
            try:
                found.append((record.path(where), record))
            except (ValueError, OSError) as error:
                missing.append(error)
        _raise_all(missing, len(self.images))
        return _named(found)

    def _matched(self, files: Sequence[Path]) -> list[tuple[Path, Id]]:
        by_name: dict[str, list[Id]] = {}
        for image_id, record in self.images.items():
            if record.has("file_name"):
                by_name.setdefault(_parts(record.text("file_name"))[-1], []).append(image_id)
        matched: dict[Id, Path] = {}
        for file in files:
            image_id = self._best(file, by_name.get(_parts(file.name)[-1], []))
            if image_id in matched:
                raise ValueError(
                    f"{file} and {matched[image_id]} are both image {image_id} of {self.file}"
                )
            matched[image_id] = file
        return [(file, image_id) for image_id, file in matched.items()]

    def _best(self, file: Path, images: Sequence[Id]) -> Id:
        """The image whose name shares most folders with the file's path."""
        own = _parts(str(file.absolute()))
        shared = [_shared_end(own, _parts(self.images[i].text("file_name"))) for i in images]
        best = [i for i, n in zip(images, shared, strict=True) if n == max(shared)]
        if not best:
            raise ValueError(f"{file}: is none of the {len(self.images)} images of {self.file}")
        if len(best) > 1:
            raise ValueError(f"{file}: may be image {best[0]} or image {best[1]} of {self.file}")
        return best[0]

    def category_ids(self, labels: Iterable[int]) -> dict[int, Id]:
        """The file's own id for each label that a model knows.

        Raises:
            ValueError: if labels stand for other ids and one of them for none.
        """
        ids = {one.label: one.id for one in self.categories.values()}
        renamed = any(label != own for label, own in ids.items())
        unknown = [label for label in labels if label not in ids]
        if renamed and unknown:
            raise ValueError(
                f"{self.file}: has {len(ids)} categories, which models know as 1 to {len(ids)}, "
                f"but this model knows {unknown[0]}, too: it was trained on other categories"
            )
        return {label: ids.get(label, label) for label in labels}


def numbered(files: Sequence[Path]) -> list[Picture]:
    """Pictures with the ids 0, 1, 2, … in their order."""
    return [Picture(file, number, file.stem) for number, file in enumerate(files)]


def check_pictures(pictures: Sequence[Picture]) -> None:
    """Look at the headers of all pictures, so that a bad one is found now and not after hours.

    Raises:
        ValueError: with the first ten that cannot be read or have another size than the truth says,
            and how many there are.
    """
    bad: list[Exception] = []
    for one in pictures:
        try:
            _check_size(one.record, one.file, picture_size(one.file))
        except (ValueError, OSError) as error:
            bad.append(error)
    _raise_all(bad, len(pictures))


def _check_size(record: Record | None, file: Path, size: tuple[int, int]) -> None:
    if record is None or not (record.has("height") and record.has("width")):
        return
    stated = record.whole("height", 1), record.whole("width", 1)
    if stated != size:
        raise record.error(f"is {stated} (height, width), but {file} is {size}")


def _raise_all(errors: Sequence[Exception], total: int) -> None:
    if len(errors) == 1:
        raise errors[0]
    if errors:
        listed = "; ".join(str(one) for one in errors[:LISTED])
        more = f"; and {len(errors) - LISTED} more" if len(errors) > LISTED else ""
        raise ValueError(f"{len(errors)} of {total} pictures cannot be read: {listed}{more}")


def _named(found: Sequence[tuple[Path, Record]]) -> list[Picture]:
    """Drawings are named as their pictures, with their folders where two would have one name."""
    names = [PurePosixPath(_parts(file.name)[-1]).stem for file, _ in found]
    if len(set(names)) < len(names):
        folders = [_parts(record.text("file_name"))[:-1] for _, record in found]
        names = ["_".join([*f, name]) for f, name in zip(folders, names, strict=True)]
    return [
        Picture(file, record.id("id"), name.replace("/", "_"), record)
        for (file, record), name in zip(found, names, strict=True)
    ]


def _parts(name: str) -> tuple[str, ...]:
    """Folders and name, also of Windows' names."""
    return PurePosixPath(name.replace("\\", "/")).parts or ("",)


def _shared_end(a: Sequence[str], b: Sequence[str]) -> int:
    """How many parts two paths share at their end."""
    same = [x == y for x, y in zip(reversed(a), reversed(b), strict=False)]
    return [*same, False].index(False)

"""The files that `predict` writes: all of them or none, and never over a file of another origin.

    drawings   out/NAME.png, signed in the PNG's text
    results    out/predictions.json, COCO's list of results, one line for each

Every file is a draft (`minseg.files`) until the last picture is done. Then the drawings take their
places and the list comes last, so that a list is never without the drawings that belong to it; an
error on the way leaves the folder as it was. A file that stands under one of these names is only
replaced if an earlier run made it: the signature tells, and the form of the list. A link there is
replaced and not followed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from minseg.data.coco.records import Id
from minseg.files import draft_of, written_whole
from minseg.masks.rle import encode_counts
from minseg.masks.runs import Runs
from minseg.models.crops import Crops

RESULTS = "predictions.json"
SIGNATURE = "minseg predict"
BEGINS, EMPTY, ENDS = b'[\n{"image_id": ', b"[\n]\n", b"}\n]\n"  # of a list of results


class Results:
    """What has been written so far, in drafts; made by `results_in`."""

    def __init__(self, out: Path, drafts: ExitStack, stream: IO[str]) -> None:
        self.out, self._drafts, self._stream, self._empty = out, drafts, stream, True

    def add(self, image_id: Id, found: Crops, categories: Mapping[int, Id]) -> None:
        """Append an image's instances; `categories` are the ids to write by label."""
        for record in records_of(image_id, found, categories):
            self._stream.write(("" if self._empty else ",") + "\n" + json.dumps(record))
            self._empty = False

    def draw(self, name: str, png: bytes) -> None:
        """Add a drawing."""
        draft = self._drafts.enter_context(draft_of(self.out / f"{name}.png"))
        with open(draft, "wb") as stream:
            stream.write(png)
            _reach_the_disk(stream)


@contextmanager
def results_in(out: Path) -> Iterator[Results]:
    """Files to add to, which take their places together when the block ends without an error."""
    with ExitStack() as drafts:
        stream = drafts.enter_context(written_whole(out / RESULTS))  # the first to come, last to go
        stream.write("[")
        yield Results(out, drafts, stream)
        stream.write("\n]\n")
        _reach_the_disk(stream)  # a full disk is noticed while all are drafts


def records_of(
    image_id: Id, found: Crops, categories: Mapping[int, Id]
) -> Iterator[dict[str, Any]]:
    """COCO's results of one image, from run lengths: no mask of the image's size is made."""
    runs = Runs.of_crops(found.size, found.masks)
    scores, labels = found.scores.tolist(), found.labels.tolist()
    for k, (label, score) in enumerate(zip(labels, scores, strict=True)):
        counts = np.asarray(runs.counts(k), dtype=np.int64)
        yield {
            "image_id": image_id,
            "category_id": categories[label],
            "segmentation": encode_counts(found.size, counts, compressed=True),
            "score": score,
        }


def check_targets(out: Path, names: Sequence[str], inputs: Iterable[Path]) -> None:
    """See that nothing is overwritten that an earlier run has not made.

    Args:
        out: the folder.
        names: of the drawings, without .png.
        inputs: the pictures that are read.

    Raises:
        ValueError: if two drawings have one name, or a name is taken.
    """
    given, seen = {file.resolve() for file in inputs}, set()
    for name in names:
        target = out / f"{name}.png"
        if name in seen:
            raise ValueError(f"images must have different names, got {name} twice")
        seen.add(name)
        if target.resolve() in given:
            raise ValueError(f"out must be another folder: {name}.png there is your picture")
        _check_target(target, _is_signed)
    _check_target(out / RESULTS, _is_results)


def _check_target(file: Path, is_ours: Any) -> None:
    if file.is_symlink() or not file.exists():
        return
    if not file.is_file():
        raise ValueError(f"{file}: is a folder or a device, and predict writes a file of that name")
    with open(file, "rb") as stream:
        if not is_ours(stream):
            raise ValueError(
                f"out must be another folder: {file} is there already and not by predict"
            )


def _is_signed(stream: IO[bytes]) -> bool:
    start = stream.read(4096)
    return start.startswith(b"\x89PNG") and b"tEXtSoftware\0" + SIGNATURE.encode() in start


def _is_results(stream: IO[bytes]) -> bool:
    start = stream.read(len(BEGINS))
    stream.seek(max(stream.seek(0, os.SEEK_END) - len(ENDS), 0))
    end = stream.read()
    return (start, end) in ((BEGINS, ENDS), (EMPTY, EMPTY))


def _reach_the_disk(stream: IO[Any]) -> None:
    stream.flush()
    os.fsync(stream.fileno())

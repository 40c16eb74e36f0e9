"""Damaged and hostile files through every reader: a refusal in one line, or a value; never more.

Bytes are flipped, cut, doubled; values of the JSON are replaced by what no tool should write. The
attack tries 20,000 files; both bound the time of each file and the memory of all.
"""

from __future__ import annotations

import io
import json
import random
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from minseg.commands.evaluate import as_table, evaluate_instances, evaluate_panoptic
from minseg.data import load_coco, load_panoptic, load_results
from minseg.data.pictures import picture_size, read_picture

SPECIAL: list[Any] = [
    *(None, True, False, 0, -1, 1, 1.0, 1.5, -0.0, "", "a", "1", "\ud800", "\x1b[2J", "é" * 300),
    *(10**5, 10**9, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**400, -(10**400)),
    *(float("nan"), float("inf"), float("-inf"), 1e300, 3.5e8, -1e-300, 1e19),
    *([], {}, [[]], [{}], [None], [1e9] * 6, [[1e9] * 6], [[0, 0, 1e6, 1e6] * 40]),
    *("../a.png", "C:\\a.png", "/etc/passwd", {"size": [4, 4], "counts": "0" * 99}, "\x00"),
    *({"size": [10**5, 10**5], "counts": [10**10]}, {"size": [2, 2], "counts": [2**63, 4]}),
]
SQUARE = [[2, 2, 8, 2, 8, 8, 2, 8]]
RUNS = {"size": [10, 12], "counts": [22, 5, 5, 5, 83]}
TEXT = {"size": [10, 12], "counts": "f0555L0O3N"}


def instances() -> dict[str, Any]:
    marks = []
    for k, segmentation in enumerate((SQUARE, RUNS, SQUARE + SQUARE)):
        one = {"id": k, "image_id": k % 2, "category_id": 1, "segmentation": segmentation}
        marks.append({**one, "area": 25.0, "bbox": [2, 2, 6, 6], "iscrowd": int(k == 2)})
    images = [{"id": k, "file_name": f"{k}.png", "height": 10, "width": 12} for k in (0, 1)]
    names = [{"id": 1, "name": "car"}, {"id": 2, "name": "bus"}]
    return {"images": images, "annotations": marks, "categories": names}


def results() -> list[dict[str, Any]]:
    common = {"category_id": 1, "bbox": [2, 2, 6, 6]}
    shapes = (SQUARE, RUNS, TEXT)
    return [
        {**common, "image_id": k % 2, "segmentation": shape, "score": 0.5}
        for k, shape in enumerate(shapes)
    ]


def panoptic() -> dict[str, Any]:
    info = [{"id": k, "category_id": k, "iscrowd": 0, "area": 40} for k in (1, 2)]
    one = {"image_id": 0, "file_name": "0.png", "segments_info": info}
    names = [{"id": 1, "name": "car", "isthing": 1}, {"id": 2, "name": "sky", "isthing": 0}]
    return {"images": instances()["images"], "annotations": [one], "categories": names}


def replaced(value: Any, rng: random.Random) -> Any:
    """The same JSON with one value, wherever it stands, replaced, left out or doubled."""
    if rng.random() < 0.15 or not isinstance(value, list | dict) or not value:
        return rng.choice(SPECIAL)
    key = rng.choice(list(value) if isinstance(value, dict) else range(len(value)))
    copy = value.copy()
    act = rng.random()
    if act < 0.1:
        del copy[key]
    elif act < 0.15 and isinstance(copy, list):
        copy.append(copy[key])
    else:
        copy[key] = replaced(value[key], rng)
    return copy


def scrambled(content: bytes, rng: random.Random) -> bytes:
    """The same bytes with some of them changed, cut out or doubled."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 8])):
        if not data:
            break
        at = rng.randrange(len(data))
        act = rng.randrange(4)
        if act == 0:
            data[at] = rng.randrange(256)
        elif act == 1:
            del data[at : at + rng.choice([1, 4, len(data)])]
        elif act == 2:
            data[at:at] = data[at : at + rng.choice([1, 4, 32])]
        else:
            data[at] ^= 1 << rng.randrange(8)
    return bytes(data)


def damaged(value: Any, rng: random.Random) -> bytes:
    for _ in range(rng.choice([0, 1, 1, 2])):
        value = replaced(value, rng)
    content = json.dumps(value).encode()
    return scrambled(content, rng) if rng.random() < 0.4 else content


def png(mode: str, kind: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (10, 12, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, format=kind)
    return stream.getvalue()


class Readers:
    """A folder of good files, and a way to damage one and read it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pictures = {
            kind: png(mode, kind)
            for kind, mode in (("PNG", "RGB"), ("JPEG", "RGB"), ("TIFF", "L"), ("GIF", "P"))
        }
        self.map = np.zeros((10, 12, 3), np.uint8)
        self.map[..., 0] = np.arange(12) // 6 + 1
        self.write("truth.json", json.dumps(instances()).encode())
        self.write("results.json", json.dumps(results()).encode())
        self.write("maps.json", json.dumps(panoptic()).encode())
        for place in ("", "maps", "guess"):
            (folder / place).mkdir(exist_ok=True)
            for name in ("0.png", "1.png"):
                Image.fromarray(self.map).save(folder / place / name)

    def write(self, name: str, content: bytes) -> Path:
        (self.folder / name).write_bytes(content)
        return self.folder / name

    def truth(self, rng: random.Random) -> None:
        file = self.write("bad.json", damaged(instances(), rng))
        read = load_coco(file, self.folder if rng.random() < 0.3 else None)
        read.fingerprint(), read.crowds()
        for ask in (read.boxes, read.runs, read.by_id):
            self.each(read.image_ids, ask)
        read.check()

    def results(self, rng: random.Random) -> None:
        file = self.write("bad.json", damaged(results(), rng))
        good = self.folder / "truth.json"
        read = load_results(file, load_coco(good), strangers=rng.random() < 0.5)
        self.each(read.image_ids, read.by_id)
        kind = rng.choice(["mask", "box", "boundary"])
        as_table(evaluate_instances(str(good), str(file), kind, strangers=True))

    def evaluated(self, rng: random.Random) -> None:
        file = self.write("bad.json", damaged(instances(), rng))
        found = self.write("bad_results.json", damaged(results(), rng))
        kind = rng.choice(["mask", "box", "boundary"])
        as_table(evaluate_instances(str(file), str(found), kind, strangers=True))

    def panoptic(self, rng: random.Random) -> None:
        file = self.write("guess.json", damaged(panoptic(), rng))
        good = str(self.folder / "maps.json")
        if rng.random() < 0.3:
            content = (self.folder / "maps" / "0.png").read_bytes()
            self.write("guess/0.png", scrambled(content, rng))
        read = load_panoptic(file)
        read.crowds()
        self.each(read.image_ids, read.by_id)
        as_table(evaluate_panoptic(good, str(file), strangers=True))

    def picture(self, rng: random.Random) -> None:
        file = self.write("bad.png", scrambled(rng.choice(list(self.pictures.values())), rng))
        picture_size(file)
        read_picture(file)

    def each(self, ids: Any, ask: Callable[[Any], Any]) -> None:
        """Ask for every image; a refusal of one is as good as an answer."""
        for one in ids:
            try:
                ask(one)
            except (ValueError, OSError) as error:
                check_words(error)


def check_words(error: Exception) -> None:
    said = str(error)
    said.encode("utf-8")
    assert said and len(said) < 3000, f"{len(said)} characters: {said[:300]}"


def attack(folder: Path, files: int, seed: int) -> int:
    """How many of `files` damaged files were refused."""
    readers, refused = Readers(folder), 0
    kinds = [
        readers.truth,
        readers.results,
        readers.evaluated,
        readers.panoptic,
        readers.picture,
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for k in range(files):
        rng = random.Random(seed * 1_000_000 + k)
        began = time.process_time()
        try:
            kinds[k % len(kinds)](rng)
        except (ValueError, OSError) as error:
            check_words(error)
            refused += 1
        except BaseException as error:
            raise AssertionError(f"file {k} of seed {seed}: {type(error).__name__}") from error
        assert time.process_time() - began < 5, f"file {k} of seed {seed} took too long"
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert more < 1024**2, f"{more // 1024} MB"
    return refused


def test_damaged_files_are_refused_or_read(tmp_path):
    assert attack(tmp_path, 500, seed=1) > 200


@pytest.mark.attack
def test_20000_damaged_files(tmp_path):
    assert attack(tmp_path, 20_000, seed=2) > 8000

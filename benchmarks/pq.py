"""Panoptic quality beside COCO's tool, in one run, taking turns; and the memory of a long stream.

    python benchmarks/pq.py [--panopticapi FOLDER]

50 maps of 512×512 with 20 segments each, already in memory. The tool is not in the package index:
it runs where FOLDER, or the environment variable PANOPTICAPI, names a checkout, and is skipped
elsewhere. Its evaluation core gets its maps without PNG decoding. Targets: 1.5 times as fast from
maps of any 24-bit ids and their tables, which minseg must translate first; 2.5 times as fast from
minseg's own ids. Streaming 5000 maps of 480×640 may raise peak memory by 200 MB.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from machine import describe, write_result
from metrics import side_by_side
from torch import Tensor

from minseg.metrics import PQAccumulator, panoptic_quality

THREADS, MAPS, SEGMENTS, STREAMED = 2, 50, 20, 5000
THINGS, STUFF = list(range(1, 11)), list(range(11, 21))

Table = dict[int, int]  # id of a segment -> its category


def cells(height: int, width: int, seed: int, jitter: float = 0) -> np.ndarray:
    """(height, width) numbers below SEGMENTS: which of the scattered points is nearest."""
    points = np.random.default_rng(seed).random((SEGMENTS, 2)) * (height, width)
    points += np.random.default_rng(seed + 1).normal(size=points.shape) * jitter
    y, x = np.mgrid[:height, :width]
    return ((y[..., None] - points[:, 0]) ** 2 + (x[..., None] - points[:, 1]) ** 2).argmin(axis=2)


def raw_map(seed: int, jitter: float) -> tuple[np.ndarray, Table]:
    """A map as COCO's files hold it: ids below 2^24 without order, and a table."""
    rng = np.random.default_rng((seed, int(jitter)))
    ids = rng.choice(2**24 - 1, SEGMENTS, replace=False).astype(np.uint32) + 1
    # Each thing class has one segment, as has each stuff class: the tool asks no more.
    categories = np.random.default_rng(seed).permutation(THINGS + STUFF)
    numbers = cells(512, 512, seed, jitter)
    seen = np.unique(numbers)
    table = {int(ids[k]): int(categories[k]) for k in seen}
    return ids[numbers], table


def translate(ids: np.ndarray, table: Table) -> Tensor:
    """Any ids and their table as minseg's: instances of a thing are numbered as they come."""
    used: dict[int, int] = {}
    ours = {0: 0}
    for segment, category in table.items():
        used[category] = used.get(category, 0) + 1
        ours[segment] = category * 1000 + (used[category] if category in THINGS else 0)
    flat = ids.ravel()
    start = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
    segments, index = np.unique(flat[start], return_inverse=True)
    new = np.array([ours[int(i)] for i in segments], dtype=np.int32)[index]
    runs = np.repeat(new, np.diff(start, append=flat.size))
    return torch.from_numpy(runs.reshape(ids.shape))


def panopticapi(folder: str) -> Callable[[list[Any]], float]:
    """The tool's evaluation core, made to read arrays where it would open PNG files."""
    sys.path.insert(0, folder)
    from panopticapi import evaluation

    evaluation.Image = SimpleNamespace(open=lambda array: array)
    evaluation.rgb2id = lambda ids: ids
    evaluation.os = SimpleNamespace(path=SimpleNamespace(join=lambda folder, array: array))
    categories = {c: {"id": c, "isthing": int(c in THINGS)} for c in THINGS + STUFF}

    def evaluate(pairs: list[Any]) -> float:
        with contextlib.redirect_stdout(io.StringIO()):
            stat = evaluation.pq_compute_single_core(0, pairs, "", "", categories)
        return float(stat.pq_average(categories, isthing=None)[0]["pq"])

    return evaluate


def annotation(image: tuple[np.ndarray, Table]) -> dict[str, Any]:
    """As COCO's JSON has it, with the areas that the tool takes from there."""
    ids, table = image
    areas = dict(zip(*(v.tolist() for v in np.unique(ids, return_counts=True)), strict=True))
    segments = [
        {"id": i, "category_id": c, "iscrowd": 0, "area": areas[i]} for i, c in table.items()
    ]
    return {"image_id": 0, "file_name": ids, "segments_info": segments}


def speed(folder: str | None) -> dict[str, Any]:
    raw = [[raw_map(seed, jitter) for seed in range(MAPS)] for jitter in (12, 0)]
    ours = [[translate(*image) for image in images] for images in raw]

    def quality(maps: list[list[Tensor]]) -> float:
        return panoptic_quality(*maps, things=THINGS, stuff=STUFF).pq

    tools: dict[str, Callable[[], float]] = {
        "minseg, own ids": lambda: quality(ours),
        "minseg, 24-bit ids": lambda: quality([[translate(*m) for m in maps] for maps in raw]),
    }
    if folder:
        peer = panopticapi(folder)
        pairs = [(annotation(t), annotation(p)) for p, t in zip(*raw, strict=True)]
        tools["panopticapi"] = lambda: peer(pairs)
    else:
        print("  panopticapi is skipped: no checkout is named")
    for name, tool in tools.items():
        print(f"  {name:22}PQ {tool():.15f}")
    return side_by_side(tools)


def stream(count: int) -> dict[str, float]:
    """Score maps that are made one by one, and watch the process's peak memory."""
    blocks = torch.tensor([1000 * c + 1 for c in THINGS] + [1000 * c for c in STUFF])
    base = blocks.view(4, 5).repeat_interleave(120, 0).repeat_interleave(128, 1)
    accumulator = PQAccumulator(THINGS, STUFF)
    before, start = peak_megabytes(), time.perf_counter()
    for k in range(count):
        accumulator.add(base.roll(k % 7, 1), base.clone())
    return {
        "maps": count,
        "seconds": round(time.perf_counter() - start, 2),
        "peak_rise_mb": round(peak_megabytes() - before, 1),
    }


def peak_megabytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--panopticapi", default=os.environ.get("PANOPTICAPI"), metavar="FOLDER")
    arguments = parser.parse_args()
    if arguments.panopticapi and not Path(arguments.panopticapi, "panopticapi").is_dir():
        parser.error(f"--panopticapi {arguments.panopticapi} holds no folder panopticapi")
    torch.set_num_threads(THREADS)
    result: dict[str, Any] = {"machine": describe(), "threads": THREADS}
    print(f"{STREAMED} maps of 480×640, one by one")
    result["stream"] = stream(STREAMED)  # first: a process's peak never comes down again
    print(f"  {result['stream']}")
    print(f"{MAPS} maps of 512×512 with {SEGMENTS} segments")
    result["pq"] = speed(arguments.panopticapi)
    write_result("pq", result)


if __name__ == "__main__":
    main()

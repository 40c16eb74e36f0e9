"""Ways to write a mask down, beside the tools of the field: taking turns, on one thread.

    python benchmarks/masks.py [--only NAME] [--write]

Every tool starts from a bool tensor and pays for the form that it wants: pycocotools for uint8 in
column-major order. Targets: run lengths at half of pycocotools' speed (which is C), its compressed
text at a quarter; signed_distance in 5 ms. Peers that are not installed are skipped.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from machine import describe, write_result
from metrics import side_by_side
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import interpolate

from minseg.masks import decode_rle, encode_rle, from_polygons, signed_distance, to_polygons

COCO = find_spec("pycocotools") is not None


def blobs(count: int, size: int) -> list[Tensor]:
    """(size, size) bool each: smooth random shapes of several parts, some with holes."""
    coarse = torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    smooth = interpolate(coarse, (size, size), mode="bicubic", align_corners=False)
    return list(smooth[:, 0] > 0.5)


def race(items: list[Any], tools: dict[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """All items through each tool; milliseconds are of all together."""
    whole = {name: (lambda tool=tool: [tool(x) for x in items]) for name, tool in tools.items()}
    return {"count": len(items), **side_by_side(whole)}


def encode_plain() -> dict[str, Any]:
    """1000 masks of 128×128 to lists of counts (pycocotools: to its compressed text)."""
    tools: dict[str, Callable[[Any], Any]] = {"minseg": encode_rle}
    return race(blobs(1000, 128), tools | ({"pycocotools": coco_encode} if COCO else {}))


def encode_text() -> dict[str, Any]:
    """1000 masks of 128×128 to compressed text."""
    tools: dict[str, Callable[[Any], Any]] = {"minseg": lambda m: encode_rle(m, compressed=True)}
    return race(blobs(1000, 128), tools | ({"pycocotools": coco_encode} if COCO else {}))


def decode_plain() -> dict[str, Any]:
    """1000 masks of 128×128 from lists of counts (pycocotools: from its compressed text)."""
    return decode(compressed=False)


def decode_text() -> dict[str, Any]:
    """1000 masks of 128×128 from compressed text."""
    return decode(compressed=True)


def decode(compressed: bool) -> dict[str, Any]:
    masks = blobs(1000, 128)
    ours = [encode_rle(mask, compressed) for mask in masks]
    theirs = [coco_encode(mask) for mask in masks] if COCO else ours
    tools: dict[str, Callable[[Any], Any]] = {"minseg": lambda pair: decode_rle(pair[0])}
    if COCO:
        tools["pycocotools"] = lambda pair: coco_mask().decode(pair[1])
    return race(list(zip(ours, theirs, strict=True)), tools)


def distance() -> dict[str, Any]:
    """20 masks of 256×256 to signed distances; two transforms of the whole image for comparison."""
    edt = ndimage.distance_transform_edt
    return race(
        blobs(20, 256),
        {
            "minseg": signed_distance,
            "scipy, twice": lambda mask: edt(mask.numpy()) - edt(~mask.numpy()),
        },
    )


def outline() -> dict[str, Any]:
    """20 masks of 256×256 to polygons."""
    tools: dict[str, Callable[[Any], Any]] = {"minseg": to_polygons}
    if find_spec("skimage"):
        from skimage.measure import find_contours

        tools["skimage"] = lambda mask: find_contours(np.pad(mask.numpy(), 1).astype(float), 0.5)
    return race(blobs(20, 256), tools)


def fill() -> dict[str, Any]:
    """20 lists of polygons to masks of 256×256 (by each tool's own rule for borders)."""
    tools: dict[str, Callable[[Any], Any]] = {"minseg": lambda p: from_polygons(p, 256, 256)}
    if COCO:
        tools["pycocotools"] = coco_fill
    return race([to_polygons(mask) for mask in blobs(20, 256)], tools)


def coco_mask() -> Any:
    from pycocotools import mask

    return mask


def coco_encode(mask: Tensor) -> dict[str, Any]:
    return coco_mask().encode(np.asfortranarray(mask.numpy().view(np.uint8)))


def coco_fill(polygons: list[Tensor]) -> Tensor:
    coco = coco_mask()
    rles = coco.frPyObjects([polygon.flatten().tolist() for polygon in polygons], 256, 256)
    return torch.from_numpy(coco.decode(coco.merge(rles))).bool()


BENCHMARKS = {
    "encode": encode_plain,
    "encode_compressed": encode_text,
    "decode": decode_plain,
    "decode_compressed": decode_text,
    "signed_distance": distance,
    "to_polygons": outline,
    "from_polygons": fill,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=BENCHMARKS)
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    result: dict[str, Any] = {"machine": describe(), "threads": 1}
    for name in [arguments.only] if arguments.only else BENCHMARKS:
        print(f"{name}: {BENCHMARKS[name].__doc__}")
        result[name] = BENCHMARKS[name]()
    if arguments.write:
        write_result("masks", result)


if __name__ == "__main__":
    main()

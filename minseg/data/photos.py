"""Real photographs that need no download, and the masks of the 24 coins in one of them.

scikit-image ships a photograph of Greek coins, matplotlib a portrait of Grace Hopper; both come
with minseg. The coins have truth: `coins.json` holds one mask for each coin, annotated by this
project, in COCO's own format (Lin et al., Microsoft COCO, 2014), so the file can be opened with any
tool that reads COCO. Masks are stored as compressed run lengths (`minseg.masks`).

Everything measured on synthetic scenes can be tried on these photographs. Unit 21 starts there.
"""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np
import torch
from torch import Tensor

from minseg.instances import Instances
from minseg.masks import decode_rle


def photo(name: str) -> Tensor:
    """A photograph by name.

    Args:
        name: "coins", 24 Greek coins, grey, 303×384 pixels (height × width); or "grace_hopper",
            a portrait in colour, 600×512.

    Returns:
        (3, H, W) float32, RGB in [0, 1]; a grey photograph has three equal channels.

    Raises:
        ValueError: if there is no photograph of that name.

    Example:
        >>> tuple(photo("coins").shape)
        (3, 303, 384)
    """
    readers = {"coins": _coins, "grace_hopper": _grace_hopper}
    if name not in readers:
        raise ValueError(f"name must be one of {', '.join(map(repr, readers))}, got {name!r}")
    pixels = torch.from_numpy(readers[name]())  # (H, W, 3) uint8
    return pixels.permute(2, 0, 1).float().div(255).contiguous()


def _coins() -> np.ndarray:
    from skimage.data import coins

    return np.repeat(coins()[:, :, None], 3, axis=2)


def _grace_hopper() -> np.ndarray:
    from matplotlib.cbook import get_sample_data
    from matplotlib.image import imread

    return np.array(imread(str(get_sample_data("grace_hopper.jpg", asfileobj=False))))


def coins_truth() -> Instances:
    """The 24 coins of `photo("coins")`, row by row from the left.

    Returns:
        Instances with masks (24, 303, 384), disjoint, and labels all 9, the category "coin".
        An outline follows the coin's visible edge and leaves its shadow out.

    Example:
        >>> len(coins_truth())
        24
    """
    coco = json.loads(files("minseg.data").joinpath("coins.json").read_text(encoding="utf-8"))
    annotations = coco["annotations"]
    masks = [decode_rle(annotation["segmentation"]) for annotation in annotations]
    labels = [annotation["category_id"] for annotation in annotations]
    return Instances(torch.stack(masks), torch.tensor(labels))

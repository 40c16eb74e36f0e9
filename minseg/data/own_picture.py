"""Your own picture: the first photograph that lies beside a notebook, small enough to look at soon.

A picture of a telephone has twelve megapixels or more, and a network of this course needs half a
second for a tenth of one. So a large picture is scaled down until its longer side is `SIDE`; a
small one stays as it is. `minseg.data.pictures` reads it, upright as its EXIF note says.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor
from torch.nn.functional import interpolate

from minseg.data.pictures import read_picture
from minseg.terminal import printable

SIDE = 640  # pixels, the longest side that is left
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".jp2", ".ppm")
UNREAD = (".heic", ".heif", ".avif")  # telephones write them, and Pillow alone cannot read them
NONE_YET = (
    "No picture of yours yet: drag a photograph (JPEG, PNG, …) from your computer into the list of "
    "files on the left of JupyterLab, beside this notebook, and run this cell again."
)


def own_picture(folder: str | Path = ".") -> Tensor | None:
    """The first picture of a folder, by name; says in one sentence what it took, or what to do.

    Args:
        folder: where to look, not in folders inside it; or a file, which is taken.

    Returns:
        (3, H, W) float32 RGB in [0, 1], H and W at most `SIDE`; None if no picture can be read.

    Example:
        >>> import tempfile
        >>> own_picture(tempfile.mkdtemp())  # doctest: +ELLIPSIS
        No picture of yours yet: drag a photograph ...
    """
    refused = ""
    for file in _pictures(Path(folder)):
        try:
            image = read_picture(file)
        except (ValueError, OSError) as error:
            refused = refused or f"{error}. Save it as JPEG or PNG, and run this cell again."
            continue
        small = scaled_down(image)
        print(printable(f"{file.name}: {_size(image)} pixels{_change(image, small)}."))
        return small
    print(printable(refused or NONE_YET))
    return None


def scaled_down(image: Tensor, side: int = SIDE) -> Tensor:
    """An image (3, H, W) whose longer side is `side` or less, each pixel the mean of those it was.

    >>> import torch
    >>> scaled_down(torch.ones(3, 1200, 1600), side=640).shape
    torch.Size([3, 480, 640])
    """
    height, width = image.shape[1:]
    if max(height, width) <= side:
        return image
    scale = side / max(height, width)
    size = max(round(height * scale), 1), max(round(width * scale), 1)
    return interpolate(image[None], size=size, mode="area")[0]


def _pictures(where: Path) -> list[Path]:
    """Files that may be pictures, by name; those that cannot be read come last."""
    if where.is_file():
        return [where]
    files = [file for file in sorted(where.iterdir()) if not file.name.startswith(".")]
    kinds = (SUFFIXES, UNREAD)
    return [file for kind in kinds for file in files if file.suffix.lower() in kind]


def _size(image: Tensor) -> str:
    return " × ".join(str(n) for n in image.shape[1:])


def _change(image: Tensor, small: Tensor) -> str:
    return "" if small is image else f", scaled down to {_size(small)}"

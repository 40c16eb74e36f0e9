"""What lets a widget answer in milliseconds: pictures as small files, and no waiting threads."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def to_png(image: Tensor) -> bytes:
    """A picture as a PNG file.

    Args:
        image: (3, H, W) RGB or (H, W) grey, floating point in [0, 1] or uint8.

    >>> to_png(torch.zeros(3, 4, 5))[:4]
    b'\\x89PNG'
    """
    from PIL import Image  # comes with matplotlib

    values = image
    if image.dtype != torch.uint8:
        values = (image.clamp(0, 1) * 255).round().byte()
    pixels = values.permute(1, 2, 0).contiguous() if image.ndim == 3 else values
    file = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(file, "png", compress_level=1)  # fast, not small
    return file.getvalue()


@contextmanager
def one_thread() -> Iterator[None]:
    """For a few hundred numbers, waking other threads costs more than the work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)

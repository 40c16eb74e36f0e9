"""What lets a widget answer in milliseconds: pictures as small files, and no waiting threads."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def to_png(image: Tensor) -> bytes:
    """A picture in [0, 1], (3, H, W) RGB or (H, W) grey, as a PNG file."""
    from PIL import Image  # comes with matplotlib

    values = (image.clamp(0, 1) * 255).round().byte()
    pixels = values.permute(1, 2, 0).contiguous() if image.ndim == 3 else values
    file = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(file, "png", compress_level=1)
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

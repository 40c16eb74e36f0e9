"""Pictures as PNG files, and threads that are given back."""

import io

import numpy as np
import pytest
import torch
from helpers.seeded import seeded
from PIL import Image

from minseg.explore.base.png import one_thread, to_png


@pytest.mark.parametrize("shape", [(3, 4, 5), (4, 5)])
def test_a_png_gives_the_pixels_back(shape):
    pixels = torch.randint(0, 256, shape, generator=seeded(), dtype=torch.uint8)
    for image in (pixels, pixels / 255):
        read = torch.from_numpy(np.array(Image.open(io.BytesIO(to_png(image)))))
        assert torch.equal(read.permute(2, 0, 1) if read.ndim == 3 else read, pixels)


def test_threads_are_given_back_after_an_error():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(ValueError), one_thread():
            assert torch.get_num_threads() == 1
            raise ValueError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)

"""Masks as SVG paths: every pixel once, and an outline along the pixels' edges."""

import re

import torch
from helpers.seeded import seeded
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.explore.base.svg_path import curve_path, errors_paths, outline_path, pixels_path


def filled(path: str, height: int, width: int) -> torch.Tensor:
    """How often the rectangles of a path cover each pixel."""
    count = torch.zeros(height, width, dtype=torch.int64)
    for a, i, b, low in re.findall(r"M(\d+) (\d+)H(\d+)V(\d+)H\1Z", path):
        count[int(i) : int(low), int(a) : int(b)] += 1
    return count


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(1, 9), st.integers(0, 999))
def test_each_pixel_of_a_mask_is_filled_once(height, width, seed):
    mask = torch.rand(height, width, generator=seeded(seed)) < 0.5
    assert torch.equal(filled(pixels_path(mask), height, width), mask.long())


@settings(deadline=None)
@given(st.integers(0, 999))
def test_kept_missed_and_added_are_the_pixels_of_either_mask(seed):
    truth, mask = torch.rand(2, 4, 7, generator=seeded(seed)) < 0.5
    paths = {name: filled(path, 4, 7) for name, path in errors_paths(truth, mask).items()}
    assert torch.equal(paths["kept"] + paths["missed"], truth.long())
    assert torch.equal(paths["kept"] + paths["added"], mask.long())


@settings(deadline=None)
@given(st.integers(0, 999))
def test_the_outline_is_as_long_as_the_mask_s_border(seed):
    mask = torch.rand(5, 6, generator=seeded(seed)) < 0.6
    pieces = re.findall(r"M(\S+) (\S+)L(\S+) (\S+?)(?=M|$)", outline_path(mask))
    length = sum(abs(float(c) - float(a)) + abs(float(d) - float(b)) for a, b, c, d in pieces)
    padded = torch.nn.functional.pad(mask.int(), (1, 1, 1, 1))
    assert length == sum(padded.diff(dim=k).abs().sum().item() for k in (0, 1))


def test_curves_by_hand():
    square = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    empty = torch.zeros(0, 2)
    assert curve_path([square, empty]) == "M0.00 0.00L1.00 0.00L1.00 1.00L0.00 1.00Z"

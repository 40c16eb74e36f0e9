"""The answer keys of unit 11 against other ways to the same numbers."""

import pytest
import torch

from minseg.course.check import judge
from minseg.course.exercises import find
from minseg.course.exercises.lesson_11 import read_cells
from minseg.masks import from_grid


@pytest.mark.parametrize("box", [(0.0, 0.0, 12.0, 9.0), (1.5, -2.25, 7.0, 13.5)])
def test_both_axes_one_after_the_other_are_the_package_s_paste(box):
    grid = torch.rand(5, 5, generator=torch.Generator().manual_seed(0))
    x1, y1, x2, y2 = box
    down = read_cells(grid, y1, y2, 9)  # (9, 5)
    mine = read_cells(down.T, x1, x2, 12).T
    due = from_grid(grid[None], torch.tensor([box]), 9, 12, threshold=None)[0]
    torch.testing.assert_close(mine, due)


def by_grid_sample(cells, low, high, length):
    """PyTorch's own reading between centres, with zeros outside."""
    share = (torch.arange(length) + 0.5 - low) / (high - low)
    points = torch.stack([2 * share - 1, torch.zeros(length)], dim=1)[None, None]  # (1, 1, W, 2)
    return torch.nn.functional.grid_sample(
        cells[None, None, None].float(), points, align_corners=False
    ).flatten()


def test_another_right_way_passes():
    verdict, solved = judge(find("11.half_cell"), by_grid_sample)
    assert solved, verdict

"""Pictures of targets: what says yes is blue, what is drawn lies where the numbers say."""

import numpy as np
import torch
from matplotlib.colors import to_hex

from minseg.draw import ALIGN_COLOUR
from minseg.draw.targets import draw_answer, draw_move, draw_targets


def test_the_arrows_of_a_move_say_how_far():
    ax = draw_move(torch.tensor([0.0, 0, 10, 10]), torch.tensor([8.0, 2, 28, 12])).axes[0]
    texts = [text.get_text() for text in ax.texts]
    assert "13 px" in texts and "2 px" in texts
    assert "anchor, 10 × 10 px" in texts and "thing, 20 × 10 px" in texts


def test_a_cell_is_blue_if_one_of_its_three_anchors_says_yes():
    corner = torch.tensor([[0.0, 0], [8, 0]]).repeat_interleave(3, dim=0)
    anchors = torch.cat([corner, corner + 8], dim=1)  # two cells
    yes = torch.tensor([False, True, False, False, False, False])
    things, rois = torch.tensor([[0.0, 0, 8, 8]]), torch.tensor([[1.0, 1, 9, 9]])
    image, mask = torch.rand(3, 16, 16), torch.ones(4, 4)
    fig = draw_targets(image, things, (anchors, yes, ~yes), (rois, rois[:0]), (rois[0], mask))
    dots = {line.get_marker(): line.get_xdata().tolist() for line in fig.axes[0].get_lines()}
    assert dots == {".": [12], "s": [], "o": [4]}
    (blue, _) = fig.axes[0].patches
    assert to_hex(blue.get_edgecolor()) == ALIGN_COLOUR


def test_only_the_mask_is_painted():
    image, found = torch.zeros(3, 6, 6), torch.zeros(6, 6, dtype=torch.bool)
    found[2:4, 2:4] = True
    grids = torch.rand(7, 7), torch.rand(14, 14), torch.rand(28, 28)
    fig = draw_answer(image, torch.tensor([2.0, 2, 4, 4]), grids, found)
    painted = np.asarray(fig.axes[4].images[0].get_array()).any(axis=2)
    assert (painted == found.numpy()).all() and not image.any()

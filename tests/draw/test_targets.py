"""Pictures of targets: what says yes is blue, what is drawn lies where the numbers say."""

import numpy as np
import torch
from matplotlib.colors import to_hex

from minseg.data import SceneDataset
from minseg.draw import ALIGN_COLOUR
from minseg.draw.targets import draw_answer, draw_move, draw_targets
from minseg.experiments.teaching import teaching
from minseg.models import load_coins


def test_the_arrows_of_a_move_say_how_far():
    ax = draw_move(torch.tensor([0.0, 0, 10, 10]), torch.tensor([8.0, 2, 28, 12])).axes[0]
    texts = [text.get_text() for text in ax.texts]
    assert "13 px" in texts and "2 px" in texts
    assert "anchor, 10 × 10 px" in texts and "thing, 20 × 10 px" in texts


def test_a_cell_is_blue_if_one_of_its_three_anchors_says_yes():
    scene = SceneDataset("val", size=128, count=(5, 7), style="coins")[2]
    taught = teaching(load_coins(), [scene])
    fig = draw_targets(scene, taught, level=1, roi=0)
    counts = {line.get_marker(): len(line.get_xdata()) for line in fig.axes[0].get_lines()}
    level = slice(3072, 3072 + 768)
    yes, no = taught.yes[0, level].view(256, 3).any(dim=1), taught.no[0, level].view(256, 3)
    assert counts["o"] == yes.sum() == 7 and counts["."] == no.all(dim=1).sum()
    assert sum(counts.values()) == 256, "a mark for each cell"
    blue = [p for p in fig.axes[0].patches if to_hex(p.get_edgecolor()) == ALIGN_COLOUR]
    assert len(blue) == taught.yes[0, level].sum()


def test_only_the_mask_is_painted():
    image, found = torch.zeros(3, 6, 6), torch.zeros(6, 6, dtype=torch.bool)
    found[2:4, 2:4] = True
    grids = torch.rand(7, 7), torch.rand(14, 14), torch.rand(28, 28)
    fig = draw_answer(image, torch.tensor([2.0, 2, 4, 4]), grids, found)
    painted = np.asarray(fig.axes[4].images[0].get_array()).any(axis=2)
    assert (painted == found.numpy()).all() and not image.any()

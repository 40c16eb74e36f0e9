"""Padded batches: nothing moves, nothing is invented."""

import sys
from pathlib import Path

import pytest
import torch
from helpers.seeded import seeded
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import minseg
from minseg.instances import Instances
from minseg.models import MaskRCNN
from minseg.models.padding import GREY, pad_images, pad_truth


def test_images_of_several_sizes_are_padded_right_and_below():
    images = [torch.rand(3, 5, 7), torch.rand(3, 17, 3)]
    batch, sizes = pad_images(images, 8)
    assert batch.shape == (2, 3, 24, 8) and sizes.tolist() == [[5, 7], [17, 3]]
    for i, image in enumerate(images):
        height, width = image.shape[1:]
        assert torch.equal(batch[i, :, :height, :width], image)
        assert (batch[i, :, height:] == GREY).all() and (batch[i, :, :, width:] == GREY).all()


def test_truths_of_several_lengths():
    masks = torch.zeros(3, 5, 7, dtype=torch.bool)
    masks[0, 2, 3] = True  # one pixel
    masks[2, 1:3, 1:5] = True  # masks[1] is empty
    targets = [
        Instances(masks, torch.tensor([4, 9, 9])),
        Instances(masks[:0], torch.zeros(0).long()),
    ]
    truth = pad_truth(targets, (4, 9), torch.tensor([[5, 7], [5, 7]]), (8, 8))
    assert truth.classes.tolist() == [[0, 1], [-1, -1]]
    assert truth.boxes[0].tolist() == [[3, 2, 4, 3], [1, 1, 5, 3]]
    assert truth.masks.shape == (2, 2, 8, 8) and not truth.masks[1].any()
    assert torch.equal(truth.masks[0, :, :5, :7], masks[[0, 2]])


def test_a_crowd_teaches_nothing():
    masks = torch.ones(2, 4, 4, dtype=torch.bool)
    target = Instances(masks, torch.tensor([1, 1]), crowd=torch.tensor([True, False]))
    assert pad_truth([target], (1,), torch.tensor([[4, 4]]), (4, 4)).classes.tolist() == [[0]]


PACKAGE = str(Path(minseg.__file__).parent)


class Doubles(TorchDispatchMode):
    """Notes which files of the package make a tensor of float64."""

    def __init__(self):
        super().__init__()
        self.made = set()

    def __torch_dispatch__(self, operation, types, arguments=(), keywords=None):
        made = operation(*arguments, **(keywords or {}))
        if any(isinstance(x, torch.Tensor) and x.dtype == torch.float64 for x in tree_leaves(made)):
            frame = sys._getframe()
            while frame and not frame.f_code.co_filename.startswith(PACKAGE):
                frame = frame.f_back
            self.made.add(Path(frame.f_code.co_filename).name if frame else "another")
        return made


def test_no_double_is_made_of_float32_images():
    """Not of annotated areas and scores either, which files have in double; Apple's GPUs have none.

    Only shares of pixels are counted in double: `minseg.masks.grid`.
    """
    torch.manual_seed(1)  # with few first weights nothing at all is found
    model = MaskRCNN(classes=2, widths=(8, 8, 8, 8), channels=8, box_width=16, mask_width=8)
    masks = torch.zeros(2, 64, 64, dtype=torch.bool)
    masks[0, 5:30, 8:40], masks[1, 30:60, 20:50] = True, True
    numbers = torch.tensor([800.0, 900.0], dtype=torch.float64)
    target = Instances(masks, torch.tensor([1, 2]), numbers, areas=numbers)
    images = torch.rand(2, 3, 64, 64, generator=seeded(0))
    with Doubles() as doubles:
        sum(model.losses(images, [target, target]).values()).backward()
        assert len(model.eval().predict(images, score_threshold=0, most=2)[0])
        assert doubles.made <= {"grid.py"}
        torch.zeros(1).double()
    assert "another" in doubles.made  # which would have been noted


def test_a_batch_without_things_has_room_for_one():
    empty = Instances(torch.zeros(0, 4, 4, dtype=torch.bool), torch.zeros(0).long())
    truth = pad_truth([empty], (1,), torch.tensor([[4, 4]]), (4, 4))
    assert truth.classes.tolist() == [[-1]] and truth.boxes.shape == (1, 1, 4)


def test_says_what_it_needs():
    with pytest.raises(ValueError, match="at least one"):
        pad_images([], 8)
    with pytest.raises(TypeError, match=r"images\[1\].*image / 255"):
        pad_images([torch.rand(3, 4, 4), torch.zeros(3, 4, 4, dtype=torch.uint8)], 8)
    with pytest.raises(ValueError, match=r"\(3, H, W\), got \(1, 4, 4\)"):
        pad_images(torch.rand(2, 1, 4, 4), 8)
    thing, size = torch.ones(1, 4, 4, dtype=torch.bool), torch.tensor([[4, 4]])
    target = Instances(thing, torch.tensor([7]))
    with pytest.raises(
        ValueError, match=r"targets\[0\].labels must be among .*\(1, 2\), got \[7\]"
    ):
        pad_truth([target], (1, 2), size, (4, 4))
    with pytest.raises(ValueError, match=r"masks must be \(8, 4\)"):
        pad_truth([target], (7,), torch.tensor([[8, 4]]), (8, 8))
    with pytest.raises(ValueError, match="expected 1 targets, one for each image; got 2"):
        pad_truth([target, target], (7,), size, (4, 4))

"""The splits: disjoint, the same for everyone, and an exam that nobody can change."""

import hashlib
from itertools import pairwise

import pytest
import torch
from skimage.morphology import convex_hull_image

from minseg.data import SceneDataset, make_scene
from minseg.data.splits import FIRST_SEED, LENGTH, ROOM

TRUTH = "723df8ac26ae2f517cad5df76ff423ca84d21f335b6a585ad8262e1713440a99"
IMAGES = "5c02694cdd6c7f63d7e8aa7a21a2246e7be0822e060bd4646304a2ec7950c97a"


@pytest.fixture(scope="module")
def exam():
    return list(SceneDataset("exam"))


@pytest.mark.slow
def test_the_exam_is_frozen(exam):
    """If this fails, scenes have changed: results measured on the exam before are void.

    Truth and images are built without any operation that IEEE 754 leaves to the machine, so one
    hash holds everywhere. (numpy may change `Generator.random` in a future version; it has not.)
    """
    truth, images = hashlib.sha256(), hashlib.sha256()
    for scene in exam:
        for tensor in (scene.instances.masks, scene.instances.labels, scene.semantic):
            truth.update(tensor.numpy().tobytes())
        truth.update((scene.coverage * 16).to(torch.uint8).numpy().tobytes())
        truth.update(scene.panoptic.numpy().tobytes())
        images.update((scene.image * 255).round().to(torch.uint8).numpy().tobytes())
    assert truth.hexdigest() == TRUTH
    assert images.hexdigest() == IMAGES


def test_the_exam_keeps_its_promises(exam):
    assert len(exam) == 200 and {scene.image.shape for scene in exam} == {(3, 128, 128)}
    assert {len(scene.instances) for scene in exam} == set(range(2, 9))
    semantic = torch.stack([scene.semantic for scene in exam])
    share = torch.bincount(semantic.flatten(), minlength=9) / semantic.numel()
    assert semantic.unique().tolist() == [1, 2, 3, 6, 7, 8]
    assert share[[6, 7, 8]].min() > 0.1 and share[[1, 2, 3]].min() > 0.01


def test_the_exam_has_sizes_from_tiny_to_large(exam):
    sides = []
    for scene in exam:
        boxes = scene.instances.boxes
        sides += (boxes[:, 2:] - boxes[:, :2]).amax(dim=1).tolist()
    assert max(sides) <= 61  # 60 pixels may touch 61 columns
    assert sum(side <= 9 for side in sides) > 0.1 * len(sides)
    assert sum(side >= 32 for side in sides) > 0.15 * len(sides)


@pytest.mark.slow
def test_things_of_the_exam_hide_one_another(exam):
    """Discs, boxes and triangles are convex, and so is what a frame leaves of them; only hiding
    behind another thing can make a dent."""
    dented, number = 0, 0
    for scene in exam:
        for mask in scene.instances.masks[scene.instances.areas > 60].numpy():
            number += 1
            dented += mask.sum() < 0.9 * convex_hull_image(mask).sum()
    assert 0.08 < dented / number < 0.5


def test_index_is_a_scene_and_splits_share_no_seed():
    for split, first in FIRST_SEED.items():
        data = SceneDataset(split)
        assert torch.equal(data[7].image, make_scene(first + 7).image)
        assert torch.equal(data[-1].image, data[len(data) - 1].image)
        assert len(data) == LENGTH[split] <= ROOM
    starts = sorted(FIRST_SEED.values())
    assert all(b - a >= ROOM for a, b in pairwise(starts))


def test_options_reach_the_scenes_and_iteration_ends():
    data = SceneDataset("val", size=(64, 96), length=3, things=("star",), count=(1, 2))
    assert [scene.image.shape for scene in data] == [(3, 64, 96)] * 3
    assert {label for scene in data for label in scene.instances.labels.tolist()} == {4}


@pytest.mark.parametrize(
    "change",
    [
        {"size": 256},
        {"length": 100},
        {"things": ("disc",)},
        {"count": (1, 1)},
        {"style": "coins"},
    ],
)
def test_the_exam_cannot_be_changed(change):
    (name,) = change
    with pytest.raises(ValueError, match=f"{name} of the exam is fixed .* the same for every"):
        SceneDataset("exam", **change)
    SceneDataset("exam", size=128, length=200, things=["box", "disc", "triangle"], count=(2, 8))


def test_says_what_it_needs():
    with pytest.raises(ValueError, match="split must be 'train', 'val' or 'exam', got 'test'"):
        SceneDataset("test")
    with pytest.raises(ValueError, match="length must be 1 to 10000000, got 0"):
        SceneDataset("train", length=0)
    with pytest.raises(ValueError, match="size must be 32 to 1024"):
        SceneDataset("train", size=9)
    with pytest.raises(IndexError, match="index must be below 5, the number of scenes, got 5"):
        SceneDataset("train", length=5)[5]

"""The photographs and the coins' masks, tested against what is seen and what COCO's format asks."""

import json
import socket
from importlib.resources import files

import pytest
import torch
from helpers.imported import imported_by
from scipy import ndimage

from minseg.data import COIN, coins_truth, photo
from minseg.masks import encode_rle


@pytest.fixture(scope="module")
def truth():
    return coins_truth()


@pytest.fixture(scope="module")
def coco():
    return json.loads(files("minseg.data").joinpath("coins.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "shape"), [("coins", (3, 303, 384)), ("grace_hopper", (3, 600, 512))]
)
def test_photographs_are_images_and_need_no_network(name, shape, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a photograph tried to open a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    image = photo(name)
    assert image.shape == shape and image.dtype == torch.float32
    assert 0 <= image.min() < 0.1 and 0.9 < image.max() <= 1
    assert torch.allclose(image * 255, (image * 255).round(), atol=1e-3)  # bytes, over 255


def test_coins_are_grey_and_the_portrait_is_red_green_blue():
    coins, portrait = photo("coins"), photo("grace_hopper")
    assert (coins == coins[:1]).all()
    red, _, blue = portrait[:, 170:230, 220:300].mean(dim=(1, 2))  # skin, in the middle
    assert red > blue + 0.1


def test_an_unknown_photograph_is_told_the_names():
    with pytest.raises(ValueError, match="'coins', 'grace_hopper', got 'cameraman'"):
        photo("cameraman")


def test_24_disjoint_coins_of_plausible_size(truth):
    assert len(truth) == 24 and truth.labels.unique().tolist() == [COIN]
    assert truth.masks.shape[1:] == photo("coins").shape[1:]
    assert truth.is_disjoint()
    assert truth.areas.min() > 1000 and truth.areas.max() < 3500


def test_each_coin_is_one_round_piece_without_holes(truth):
    for mask, area, box in zip(truth.masks, truth.areas, truth.boxes, strict=True):
        _, pieces = ndimage.label(mask.numpy())
        _, outside = ndimage.label(~mask.numpy())
        assert (pieces, outside) == (1, 1)
        width, height = (box[2:] - box[:2]).tolist()
        assert 0.8 < width / height < 1.25
        assert 0.72 < area / (width * height) < 0.82  # π/4 = 0.785 for an ellipse


def test_coins_are_brighter_than_the_ground_just_outside(truth):
    grey = photo("coins")[0].numpy()
    everything = truth.masks.any(dim=0).numpy()
    for mask in truth.masks.numpy():
        inner = mask & ~ndimage.binary_erosion(mask, iterations=3)
        outer = ndimage.binary_dilation(mask, iterations=3) & ~everything
        assert grey[inner].mean() > grey[outer].mean() + 0.15


def test_masks_lie_within_a_pixel_of_the_strongest_edge(truth):
    """Growing or shrinking a coin by two pixels must weaken the step at its outline."""
    grey = ndimage.gaussian_filter(photo("coins")[0].numpy(), 0.7)
    for mask in truth.masks.numpy():
        shrunk = ndimage.binary_erosion(mask, iterations=2)
        grown = ndimage.binary_dilation(mask, iterations=2)
        assert _step(grey, mask) > max(_step(grey, shrunk), _step(grey, grown))


def _step(grey, mask):
    inner = mask & ~ndimage.binary_erosion(mask)
    outer = ndimage.binary_dilation(mask) & ~mask
    return grey[inner].mean() - grey[outer].mean()


def test_the_file_is_consistent_coco(truth, coco):
    assert "CC BY 4.0" in coco["info"]["about"]
    assert [c["name"] for c in coco["categories"]] == ["coin"]
    for k, annotation in enumerate(coco["annotations"]):
        mask = truth.masks[k]
        assert encode_rle(mask, compressed=True) == annotation["segmentation"]
        assert annotation["area"] == int(mask.sum()) and annotation["iscrowd"] == 0
        x1, y1, x2, y2 = truth.boxes[k].tolist()
        assert annotation["bbox"] == [x1, y1, x2 - x1, y2 - y1]
        assert annotation["image_id"] == coco["images"][0]["id"]


@pytest.mark.slow
def test_importing_the_data_loads_no_drawing_library():
    assert not {"skimage", "matplotlib"} & imported_by("import minseg.data")

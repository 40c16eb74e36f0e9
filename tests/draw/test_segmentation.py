"""Pixels, outlines and numbers lie where the coordinates say."""

import numpy as np
import pytest
import torch
from helpers.seeded import seeded
from matplotlib.colors import to_rgb

from minseg import draw
from minseg.instances import Instances
from minseg.masks.runs import Crop


def canvas_of(ax):
    """The painted pixels, (H, W, 3)."""
    return np.asarray(ax.images[0].get_array())


def test_pixels_lie_where_coordinates_say():
    _, ax = draw.figure()
    draw.draw_image(ax, torch.zeros(3, 4, 6))
    assert tuple(ax.images[0].get_extent()) == (0, 6, 4, 0)
    draw.draw_boxes(ax, torch.tensor([1.0, 2, 5, 4]))
    box = ax.patches[0]
    assert (*box.get_xy(), box.get_width(), box.get_height()) == (1, 2, 4, 2)
    draw.draw_grid(ax, 4, 6, stride=2)
    lines = [line.tolist() for line in ax.collections[0].get_segments()]
    assert [[2, 0], [2, 4]] in lines and [[0, 4], [6, 4]] in lines and len(lines) == 4 + 3


def test_instances_are_filled_outlined_and_numbered():
    masks = torch.zeros(2, 20, 20, dtype=torch.bool)
    masks[0, 2:9, 3:12] = True
    masks[1, 12:18, 5:15] = True
    _, ax = draw.figure()
    instances = Instances(masks, torch.tensor([1, 1]))
    draw.draw_instances(ax, torch.zeros(3, 20, 20), instances, alpha=1)
    canvas = canvas_of(ax)
    np.testing.assert_allclose(canvas[2, 3], to_rgb(draw.INSTANCE_COLOURS[0]))
    np.testing.assert_allclose(canvas[17, 14], to_rgb(draw.INSTANCE_COLOURS[1]))
    assert not canvas[9:12].any()
    assert [text.get_text() for text in ax.texts] == ["1", "2"]
    white, black = ax.collections
    assert white.get_linewidth()[0] > black.get_linewidth()[0]
    assert black.get_zorder() >= white.get_zorder()


def test_panoptic_map_tells_stuff_things_and_void_apart():
    ids = torch.full((30, 30), 2000)
    ids[:10] = 0
    ids[15:25, 5:12], ids[15:25, 18:25] = 1001, 1002
    _, ax = draw.figure()
    draw.draw_panoptic(ax, ids, names={1: "coin", 2: "table"})
    canvas = canvas_of(ax)
    np.testing.assert_allclose(canvas[0, 0], 1)
    np.testing.assert_allclose(canvas[12, 0], to_rgb(draw.STUFF_COLOURS[1]))
    np.testing.assert_allclose(canvas[20, 8], to_rgb(draw.INSTANCE_COLOURS[0]))
    np.testing.assert_allclose(canvas[20, 20], to_rgb(draw.INSTANCE_COLOURS[1]))
    assert {text.get_text() for text in ax.texts} == {"coin 1", "coin 2", "table"}


def test_a_thing_keeps_its_colour_where_another_is_missing():
    ids = torch.full((30, 30), 2000)
    ids[15:25, 18:25] = 1002
    _, ax = draw.figure()
    draw.draw_panoptic(ax, ids)
    np.testing.assert_allclose(canvas_of(ax)[20, 20], to_rgb(draw.INSTANCE_COLOURS[1]))


def test_a_tiny_mask_has_its_number_beside_it_and_away_from_others():
    masks = torch.zeros(2, 100, 100, dtype=torch.bool)
    masks[0, 45:50, 42:47] = True  # left of the centre of the large one, and a little above
    masks[1, 10:91, 10:91] = True
    _, ax = draw.figure()
    instances = Instances(masks, torch.tensor([1, 1]))
    draw.draw_instances(ax, torch.zeros(3, 100, 100), instances)
    offsets = {text.get_text(): text.xyann for text in ax.texts}
    assert offsets == {"1": (-8, 8), "2": (0, 0)}


def test_draws_what_is_empty():
    _, (left, right) = draw.figure(2)
    nothing = Instances(torch.zeros(0, 5, 5, dtype=torch.bool), torch.zeros(0, dtype=torch.int64))
    draw.draw_instances(left, torch.zeros(3, 5, 5), nothing)
    one_empty = Instances(torch.zeros(1, 5, 5, dtype=torch.bool), torch.tensor([1]))
    draw.draw_instances(left, torch.zeros(5, 5), one_empty)
    draw.draw_panoptic(right, torch.zeros(5, 5, dtype=torch.int64))
    draw.draw_boxes(right, torch.zeros(0, 4))


def test_a_mask_in_its_box_looks_like_the_whole_mask():
    generator = seeded(1)
    masks = torch.zeros(3, 30, 44, dtype=torch.bool)
    masks[0, 3:12, 5:30] = torch.rand(9, 25, generator=generator) < 0.7
    masks[1, 20:, 40:] = True  # ends at the border
    image = torch.rand(3, 30, 44, generator=generator)
    crops = [Crop(masks[0].numpy()[2:20, 5:33], 5, 2), Crop(masks[1].numpy()[20:, 40:], 40, 20)]
    crops.append(Crop(np.zeros((0, 0), bool), 7, 7))
    figures = []
    for draw_them, what in (
        (draw.draw_instances, Instances(masks, torch.ones(3).long())),
        (draw.draw_crops, crops),
    ):
        fig, ax = draw.figure(width=400)
        draw_them(ax, image, what, "title", alpha=0.7)
        figures.append(draw.png(fig))
    assert figures[0] == figures[1]


def test_a_large_image_is_drawn_by_some_of_its_pixels(monkeypatch):
    image = torch.zeros(3, 92, 61)
    image[0, :, 30:] = 1
    crops = [Crop(np.ones((20, 31), bool), 30, 60), Crop(np.ones((1, 1), bool), 3, 3)]
    _, (exact, coarse) = draw.figure(2)
    draw.draw_crops(exact, image, crops, alpha=1)
    monkeypatch.setattr("minseg.draw.segmentation.MOST_DRAWN", 92 * 61 // 8)
    draw.draw_crops(coarse, image, crops, alpha=1)
    whole, part = canvas_of(exact), canvas_of(coarse)
    assert whole.shape == (92, 61, 3) and part.shape == (31, 21, 3)
    # the middle of each 3 × 3 pixels, and of the last column what there is
    np.testing.assert_array_equal(part, whole[1:92:3][:, [*range(1, 60, 3), 60]])
    assert tuple(coarse.images[0].get_extent()) == (0, 63, 93, 0)
    for one, other in zip(exact.texts, coarse.texts, strict=True):
        assert (one.xy, one.xyann) == (other.xy, other.xyann)
    line = torch.zeros(3, 1, 9000)
    draw.draw_crops(coarse, line, [])
    assert canvas_of(coarse).shape[0] == 31 and np.asarray(coarse.images[1].get_array()).size


def test_says_what_it_needs():
    _, ax = draw.figure()
    with pytest.raises(ValueError, match=r"image must be \(3, H, W\) or \(H, W\), got \(4, 5, 6\)"):
        draw.draw_image(ax, torch.zeros(4, 5, 6))
    with pytest.raises(ValueError, match=r"panoptic_map must be \(H, W\)"):
        draw.draw_panoptic(ax, torch.zeros(1, 5, 6, dtype=torch.int64))
    with pytest.raises(ValueError, match="size"):
        draw.draw_panoptic(ax, torch.zeros(5, 6, dtype=torch.int64), torch.zeros(3, 6, 5))

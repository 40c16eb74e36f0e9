"""Pictures: colours told apart by everyone, alt text that arrives, pixels where they belong."""

import base64
import io
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from minseg import draw
from minseg.draw.overlay import deepest_point, outline
from minseg.instances import Instances
from minseg.masks.runs import Crop

# Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color Vision
# Deficiency, 2009, severity 1, on linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
ROLES = [draw.POOL_COLOUR, draw.ALIGN_COLOUR, draw.EXACT_COLOUR, draw.TRUTH_COLOUR]


def linear(colours):
    rgb = np.array([to_rgb(colour) for colour in colours])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def as_seen(colours, deficiency):
    """CIELAB of the colours as somebody with the deficiency sees them."""
    seen = np.clip(linear(colours) @ DEFICIENCIES[deficiency].T, 0, 1)
    return rgb2lab(
        np.where(
            seen <= 0.0031308, seen * 12.92, 1.055 * np.maximum(seen, 1e-9) ** (1 / 2.4) - 0.055
        )
    )


def nearest(colours, deficiency):
    """The smallest CIEDE2000 distance between two of the colours."""
    lab = as_seen(colours, deficiency)
    distance = deltaE_ciede2000(lab[:, None], lab[None])
    return distance[~np.eye(len(lab), dtype=bool)].min()


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_colours_are_told_apart(deficiency):
    assert nearest(draw.INSTANCE_COLOURS, deficiency) >= 10
    assert nearest(ROLES, deficiency) >= 20
    things = as_seen(draw.INSTANCE_COLOURS, deficiency)
    stuff = as_seen(draw.STUFF_COLOURS, deficiency)
    assert deltaE_ciede2000(things[:, None], stuff[None]).min() >= 6.5
    assert nearest(draw.STUFF_COLOURS, deficiency) >= 4.5


def test_the_simulation_finds_a_poor_palette():
    tab10 = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f"]
    assert min(nearest(tab10, deficiency) for deficiency in DEFICIENCIES) < 10


def test_stuff_is_pale_and_roles_stand_out_on_white():
    lab = as_seen(draw.STUFF_COLOURS, "none")
    assert lab[:, 0].min() >= 80 and np.hypot(lab[:, 1], lab[:, 2]).max() <= 15
    luminance = linear(ROLES) @ [0.2126, 0.7152, 0.0722]
    assert (1.05 / (luminance + 0.05)).min() >= 3  # WCAG 2.1, graphical objects


@pytest.fixture
def displayed(monkeypatch):
    """What `show` hands to the notebook."""
    shown = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, metadata, raw: shown.append((data, metadata))
    )
    return shown


def test_alt_text_arrives(displayed, capsys):
    fig, _ = draw.figure(width=300)
    draw.show(fig, alt='A "box" & a disc', facts="IoU 0.5")
    (data, metadata), facts = displayed[0], capsys.readouterr().out
    assert metadata["image/png"]["alt"] == data["text/plain"] == 'A "box" & a disc'
    assert 'alt="A &quot;box&quot; &amp; a disc"' in data["text/html"]
    assert re.search('src="data:image/png;base64,(.+?)"', data["text/html"])[1] == data["image/png"]
    assert facts == "IoU 0.5\n"
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width == 300


@pytest.mark.parametrize("alt, facts", [("", "x"), (" ", "x"), ("x", ""), ("x", "two\nlines")])
def test_refuses_a_picture_without_words(displayed, alt, facts):
    with pytest.raises(ValueError, match=r"alt|facts"):
        draw.show(draw.figure()[0], alt=alt, facts=facts)
    assert not displayed


def test_refuses_what_is_too_wide(displayed):
    with pytest.raises(ValueError, match=r"width must be .* got 901"):
        draw.figure(width=901)
    fig, _ = draw.figure()
    fig.set_figwidth(9.5)
    with pytest.raises(ValueError, match="at most 900 px wide, got 950 px"):
        draw.show(fig, alt="a", facts="b")
    assert not displayed


def test_closes_a_figure_of_pyplot(displayed):
    import matplotlib.pyplot as plt

    fig = plt.figure(figsize=(1, 1))
    draw.show(fig, alt="a", facts="b")
    assert not plt.fignum_exists(fig.number)


def test_pictures_are_the_same_bytes_each_time():
    def picture():
        fig, ax = draw.figure(width=200)
        ax.plot([0, 1])
        return draw.png(fig)

    first = picture()
    assert first == picture() and b"matplotlib" not in first


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
    generator = torch.Generator().manual_seed(1)
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
    monkeypatch.setattr(draw, "MOST_DRAWN", 92 * 61 // 8)
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


def test_the_deepest_point_of_a_large_mask_is_inside(monkeypatch):
    mask = np.zeros((60, 80), bool)
    mask[11:51, 20:79] = True
    monkeypatch.setattr("minseg.draw.overlay.MOST_MEASURED", 300)
    x, y = deepest_point(mask)
    assert abs(y - 31) <= 4 and 36 <= x <= 64 and mask[int(y), int(x)]
    thin = np.zeros((60, 80), bool)
    thin[7] = True  # between the rows that are looked at
    assert deepest_point(thin)[1] == 7.5


def test_says_what_it_needs():
    _, ax = draw.figure()
    with pytest.raises(ValueError, match=r"image must be \(3, H, W\) or \(H, W\), got \(4, 5, 6\)"):
        draw.draw_image(ax, torch.zeros(4, 5, 6))
    with pytest.raises(ValueError, match=r"panoptic_map must be \(H, W\)"):
        draw.draw_panoptic(ax, torch.zeros(1, 5, 6, dtype=torch.int64))
    with pytest.raises(ValueError, match="size"):
        draw.draw_panoptic(ax, torch.zeros(5, 6, dtype=torch.int64), torch.zeros(3, 6, 5))


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 999))
def test_the_outline_encloses_exactly_the_mask(height, width, seed):
    mask = np.random.default_rng(seed).random((height, width)) < 0.5
    pieces = outline(mask)
    crossings = np.zeros((height, width))  # walk left from each centre: inside after an odd number
    for (x1, y1), (x2, y2) in pieces:
        if x1 == x2:
            crossings[int(y1) : int(y2), int(x1) :] += 1
    assert ((crossings % 2 == 1) == mask).all()
    length = sum(abs(x2 - x1) + abs(y2 - y1) for (x1, y1), (x2, y2) in pieces)
    padded = np.pad(mask, 1).astype(int)
    assert length == abs(np.diff(padded, axis=0)).sum() + abs(np.diff(padded, axis=1)).sum()


def test_a_rings_number_lies_on_the_ring():
    y, x = np.mgrid[:40, :40] + 0.5
    radius = np.hypot(x - 20, y - 20)
    column, row = deepest_point((radius < 18) & (radius > 8))
    assert 11 < np.hypot(column - 20, row - 20) < 15


def test_light_imports_stay_light():
    """Nobody pays for pictures or widgets before asking for one."""
    heavy = ["matplotlib", "ipywidgets", "anywidget", "triton", "skimage", "IPython"]
    code = (
        "import sys, minseg, minseg.course, minseg.instances; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr

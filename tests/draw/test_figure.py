"""The look: colours that every reader can tell apart, and alt text that arrives."""

import base64
import io
import re

import numpy as np
import pytest
from helpers.imported import imported_by
from matplotlib.colors import to_rgb
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from minseg import draw

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
    """CIELAB of the colours as a reader with the deficiency sees them."""
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


@pytest.mark.slow
def test_light_imports_stay_light():
    """Pictures and widgets cost no time before one is asked for."""
    heavy = {"matplotlib", "ipywidgets", "anywidget", "triton", "skimage", "IPython"}
    assert not heavy & imported_by("import minseg, minseg.course, minseg.instances")

"""A moving picture has all its frames, in order, and rests at the last."""

import io

import numpy as np
import pytest
from PIL import Image

from minseg.draw import figure
from minseg.draw.moving import animated_png, show_moving


def frames(count):
    for k in range(count):
        fig, ax = figure(width=120, height=120)
        ax.set_axis_off()
        ax.plot([0, 1], [k, count - k], linewidth=4)
        ax.set(ylim=(-1, count + 1))
        yield fig


def test_every_frame_is_there_and_it_stops():
    image = Image.open(io.BytesIO(animated_png(frames(4), seconds=2, plays=3)))
    assert (image.n_frames, image.size, image.info["loop"]) == (4, (120, 120), 3)
    seen = []
    for k in range(4):
        image.seek(k)
        seen.append(np.asarray(image.convert("RGB")).tobytes())
    assert len(set(seen)) == 4


def test_two_files_are_equal_to_the_byte():
    assert animated_png(frames(3), seconds=1) == animated_png(frames(3), seconds=1)


@pytest.mark.parametrize(("count", "seconds"), [(1, 1.0), (3, 0.0)])
def test_one_frame_does_not_move(count, seconds):
    with pytest.raises(ValueError, match="frames must be two or more"):
        animated_png(frames(count), seconds=seconds)


def test_has_alt_text_and_facts(capsys):
    show_moving(frames(2), alt="A line that turns.", facts="two frames", seconds=1)
    assert capsys.readouterr().out.endswith("two frames\n")

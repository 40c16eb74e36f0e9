"""Your own picture: found, turned, scaled down; and one sentence where there is none."""

import pytest
import torch
from PIL import Image

from minseg.data import own_picture
from minseg.data.own_picture import SIDE, scaled_down


def save(file, size=(40, 30), colour="red", **options):
    Image.new("RGB", size, colour).save(file, **options)


def test_the_first_by_name_and_nothing_that_is_no_picture(tmp_path, capsys):
    (tmp_path / "a.ipynb").write_text("{}")
    (tmp_path / ".hidden.png").write_bytes(b"")
    (tmp_path / "a.png").mkdir()
    save(tmp_path / "c.JPG")
    save(tmp_path / "b.png", colour="lime")
    image = own_picture(tmp_path)
    assert image.shape == (3, 30, 40)
    assert image[:, 0, 0].tolist() == [0, 1, 0]
    assert capsys.readouterr().out == "b.png: 30 × 40 pixels.\n"


def test_a_file_may_be_named(tmp_path):
    save(tmp_path / "a.png")
    save(tmp_path / "b.png", size=(7, 5))
    assert own_picture(tmp_path / "b.png").shape == (3, 5, 7)


def test_a_large_one_is_turned_and_scaled_down(tmp_path, capsys):
    exif = Image.Exif()
    exif[0x0112] = 6  # the stored rows are seen as columns
    save(tmp_path / "tall.jpg", size=(1600, 1200), exif=exif)
    assert own_picture(tmp_path).shape == (3, SIDE, 480)
    assert capsys.readouterr().out == "tall.jpg: 1600 × 1200 pixels, scaled down to 640 × 480.\n"


@pytest.mark.parametrize(("height", "width"), [(641, 3), (2, 5000), (1300, 1300)])
def test_scaling_keeps_means_and_never_loses_a_side(height, width):
    image = torch.rand(3, height, width, generator=torch.Generator().manual_seed(0))
    small = scaled_down(image)
    assert max(small.shape[1:]) == SIDE and min(small.shape[1:]) >= 1
    assert small.mean().item() == pytest.approx(image.mean().item(), abs=0.01)


def test_none_and_what_to_do(tmp_path, capsys):
    assert own_picture(tmp_path) is None
    said = capsys.readouterr().out
    assert said.startswith("No picture of yours yet: drag a photograph") and said.count("\n") == 1


@pytest.mark.parametrize("name", ["broken.jpg", "telephone.HEIC"])
def test_one_that_cannot_be_read_is_named(tmp_path, capsys, name):
    (tmp_path / name).write_bytes(b"no picture")
    assert own_picture(tmp_path) is None
    said = capsys.readouterr().out
    assert name in said and "Save it as JPEG or PNG" in said and said.count("\n") == 1
    save(tmp_path / "whole.png")
    assert own_picture(tmp_path) is not None, "another one that can be read is taken"

"""A step of training is short to follow: six files, and docs/follow-one-step.md names them."""

import re
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch
from helpers.toy_model import toy

import minseg
from minseg.data import SceneDataset
from minseg.train import InMemory, train

PACKAGE = Path(minseg.__file__).parent
GUIDE = (PACKAGE.parent / "docs" / "follow-one-step.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(minseg/.+?)` \| (.+?) \|", GUIDE, re.MULTILINE)


class Arrived(Exception):  # noqa: N818
    """The step has come to `backward`."""


def files_passed(scenes, monkeypatch, **options):
    """Files of minseg/train/ in which a function was called from `train` to `backward`."""
    passed = set()

    def note(frame, event, argument):
        file = Path(frame.f_code.co_filename)
        if event == "call" and file.parent == PACKAGE / "train":
            passed.add(file.name)

    def arrive(tensor):
        sys.setprofile(None)
        raise Arrived

    monkeypatch.setattr(torch.Tensor, "backward", arrive)
    model = toy()
    sys.setprofile(note)
    try:
        with pytest.raises(Arrived):
            train(model, scenes, steps=1, batch_size=2, **options)
    finally:
        sys.setprofile(None)
    return passed


@pytest.fixture(scope="module")
def scenes():
    return InMemory(SceneDataset("train", size=32, length=2))


def test_six_files_before_backward(scenes, monkeypatch):
    passed = files_passed(scenes, monkeypatch)
    assert passed == {f"{n}.py" for n in ("loop", "schedule", "batches", "augment", "step", "muon")}
    assert passed <= {Path(file).name for file, _ in ROWS}


def test_three_more_where_the_run_is_kept(scenes, monkeypatch, tmp_path):
    more = files_passed(scenes, monkeypatch, out=tmp_path) - files_passed(scenes, monkeypatch)
    assert more == {"run_folder.py", "log.py", "interrupt.py"}


@pytest.mark.parametrize(("file", "functions"), ROWS)
def test_what_the_guide_names_is_there(file, functions):
    module = import_module(file.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    for name in re.findall(r"`(.+?)`", functions):
        found = module
        for part in name.split("."):
            found = getattr(found, part)
        assert found.__module__ == module.__name__

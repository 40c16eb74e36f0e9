"""A disk that is full, at any moment: one line, no half file; with room, the run goes on."""

import csv
import errno
import os
import subprocess
from pathlib import Path

import pytest
import torch
from helpers.toy_model import Toy
from helpers.toy_model import toy as narrow

from minseg.__main__ import main
from minseg.data import SceneDataset
from minseg.tensor_file import read_tensors
from minseg.train import InMemory, load_model, train

OPTIONS = {"steps": 4, "batch_size": 2, "save_every": 2, "validate_every": 2}
NAMES = {"checkpoint.safetensors", "model.safetensors", "losses.csv", "validation.csv", "run.lock"}


def toy():
    """Wide enough that its files take many pages of a disk."""
    return narrow(width=64)


@pytest.fixture(scope="module")
def scenes():
    return list(InMemory(SceneDataset("train", size=32, length=4)))


@pytest.fixture(scope="module")
def expected(scenes):
    model = toy()
    result = train(model, scenes, validation=scenes, **OPTIONS)
    return model, result


def check_whole(folder):
    """Nothing is there that is not complete."""
    assert {file.name for file in folder.iterdir()} <= NAMES
    if (folder / "checkpoint.safetensors").exists():
        read_tensors(folder / "checkpoint.safetensors")
    if (folder / "model.safetensors").exists():
        load_model(folder / "model.safetensors", Toy)
    for name in ("losses.csv", "validation.csv"):
        if (folder / name).exists():
            text = (folder / name).read_text()
            assert not text or text.endswith("\n")
            assert all(None not in row.values() for row in csv.DictReader(text.splitlines()))


def go_on(folder, scenes, expected):
    """With room again, the run ends as if nothing had been."""
    whole, result = expected
    model = toy()
    again = train(model, scenes, validation=scenes, out=folder, resume=True, **OPTIONS)
    pairs = zip(model.state_dict().values(), whole.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert repr(again.metrics) == repr(result.metrics)
    assert [row["loss"] for row in again.losses] == [row["loss"] for row in result.losses]


@pytest.fixture
def disk(tmp_path):
    """A function that makes a small file system of a size; only root may."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def sized(size, again=False):
        option = f"{'remount,' if again else ''}size={size}"
        line = ["mount", "-t", "tmpfs", "-o", option, "tmpfs", str(folder)]
        done = subprocess.run(line, capture_output=True, check=False)
        if done.returncode:
            pytest.skip("mounting a file system needs root")
        return folder

    yield sized
    while folder.is_mount():
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.slow
def test_a_disk_of_any_size(disk, scenes, expected):
    """From none that takes the first file to one that takes all: 4 kB more each time."""
    ended = []
    for pages in range(1, 60):
        folder = disk(4096 * pages) / "run"
        try:
            train(toy(), scenes, validation=scenes, out=folder, **OPTIONS)
        except OSError as error:
            ended.append(str(error))
            assert error.errno == errno.ENOSPC and str(error).isprintable()
            assert "the disk is full" in str(error) or "No space left" in str(error)
            assert str(folder) in str(error)
        else:
            break
        if folder.exists():
            check_whole(folder)
        folder = disk("1m", again=True) / "run"
        go_on(folder, scenes, expected)
        check_whole(folder)
        subprocess.run(["umount", str(folder.parent)], check=True)
    else:
        pytest.fail("even a large disk was too small")
    assert len(ended) >= 8
    for name in ("validation.csv", "checkpoint.safetensors"):  # the model takes less than this
        assert any(name in said for said in ended), name


def test_the_command_says_it_in_one_line(disk, capsys):
    folder = disk("1m")
    line = ["train", "mask-rcnn", "--data", "scenes:1", "--validation", "scenes:1"]
    line += ["--no-bf16", "--steps", "1", "--batch-size", "1", "--out", str(folder)]
    assert main(line) == 2
    said = capsys.readouterr()
    (only,) = said.err.splitlines()
    assert only.startswith("error: ") and "checkpoint.safetensors could not be written" in only
    assert said.out == "" and {file.name for file in folder.iterdir()} <= NAMES


class Full:
    """The n-th thing that is asked of the file system fails as on a full disk."""

    def __init__(self, monkeypatch, n):
        self.left = n
        for where, name in ((os, "open"), (os, "fsync"), (os, "replace"), (Path, "write_bytes")):
            monkeypatch.setattr(where, name, self.failing(getattr(where, name)))

    def failing(self, plain):
        def called(*arguments, **options):
            self.left -= 1
            if self.left == 0:
                if plain.__name__ == "write_bytes":  # a part has arrived
                    plain(arguments[0], arguments[1][: len(arguments[1]) // 2])
                raise OSError(errno.ENOSPC, "No space left on device")
            return plain(*arguments, **options)

        return called


@pytest.mark.slow
def test_whatever_fails(scenes, expected, tmp_path, monkeypatch):
    """Opening a draft, filling it, bringing it to the disk, renaming it: each of each file."""
    n = 0
    while True:
        n += 1
        folder = tmp_path / str(n)
        with monkeypatch.context() as patch:
            full = Full(patch, n)
            try:
                train(toy(), scenes, validation=scenes, out=folder, **OPTIONS)
            except OSError as error:
                assert error.errno == errno.ENOSPC and str(error).isprintable()
        if full.left > 0:
            break
        check_whole(folder)
        go_on(folder, scenes, expected)
    assert n > 20

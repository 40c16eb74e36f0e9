"""A process that ends at any moment, without a word: the run goes on from its last checkpoint."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from helpers.toy_model import toy

from minseg.data import SceneDataset
from minseg.tensor_file import read_tensors
from minseg.train import InMemory, train

OPTIONS = {"steps": 6, "batch_size": 2, "save_every": 2, "validate_every": 3}
NAMES = {"checkpoint.safetensors", "model.safetensors", "losses.csv", "validation.csv", "run.lock"}


@pytest.fixture(scope="module")
def scenes():
    return list(InMemory(SceneDataset("train", size=32, length=4)))


def same(model, other):
    pairs = zip(model.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def ends_at(n, folder, scenes):
    """In a child: the n-th time that the file system is asked for anything, the process is gone."""
    left = n

    def dying(plain):
        def called(*arguments, **options):
            nonlocal left
            left -= 1
            if left == 0:
                os._exit(9)
            return plain(*arguments, **options)

        return called

    for where, name in ((os, "open"), (os, "fsync"), (os, "replace"), (Path, "write_bytes")):
        setattr(where, name, dying(getattr(where, name)))
    train(toy(), scenes, validation=scenes, out=folder, resume=True, **OPTIONS)


@pytest.mark.slow
def test_an_end_at_each_operation_on_a_file(scenes, tmp_path):
    whole = toy()
    expected = train(whole, scenes, validation=scenes, **OPTIONS)
    for n in range(1, 200):
        folder = tmp_path / str(n)
        if (child := os.fork()) == 0:
            try:
                ends_at(n, folder, scenes)
            finally:
                os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            break  # there were fewer operations than that
        if (folder / "checkpoint.safetensors").exists():
            read_tensors(folder / "checkpoint.safetensors")
        model = toy()
        result = train(model, scenes, validation=scenes, out=folder, resume=True, **OPTIONS)
        assert same(model, whole) and repr(result.metrics) == repr(expected.metrics)
        assert len(result.losses) == 6
        assert {file.name for file in folder.iterdir()} == NAMES, "drafts of the dead are cleared"
    assert 30 < n < 199


RUN = """
import sys, time
from helpers.toy_model import toy
from minseg.data import SceneDataset
from minseg.train import InMemory, train
scenes = list(InMemory(SceneDataset("train", size=32, length=4)))
slow = lambda row: time.sleep(0.01)
train(toy(), scenes, steps=400, batch_size=2, save_every=1, validate_every=10, validation=scenes,
      out=sys.argv[1], resume=True, on_step=slow)
"""


@pytest.mark.attack
def test_kills_at_random_moments(scenes, tmp_path):
    """One run of 400 steps, killed 20 times; it ends with the bits of one that was left alone."""
    paths = os.pathsep.join([str(Path(__file__).parents[1]), str(Path(__file__).parents[2])])
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    moments = random.Random(0)
    for _ in range(20):
        process = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path)], env=environment)
        table = tmp_path / "losses.csv"
        before = table.stat().st_mtime_ns if table.exists() else 0
        while process.poll() is None and not (table.exists() and table.stat().st_mtime_ns > before):
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.wait()
    options = {"steps": 400, "batch_size": 2, "validate_every": 10, "validation": scenes}
    model, whole = toy(), toy()
    result = train(model, scenes, save_every=1, out=tmp_path, resume=True, **options)
    expected = train(whole, scenes, **options)
    assert same(model, whole) and repr(result.metrics) == repr(expected.metrics)
    assert len(result.losses) == 400

"""One run in a folder at a time; a second one is told so and changes nothing."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.toy_model import toy

from minseg.data import SceneDataset
from minseg.files import draft_of
from minseg.train import InMemory, train
from minseg.train.run_folder import LOCK, only_one

RUN = """
import sys, time
from helpers.toy_model import toy
from minseg.data import SceneDataset
from minseg.train import InMemory, train
scenes = list(InMemory(SceneDataset("train", size=32, length=4)))
slow = lambda row: time.sleep(float(sys.argv[3]))
try:
    train(toy(), scenes, steps=20, batch_size=2, save_every=2, out=sys.argv[1],
          resume=sys.argv[2] == "resume", workers=int(sys.argv[4]), on_step=slow)
except ValueError as error:
    sys.exit(str(error))
"""


def begin(folder, resume="fresh", pause=0.05, workers=0):
    paths = os.pathsep.join([str(Path(__file__).parents[1]), str(Path(__file__).parents[2])])
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(folder), resume, str(pause), str(workers)],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(file, process):
    end = time.monotonic() + 120
    while not file.exists():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.01)


def scenes():
    return list(InMemory(SceneDataset("train", size=32, length=4)))


ATTEMPTS = [0, 1, *(pytest.param(k, marks=pytest.mark.attack) for k in range(2, 6))]


@pytest.mark.slow
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_of_two_that_begin_at_once_one_trains(attempt, tmp_path):
    resume = ["fresh", "resume"][attempt % 2]
    both = [begin(tmp_path / "run", resume) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]
    ended = sorted(process.returncode for process in both)
    if ended == [0, 0]:  # the machine was so busy that one came when the other had finished
        assert resume == "resume"
        return
    assert ended == [0, 1], said
    refused = next(s for s, process in zip(said, both, strict=True) if process.returncode)
    assert "is in use: another process trains there" in refused or "holds a run already" in refused
    rows = (tmp_path / "run" / "losses.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == [str(step) for step in range(1, 21)]


@pytest.mark.slow
def test_a_live_run_is_not_disturbed_and_a_killed_one_is_no_obstacle(tmp_path):
    """Not its lock, nor what it is just writing; and workers that outlive it hold no lock."""
    process = begin(tmp_path, pause=0.5, workers=1)
    try:
        wait_for(tmp_path / "checkpoint.safetensors", process)
        with suppress(KeyError), draft_of(tmp_path / "checkpoint.safetensors") as draft:
            raise KeyError  # only its name is wanted
        draft = draft.with_name(draft.name.replace(f"-{os.getpid()}-", f"-{process.pid}-"))
        draft.write_text("being written")
        for resume in (True, False):
            with pytest.raises(ValueError, match="is in use: another process trains there"):
                train(toy(), scenes(), steps=20, batch_size=2, out=tmp_path, resume=resume)
        assert draft.exists() and process.poll() is None
        draft.unlink()
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    result = train(toy(), scenes(), steps=20, batch_size=2, out=tmp_path, resume=True)
    assert [row["step"] for row in result.losses] == list(range(1, 21))


def test_the_lock_is_given_back_whatever_happens(tmp_path):
    with pytest.raises(KeyError), only_one(tmp_path):
        with (
            pytest.raises(ValueError, match="is in use: another process trains there"),
            only_one(tmp_path),
        ):
            pass
        raise KeyError
    with only_one(tmp_path):
        assert (tmp_path / LOCK).read_bytes() == b""

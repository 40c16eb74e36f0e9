"""Ctrl-C and SIGTERM: the step is finished, the run is kept, and two lines say how to go on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from helpers.stops import Altered
from helpers.toy_model import Toy, toy

from minseg.__main__ import main
from minseg.commands import train as command
from minseg.data import SceneDataset
from minseg.tensor_file import read_tensors
from minseg.train import InMemory, train
from minseg.train.interrupt import Interrupted
from minseg.train.schedule import Schedule

OPTIONS = {"steps": 9, "batch_size": 2, "save_every": 4}


@pytest.fixture(scope="module")
def scenes():
    return list(InMemory(SceneDataset("train", size=32, length=6)))


@pytest.fixture(autouse=True)
def at_a_terminal():
    """Tests that a shell runs in the background ignore Ctrl-C, and so would what they start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def send(number, step, times=1):
    """On reaching a step, what a terminal or a scheduler sends."""

    def on_step(row):
        for _ in range(times * (row["step"] == step)):
            os.kill(os.getpid(), number)

    return on_step


def state(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def equal(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def kept(folder):
    return read_tensors(folder / "checkpoint.safetensors")[1]["progress"]


def step_of(folder):
    return kept(folder)["step"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_step_is_finished_and_saved(number, status, scenes, tmp_path):
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(Interrupted) as caught:
        train(toy(), scenes, out=tmp_path, on_step=send(number, 6), **OPTIONS)
    assert caught.value.status == status and step_of(tmp_path) == 6
    assert str(caught.value) == f"interrupted at step 6 of 9: saved in {tmp_path}"
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before
    model, whole = Toy(), toy()
    result = train(model, scenes, out=tmp_path, resume=True, **OPTIONS)
    train(whole, scenes, **OPTIONS)
    assert equal(state(model), state(whole)) and len(result.losses) == 9


def test_a_run_in_the_background_ignores_ctrl_c(scenes, tmp_path):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    result = train(toy(), scenes, out=tmp_path, on_step=send(signal.SIGINT, 6), **OPTIONS)
    assert result.steps == 9 and signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def test_twice_is_at_once_and_keeps_the_checkpoint_before(scenes, tmp_path):
    with pytest.raises(Interrupted, match=r"at step 6 of 9: the last checkpoint is of step 4"):
        train(toy(), scenes, out=tmp_path, on_step=send(signal.SIGINT, 6, times=2), **OPTIONS)
    assert step_of(tmp_path) == 4


def interrupted(scene):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)
    return scene


def test_measuring_is_not_waited_for_and_done_when_the_run_goes_on(scenes, tmp_path):
    options = OPTIONS | {"validate_every": 3}
    impatient = Altered(scenes, 2, interrupted)
    with pytest.raises(Interrupted, match="at step 3 of 9: saved"):
        train(toy(), scenes, validation=impatient, out=tmp_path, **options)
    assert step_of(tmp_path) == 3
    result = train(toy(), scenes, validation=scenes, out=tmp_path, resume=True, **options)
    expected = train(toy(), scenes, validation=scenes, **options)
    assert repr(result.metrics) == repr(expected.metrics)
    assert [row["step"] for row in result.metrics] == [3, 6, 9]


def test_where_nothing_is_kept_it_is_obeyed_at_once(scenes):
    with pytest.raises(KeyboardInterrupt) as caught:
        train(toy(), scenes, on_step=send(signal.SIGINT, 6), **OPTIONS)
    assert not isinstance(caught.value, Interrupted)


def test_it_is_saved_by_the_clock_too(scenes, tmp_path):
    """A step takes 20 ms; every 100 ms there is a checkpoint, long before the hundredth step."""
    saved = []

    def look(row):
        time.sleep(0.02)
        saved.append((tmp_path / "checkpoint.safetensors").exists() and step_of(tmp_path))

    train(toy(), scenes, steps=20, batch_size=2, save_seconds=0.1, out=tmp_path, on_step=look)
    assert not saved[0] and 2 <= len(set(saved) - {False}) <= 19
    with pytest.raises(ValueError, match="save_seconds must be above 0, got 0"):
        train(toy(), scenes, save_seconds=0, **OPTIONS)


def test_a_run_of_seconds_is_saved_while_its_steps_are_a_guess(scenes, tmp_path):
    """A resumed run keeps the guess, and settles it by the time of all its steps."""
    options = {"seconds": 3.0, "batch_size": 2, "warm_up": 0.5, "out": tmp_path}

    def slow(row):
        time.sleep(0.002)
        if row["step"] == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted):
        train(toy(), scenes, on_step=slow, **options)
    guess = Schedule(**kept(tmp_path)["schedule"])
    assert step_of(tmp_path) == 5 and not guess.settled and guess.warm_up > 5
    result = train(toy(), scenes, resume=True, **options)
    at_peak = result.losses[guess.warm_up - 1]["learning_rate"]
    assert at_peak == max(row["learning_rate"] for row in result.losses) == pytest.approx(3e-3)
    assert 2.0 < result.seconds < 4.5 and result.steps == len(result.losses)
    again = train(toy(), scenes, resume=True, **options)
    assert again.steps == result.steps


def test_any_command_can_be_interrupted(monkeypatch, capsys):
    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run", interrupted)
    assert main(["train", "mask-rcnn", "--out", "x"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_command_says_so_in_two_lines(number, status, tmp_path):
    """The signal goes to all processes of the terminal, those that read images ahead too."""
    out = tmp_path / "run"
    line = [sys.executable, "-m", "minseg", "train", "mask-rcnn", "--data", "scenes:4"]
    line += ["--validation", "scenes:1", "--steps", "500", "--batch-size", "1"]
    line += ["--no-bf16", "--save-every", "2", "--workers", "2", "--out", str(out)]
    process = subprocess.Popen(
        line,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + 120
    while not (out / "checkpoint.safetensors").exists():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    os.killpg(process.pid, number)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == status and said == ""
    where, how = errors.splitlines()
    assert where.startswith("interrupted at step ") and where.endswith(f"saved in {out}")
    assert how == "to go on, give the same line with --resume"

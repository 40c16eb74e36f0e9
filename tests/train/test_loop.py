"""The loop: it learns, it is a function of its seed, and an interruption leaves no trace."""

import csv
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from helpers.shared_run import tiny_mask_rcnn
from helpers.stops import Altered, Stopped, stop_at
from helpers.toy_model import Toy, toy
from safetensors.torch import load_file

from minseg.bf16 import Choice
from minseg.data import SceneDataset
from minseg.files import draft_of
from minseg.instances import Instances
from minseg.tensor_file import read_tensors
from minseg.train import Example, InMemory, load_model, step, train


@pytest.fixture(scope="module")
def scenes():
    return list(InMemory(SceneDataset("train", size=32, length=20)))


def bits(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def untimed(rows):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def same_numbers(a, b):
    """NaN, what is undefined, equals NaN here."""
    return repr(a) == repr(b)


def test_it_learns(scenes):
    result = train(toy(), scenes[:1], steps=60, learning_rate=0.1, augmentation=None)
    assert result.losses[-1]["pixels"] < 0.75 * result.losses[0]["pixels"]
    assert [row["step"] for row in result.losses] == list(range(1, 61))
    assert result.steps == 60 and result.folder is None


def test_the_same_seed_the_same_bits(scenes):
    models = [toy(dropout=0.5) for _ in range(3)]
    for model, seed in zip(models, (0, 0, 1), strict=True):
        torch.manual_seed(seed + int(time.time()))  # what the caller has drawn before is no matter
        train(model, scenes, steps=5, seed=seed)
    assert equal(bits(models[0]), bits(models[1]))
    assert not equal(bits(models[0]), bits(models[2]))


def test_the_callers_random_state_is_left_alone(scenes):
    model = toy(dropout=0.5)
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    train(model, scenes, steps=2, validation=scenes)
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize("stop", [3, 10, 13, 24])
def test_a_resumed_run_ends_with_the_same_bits(stop, scenes, tmp_path):
    options = {"steps": 24, "save_every": 5, "validation": scenes, "validate_every": 7}
    whole = toy(dropout=0.5)
    expected = train(whole, scenes, out=tmp_path / "whole", **options)

    with pytest.raises(Stopped):
        train(toy(dropout=0.5), scenes, out=tmp_path / "halves", on_step=stop_at(stop), **options)
    other = Toy(dropout=0.5)  # other weights: all must come from the checkpoint
    if stop < 5:
        other = toy(dropout=0.5)  # there is none yet
    result = train(other, scenes, out=tmp_path / "halves", resume=True, **options)
    assert equal(bits(other), bits(whole))
    assert untimed(result.losses) == untimed(expected.losses)
    assert same_numbers(result.metrics, expected.metrics)
    assert [row["step"] for row in result.metrics] == [7, 14, 21, 24]
    names = "checkpoint.safetensors", "model.safetensors"
    for name in names:
        halves, whole_file = (stored(tmp_path / run / name) for run in ("halves", "whole"))
        assert equal(halves, whole_file)


def stored(file):
    """All tensors of a file but its tables: these hold seconds."""
    return {name: one for name, one in load_file(file).items() if not name.startswith("table.")}


KILLED = """
import sys, time
from helpers.toy_model import toy
from minseg.data import SceneDataset
from minseg.train import InMemory, train
scenes = InMemory(SceneDataset("train", size=32, length=20))
slow = lambda row: time.sleep(0.02)
train(toy(dropout=0.5), scenes, steps=30, save_every=4, out=sys.argv[1], on_step=slow)
"""


def test_kill_nine_loses_the_steps_since_the_last_checkpoint_and_nothing_else(scenes, tmp_path):
    folder = tmp_path / "killed"
    paths = os.pathsep.join([str(Path(__file__).parents[1]), str(Path(__file__).parents[2])])
    environment = {**os.environ, "PYTHONPATH": paths}
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], env=environment)
    wait_for(lambda: rows_of(folder / "losses.csv") >= 10, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with suppress(KeyError), draft_of(folder / "checkpoint.safetensors") as draft:
        raise KeyError  # only its name is wanted
    left = draft.with_name(draft.name.replace(f"-{os.getpid()}-", f"-{process.pid}-"))
    left.write_text("as if it had been killed while saving")
    reached = rows_of(folder / "losses.csv")
    assert 10 <= reached < 30 and not (folder / "model.safetensors").exists()
    resumed_at = []
    options = {"steps": 30, "save_every": 4}
    model, whole = Toy(dropout=0.5), toy(dropout=0.5)
    result = train(
        model,
        scenes,
        out=folder,
        resume=True,
        on_step=lambda row: resumed_at.append(row["step"]),
        **options,
    )
    assert resumed_at[0] - 1 in (reached // 4 * 4, reached // 4 * 4 - 4)  # killed while saving
    expected = train(whole, scenes, **options)
    assert equal(bits(model), bits(whole)) and untimed(result.losses) == untimed(expected.losses)
    assert not list(folder.glob(".*"))


def rows_of(file):
    if not file.exists():
        return 0
    return len(list(csv.DictReader(file.open(newline=""))))


def wait_for(condition, process, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.01)


def test_files(scenes, tmp_path):
    model = toy()
    result = train(model, scenes, steps=3, validation=scenes, out=tmp_path / "runs" / "a")
    assert result.folder == tmp_path / "runs" / "a"
    names = {"checkpoint.safetensors", "model.safetensors", "losses.csv", "validation.csv"}
    assert {file.name for file in result.folder.iterdir()} == names | {"run.lock"}
    rows = list(csv.DictReader((result.folder / "losses.csv").open(newline="")))
    assert [{k: float(v) for k, v in row.items()} for row in rows] == result.losses
    assert equal(bits(load_model(result.folder / "model.safetensors", Toy)), bits(model))
    ap = float(next(csv.DictReader((result.folder / "validation.csv").open(newline="")))["ap"])
    assert ap == result.metrics[0]["ap"]


def test_a_finished_run_is_only_read(scenes, tmp_path):
    first = train(toy(), scenes, steps=3, validation=scenes, out=tmp_path)
    again = train(toy(), scenes, steps=3, validation=scenes, out=tmp_path, resume=True)
    assert again.losses == first.losses and same_numbers(again.metrics, first.metrics)


def test_a_torn_last_line_is_dropped(scenes, tmp_path):
    with pytest.raises(Stopped):
        train(toy(), scenes, steps=8, save_every=4, out=tmp_path, on_step=stop_at(6))
    with (tmp_path / "losses.csv").open("a") as stream:
        stream.write("7,0.1,")
    result = train(Toy(), scenes, steps=8, save_every=4, out=tmp_path, resume=True)
    assert [row["step"] for row in result.losses] == list(range(1, 9))


def test_weights_decay_only_where_they_are_matrices(scenes):
    """With a rate of the decay alone (no gradient reaches them), matrices shrink, vectors stay."""
    model = toy()
    model.matrix = torch.nn.Parameter(torch.ones(2, 2))
    model.vector = torch.nn.Parameter(torch.ones(2))
    plain = model.losses
    model.losses = lambda *a, **k: (
        plain(*a, **k) | {"none": 0 * (model.matrix.sum() + model.vector.sum())}
    )
    train(model, scenes, steps=2, learning_rate=0.1, weight_decay=0.5, warm_up=0)
    assert torch.allclose(model.matrix, torch.tensor(0.95 * 0.975)) and torch.all(model.vector == 1)


def test_clipping_bounds_the_first_step_through_the_moments(scenes, tmp_path):
    model = toy()
    result = train(model, scenes, steps=1, clip=1e-3, out=tmp_path)
    assert result.losses[0]["gradient"] > 1e-3  # the norm before clipping
    moments = load_file(tmp_path / "checkpoint.safetensors")
    adamw = [10 * t.flatten() for name, t in moments.items() if name.endswith(".exp_avg")]
    muon = [t.flatten() for name, t in moments.items() if name.endswith(".momentum")]
    assert torch.cat(adamw + muon).norm() == pytest.approx(1e-3, rel=1e-3)  # (1 - β₁) g, and g


def poisoned(scene):
    """Its image is not a number."""
    return Example(scene.image * float("nan"), scene.instances)


def test_a_loss_that_is_no_number_names_step_images_and_checkpoint(scenes, tmp_path):
    model, data = toy(), Altered(scenes, 7, poisoned)
    with pytest.raises(FloatingPointError) as caught:
        train(model, data, steps=20, batch_size=1, save_every=2, out=tmp_path)
    said = str(caught.value)
    step = int(said.split(":")[0].removeprefix("step "))
    assert "its images are [7]" in said and "pixels nan" in said
    assert f"last checkpoint is of step {(step - 1) // 2 * 2}, {tmp_path}" in said
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    stepper_free = load_file(tmp_path / "checkpoint.safetensors")
    assert all(tensor.isfinite().all() for tensor in stepper_free.values())


def test_a_loss_that_is_no_number_before_any_checkpoint(scenes):
    with pytest.raises(FloatingPointError, match="there is no checkpoint"):
        train(toy(), Altered(scenes, 7, poisoned), steps=20)


class Crowded:
    """One thing, one crowd, one thing without a pixel."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        masks = torch.zeros(3, 32, 32, dtype=torch.bool)
        masks[:2, :8, :8] = True
        crowd = torch.tensor([False, True, False])
        return Example(
            torch.zeros(3, 32, 32), Instances(masks, torch.tensor([1, 2, 3]), crowd=crowd)
        )


def test_crowds_and_empty_masks_are_not_learnt():
    model, seen = toy(), []
    plain = model.losses
    model.losses = lambda i, t, seeds: seen.extend(t) or plain(i, t, seeds=seeds)
    train(model, Crowded(), steps=1, batch_size=2)
    assert [one.labels.tolist() for one in seen] == [[1], [1]]


def test_images_of_several_sizes_come_as_a_list():
    class Sizes:
        def __len__(self):
            return 2

        def __getitem__(self, index):
            side = 32 + 8 * index
            mask = torch.ones(1, side, 32, dtype=torch.bool)
            return Example(torch.zeros(3, side, 32), Instances(mask, torch.tensor([1])))

    model, seen = toy(), []
    plain = model.losses
    model.losses = lambda i, t, seeds: seen.append(type(i)) or plain(i, t, seeds=seeds)
    train(model, Sizes(), steps=1, batch_size=2, validation=Sizes(), augmentation=None)
    assert seen == [list]


def test_workers_change_nothing(scenes):
    models = [toy(), toy()]
    for model, workers in zip(models, (0, 1), strict=True):
        train(model, scenes, steps=3, workers=workers)
    assert equal(bits(models[0]), bits(models[1]))


def test_seconds_become_steps_that_are_kept(scenes, tmp_path):
    """The pace falls to a quarter after the guess; the number of steps is mended in time."""
    model, calls = toy(), []
    plain = model.losses

    def slower(images, targets, *, seeds):
        calls.append(None)
        time.sleep(0.005 if len(calls) <= 6 else 0.02)
        return plain(images, targets, seeds=seeds)

    model.losses = slower
    result = train(model, scenes, seconds=1.5, batch_size=1, out=tmp_path, save_every=1)
    assert result.steps == len(result.losses)
    assert 1.0 < result.seconds < 2.2
    assert result.losses[-1]["learning_rate"] < 0.003 * 0.01
    again = train(toy(), scenes, seconds=1.5, batch_size=1, out=tmp_path, resume=True)
    assert again.steps == result.steps


def test_checkpointing_is_for_models_that_offer_it(scenes):
    with pytest.raises(ValueError, match="checkpointing must be False: Toy does not offer it"):
        train(toy(), scenes, steps=1, checkpointing=True)
    model = toy()
    model.checkpointing = False
    train(model, scenes, steps=1, checkpointing=True)
    assert model.checkpointing is True


def test_bf16_is_near(scenes):
    exact, rough = (train(toy(), scenes, steps=3, bf16=on).losses for on in (False, True))
    assert exact[-1]["loss"] != rough[-1]["loss"]
    assert exact[-1]["loss"] == pytest.approx(rough[-1]["loss"], rel=0.02)


def stored_bf16(folder):
    return read_tensors(folder / "checkpoint.safetensors")[1]["progress"]["settings"]["bf16"]


@pytest.mark.parametrize("on", [True, False])
def test_what_auto_chose_is_kept_and_gone_on_with(on, scenes, tmp_path, monkeypatch, capsys):
    """Also on another machine, which would have chosen otherwise."""
    monkeypatch.setattr(step, "choose", lambda wanted, device: Choice(on, "bf16: chosen"))
    options = {"steps": 2, "save_every": 1, "out": tmp_path, "bf16": "auto"}
    with pytest.raises(Stopped):
        train(toy(), scenes, on_step=stop_at(2), **options)
    assert stored_bf16(tmp_path) is on
    assert capsys.readouterr().err.startswith("note: bf16: chosen\n")
    monkeypatch.setattr(step, "choose", lambda wanted, device: Choice(not on, "bf16: otherwise"))
    train(toy(), scenes, resume=True, **options)
    assert stored_bf16(tmp_path) is on and "bf16" not in capsys.readouterr().err


def test_that_bf16_is_slower_here_is_told_once(scenes, monkeypatch, capsys):
    monkeypatch.setattr(step, "choose", lambda wanted, device: Choice(True, "bf16 is slower"))
    for _ in range(2):
        train(toy(), scenes, steps=1, bf16=True)
    assert capsys.readouterr().err.count("note: bf16 is slower\n") == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "give one of steps and seconds, got steps=None, seconds=None"),
        ({"steps": 1, "seconds": 1}, "give one of steps and seconds, got steps=1, seconds=1"),
        ({"steps": 0}, "steps must be 1 or more, got 0"),
        ({"seconds": -1.0}, "seconds must be above 0, got -1.0"),
        ({"seconds": float("nan")}, "seconds must be above 0, got nan"),
        ({"steps": 1, "batch_size": 0}, "batch_size must be 1 or more, got 0"),
        ({"steps": 1, "learning_rate": 0.0}, "learning_rate must be above 0, got 0.0"),
        ({"steps": 1, "clip": float("nan")}, "clip must be above 0, got nan"),
        ({"steps": 1, "weight_decay": -0.1}, "weight_decay must be 0 or more, got -0.1"),
        ({"steps": 1, "bf16": "on"}, "bf16 must be True, False or "),
        ({"steps": 1, "warm_up": 1.0}, "warm_up must be a share of the steps, .* got 1.0"),
        ({"steps": 1, "seed": -1}, "seed must not be negative, got -1"),
        ({"steps": 1, "save_every": 0}, "save_every must be 1 step or more, got 0"),
        ({"steps": 1, "validate_every": 0}, "validate_every must be 1 step or more, got 0"),
        ({"steps": 1, "resume": True}, "resume needs out"),
    ],
)
def test_says_what_it_needs(options, words, scenes):
    with pytest.raises(ValueError, match=words):
        train(toy(), scenes, **options)


def test_no_images_no_training():
    with pytest.raises(ValueError, match="dataset must hold at least one image, got 0"):
        train(toy(), [], steps=1)


def test_a_run_is_not_overwritten_and_not_mixed_with_another(scenes, tmp_path):
    train(toy(), scenes, steps=2, out=tmp_path)
    with pytest.raises(ValueError, match="holds a run already: resume=True goes on with it"):
        train(toy(), scenes, steps=2, out=tmp_path)
    with pytest.raises(ValueError, match="the run was begun with seed=0, now it is 1"):
        train(toy(), scenes, steps=2, seed=1, out=tmp_path, resume=True)
    with pytest.raises(ValueError, match="the run was begun with images=20, now it is 1"):
        train(toy(), Crowded(), steps=2, out=tmp_path, resume=True)


def test_mask_rcnn_resumes_with_the_same_bits(tmp_path):
    """The model of the course, its sampling and its sparse gradients included."""
    scenes = list(InMemory(SceneDataset("train", size=64, length=6)))
    options = {"steps": 6, "batch_size": 2, "save_every": 3}
    whole, other = tiny_mask_rcnn(), tiny_mask_rcnn()
    expected = train(whole, scenes, **options)
    with pytest.raises(Stopped):
        train(tiny_mask_rcnn(), scenes, out=tmp_path, on_step=stop_at(5), **options)
    result = train(other, scenes, out=tmp_path, resume=True, **options)
    assert equal(bits(other), bits(whole)) and untimed(result.losses) == untimed(expected.losses)
    assert equal(bits(load_model(tmp_path / "model.safetensors")), bits(whole))


def test_every_epoch_sees_another_view_and_other_seeds(scenes):
    model, views, all_seeds = toy(), [], []
    plain = model.losses

    def watched(images, targets, *, seeds):
        views.extend(image.numpy().tobytes() for image in images)
        all_seeds.extend(seeds)
        return plain(images, targets, seeds=seeds)

    model.losses = watched
    train(model, scenes[:1], steps=4, batch_size=4)
    assert len(set(all_seeds)) == 16 and len(set(views)) > 10

"""The folder of a run, altered in every way we could think of: mended and said, or refused."""

import re
import shutil

import pytest
import torch
from helpers.stops import Stopped, stop_at
from helpers.toy_model import Toy, toy

from minseg.data import SceneDataset
from minseg.tensor_file import read_tensors, write_tensors
from minseg.train import InMemory, save_model, train

OPTIONS = {"steps": 8, "batch_size": 2, "save_every": 4, "validate_every": 2}


def scenes_of(split):
    return list(InMemory(SceneDataset(split, size=32, length=4)))


@pytest.fixture(scope="module")
def data():
    return scenes_of("train")


def begun(folder, data, stop=7, **changes):
    """A run whose process has ended in step 7, or 5; its checkpoint is of the step before."""
    options = OPTIONS | {"validation": data} | changes
    if stop is None:
        return train(toy(), data, out=folder, **options)
    with pytest.raises(Stopped):
        train(toy(), data, out=folder, on_step=stop_at(stop), **options)
    edit(LOSSES, rows(lambda r: r[:-1]))(folder, None)  # as if it had not got so far
    return None


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    """A run that was interrupted, an older state of it, one that was not, and two others."""
    root = tmp_path_factory.mktemp("runs")
    begun(root / "run", data)
    begun(root / "older", data, stop=5)
    whole = begun(root / "whole", data, stop=None)
    begun(root / "other", data, seed=1)
    begun(root / "other data", scenes_of("val"))
    return root, whole


def edit(name, change):
    def alter(run, root):
        file = run / name
        file.write_bytes(change(file.read_bytes()))

    return alter


def rows(change):
    """A change of a file's lines."""
    return lambda content: b"".join(change(content.splitlines(keepends=True)))


def taken_from(other, name, target=None):
    return lambda run, root: shutil.copy(root / other / name, run / (target or name))


def removed(name):
    return lambda run, root: (run / name).unlink()


def another_model(run, root):
    save_model(Toy(), run / "model.safetensors")


def two_changes(run, root):
    removed("losses.csv")(run, root)
    taken_from("other", "validation.csv")(run, root)


LOSSES, METRICS, CHECKPOINT = "losses.csv", "validation.csv", "checkpoint.safetensors"
MENDED = {
    "losses cut in two": edit(LOSSES, lambda c: c[: len(c) // 2]),
    "losses cut within a number": edit(LOSSES, rows(lambda r: [*r[:4], r[4][:-9]])),
    "losses without a row": edit(LOSSES, rows(lambda r: r[:3] + r[4:])),
    "losses with a row twice": edit(LOSSES, rows(lambda r: r[:4] + r[3:])),
    "losses in another order": edit(LOSSES, rows(lambda r: [*r[:2], r[3], r[2], *r[4:]])),
    "losses with another number": edit(LOSSES, lambda c: c.replace(b"\r\n3,0", b"\r\n3,1")),
    "losses with other names": edit(LOSSES, lambda c: c.replace(b"pixels", b"things")),
    "losses with other line ends": edit(LOSSES, lambda c: c.replace(b"\r\n", b"\n")),
    "losses with bytes within": edit(LOSSES, lambda c: c[:90] + b"\0\xff" + c[90:]),
    "losses with a row that no checkpoint knows": edit(LOSSES, lambda c: c + b"7,0.1,0.2\r\n"),
    "losses with a tail that is no text": edit(LOSSES, lambda c: c + b"\xff\xfe\0\x80" * 9),
    "losses emptied": edit(LOSSES, lambda c: b""),
    "losses removed": removed(LOSSES),
    "losses of another run": taken_from("other", LOSSES),
    "metrics with another number": edit(METRICS, lambda c: c.replace(b"\r\n2,", b"\r\n2,9")),
    "metrics cut": edit(METRICS, lambda c: c[:-3]),
    "metrics with a row more": edit(METRICS, rows(lambda r: [*r, r[-1].replace(b"6,", b"8,", 1)])),
    "metrics removed": removed(METRICS),
    "metrics of another run": taken_from("other data", METRICS),
    "both tables": two_changes,
    "a model of another run": another_model,
    "an older checkpoint": taken_from("older", CHECKPOINT),
    "no checkpoint": removed(CHECKPOINT),
}
REFUSED = {
    "a checkpoint with other settings": taken_from("other", CHECKPOINT),
    "a checkpoint with other data": taken_from("other data", CHECKPOINT),
    "a model for a checkpoint": taken_from("whole", "model.safetensors", CHECKPOINT),
    "a checkpoint with a flipped bit": edit(CHECKPOINT, lambda c: c[:-5] + b"\x55" + c[-4:]),
    "a checkpoint cut": edit(CHECKPOINT, lambda c: c[:-1]),
    "a model and no checkpoint": lambda run, root: (
        another_model(run, root),
        removed(CHECKPOINT)(run, root),
    ),
}


def untimed(table):
    return repr([{k: v for k, v in row.items() if k != "seconds"} for row in table])


def on_disk(folder):
    """The tables as they lie there, without the seconds."""
    losses = (folder / LOSSES).read_text()
    return re.sub(r"(?m)^(\d+),[^,]*", r"\1", losses), (folder / METRICS).read_text()


def same_model(*folders):
    """To the bit; the order of names in a header is not the same every time."""
    (one, said), (two, also) = (read_tensors(f / "model.safetensors") for f in folders)
    return (
        said == also and one.keys() == two.keys() and all(torch.equal(one[n], two[n]) for n in one)
    )


@pytest.mark.parametrize("name", MENDED)
def test_what_was_altered_is_said_and_mended(name, runs, data, tmp_path, capsys):
    root, whole = runs
    shutil.copytree(root / "run", tmp_path / "run")
    MENDED[name](tmp_path / "run", root)
    capsys.readouterr()
    model = toy()
    result = train(model, data, out=tmp_path / "run", resume=True, validation=data, **OPTIONS)
    notes = [s for s in capsys.readouterr().err.splitlines() if s.startswith("note: ")]
    assert any(word in "".join(notes) for word in (LOSSES, METRICS, "model.safetensors"))
    assert len(notes) <= 2 and all(str(tmp_path / "run") in note for note in notes)
    assert untimed(result.losses) == untimed(whole.losses)
    assert repr(result.metrics) == repr(whole.metrics)
    assert on_disk(tmp_path / "run") == on_disk(root / "whole")
    assert same_model(tmp_path / "run", root / "whole")


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_run_can_go_on_from_is_refused(name, runs, data, tmp_path):
    root, _ = runs
    run = tmp_path / "run"
    shutil.copytree(root / "run", run)
    REFUSED[name](run, root)
    before = {file.name: file.read_bytes() for file in run.iterdir()}
    with pytest.raises(ValueError, match=re.escape(str(run))) as caught:
        train(toy(), data, out=run, resume=True, validation=data, **OPTIONS)
    assert str(caught.value).isprintable()
    assert {file.name: file.read_bytes() for file in run.iterdir()} == before


def test_there_are_as_many_as_in_the_attack():
    assert len(MENDED) + len(REFUSED) >= 17


def test_an_undisturbed_run_goes_on_without_a_word(runs, data, tmp_path, capsys):
    root, _ = runs
    shutil.copytree(root / "run", tmp_path / "run")
    for _ in range(2):
        train(toy(), data, out=tmp_path / "run", resume=True, validation=data, **OPTIONS)
    assert "note: " not in capsys.readouterr().err


@pytest.mark.parametrize("there", [True, False])
def test_the_model_of_a_finished_run_is_made_again(there, runs, data, tmp_path, capsys):
    root, _ = runs
    file = tmp_path / "run" / "model.safetensors"
    shutil.copytree(root / "whole", tmp_path / "run")
    file.unlink()
    if there:
        another_model(tmp_path / "run", root)
    train(Toy(), data, out=tmp_path / "run", resume=True, validation=data, **OPTIONS)
    said = "is not what this run has learnt" if there else "is missing: made from the checkpoint"
    assert said in capsys.readouterr().err
    assert same_model(tmp_path / "run", root / "whole")


def test_a_checkpoint_of_version_0_1_goes_on(runs, data, tmp_path, capsys):
    """It has neither tables nor a fingerprint of its data."""
    root, whole = runs
    shutil.copytree(root / "run", tmp_path / "run")
    file = tmp_path / "run" / CHECKPOINT
    tensors, about = read_tensors(file)
    del about["tables"], about["progress"]["settings"]["data"]
    write_tensors(file, {n: t for n, t in tensors.items() if not n.startswith("table.")}, about)
    result = train(toy(), data, out=tmp_path / "run", resume=True, validation=data, **OPTIONS)
    said = capsys.readouterr().err
    assert "does not tell its data" in said and "of an older version, without tables" in said
    assert untimed(result.losses) == untimed(whole.losses)
    assert repr(result.metrics) == repr(whole.metrics)


def test_a_model_that_stands_alone_is_not_written_over(data, tmp_path):
    save_model(toy(), tmp_path / "model.safetensors")
    before = (tmp_path / "model.safetensors").read_bytes()
    with pytest.raises(
        ValueError, match=r"holds model\.safetensors and no checkpoint to go on with"
    ):
        train(toy(), data, out=tmp_path, **OPTIONS)
    assert (tmp_path / "model.safetensors").read_bytes() == before


def test_other_data_of_as_many_images_are_refused(runs, tmp_path):
    root, _ = runs
    shutil.copytree(root / "run", tmp_path / "run")
    data = scenes_of("train")
    data[2].image[0, 0, 0] += 0.5  # one number of one image
    with pytest.raises(ValueError, match="the run was begun with other data; go on as it was"):
        train(toy(), data, out=tmp_path / "run", resume=True, **OPTIONS)
    assert torch.equal(data[0].image, scenes_of("train")[0].image)

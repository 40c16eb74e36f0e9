"""Checkpoints: whole or not there, believed only if undamaged and of the same model."""

import json
import os
import resource
import struct

import pytest
import torch
from helpers.toy_model import Toy, toy
from safetensors.torch import save_file
from torch import nn

from minseg.tensor_file import read_tensors, write_tensors
from minseg.train import load_model, save_model
from minseg.train.checkpoint import load_checkpoint, save_checkpoint
from minseg.train.step import make_optimisers


def trained():
    """A model and its optimisers after one step."""
    model = toy()
    optimisers = make_optimisers(model, 0.01)
    model(torch.rand(1, 3, 8, 8)).sum().backward()
    for optimiser in optimisers:
        optimiser.step()
    return model, optimisers


def moments(optimisers):
    """What all optimisers remember, by parameter."""
    return {parameter: state for one in optimisers for parameter, state in one.state.items()}


def same_state(a, b):
    return all(
        torch.equal(x, y)
        for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


def test_round_trip_of_every_kind_of_tensor(tmp_path):
    """Views, shared memory, other memory orders, no numbers at all, a single number."""
    base = torch.arange(24.0).reshape(2, 3, 4)
    tensors = {
        "whole": base,
        "same": base,
        "view": base[:, 1],
        "transposed": base.transpose(0, 2),
        "none": torch.zeros(0, 3),
        "one": torch.tensor(7),
        "flags": torch.tensor([True, False]),
        "half": torch.tensor([0.1]).bfloat16(),
        "parameter": nn.Parameter(torch.ones(2)),
    }
    about = {"π": [1, 2.5, None], "text": 'a "quote"\n'}
    write_tensors(tmp_path / "a", tensors, about)
    stored, said = read_tensors(tmp_path / "a")
    assert said == about and stored.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert stored[name].dtype == tensor.dtype and torch.equal(stored[name], tensor), name
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_a_bit_anywhere_is_noticed(tmp_path):
    file = tmp_path / "a"
    write_tensors(file, {"x": torch.arange(5.0), "y": torch.ones(3).long()}, {"step": 12})
    content = file.read_bytes()
    header = struct.unpack("<Q", content[:8])[0]
    for at in range(0, len(content)):
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        try:
            stored, about = read_tensors(file)
        except ValueError as error:
            assert str(file) in str(error)
        else:  # only the padding between header and numbers, and what JSON takes for the same
            assert at < 8 + header and about == {"step": 12}
            assert torch.equal(stored["x"], torch.arange(5.0)) and torch.equal(
                stored["y"], torch.ones(3)
            )


def test_a_missing_end_is_noticed(tmp_path):
    file = tmp_path / "a"
    write_tensors(file, {"x": torch.arange(5.0)}, {})
    content = file.read_bytes()
    for length in (0, 1, 7, 8, 20, len(content) - 20, len(content) - 1):
        file.write_bytes(content[:length])
        with pytest.raises(ValueError, match=f"{file}: damaged"):
            read_tensors(file)


def test_pickles_and_other_files_are_refused(tmp_path):
    torch.save({"x": torch.ones(2)}, tmp_path / "pickle")
    with pytest.raises(ValueError, match="damaged, or not a checkpoint"):
        load_model(tmp_path / "pickle", Toy)
    save_file({"x": torch.ones(2)}, tmp_path / "other")
    with pytest.raises(ValueError, match="not written by minseg"):
        load_model(tmp_path / "other", Toy)
    write_tensors(tmp_path / "empty", {}, {"kind": "soup"})
    with pytest.raises(ValueError, match="holds neither a model nor a run"):
        load_model(tmp_path / "empty", Toy)
    with pytest.raises(FileNotFoundError, match="nothing: no such file"):
        load_model(tmp_path / "nothing", Toy)


def test_a_full_disk_leaves_the_old_file(tmp_path):
    """The system refuses to write beyond a limit, in the middle of the file."""
    file = tmp_path / "a"
    write_tensors(file, {"x": torch.ones(2)}, {"step": 1})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(OSError, match=r"could not be written .* untouched") as caught:
            write_tensors(file, {"x": torch.ones(9999)}, {"step": 2})
        with pytest.raises(OSError, match=r"could not be written .* nothing is there"):
            write_tensors(tmp_path / "b", {"x": torch.ones(9999)}, {"step": 2})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(file) in str(caught.value)
    assert read_tensors(file)[1] == {"step": 1}
    assert [one.name for one in tmp_path.iterdir()] == ["a"], "no draft stays behind"


def test_a_full_disk_that_shows_late_is_called_by_its_name(tmp_path, monkeypatch):
    """Some file systems only say so when the numbers must reach the disk."""

    def full(handle):
        raise OSError(28, "No space left on device")

    file = tmp_path / "a"
    write_tensors(file, {"x": torch.ones(2)}, {"step": 1})
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"the disk is full.*untouched"):
        write_tensors(file, {"x": torch.ones(9999)}, {"step": 2})
    assert read_tensors(file)[1] == {"step": 1} and len(list(tmp_path.iterdir())) == 1


def test_model_and_moments_come_back(tmp_path):
    model, optimisers = trained()
    progress, rows = {"step": 1, "schedule": {"steps": 5}}, [{"step": 1, "loss": 0.1}]
    tables = {"losses.csv": rows, "validation.csv": []}
    save_checkpoint(tmp_path / "a", model, optimisers, progress, tables)
    other = Toy()
    again = make_optimisers(other, 0.01)
    assert load_checkpoint(tmp_path / "a", other, again) == (progress, tables)
    assert same_state(model, other)
    for one, two in zip(model.parameters(), other.parameters(), strict=True):
        was, now = moments(optimisers)[one], moments(again)[two]
        remembered = {"momentum"} if one.ndim > 1 else {"step", "exp_avg", "exp_avg_sq"}
        assert was.keys() == now.keys() == remembered
        assert all(torch.equal(was[key], now[key]) for key in was)


def test_a_model_file_makes_the_model(tmp_path):
    model = toy(width=6)
    save_model(model, tmp_path / "a")
    again = load_model(tmp_path / "a", Toy)
    assert again.options == {"width": 6, "dropout": 0.0} and same_state(model, again)
    assert not again.training


def test_half_precision_halves_the_file(tmp_path):
    model = toy(width=400)
    save_model(model, tmp_path / "full")
    save_model(model, tmp_path / "half", half=True)
    full, half = ((tmp_path / name).stat().st_size for name in ("full", "half"))
    assert half < 0.55 * full
    again = load_model(tmp_path / "half", Toy)
    for one, two in zip(model.parameters(), again.parameters(), strict=True):
        assert two.dtype == torch.float32
        torch.testing.assert_close(one, two, rtol=2**-11, atol=2**-24)
    model.last.weight.data[:] = 1e6
    with pytest.raises(ValueError, match=r"last.weight holds numbers beyond 65504"):
        save_model(model, tmp_path / "half", half=True)


def test_weights_of_a_checkpoint_make_a_model(tmp_path):
    model, optimisers = trained()
    save_checkpoint(tmp_path / "a", model, optimisers, {})
    assert same_state(load_model(tmp_path / "a", Toy), model)
    save_model(model, tmp_path / "b")
    with pytest.raises(ValueError, match="holds a model without the state of its training"):
        load_checkpoint(tmp_path / "b", model, optimisers)


class Other(Toy):
    """The same tensors, another class."""


def shapeless(change):
    model = toy()
    change(model)
    return model


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (toy(width=6), "made with width=4, not 6"),
        (Other(), "is of a Toy, not of a Other"),
        (
            shapeless(lambda m: setattr(m, "more", nn.Linear(1, 1))),
            "more.bias is missing in the file",
        ),
        (shapeless(lambda m: delattr(m, "norm")), "norm.bias is missing in the model"),
        (
            shapeless(lambda m: setattr(m, "last", nn.Conv2d(4, 2, 1))),
            r"last.weight is \(1, 4, 1, 1\), not \(2, 4, 1, 1\)",
        ),
    ],
)
def test_another_model_is_refused_and_left_alone(model, words, tmp_path):
    save_checkpoint(tmp_path / "a", *trained(), {})
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(ValueError, match=words):
        load_checkpoint(tmp_path / "a", model, make_optimisers(model, 0.01))
    assert all(torch.equal(before[name], t) for name, t in model.state_dict().items())


def test_a_file_chooses_among_our_models_only(tmp_path):
    """Names of anything else, also of what our modules happen to have, make nothing run."""
    for name in ("Toy", "FPN.__init__", "torch", "__builtins__", "os"):
        model = {"class": name, "options": {}}
        write_tensors(tmp_path / "a", {}, {"kind": "model", "model": model})
        with pytest.raises(ValueError, match="which is no model of minseg"):
            load_model(tmp_path / "a")


def test_options_that_do_not_fit_are_an_error_of_the_file(tmp_path):
    for options in ({"size": 3}, {"width": 3}):  # unknown; not divisible by the groups
        model = {"class": "Toy", "options": options}
        write_tensors(tmp_path / "a", {}, {"kind": "model", "model": model})
        with pytest.raises(ValueError, match="a: Toy cannot be made from it"):
            load_model(tmp_path / "a", Toy)


def test_a_model_must_say_how_it_is_made(tmp_path):
    with pytest.raises(TypeError, match="Linear must keep its keyword arguments in `options`"):
        save_model(nn.Linear(1, 1), tmp_path / "a")


def test_what_is_written_is_open_to_other_tools(tmp_path):
    """The header is JSON by the format's definition, and says which model it is."""
    save_model(toy(), tmp_path / "a")
    content = (tmp_path / "a").read_bytes()
    header = json.loads(content[8 : 8 + struct.unpack("<Q", content[:8])[0]])
    assert json.loads(header["__metadata__"]["about"])["model"]["class"] == "Toy"
    assert header["model.last.weight"]["shape"] == [1, 4, 1, 1]

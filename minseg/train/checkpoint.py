"""Checkpoints: a model to use again, and a run to go on with.

A *model* file holds the weights and how to make the network they belong to: its class and the
keyword arguments it was made with, which every model keeps in `model.options`. Half precision is
enough to use a model: a weight is then off by at most one part in 2048.

A *checkpoint* of a run holds the weights in full, the moments of the optimisers, the tables of
losses and metrics so far, and as JSON the step, the schedule and the settings. Nothing else is
needed: the order of images and all seeds follow from the seed and the step (`sampling_order`).
Each is one file (`minseg.tensor_file`). Lesson 09.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from minseg.models.options import blueprint, checked_options, complete
from minseg.tensor_file import Stored, opened, write_tensors
from minseg.train.log import Row

MODEL, OPTIMISER, TABLE = "model.", "optimiser.", "table."  # how names of tensors begin


def save_model(model: nn.Module, path: str | Path, *, half: bool = False) -> None:
    """Write a model: weights, class and options.

    Args:
        model: with `options`, the keyword arguments that make it, of kinds that JSON has.
        path: the file; its folder must exist.
        half: store floating point numbers in 16 bits, which halves the file.

    Raises:
        TypeError: if the model has no `options`.
        ValueError: if a weight is too large for 16 bits.
        OSError: if the file cannot be written; an old one stays.
    """
    tensors = model_tensors(model)
    if half:
        tensors = {name: _halved(name, tensor) for name, tensor in tensors.items()}
    write_tensors(Path(path), tensors, {"kind": "model", "model": _description(model)})


def load_model(
    path: str | Path, kind: type[nn.Module] | None = None, *, device: str | torch.device = "cpu"
) -> nn.Module:
    """Make the model that a file describes, with its weights, ready to predict.

    Args:
        path: of a model, or of a checkpoint of a run, whose weights are taken. It may be older
            than the class, and a stranger's: see `minseg.models.options`.
        kind: the class; left out, the one of `minseg.models` that the file names. A file cannot
            make anything else run.
        device: where to put it.

    Raises:
        FileNotFoundError, ValueError: if there is no such file, it is damaged, or it does not fit
            the class; before memory is taken for the model or its weights.
    """
    file = Path(path)
    with opened(file) as stored:
        described = _stored_description(stored)
        kind = _known_class(stored, described["class"]) if kind is None else kind
        _check_class(stored, kind, described)
        try:
            options = checked_options(kind, described["options"])
            plan = blueprint(kind, options, most=len(stored.shapes))
        except ValueError as error:
            stored.refuse(f"{kind.__name__} cannot be made from it: {error}")
        _check_shapes(stored, plan)
        tensors = stored.read()
    model = kind(**options)
    model.load_state_dict(_weights(tensors))
    return model.to(device).eval()


class Checkpoint(NamedTuple):
    """What a run keeps beside weights and moments."""

    progress: dict[str, Any]  # of kinds that JSON has
    tables: dict[str, list[Row]]  # by the names of their files


def save_checkpoint(
    path: str | Path,
    model: nn.Module,
    optimisers: Sequence[Optimizer],
    progress: Mapping[str, Any],
    tables: Mapping[str, Sequence[Row]] | None = None,
) -> None:
    """Write all that a run needs to go on.

    Args:
        path: the file; its folder must exist.
        model, optimisers: whose state is kept.
        progress: whatever else, of kinds that JSON has.
        tables: rows of numbers by a name, all rows of a table with the same keys.
    """
    tensors = model_tensors(model)
    for name, parameter in model.named_parameters():
        for optimiser in optimisers:
            for key, value in optimiser.state.get(parameter, {}).items():
                tensors[f"{OPTIMISER}{name}.{key}"] = value
    columns = {}
    for name, rows in (tables or {}).items():
        columns[name] = list(rows[0]) if rows else []
        numbers = [[row[column] for column in columns[name]] for row in rows]
        table = torch.tensor(numbers, dtype=torch.float64)
        tensors[TABLE + name] = table.reshape(len(rows), len(columns[name]))
    about = {"kind": "run", "model": _description(model), "progress": dict(progress)}
    write_tensors(Path(path), tensors, {**about, "tables": columns})


def load_checkpoint(
    path: str | Path, model: nn.Module, optimisers: Sequence[Optimizer]
) -> Checkpoint:
    """Put weights and moments back where they were.

    Returns:
        Progress and tables, as they were given to `save_checkpoint`; no tables if there were none.

    Raises:
        FileNotFoundError, ValueError: if there is no such file, it is damaged, of another model,
            or not of a run. Model and optimisers are as before then.
    """
    with opened(Path(path)) as stored:
        described = _stored_description(stored)
        if stored.about["kind"] != "run":
            stored.refuse("holds a model without the state of its training")
        _check_class(stored, type(model), described)
        _check_same_options(stored, model, described["options"])
        _check_shapes(stored, model.state_dict())
        places = _moments(stored, model, optimisers)
        columns = _columns(stored)
        tensors = stored.read()
    model.load_state_dict(_weights(tensors))
    for optimiser in optimisers:
        optimiser.state.clear()
    for name, (optimiser, parameter, key) in places.items():
        optimiser.state[parameter][key] = tensors[name].to(parameter.device)
    tables = {name: _rows(names, tensors[TABLE + name]) for name, names in columns.items()}
    return Checkpoint(stored.about["progress"], tables)


def model_tensors(model: nn.Module) -> dict[str, Tensor]:
    """The weights of a model by their names in a file."""
    return {MODEL + name: tensor for name, tensor in model.state_dict().items()}


def _halved(name: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    if not torch.equal(half.isfinite(), tensor.isfinite()):
        raise ValueError(
            f"{name} holds numbers beyond 65504: half precision has none, leave it out"
        )
    return half


def _description(model: nn.Module) -> dict[str, Any]:
    options = getattr(model, "options", None)
    if not isinstance(options, dict):
        raise TypeError(
            f"{type(model).__name__} must keep its keyword arguments in `options`, "
            f"so that it can be made again"
        )
    return {"class": type(model).__name__, "options": json.loads(json.dumps(options))}


def _stored_description(stored: Stored) -> dict[str, Any]:
    """Class and options that a file names."""
    described = stored.about.get("model")
    if stored.about.get("kind") not in ("model", "run") or not isinstance(described, dict):
        stored.refuse("holds neither a model nor a run")
    if not isinstance(described.get("class"), str) or "options" not in described:
        stored.refuse("damaged: it does not say which class its model is of, with which options")
    if stored.about["kind"] == "run" and not isinstance(stored.about.get("progress"), dict):
        stored.refuse("damaged: a run that does not say where it stands")
    return described


def _known_class(stored: Stored, name: str) -> type[nn.Module]:
    import minseg.models

    found = getattr(minseg.models, name, None) if name in minseg.models.__all__ else None
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        stored.refuse(f"holds a {name}, which is no model of minseg: name its class")
    return found


def _check_class(stored: Stored, kind: type[nn.Module], described: Mapping[str, Any]) -> None:
    if kind.__name__ != described["class"]:
        stored.refuse(f"is of a {described['class']}, not of a {kind.__name__}")


def _check_same_options(stored: Stored, model: nn.Module, options: object) -> None:
    """A model that is there must be the one of the file."""
    if not isinstance(options, dict):
        stored.refuse("damaged: the options of its model are no object")
    have, was = _description(model)["options"], complete(type(model), options)
    for name in [*have, *(was.keys() - have.keys())]:
        if name not in have or was.get(name) != have[name]:
            now = have.get(name, "without it")
            stored.refuse(f"is of a model made with {name}={was.get(name)}, not {now}")


def _check_shapes(stored: Stored, own: Mapping[str, Tensor]) -> None:
    """Each tensor of the model is in the file, as large, and the file has no other."""
    there = {n.removeprefix(MODEL): s for n, s in stored.shapes.items() if n.startswith(MODEL)}
    if different := sorted(own.keys() ^ there.keys()):
        where = "the file" if different[0] in own else "the model"
        stored.refuse(f"is of another model: {different[0]} is missing in {where}")
    for name, tensor in own.items():
        if tuple(tensor.shape) != there[name]:
            stored.refuse(
                f"is of another model: {name} is {there[name]}, not {tuple(tensor.shape)}"
            )
        kind = stored.kinds[MODEL + name]
        if kind != tensor.dtype and not (kind.is_floating_point and tensor.is_floating_point()):
            stored.refuse(f"is of another model: {name} is {kind}, not {tensor.dtype}")


def _weights(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(MODEL): t for n, t in tensors.items() if n.startswith(MODEL)}


def _moments(
    stored: Stored, model: nn.Module, optimisers: Sequence[Optimizer]
) -> dict[str, tuple[Optimizer, nn.Parameter, str]]:
    """Where each number that an optimiser remembers belongs, by its name in the file."""
    owners = {p: one for one in optimisers for group in one.param_groups for p in group["params"]}
    parameters = {name: p for name, p in model.named_parameters() if p in owners}
    places = {}
    for full, shape in stored.shapes.items():
        if not full.startswith(OPTIMISER):
            continue
        name, _, key = full.removeprefix(OPTIMISER).rpartition(".")
        if name not in parameters or shape not in ((), tuple(parameters[name].shape)):
            stored.refuse(f"is of another run: {full}, {shape}, belongs to no parameter")
        places[full] = (owners[parameters[name]], parameters[name], key)
    return places


def _columns(stored: Stored) -> dict[str, list[str]]:
    """The names of each table's columns; checkpoints of version 0.1 have no tables."""
    columns = stored.about.get("tables", {})
    tables = {n.removeprefix(TABLE) for n in stored.shapes if n.startswith(TABLE)}
    if not isinstance(columns, dict) or columns.keys() != tables:
        stored.refuse("damaged: its tables are not those that it names")
    for name, names in columns.items():
        if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            stored.refuse(f"damaged: the columns of {name} are no list of names")
        shape = stored.shapes[TABLE + name]
        if len(shape) != 2 or (shape[0] and (shape[1] != len(names) or "step" not in names)):
            stored.refuse(f"damaged: {name} is {shape}, and its columns are {names}")
    return columns


def _rows(columns: Sequence[str], numbers: Tensor) -> list[Row]:
    """The rows of a table; a step is a whole number."""
    rows: list[Row] = [dict(zip(columns, row, strict=True)) for row in numbers.tolist()]
    return [{**row, "step": int(row["step"])} for row in rows]

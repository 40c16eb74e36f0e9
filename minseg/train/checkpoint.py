"""Checkpoints: all that a run needs to go on, in one file.

    weights in full      moments of the optimisers      tables of losses and metrics so far
    as JSON: the step, the schedule, the settings, and the class and options of the model

One file, because two could disagree (`minseg.tensor_file`). Nothing else is needed: the order of
images and all seeds follow from the seed and the step (`minseg.train.batches`). The weights stand
there as in a file of a model (`minseg.models.saved`), so that a checkpoint can be used as one.
Unit 45.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from minseg.models.options import complete
from minseg.models.saved import (
    check_class,
    check_shapes,
    description,
    named_weights,
    stored_description,
    weights_in,
)
from minseg.tensor_file import Stored, opened, write_tensors
from minseg.train.log import Row

OPTIMISER, TABLE = "optimiser.", "table."  # how names of tensors begin that are no weights


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
        tables: rows of numbers by a name, all rows of a table with the same columns.
    """
    tensors = named_weights(model)

    # moments: each by the name of its parameter, which outlives the order of parameters
    for name, parameter in model.named_parameters():
        for optimiser in optimisers:
            for key, value in optimiser.state.get(parameter, {}).items():
                tensors[f"{OPTIMISER}{name}.{key}"] = value

    # tables: names of columns as JSON, numbers as float64, which holds a step exactly
    columns = {}
    for name, rows in (tables or {}).items():
        columns[name] = list(rows[0]) if rows else []
        numbers = [[row[column] for column in columns[name]] for row in rows]
        table = torch.tensor(numbers, dtype=torch.float64)
        tensors[TABLE + name] = table.reshape(len(rows), len(columns[name]))  # (0, 0) too

    about = {"kind": "run", "model": description(model), "progress": dict(progress)}
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
        # everything is checked first, by names and shapes
        described = stored_description(stored)
        if stored.about["kind"] != "run":
            stored.refuse("holds a model without the state of its training")
        check_class(stored, type(model), described)
        _check_same_options(stored, model, described["options"])
        check_shapes(stored, model.state_dict())
        places = _moments(stored, model, optimisers)
        columns = _columns(stored)
        tensors = stored.read()

    tables = {name: _rows(names, tensors[TABLE + name]) for name, names in columns.items()}

    # only now are model and optimisers touched
    model.load_state_dict(weights_in(tensors))
    for optimiser in optimisers:
        optimiser.state.clear()
    for name, (optimiser, parameter, key) in places.items():
        optimiser.state[parameter][key] = tensors[name].to(parameter.device)
    return Checkpoint(stored.about["progress"], tables)


def _check_same_options(stored: Stored, model: nn.Module, options: object) -> None:
    """A model that is there must be the one of the file."""
    if not isinstance(options, dict):
        stored.refuse("damaged: the options of its model are no object")
    have, was = description(model)["options"], complete(type(model), options)
    for name in [*have, *(was.keys() - have.keys())]:
        if name not in have or was.get(name) != have[name]:
            now = have.get(name, "without it")
            stored.refuse(f"is of a model made with {name}={was.get(name)}, not {now}")


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

"""Checkpoints: a model to use again, and a run to go on with.

A *model* file holds the weights and how to make the network they belong to: its class and the
keyword arguments it was made with, which every model keeps in `model.options`. Half precision is
enough to use a model: a weight is then off by at most one part in 2048.

A *checkpoint* of a run holds the weights in full, the moments of the optimisers, and as JSON the
step, the schedule and the settings. Nothing else is needed: the order of images and all seeds
follow from the seed and the step (`minseg.train.order`). Each is one file
(`minseg.train.tensor_file`). Lesson 09.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from minseg.train.tensor_file import read_tensors, write_tensors

MODEL, OPTIMISER = "model.", "optimiser."  # how names of tensors begin


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
    tensors = {MODEL + name: tensor for name, tensor in model.state_dict().items()}
    if half:
        tensors = {name: _halved(name, tensor) for name, tensor in tensors.items()}
    write_tensors(Path(path), tensors, {"kind": "model", "model": _description(model)})


def load_model(
    path: str | Path, kind: type[nn.Module] | None = None, *, device: str | torch.device = "cpu"
) -> nn.Module:
    """Make the model that a file describes, with its weights, ready to predict.

    Args:
        path: of a model, or of a checkpoint of a run, whose weights are taken.
        kind: the class; left out, the one of `minseg.models` that the file names. A file cannot
            make anything else run.
        device: where to put it.

    Raises:
        FileNotFoundError, ValueError: if there is no such file, it is damaged, or it does not fit
            the class.
    """
    file = Path(path)
    tensors, about = read_tensors(file)
    wanted = _stored_description(file, about)
    kind = _known_class(file, wanted["class"]) if kind is None else kind
    try:
        model = kind(**wanted["options"])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{file}: {kind.__name__} cannot be made from it: {error}") from None
    _load_weights(file, model, tensors, wanted)
    return model.to(device).eval()


def save_checkpoint(
    path: str | Path,
    model: nn.Module,
    optimisers: Sequence[Optimizer],
    progress: Mapping[str, Any],
) -> None:
    """Write all that a run needs to go on; `progress` is whatever else, of kinds that JSON has."""
    tensors = {MODEL + name: tensor for name, tensor in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for optimiser in optimisers:
            for key, value in optimiser.state.get(parameter, {}).items():
                tensors[f"{OPTIMISER}{name}.{key}"] = value
    about = {"kind": "run", "model": _description(model), "progress": dict(progress)}
    write_tensors(Path(path), tensors, about)


def load_checkpoint(
    path: str | Path, model: nn.Module, optimisers: Sequence[Optimizer]
) -> dict[str, Any]:
    """Put weights and moments back where they were.

    Returns:
        `progress`, as it was given to `save_checkpoint`.

    Raises:
        FileNotFoundError, ValueError: if there is no such file, it is damaged, of another model,
            or not of a run. Model and optimisers are as before then.
    """
    file = Path(path)
    tensors, about = read_tensors(file)
    wanted = _stored_description(file, about)
    if about["kind"] != "run":
        raise ValueError(f"{file}: holds a model without the state of its training")
    _load_weights(file, model, tensors, wanted)
    names = {parameter: name for name, parameter in model.named_parameters()}
    for optimiser in optimisers:
        optimiser.state.clear()
        for parameter in (p for group in optimiser.param_groups for p in group["params"]):
            prefix = f"{OPTIMISER}{names[parameter]}."
            state = {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
            if state:
                optimiser.state[parameter] = {k: t.to(parameter.device) for k, t in state.items()}
    return about["progress"]


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


def _stored_description(file: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    stored = about.get("model")
    if about.get("kind") not in ("model", "run") or not isinstance(stored, dict):
        raise ValueError(f"{file}: holds neither a model nor a run")
    return stored


def _known_class(file: Path, name: str) -> type[nn.Module]:
    import minseg.models

    found = getattr(minseg.models, name, None) if name in minseg.models.__all__ else None
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise ValueError(f"{file}: holds a {name}, which is no model of minseg: name its class")
    return found


def _load_weights(
    file: Path, model: nn.Module, tensors: Mapping[str, Tensor], wanted: Mapping[str, Any]
) -> None:
    """Copy weights into a model once it is sure that all of them fit."""
    have = _description(model)
    if have["class"] != wanted["class"]:
        raise ValueError(f"{file}: is of a {wanted['class']}, not of a {have['class']}")
    for name, value in have["options"].items():
        if wanted["options"].get(name) != value:
            was = wanted["options"].get(name)
            raise ValueError(f"{file}: is of a model made with {name}={was}, not {value}")
    stored = {k.removeprefix(MODEL): t for k, t in tensors.items() if k.startswith(MODEL)}
    own = model.state_dict()
    if different := sorted(own.keys() ^ stored.keys()):
        where = "the file" if different[0] in own else "the model"
        raise ValueError(f"{file}: is of another model: {different[0]} is missing in {where}")
    for name, tensor in own.items():
        if tensor.shape != stored[name].shape:
            raise ValueError(
                f"{file}: is of another model: {name} is {tuple(stored[name].shape)}, "
                f"not {tuple(tensor.shape)}"
            )
    model.load_state_dict(stored)

"""A trained model in a file, to use again: its weights, its class and how to make it.

Every model keeps the keyword arguments it was made with in `model.options`. The file holds the name
of the class, these options and the weights, as tensors that are believed only if they are whole
(`minseg.tensor_file`). Half precision is enough to use a model: a weight is then off by at most one
part in 2048, and the file is half as large.

    {"kind": "model", "model": {"class": "MaskRCNN", "options": {…}}}      and tensors "model.…"

A checkpoint of a run (`minseg.train.checkpoint`) holds these and more, so it can be loaded as a
model too. What a file says is checked against the class before anything is made of it
(`minseg.models.options`). Unit 42.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from minseg.models.names import MODELS
from minseg.models.options import blueprint, checked_options
from minseg.tensor_file import Stored, opened, write_tensors

PREFIX = "model."  # how the names of weights begin


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
    tensors = named_weights(model)
    if half:
        tensors = {name: _halved(name, tensor) for name, tensor in tensors.items()}
    write_tensors(Path(path), tensors, {"kind": "model", "model": description(model)})


def load_model(
    path: str | Path, kind: type[nn.Module] | None = None, *, device: str | torch.device = "cpu"
) -> nn.Module:
    """Make the model that a file describes, with its weights, ready to predict.

    Args:
        path: of a model, or of a checkpoint of a run, whose weights are taken. It may be older
            than the class, and of unknown origin: see `minseg.models.options`.
        kind: the class; left out, the one of `MODELS` that the file names. A file cannot make
            anything else run.
        device: where to put it.

    Raises:
        FileNotFoundError, ValueError: if there is no such file, it is damaged, or it does not fit
            the class; before memory is taken for the model or its weights.
    """
    file = Path(path)
    with opened(file) as stored:
        # which class, made with which options
        described = stored_description(stored)
        kind = _known_class(stored, described["class"]) if kind is None else kind
        check_class(stored, kind, described)
        try:
            options = checked_options(kind, described["options"])
            plan = blueprint(kind, options, most=len(stored.shapes))
        except ValueError as error:
            stored.refuse(f"{kind.__name__} cannot be made from it: {error}")

        # the tensors it would have, against those of the file; only then are these read
        check_shapes(stored, plan)
        tensors = stored.read()
    model = kind(**options)
    model.load_state_dict(weights_in(tensors))
    return model.to(device).eval()


def named_weights(model: nn.Module) -> dict[str, Tensor]:
    """The weights of a model by their names in a file.

    >>> list(named_weights(nn.Linear(2, 3)))
    ['model.weight', 'model.bias']
    """
    return {PREFIX + name: tensor for name, tensor in model.state_dict().items()}


def weights_in(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights among the tensors of a file, by their names in the model."""
    return {n.removeprefix(PREFIX): t for n, t in tensors.items() if n.startswith(PREFIX)}


def description(model: nn.Module) -> dict[str, Any]:
    """Class and options of a model, as a file names them."""
    options = getattr(model, "options", None)
    if not isinstance(options, dict):
        raise TypeError(
            f"{type(model).__name__} must keep its keyword arguments in `options`, "
            f"so that it can be made again"
        )
    return {"class": type(model).__name__, "options": json.loads(json.dumps(options))}


def stored_description(stored: Stored) -> dict[str, Any]:
    """Class and options that a file names."""
    described = stored.about.get("model")
    if stored.about.get("kind") not in ("model", "run") or not isinstance(described, dict):
        stored.refuse("holds neither a model nor a run")
    if not isinstance(described.get("class"), str) or "options" not in described:
        stored.refuse("damaged: it does not say which class its model is of, with which options")
    if stored.about["kind"] == "run" and not isinstance(stored.about.get("progress"), dict):
        stored.refuse("damaged: a run that does not say where it stands")
    return described


def check_class(stored: Stored, kind: type[nn.Module], described: Mapping[str, Any]) -> None:
    """Refuse a file of another class."""
    if kind.__name__ != described["class"]:
        stored.refuse(f"is of a {described['class']}, not of a {kind.__name__}")


def check_shapes(stored: Stored, own: Mapping[str, Tensor]) -> None:
    """Refuse a file unless it has each tensor of the model, as large, and no other."""
    there = {n.removeprefix(PREFIX): s for n, s in stored.shapes.items() if n.startswith(PREFIX)}
    if different := sorted(own.keys() ^ there.keys()):
        where = "the file" if different[0] in own else "the model"
        stored.refuse(f"is of another model: {different[0]} is missing in {where}")
    for name, tensor in own.items():
        if tuple(tensor.shape) != there[name]:
            stored.refuse(
                f"is of another model: {name} is {there[name]}, not {tuple(tensor.shape)}"
            )
        kind = stored.kinds[PREFIX + name]
        if kind != tensor.dtype and not (kind.is_floating_point and tensor.is_floating_point()):
            stored.refuse(f"is of another model: {name} is {kind}, not {tensor.dtype}")


def _known_class(stored: Stored, name: str) -> type[nn.Module]:
    known = {kind.__name__: kind for kind in MODELS.values()}
    if name not in known:
        stored.refuse(f"holds a {name}, which is no model of minseg: name its class")
    return known[name]


def _halved(name: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    if not torch.equal(half.isfinite(), tensor.isfinite()):
        raise ValueError(
            f"{name} holds numbers beyond 65504: half precision has none, leave it out"
        )
    return half

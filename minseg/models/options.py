"""What a model file says about how its model is made, checked before anything is made of it.

A file names a class and the keyword arguments it was made with. Both may be old, damaged or of
unknown origin, so there are three questions, in this order:

    are these the arguments of the class, each of its kind and none absurdly large?
    which tensors would such a model have?         made on PyTorch's meta device: shapes, no memory
    are they the file's, name by name and shape by shape?

*An old file* lacks what the class has learnt to take since. There a new default would be wrong: the
model was trained as it was then. So a class keeps, beside its new argument, what its absence means:

    before = {"norm": "batch"}      # files without "norm" were made when there was no other

An argument that is added to a model is added there too. Unit 42.
"""

from __future__ import annotations

import inspect
import json
import math
import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

LARGEST = 2**18  # of a whole number that stands alone: nothing that is counted is as many
DEEPEST = 3  # lists within lists


def checked_options(kind: type[nn.Module], stored: object) -> dict[str, Any]:
    """The keyword arguments for a class, completed where the file is older than the class.

    Args:
        kind: the class of the model, perhaps with `before`, see above.
        stored: what the file has.

    Raises:
        ValueError: if these are no arguments of the class, one is missing and `before` does not say
            what that means, or one is of another kind than its annotation, or absurd.
    """
    if not isinstance(stored, dict):
        raise ValueError(f"its options must be an object, got {_short(stored)}")
    options = complete(kind, stored)
    known, free = _parameters(kind)
    if unknown := sorted(options.keys() - known.keys()) if not free else []:
        raise ValueError(f"it has no option {unknown[0]!r}: the file is newer, or of another class")
    if missing := [name for name in known if name not in options]:
        raise ValueError(f"option {missing[0]!r} is missing, and {kind.__name__}.before lacks it")
    hints = _hints(kind)
    for name, value in options.items():
        _check_size(name, value)
        if name in hints and not fits(value, hints[name]):
            wanted = str(hints[name]) if get_args(hints[name]) else hints[name].__name__
            raise ValueError(f"option {name!r} must be {wanted}, got {_short(value)}")
    return options


def complete(kind: type[nn.Module], stored: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a file, those that the class did not have then as `kind.before` says.

    Example:
        >>> class Model(nn.Module):
        ...     before = {"depth": 1}
        >>> complete(Model, {"width": 8})
        {'depth': 1, 'width': 8}
    """
    older = json.loads(json.dumps(getattr(kind, "before", {})))
    return {**older, **stored}


def blueprint(kind: type[nn.Module], options: Mapping[str, Any], most: int) -> dict[str, Tensor]:
    """The tensors that a model would have, on the meta device: names, shapes and no numbers.

    Args:
        kind, options: the class and its keyword arguments.
        most: how many tensors it is expected to have; one that goes on and on is not waited for.

    Raises:
        ValueError: if no such model can be made.
    """
    room = 2 * most + 100  # some are made on the way and thrown away

    def count(module: nn.Module, name: str, parameter: object) -> None:
        nonlocal room
        room -= 1
        if room < 0:
            raise ValueError(f"it would have far more tensors than the {most} of the file")

    handle = register_module_parameter_registration_hook(count)
    try:
        with torch.device("meta"):
            return kind(**options).state_dict()
    except Exception as error:  # whatever a constructor does with values that it does not expect
        raise ValueError(str(error) or type(error).__name__) from error
    finally:
        handle.remove()


def fits(value: object, hint: Any) -> bool:
    """Whether a value that comes from JSON is of the kind that an annotation names.

    Example:
        >>> fits([8, 16], tuple[int, int]), fits([8, 16.5], Sequence[int]), fits(True, int)
        (True, False, False)
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in inner)
    if origin is Literal:
        return value in inner
    if origin is tuple and inner[-1] is not Ellipsis:
        if not isinstance(value, list) or len(value) != len(inner):
            return False
        return all(fits(one, wanted) for one, wanted in zip(value, inner, strict=True))
    if origin in (tuple, list, Sequence):
        return isinstance(value, list) and all(fits(one, inner[0]) for one in value)
    if hint in (int, float):
        number = isinstance(value, int) or (hint is float and isinstance(value, float))
        return number and not isinstance(value, bool)
    if hint in (str, bool, type(None)):
        return isinstance(value, hint)
    return True  # a kind that nothing is known about here


def _parameters(kind: type[nn.Module]) -> tuple[dict[str, inspect.Parameter], bool]:
    """Those that take a name, and whether any other name is taken too."""
    found = inspect.signature(kind).parameters
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    free = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in found.values())
    return {name: one for name, one in found.items() if one.kind in named}, free


def _hints(kind: type[nn.Module]) -> dict[str, Any]:
    try:
        return get_type_hints(kind.__init__)
    except (NameError, TypeError):  # annotations that only a type checker can read
        return {}


def _check_size(name: str, value: object, depth: int = 0) -> None:
    if isinstance(value, list | dict):
        if depth == DEEPEST:
            raise ValueError(f"option {name!r} is nested too deeply, got {_short(value)}")
        for one in value if isinstance(value, list) else value.values():
            _check_size(name, one, depth + 1)
        return
    if isinstance(value, float) and not math.isfinite(value):  # JSON can say 1e999
        raise ValueError(f"option {name!r} must be finite, got {value}")
    # In a list stand ids too, which may be any: they do not say how much is to be made.
    largest = LARGEST if depth == 0 else 2**63 - 1
    if isinstance(value, int) and abs(value) > largest:
        raise ValueError(f"option {name!r} must be at most {largest}, got {_short(value)}")


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:59]}…"

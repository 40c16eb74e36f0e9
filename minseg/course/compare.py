"""Whether two results are the same, and if not, where they first differ.

Results are tensors, numpy arrays, numbers, text, None, or tuples, lists and dicts of these. Numbers
agree within a tolerance, NaN agrees with NaN, and precision does not matter: float64 where float32
was due is right. The kind does: a mask is bool, a count is an integer.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from minseg.course.display import brief

SHOWN_IN_FULL = 40  # elements
LONGEST = 1000  # characters of a value or a message
DEEPEST = 6  # lists in lists


def difference(actual: Any, expected: Any, tolerance: float) -> str | None:
    """None if the results agree, else one line that says where they first differ.

    Example:
        >>> difference(torch.tensor([1.0, 2.0]), [1.0, 3.0], 1e-5)
        'yours is float32 tensor (2,) [1.0, 2.0], right is 2 values in a row'
        >>> difference(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 3.0]), 1e-5)
        'at [1] yours is 2, right is 3'
    """
    if isinstance(expected, (tuple, list)):
        return _difference_of_sequences(actual, expected, tolerance)
    if isinstance(expected, dict):
        return _difference_of_dicts(actual, expected, tolerance)
    mine, due = _as_tensor(actual), _as_tensor(expected)
    if mine is not None and due is not None:
        return _difference_of_tensors(mine, due, tolerance)
    same = type(actual) is type(expected) and bool(actual == expected)
    return None if same else f"yours is {describe(actual)}, right is {describe(expected)}"


def _difference_of_sequences(actual: Any, expected: Any, tolerance: float) -> str | None:
    if not isinstance(actual, (tuple, list)):
        return f"yours is {describe(actual)}, right is {len(expected)} values in a row"
    if len(actual) != len(expected):
        return f"yours has {len(actual)} values, right are {len(expected)}"
    for k, (mine, due) in enumerate(zip(actual, expected, strict=True)):
        if found := difference(mine, due, tolerance):
            return f"value {k}: {found}"
    return None


def _difference_of_dicts(actual: Any, expected: dict[Any, Any], tolerance: float) -> str | None:
    if not isinstance(actual, dict):
        return (
            f"yours is {describe(actual)}, right is a dict with the keys {describe(list(expected))}"
        )
    if actual.keys() != expected.keys():
        return f"yours has the keys {describe(list(actual))}, right are {describe(list(expected))}"
    for key, due in expected.items():
        if found := difference(actual[key], due, tolerance):
            return f"[{key!r}]: {found}"
    return None


def _difference_of_tensors(actual: Tensor, expected: Tensor, tolerance: float) -> str | None:
    if actual.shape != expected.shape:
        return f"yours has the shape {tuple(actual.shape)}, right is {tuple(expected.shape)}"
    if not _may_stand_for(_kind(actual), _kind(expected)):
        return f"yours is {_kind(actual)}, right is {_kind(expected)}"
    if _kind(expected) in ("bool", "integer"):
        same = actual == expected
    else:
        wide = torch.complex128 if expected.is_complex() else torch.float64
        mine, due = actual.to(wide), expected.to(wide)
        same = torch.isclose(mine, due, rtol=tolerance, atol=tolerance, equal_nan=True)
    if bool(same.all()):
        return None
    index = tuple((~same).nonzero()[0].tolist())
    where = f"at {list(index)} " if index else ""
    return f"{where}yours is {_two(actual[index].item(), expected[index].item())}"


def _two(mine: Any, due: Any) -> str:
    """Both numbers, short unless that would hide how they differ."""
    short = f"{_short(mine)}, right is {_short(due)}"
    return short if _short(mine) != _short(due) else f"{mine!r}, right is {due!r}"


def _short(number: Any) -> str:
    return f"{number:.6g}" if isinstance(number, (float, complex)) else str(number)


def _as_tensor(value: Any) -> Tensor | None:
    """Numbers and arrays of numbers as a tensor on the CPU; None for anything else."""
    if isinstance(value, Tensor):
        return value.detach().cpu().resolve_conj().resolve_neg()
    if not isinstance(value, (np.ndarray, np.generic, bool, int, float, complex)):
        return None
    try:
        return torch.from_numpy(np.array(value))
    except (TypeError, ValueError, OverflowError):  # text, objects, integers beyond 64 bits
        return None


KINDS = ("bool", "integer", "floating point", "complex")


def _kind(tensor: Tensor) -> str:
    if tensor.dtype == torch.bool:
        return "bool"
    return (
        "complex" if tensor.is_complex()
        else "floating point" if tensor.is_floating_point()
        else "integer"
    )  # fmt: skip


def _may_stand_for(actual: str, expected: str) -> bool:
    """A number may stand for one of a wider kind, 2 for 2.0; a bool is no number."""
    if "bool" in (actual, expected):
        return actual == expected
    return KINDS.index(actual) <= KINDS.index(expected)


def describe(value: Any) -> str:
    """A value in a few words: small tensors in full, large ones by shape and dtype. Never raises.

    Example:
        >>> describe([torch.zeros(2), 1 / 3])
        '[float32 tensor (2,) [0.0, 0.0], 0.333333]'
        >>> len(describe([[0] * 1_000_000] * 1_000_000)) < 1100
        True
    """
    text = ""
    try:
        for piece in _pieces(value, 0):
            text += piece
            if len(text) > LONGEST:
                break
    except Exception:  # a class of the learner's, or a tensor that has no numbers
        return brief(value)
    return cut(text)


def cut(text: str) -> str:
    """The text, or the beginning of a long one."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def _pieces(value: Any, depth: int) -> Iterator[str]:
    """What `describe` says, bit by bit, so that it can stop as soon as it has enough."""
    if isinstance(value, np.ndarray) and (tensor := _as_tensor(value)) is not None:
        value = tensor
    if isinstance(value, Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        kind = f"{dtype} tensor {tuple(value.shape)}"
        yield f"{kind} {_numbers(value)}" if value.numel() <= SHOWN_IN_FULL else kind
    elif isinstance(value, (tuple, list, dict)) and depth < DEEPEST:
        yield from _pieces_of_parts(value, depth + 1)
    else:
        yield _short(value) if isinstance(value, float) else brief(value, LONGEST)


def _pieces_of_parts(
    value: tuple[Any, ...] | list[Any] | dict[Any, Any], depth: int
) -> Iterator[str]:
    opening, closing = (
        "()" if isinstance(value, tuple) else "{}" if isinstance(value, dict) else "[]"
    )
    yield opening
    for k, part in enumerate(islice(value, SHOWN_IN_FULL)):
        yield ", " if k else ""
        if isinstance(value, dict):
            yield f"{brief(part, LONGEST)}: "
        yield from _pieces(value[part] if isinstance(value, dict) else part, depth)
    if len(value) > SHOWN_IN_FULL:
        yield f", … {len(value) - SHOWN_IN_FULL} more"
    yield f",{closing}" if isinstance(value, tuple) and len(value) == 1 else closing


def _numbers(tensor: Tensor) -> str:
    def rounded(value: Any) -> Any:
        if isinstance(value, list):
            return [rounded(v) for v in value]
        return float(_short(value)) if isinstance(value, float) else value

    return str(rounded(tensor.detach().cpu().tolist()))

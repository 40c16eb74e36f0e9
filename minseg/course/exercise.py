"""What an exercise is: a reference, inputs that tell right from nearly right, hints, and mistakes.

The package's own function is the answer key, so an exercise holds no second copy of the truth. Its
worth lies in the inputs and the mistakes: each mistake is a function that a learner could well
have written, with the sentence a tutor would say on seeing it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


def call(fn: Callable[..., Any], *case: Any) -> Any:
    """The plain probe: what the function returns."""
    return fn(*case)


def call_with_option(fn: Callable[..., Any], *tensors: Tensor, **option: Any) -> Any:
    """The plain probe with an option: by keyword where the function takes it as such."""
    kinds = {parameter.kind for parameter in inspect.signature(fn).parameters.values()}
    if kinds & {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}:
        return fn(*tensors, **option)
    return fn(*tensors, *option.values())


@dataclass(frozen=True, eq=False)
class Exercise:
    """One function to write, and how to judge it.

    Args:
        id: two digits of the unit, a dot, a name: "21.bilinear".
        reference: the package's function, the answer key.
        cases: from a seeded generator, the tuples of positional arguments to try. Choose inputs
            that tell mistakes apart: odd sizes, borders, ties, empty sets, non-contiguous tensors.
        hints: at least two, from a nudge to nearly the answer.
        mistakes: name to (wrong function, the tutor's sentence); at least five.
        probe: what to compare, called as `probe(fn, *case)`; the returned value if left out. A
            probe that returns a gradient makes an exercise about gradients.
        tolerance: relative and absolute, for floating point values.

    Raises:
        ValueError: if the id has another form.
    """

    id: str
    reference: Callable[..., Any]
    cases: Callable[[torch.Generator], Iterable[tuple[Any, ...]]]
    hints: tuple[str, ...]
    mistakes: Mapping[str, tuple[Callable[..., Any], str]]
    probe: Callable[..., Any] = call
    tolerance: float = 1e-5

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d\d\.\w+", self.id):
            raise ValueError(f'id must be like "21.bilinear", got {self.id!r}')

    def inputs(self, seed: int = 0) -> list[tuple[Any, ...]]:
        """All cases, the same ones on every machine."""
        return list(self.cases(torch.Generator().manual_seed(seed)))

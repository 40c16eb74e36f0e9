"""What decides how a run turns out, next to the model and the data.

A run that goes on from a checkpoint must have the settings that it was begun with, or its end would
be that of neither. They are stored with it and compared. Lesson 09.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Settings:
    """The arguments of `train` that shape the result, by their names there.

    Raises:
        ValueError: if one is out of its range, or not exactly one of steps and seconds is given.
    """

    steps: int | None
    seconds: float | None
    batch_size: int
    learning_rate: float
    warm_up: float
    weight_decay: float
    clip: float
    seed: int
    bf16: bool
    augmentation: str | None  # its name
    images: int  # how many there are to learn from
    data: str | None = None  # their fingerprint, where there is something to compare it with

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.seconds is None):
            raise ValueError(
                f"give one of steps and seconds, got steps={self.steps}, seconds={self.seconds}"
            )
        for name, zero_too in (("learning_rate", False), ("clip", False), ("weight_decay", True)):
            value = getattr(self, name)
            if not (0 < value < math.inf or (value == 0 and zero_too)):
                least = "0 or more" if zero_too else "above 0"
                raise ValueError(f"{name} must be {least}, got {value}")

    def check_same(self, stored: Mapping[str, Any], file: object) -> None:
        """ValueError, naming the first that differs, unless a run was begun with these settings.

        A file of version 0.1 has no fingerprint of its data; then nothing is said about it here.
        """
        for name, value in asdict(self).items():
            was = stored.get(name)
            if was != value and not (name == "data" and was is None):
                differs = "other data" if name == "data" else f"{name}={was}, now it is {value}"
                raise ValueError(
                    f"{file}: the run was begun with {differs}; "
                    f"go on as it was begun, or name another folder"
                )

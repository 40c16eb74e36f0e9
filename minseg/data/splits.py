"""Scenes by number: the splits on which models of the course are trained, tuned and compared.

Scene i of a split is `make_scene(first + i)`, where `first` sets the splits so far apart that no
seed belongs to two of them. Nothing is stored: a data set is its seeds.

The exam is frozen: 200 scenes of 128×128, things of three classes on stuff of three, the same for
everyone. It is looked at once, at the end; a model tuned on it has not passed it. A test holds a
hash of all its masks and pixels. Unit 42 trains on these splits, unit 72 sits the exam.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minseg.data.scenes import Scene, make_scene

ROOM = 10_000_000  # seeds for each split
FIRST_SEED = {"train": 0, "val": ROOM, "exam": 2 * ROOM}
LENGTH = {"train": 10_000, "val": 500, "exam": 200}


class SceneDataset:
    """A sequence of scenes; index i gives the same scene every time, on every machine.

    Args:
        split: "train", "val" or "exam".
        size, things, count, style: as in `make_scene`.
        length: number of scenes, at most 10 million; left out, 10,000, 500 or 200 by split.

    Raises:
        ValueError: if split or length is none of the above, if the exam is asked for with other
            arguments than its own, or if `make_scene` refuses an argument.

    Example:
        >>> scenes = SceneDataset("val", size=64)
        >>> len(scenes), scenes[0].instances
        (500, Instances(4 of 64×64, labels [3, 1, 2, 3]))
    """

    def __init__(
        self,
        split: str = "train",
        *,
        size: int | tuple[int, int] = 128,
        length: int | None = None,
        things: Iterable[str] = ("disc", "box", "triangle"),
        count: tuple[int, int] | None = None,
        style: str = "shapes",
    ) -> None:
        if split not in FIRST_SEED:
            raise ValueError(f"split must be 'train', 'val' or 'exam', got {split!r}")
        length = LENGTH[split] if length is None else length
        if not 0 < length <= ROOM:
            raise ValueError(f"length must be 1 to {ROOM}, got {length}")
        self.split, self.length = split, length
        things = (things,) if isinstance(things, str) else tuple(things)
        self.options: dict[str, Any] = {
            "size": size,
            "things": things,
            "count": count,
            "style": style,
        }
        if split == "exam":
            _check_exam(length, **self.options)
        make_scene(FIRST_SEED[split], **self.options)  # says now what is wrong with an argument

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Scene:
        """Scene number `index`, from the end where negative; IndexError beyond the last."""
        if not -self.length <= index < self.length:
            raise IndexError(
                f"index must be below {self.length}, the number of scenes, got {index}"
            )
        return make_scene(FIRST_SEED[self.split] + index % self.length, **self.options)

    def __repr__(self) -> str:
        return f"SceneDataset({self.split!r}, {self.length} scenes)"


def _check_exam(
    length: int,
    size: int | tuple[int, int],
    things: tuple[str, ...],
    count: tuple[int, int] | None,
    style: str,
) -> None:
    """Refuse any exam but the one on which all models are compared."""
    asked = {"size": size, "length": length, "things": set(things), "count": count, "style": style}
    allowed: dict[str, list[Any]] = {
        "size": [128, (128, 128)],
        "length": [200],
        "things": [{"disc", "box", "triangle"}],
        "count": [None, (2, 8)],
        "style": ["shapes"],
    }
    for name, value in asked.items():
        if value not in allowed[name]:
            raise ValueError(
                f"{name} of the exam is fixed at {allowed[name][0]}, got {value}: its 200 scenes "
                f"are the same for every model, so that results compare. Use 'val' instead"
            )

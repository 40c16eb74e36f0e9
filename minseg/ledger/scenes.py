"""The scenes on which claims about networks are measured."""

from __future__ import annotations

from minseg.data import SceneDataset
from minseg.data.example import Example, as_example
from minseg.data.scenes.make import Scene


def coin_scenes(length: int, count: tuple[int, int] | None = None) -> list[Scene]:
    """Validation scenes of coins, 128 × 128, which the network of the package has not seen.

    >>> [len(scene.instances) for scene in coin_scenes(3, count=(2, 2))]
    [2, 2, 2]
    """
    data = SceneDataset("val", style="coins", size=128, length=length, count=count)
    return [data[k] for k in range(length)]


def shape_scenes(length: int) -> list[Example]:
    """Training scenes of discs, boxes and triangles."""
    data = SceneDataset("train")
    return [as_example(data[k], k) for k in range(length)]

"""Which images a step sees, and with which seeds: all derived from (seed, step).

Training reads an endless row of images, one shuffled epoch after the other. Step s takes places

    s·B, s·B + 1, …, s·B + B − 1        place p is image π_e(p mod n) of epoch e = ⌊p / n⌋

where π_e is the permutation of epoch e. A batch may straddle two epochs, so every batch is full.
Whatever is random at place p (how the image is turned, which boxes are sampled) gets a seed made
from (seed, p). So a run that was interrupted goes on exactly where it was, and a batch shared out
among processes is the batch that one process would have made. Lesson 09.

Seeds are mixed by numpy's `SeedSequence`, whose results are the same on every machine
(O'Neill, Developing a seed_seq alternative, 2015).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np

ORDER, AUGMENTATION, SAMPLING, STEP = range(4)  # what a seed is for


def seed_of(*numbers: int) -> int:
    """One number below 2⁶³ from several that are not negative; unlike numbers, unlike seeds."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)


class Order:
    """The images of each step.

    Args:
        length: n, the number of images.
        batch_size: B, images a step, of all processes together.
        seed: not negative.

    Raises:
        ValueError: if length or batch_size is below 1, or the seed is negative.
    """

    def __init__(self, length: int, batch_size: int, seed: int) -> None:
        if length < 1:
            raise ValueError(f"dataset must hold at least one image, got {length}")
        if batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more, got {batch_size}")
        if seed < 0:
            raise ValueError(f"seed must not be negative, got {seed}")
        self.length, self.batch_size, self.seed = length, batch_size, seed
        self._epoch, self._permutation = -1, np.zeros(0, dtype=np.int64)

    def places(self, step: int) -> range:
        """The places of a step in the endless row."""
        return range(step * self.batch_size, (step + 1) * self.batch_size)

    def image(self, place: int) -> int:
        """Which image, 0 … n − 1, is at a place."""
        epoch, rank = divmod(place, self.length)
        if epoch != self._epoch:
            random = np.random.default_rng([self.seed, ORDER, epoch])
            self._epoch, self._permutation = epoch, random.permutation(self.length)
        return int(self._permutation[rank])

    def images(self, step: int) -> list[int]:
        """The images of a step."""
        return [self.image(place) for place in self.places(step)]


class Share:
    """One process's part of each batch from step `first` on, without end: (place, image) pairs.

    Process `rank` of `world` takes B/world places in a row; together they take the whole batch.

    Raises:
        ValueError: if the batch cannot be shared out evenly.
    """

    def __init__(self, order: Order, first: int = 0, rank: int = 0, world: int = 1) -> None:
        if order.batch_size % world:
            raise ValueError(
                f"batch_size must be a multiple of {world}, the number of processes, "
                f"got {order.batch_size}"
            )
        self.order, self.first = order, first
        size = order.batch_size // world
        self._mine = slice(rank * size, (rank + 1) * size)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for step in count(self.first):
            yield [(p, self.order.image(p)) for p in self.order.places(step)[self._mine]]

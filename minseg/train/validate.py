"""How good a model is on images that it has not learnt from: AP, or PQ if it draws panoptic maps.

The images are shared out among the processes, and what each has matched is merged
(`APAccumulator`, `PQAccumulator`). The numbers are the same however many took part. Unit 42.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from minseg.data.example import Dataset, Example, as_example
from minseg.metrics import APAccumulator, PQAccumulator
from minseg.processes import Watch, world
from minseg.train.batches import is_panoptic, move, stack


def validate(model: nn.Module, dataset: Dataset, *, batch_size: int = 8) -> dict[str, float]:
    """Predict every image and compare.

    Args:
        model: with `predict`, or with `predict_panoptic` and its category ids `things`, `stuff`.
        dataset: with panoptic maps for the latter.
        batch_size: images at a time.

    Returns:
        COCO's twelve numbers by name; or pq, sq and rq of all, "pq_things" and "pq_stuff".
        The model is in the mode, training or not, in which it was before.
    """
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            measure = _quality if is_panoptic(model) else _precision
            numbers = measure(model, dataset, batch_size)
            return {name: float(value) for name, value in numbers.items()}
    finally:
        model.train(was_training)


def _precision(model: nn.Module, dataset: Dataset, batch_size: int) -> dict[str, float]:
    accumulator = APAccumulator()
    for index, example, prediction in _predictions(model, model.predict, dataset, batch_size):
        accumulator.add(prediction, example.instances, image_id=index)
    return accumulator.gather().result().summary()


def _quality(model: Any, dataset: Dataset, batch_size: int) -> dict[str, float]:
    accumulator = PQAccumulator(things=model.things, stuff=model.stuff)
    for index, example, ids in _predictions(model, model.predict_panoptic, dataset, batch_size):
        if example.panoptic is None:
            raise ValueError(
                f"dataset[{index}] has no panoptic map, which {type(model).__name__} needs"
            )
        accumulator.add(ids.cpu(), example.panoptic)
    result = accumulator.gather().result()
    averages = {"pq": result.pq, "sq": result.sq, "rq": result.rq}
    return averages | {"pq_things": result.things.pq, "pq_stuff": result.stuff.pq}


def _predictions(
    model: nn.Module, predict: Any, dataset: Dataset, batch_size: int
) -> Iterator[tuple[int, Example, Any]]:
    """(index, example, prediction) of this process's share of the images."""
    device = next(model.parameters()).device
    rank, size = world()
    mine = range(rank, len(dataset), size)
    for first in range(0, len(mine), batch_size):
        indices = mine[first : first + batch_size]
        examples = [as_example(dataset[k], k) for k in indices]
        images = move(stack([one.image for one in examples]), device)
        Watch.alive()
        yield from zip(indices, examples, predict(images), strict=True)

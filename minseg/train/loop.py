"""The loop that trains every model of the course.

    for each step:  a batch  →  losses  →  gradients  →  a step of the optimisers

Around these lines is what training needs in practice, each thing in a file of its own: the order
of images and all seeds (`order`), views of an image (`augment`), the learning rate (`schedule`),
the step itself (`step`), checkpoints (`checkpoint`), several processes (`distributed`) and the
measuring of progress (`validate`, `log`).

A run can be killed at any moment and loses what it did since its last checkpoint, nothing else.
The run that goes on from there ends with the very bits that an undisturbed one would have: what a
step does depends on the weights, the moments, the step and the seed, on no clock and no hidden
state. (On the same machine with the same number of threads: sums in another order round otherwise,
and some kernels of a GPU have no fixed order.) Lesson 09.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from torch import nn

from minseg.train.augment import augment_scene
from minseg.train.batches import Augmentation
from minseg.train.folder import RunFolder
from minseg.train.log import Row
from minseg.train.memory import Dataset
from minseg.train.run import Feed, Run, TrainingResult, beginning, make_stepper
from minseg.train.settings import Settings
from minseg.train.validate import is_panoptic


def train(
    model: nn.Module,
    dataset: Dataset,
    *,
    steps: int | None = None,
    seconds: float | None = None,
    batch_size: int = 8,
    learning_rate: float = 3e-3,
    warm_up: float = 0.1,
    weight_decay: float = 0.01,
    clip: float = 5.0,
    seed: int = 0,
    bf16: bool = False,
    checkpointing: bool = False,
    augmentation: Augmentation | None = augment_scene,
    validation: Dataset | None = None,
    validate_every: int | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    save_every: int = 100,
    workers: int = 0,
    on_step: Callable[[Row], None] | None = None,
) -> TrainingResult:
    """Train a model, where it is, in place.

    Args:
        model: with `losses(images, targets, *, seeds) -> dict` and `predict`, on its device.
        dataset: what to learn from; `InMemory` keeps scenes, which are slow to make.
        steps, seconds: how long, one of the two. Of seconds a number of steps is made, early on,
            which is stored with the checkpoint. Validation and saving are not counted.
        batch_size: images a step, of all processes together.
        learning_rate, warm_up: its highest value, and the share of steps to get there.
        weight_decay, clip, bf16: see `minseg.train.step`.
        seed: of the order of images, of their views, of what the model draws.
        checkpointing: compute activations twice instead of keeping them, to save memory.
        augmentation: a view of an Example by a seed, as `augment_photo`; None leaves images alone.
        validation, validate_every: what to measure on, at the end and every so many steps.
        out: a folder for checkpoints, the model and tables; made if need be.
        resume: go on from the checkpoint in `out`, if there is one.
        save_every: steps from one checkpoint to the next.
        workers: processes that read images ahead; 0 for images in memory.
        on_step: called with each row of `losses`, as it is made.

    Raises:
        ValueError: if an argument is not as above, `out` holds a run that is not to be resumed, or
            the checkpoint is damaged, of another model or of a run with other settings.
        FloatingPointError: if a loss is not finite; it names step, images and last checkpoint.
        OSError: if the disk is full; the last checkpoint is still there.
    """
    settings = Settings(
        steps,
        seconds,
        batch_size,
        learning_rate,
        warm_up,
        weight_decay,
        clip,
        seed,
        bf16,
        None if augmentation is None else getattr(augmentation, "__name__", repr(augmentation)),
        len(dataset),
    )
    _check_intervals(save_every, validate_every)
    _use_checkpointing(model, checkpointing)
    feed = Feed(dataset, augmentation, settings, is_panoptic(model), workers)
    folder = RunFolder(out, resume=resume)
    stepper = make_stepper(model, settings)
    progress = folder.load(stepper, settings) or beginning(model, feed, settings)
    run = Run(stepper, feed, folder, settings, progress, on_step)
    return run.finish(validation, validate_every, save_every)


def _check_intervals(save_every: int, validate_every: int | None) -> None:
    for name, every in (("save_every", save_every), ("validate_every", validate_every)):
        if every is not None and every < 1:
            raise ValueError(f"{name} must be 1 step or more, got {every}")


def _use_checkpointing(model: nn.Module, wanted: bool) -> None:
    """Models that can recompute activations have a switch, `checkpointing`."""
    if hasattr(model, "checkpointing"):
        model.checkpointing = wanted  # type: ignore[assignment]
    elif wanted:
        raise ValueError(f"checkpointing must be False: {type(model).__name__} does not offer it")

"""The loop that trains every model of the course.

    for each step:  a batch  →  losses  →  gradients  →  a step of the optimisers

Around these lines is what training needs in practice, each thing in a file of its own: the order
of images and all seeds (`order`), views of an image (`augment`), the learning rate (`schedule`),
the step itself (`step`), checkpoints (`checkpoint`, `folder`, `lock`), several processes
(`distributed`), the measuring of progress (`validate`, `log`) and the end before the end
(`interrupt`).

A run can be killed at any moment and loses what it did since its last checkpoint, nothing else.
The run that goes on from there ends with the very bits that an undisturbed one would have: what a
step does depends on the weights, the moments, the step and the seed, on no clock and no hidden
state. (On the same machine with the same number of threads: sums in another order round otherwise,
and some kernels of a GPU have no fixed order.) Lesson 09.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from minseg.data.example import Dataset
from minseg.train.augment import augment_scene
from minseg.train.batches import Augmentation
from minseg.train.distributed import all_or_none, check_agreed, together
from minseg.train.fingerprint import fingerprint
from minseg.train.log import Row
from minseg.train.run import Feed, Pace, Run, TrainingResult, beginning, make_stepper
from minseg.train.run_folder import Progress, RunFolder
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
    save_seconds: float = 60.0,
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
        save_every, save_seconds: steps from one checkpoint to the next, and seconds: whichever are
            over first. Where writing one takes long, the seconds become more.
        workers: processes that read images ahead; 0 for images in memory.
        on_step: called with each row of `losses`, as it is made.

    Raises:
        ValueError: if an argument is not as above, an image cannot be read, `out` holds a run that
            is not to be resumed, another process trains there, or the checkpoint is damaged, of
            another model, or of a run with other settings or other data.
        FloatingPointError: if a loss is not finite; it names step, images and last checkpoint.
        OSError: if the disk is full; the last checkpoint is still there.
        Interrupted: a KeyboardInterrupt, after Ctrl-C or SIGTERM: the step was finished and saved
            in `out`. Pressed twice, it does not wait for the step.
    """
    all_or_none(lambda: _check_data(dataset, validation))
    compared = out is not None or together()
    data = all_or_none(lambda: fingerprint(dataset)) if compared else None
    name = None if augmentation is None else getattr(augmentation, "__name__", repr(augmentation))
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
        name,
        len(dataset),
        data,
    )
    pace = Pace(validate_every, save_every, save_seconds)
    _check_pace(pace)
    _use_checkpointing(model, checkpointing)
    feed = Feed(dataset, augmentation, settings, is_panoptic(model), workers)
    with RunFolder(out, resume=resume) as folder:
        return begin(model, feed, folder, on_step).finish(validation, pace)


def begin(
    model: nn.Module, feed: Feed, folder: RunFolder, on_step: Callable[[Row], None] | None
) -> Run:
    """A run at its first step, or at the one where its folder says that it stands.

    Several processes must stand at the same one, with the same weights: else they would end with
    a model that nobody has trained.
    """
    check_agreed({**asdict(feed.settings), "the model": shapes_of(model)})
    stepper = make_stepper(model, feed.settings)
    progress = all_or_none(lambda: folder.load(stepper, feed.settings))
    check_agreed(state_of(model, progress))
    progress = progress or beginning(model, feed, feed.settings)
    return Run(stepper, feed, folder, feed.settings, progress, on_step)


def shapes_of(model: nn.Module) -> str:
    """A digest of what a model's tensors are called and how large they are."""
    shapes = [(name, tuple(t.shape)) for name, t in model.state_dict().items()]
    return hashlib.sha256(repr(shapes).encode()).hexdigest()[:16]


def state_of(model: nn.Module, progress: Progress | None) -> dict[str, Any]:
    """Where a run stands in this process, in a form that can be compared with the others'."""
    total = hashlib.sha256()
    for tensor in model.state_dict().values() if together() else ():
        total.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    found = {} if progress is None else asdict(progress)
    names = ("step", "schedule")
    return {name: found.get(name) for name in names} | {"digest of weights": total.hexdigest()[:16]}


def _check_data(*datasets: Any) -> None:
    """Let a data set that can, say now what is wrong with its files: not when the turn of a bad
    image comes, hours later."""
    for one in datasets:
        if callable(check := getattr(one, "check", None)):
            check()


def _check_pace(pace: Pace) -> None:
    for name in ("save_every", "validate_every"):
        every = getattr(pace, name)
        if every is not None and every < 1:
            raise ValueError(f"{name} must be 1 step or more, got {every}")
    if not pace.save_seconds > 0:
        raise ValueError(f"save_seconds must be above 0, got {pace.save_seconds}")


def _use_checkpointing(model: nn.Module, wanted: bool) -> None:
    """Models that can recompute activations have a switch, `checkpointing`."""
    if hasattr(model, "checkpointing"):
        model.checkpointing = wanted  # type: ignore[assignment]
    elif wanted:
        raise ValueError(f"checkpointing must be False: {type(model).__name__} does not offer it")

"""The loop that trains every model of the course.

    for each step:  a batch  →  losses  →  gradients  →  a step of AdamW

Around these lines is what training needs in practice, each thing in a file of its own: the order
of images and all seeds (`order`), views of an image (`augment`), the learning rate (`schedule`),
the step itself (`step`), checkpoints (`checkpoint`), several processes (`distributed`) and the
measuring of progress (`validate`, `log`).

A run can be killed at any moment and loses what it did since its last checkpoint, nothing else.
The run that goes on from there ends with the very bits that an undisturbed one would have: what a
step does depends on the weights, the moments, the step and the seed, on no clock and no hidden
state. (On the same machine with the same number of threads: sums in another order round otherwise.)
Lesson 09.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import NamedTuple

from torch import nn

from minseg.train.augment import augment_scene
from minseg.train.bar import Bar
from minseg.train.batches import Augmentation, Batch, Views, batches
from minseg.train.distributed import from_first, world
from minseg.train.folder import LOSSES, METRICS, Progress, RunFolder
from minseg.train.log import Row
from minseg.train.memory import Dataset
from minseg.train.order import Order, Share
from minseg.train.schedule import guess, plan
from minseg.train.settings import Settings
from minseg.train.step import Stepper
from minseg.train.validate import is_panoptic, validate

TRIAL = 6  # steps of a copy that tell about how long a step takes; the first half only warms up


@dataclass(frozen=True)
class TrainingResult:
    """What training did, and where its files are.

    Attributes:
        losses: a row a step: "step" (from 1), "seconds" so far, "loss" and each of its parts,
            "gradient" (its norm), "learning_rate".
        metrics: a row a validation: "step" and the numbers of `validate`.
        steps, seconds: in all, those before an interruption too; seconds of training alone.
        folder: `out`, with checkpoint.safetensors, model.safetensors (for `load_model`),
            losses.csv and validation.csv; None if nothing was kept.
    """

    losses: list[Row]
    metrics: list[Row]
    steps: int
    seconds: float
    folder: Path | None


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
        None if augmentation is None else augmentation.__name__,
        len(dataset),
    )
    _check_intervals(save_every, validate_every)
    _use_checkpointing(model, checkpointing)
    feed = Feed(dataset, augmentation, settings, is_panoptic(model), workers)
    folder = RunFolder(out, resume=resume)
    stepper = _stepper(model, settings)
    progress = folder.load(stepper, settings) or _beginning(model, feed, settings)
    run = Run(stepper, feed, folder, settings, progress, on_step)
    return run.finish(validation, validate_every, save_every)


class Feed(NamedTuple):
    """Where batches come from."""

    dataset: Dataset
    augmentation: Augmentation | None
    settings: Settings
    panoptic: bool
    workers: int

    def batches(self, step: int) -> Iterator[Batch]:
        """This process's share of the batches from a step on."""
        s = self.settings
        views = Views(self.dataset, self.augmentation, s.seed)
        share = Share(Order(s.images, s.batch_size, s.seed), step, *world())
        return batches(views, share, panoptic=self.panoptic, workers=self.workers)

    def images(self, step: int) -> list[int]:
        """Numbers of the images of a step, in all processes."""
        return Order(self.settings.images, self.settings.batch_size, self.settings.seed).images(
            step
        )


class Run:
    """A run from where it stands to its end."""

    def __init__(
        self,
        stepper: Stepper,
        feed: Feed,
        folder: RunFolder,
        settings: Settings,
        progress: Progress,
        on_step: Callable[[Row], None] | None,
    ) -> None:
        self.stepper, self.feed, self.folder, self.settings = stepper, feed, folder, settings
        self.step, self.seconds, self.schedule = progress.step, progress.seconds, progress.schedule
        self.losses = folder.log(LOSSES, self.step)
        self.metrics = folder.log(METRICS, self.step)
        self.on_step = on_step if world()[0] == 0 else None

    def finish(
        self, validation: Dataset | None, validate_every: int | None, save_every: int
    ) -> TrainingResult:
        """Take all steps that are left; save and validate when it is time."""
        feed = self.feed.batches(self.step)
        with Bar(self.schedule.steps, self.step, silent=world()[0] > 0) as bar:
            while self.step < self.schedule.steps:
                row = self._take_step(feed)
                bar.advance(self.schedule.steps, f"loss {row['loss']:.3f}")
                if self._is_time(save_every) and self.schedule.settled:
                    self._save()
                if validation is not None and validate_every and self._is_time(validate_every):
                    self._validate(validation)
        if validation is not None:
            self._validate(validation)
        self.folder.finish(self.stepper)
        self.losses.close()
        self.metrics.close()
        folder = self.folder.path
        return TrainingResult(self.losses.rows, self.metrics.rows, self.step, self.seconds, folder)

    def _take_step(self, feed: Iterator[Batch]) -> Row:
        began = perf_counter()
        rate = self.settings.learning_rate * self.schedule.rate(self.step)
        try:
            row = self.stepper(self.step, next(feed), rate)
        except FloatingPointError as error:
            images = self.feed.images(self.step)
            raise FloatingPointError(
                f"step {self.step + 1}: {error}; its images are {images}; {self.folder.last_good()}"
            ) from None
        self.step += 1
        self.seconds += perf_counter() - began
        row = {"step": self.step, "seconds": self.seconds, **row}
        self.losses.add(row)
        if not self.schedule.settled and self.step == self.schedule.warm_up:
            self._settle()
        if self.on_step is not None:
            self.on_step(row)
        return row

    def _settle(self) -> None:
        assert self.settings.seconds is not None
        at = [0.0, *(row["seconds"] for row in self.losses.rows)]
        spent = [after - before for before, after in pairwise(at)]
        self.schedule = from_first(self.schedule.settle(self.settings.seconds, spent))

    def _is_time(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self.schedule.steps

    def _save(self) -> None:
        self.losses.sync()
        self.metrics.sync()
        progress = Progress(self.step, self.seconds, self.schedule)
        self.folder.save(self.stepper, progress, self.settings)

    def _validate(self, dataset: Dataset) -> None:
        if not self.metrics.rows or self.metrics.rows[-1]["step"] < self.step:
            metrics = validate(self.stepper.model, dataset, batch_size=self.settings.batch_size)
            self.metrics.add({"step": self.step, **metrics})


def _stepper(model: nn.Module, settings: Settings) -> Stepper:
    return Stepper(
        model,
        weight_decay=settings.weight_decay,
        clip=settings.clip,
        seed=settings.seed,
        bf16=settings.bf16,
    )


def _beginning(model: nn.Module, feed: Feed, settings: Settings) -> Progress:
    """Step 0, with a schedule."""
    if settings.steps is not None:
        return Progress(0, 0.0, plan(settings.steps, settings.warm_up))
    assert settings.seconds is not None
    # A copy is timed, so that model and optimiser are untouched at step 0.
    stepper, batches = _stepper(copy.deepcopy(model), settings), feed.batches(0)
    spent = []
    for step in range(TRIAL):
        began = perf_counter()
        stepper(step, next(batches), 0.0)
        spent.append(perf_counter() - began)
    pace = from_first(fmean(spent[TRIAL // 2 :]))
    return Progress(0, 0.0, guess(settings.seconds, settings.warm_up, pace))


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

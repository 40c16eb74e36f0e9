"""A run: from the step where it stands to its last one.

It knows nothing of how a step is taken (`step`) or a file written (`folder`), only what comes after
what. Numbers measured at a step are on the disk before the checkpoint of that step is, so a run
that goes on from there has all of them. Lesson 09.
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
from minseg.train.validate import validate

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
        s = self.settings
        return Order(s.images, s.batch_size, s.seed).images(step)


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
                if validation is not None and validate_every and self._is_time(validate_every):
                    self._validate(validation)
                if self._is_time(save_every) and self.schedule.settled:
                    self._save()
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
        rows = self.metrics.rows
        if from_first(bool(rows) and rows[-1]["step"] == self.step):
            return  # it was done before the run was interrupted
        metrics = validate(self.stepper.model, dataset, batch_size=self.settings.batch_size)
        self.metrics.add({"step": self.step, **metrics})


def make_stepper(model: nn.Module, settings: Settings) -> Stepper:
    return Stepper(
        model,
        weight_decay=settings.weight_decay,
        clip=settings.clip,
        seed=settings.seed,
        bf16=settings.bf16,
    )


def beginning(model: nn.Module, feed: Feed, settings: Settings) -> Progress:
    """Step 0, with a schedule."""
    if settings.steps is not None:
        return Progress(0, 0.0, plan(settings.steps, settings.warm_up))
    assert settings.seconds is not None
    # A copy is timed, so that model and optimiser are untouched at step 0.
    stepper, batches = make_stepper(copy.deepcopy(model), settings), feed.batches(0)
    spent = []
    for step in range(TRIAL):
        began = perf_counter()
        stepper(step, next(batches), 0.0)
        spent.append(perf_counter() - began)
    pace = from_first(fmean(spent[TRIAL // 2 :]))
    return Progress(0, 0.0, guess(settings.seconds, settings.warm_up, pace))

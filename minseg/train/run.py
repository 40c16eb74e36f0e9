"""A run: from the step where it stands to its last one.

It knows nothing of how a step is taken (`step`) or a file written (`folder`), only what comes after
what. A checkpoint is written every so many steps and whenever a minute has passed, before a
validation, which can take long, and after it, with its numbers. A run that was interrupted while it
measured, measures when it goes on.

Of a run of N seconds, the number of steps is a guess until warm-up is over (`schedule`). The guess
is in the checkpoint; who goes on from there keeps it, and settles it by the time that all steps
took, those before the interruption too. Lesson 09.
"""

from __future__ import annotations

import copy
import signal
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import NamedTuple

from torch import nn

from minseg.data.example import Dataset
from minseg.train.bar import Bar
from minseg.train.batches import Augmentation, Batch, Views, batches
from minseg.train.distributed import all_or_none, from_first, largest, world
from minseg.train.interrupt import Interrupted, Signals
from minseg.train.log import Row
from minseg.train.run_folder import LOSSES, METRICS, Progress, RunFolder
from minseg.train.sampling_order import Order, Share
from minseg.train.schedule import guess, plan
from minseg.train.settings import Settings
from minseg.train.step import Stepper
from minseg.train.validate import validate
from minseg.train.watch import Watch

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
            losses.csv, validation.csv and run.lock, which is empty; None if nothing was kept.
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

    def batches(self, step: int) -> Generator[Batch, None, None]:
        """This process's share of the batches from a step on."""
        s = self.settings
        views = Views(self.dataset, self.augmentation, s.seed)
        share = Share(Order(s.images, s.batch_size, s.seed), step, *world())
        return batches(views, share, panoptic=self.panoptic, workers=self.workers)

    def images(self, step: int) -> list[int]:
        """Numbers of the images of a step, in all processes."""
        s = self.settings
        return Order(s.images, s.batch_size, s.seed).images(step)


class Pace(NamedTuple):
    """How often a run measures and saves."""

    validate_every: int | None  # steps; None: at the end
    save_every: int  # steps
    save_seconds: float  # by the clock


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
        self.losses, self.metrics = all_or_none(lambda: (folder.log(LOSSES), folder.log(METRICS)))
        self.on_step = on_step if world()[0] == 0 else None
        self.signals = Signals(wanted=folder.path is not None)

    def finish(self, validation: Dataset | None, pace: Pace) -> TrainingResult:
        """Take all steps that are left; save and validate when it is time.

        Raises:
            Interrupted: after Ctrl-C or SIGTERM, where there is a folder to go on from.
        """
        feed = self.feed.batches(self.step)
        try:
            with self.signals, Bar(self.schedule.steps, self.step, silent=world()[0] > 0) as bar:
                self._go_on(feed, bar, validation, pace)
                self.folder.finish(self.stepper)
        except KeyboardInterrupt:
            if self.folder.path is None:
                raise
            raise self._interrupted() from None
        finally:
            feed.close()  # and with it the processes that read ahead
            self.losses.close()
            self.metrics.close()
        folder = self.folder.path
        return TrainingResult(self.losses.rows, self.metrics.rows, self.step, self.seconds, folder)

    def _go_on(
        self, feed: Iterator[Batch], bar: Bar, validation: Dataset | None, pace: Pace
    ) -> None:
        saves = Alarm(pace.save_seconds)
        if self.step:  # perhaps it was interrupted before or while it measured
            self._measure(validation, pace)
        while self.step < self.schedule.steps:
            row = self._take_step(feed)
            bar.advance(self.schedule.steps, f"loss {row['loss']:.3f}")
            if self._is_time(pace.save_every) or saves.is_due():
                began = perf_counter()
                self._save()
                saves.set(perf_counter() - began)
            self._stop_if_asked()
            self._measure(validation, pace)

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
        Watch.alive()
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
        # Only the first process has the rows of before an interruption; its word is taken.
        self.schedule = from_first(self.schedule.settle(self.settings.seconds, spent))

    def _is_time(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self.schedule.steps

    def _save(self) -> None:
        progress = Progress(self.step, self.seconds, self.schedule)
        tables = {LOSSES: self.losses, METRICS: self.metrics}
        self.folder.save(self.stepper, progress, self.settings, tables)

    def _stop_if_asked(self) -> None:
        if number := largest(self.signals.received):
            self.signals.received = number  # perhaps only another process was told
            if self.folder.saved != self.step:
                self._save()
            raise KeyboardInterrupt

    def _measure(self, validation: Dataset | None, pace: Pace) -> None:
        """Validate and save where it is time and was not done before the run was interrupted."""
        if validation is None or not self._is_time(pace.validate_every or self.schedule.steps):
            return
        rows = self.metrics.rows
        if from_first(bool(rows) and rows[-1]["step"] == self.step):
            return
        try:
            with self.signals.obeyed():
                size = self.settings.batch_size
                metrics = validate(self.stepper.model, validation, batch_size=size)
        except KeyboardInterrupt:
            self._stop_if_asked()  # the step is whole: it can be kept
            raise
        self.metrics.add({"step": self.step, **metrics})
        self._save()

    def _interrupted(self) -> Interrupted:
        kept = f"saved in {self.folder.path}" if self.folder.saved == self.step else None
        return Interrupted(
            f"interrupted at step {self.step} of {self.schedule.steps}: "
            f"{kept or self.folder.last_good()}",
            self.signals.received or signal.SIGINT,
        )


class Alarm:
    """Due when `seconds` have passed since it was set, or 20 times what saving takes."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.set(0.0)

    def set(self, spent: float) -> None:
        """Begin anew; `spent` is how long the work took."""
        self._at = perf_counter() + max(self.seconds, 20 * spent)

    def is_due(self) -> bool:
        return perf_counter() >= self._at


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

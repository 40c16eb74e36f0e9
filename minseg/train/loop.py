"""The loop that trains every model of the course.

    for each step:   batch → losses → backward → clip → step → log → save, validate

`train` prepares it and `Run._go_on` is it. Read next: `step` (losses to step), `batches` (which
images, with which seeds), `schedule` (the learning rate); for a run that is kept `run_folder` (what
is on the disk), `checkpoint`, `log` and `interrupt`; for several processes `distributed`.

**Why resume is exact.** A run can be killed at any moment and loses what it did since its last
checkpoint, nothing else. The run that goes on from there ends with the very bits that an
undisturbed one would have, because what a step does is a function of

    the weights, the moments of the optimisers        both in the checkpoint, to the bit
    the step, the seed, the schedule                  likewise; order and seeds follow from these

and of no clock and no hidden state: what a model draws comes from seeds made of (seed, step).
(On the same machine with the same number of threads: sums in another order round otherwise, and
some kernels of a GPU have no fixed order.) Unit 42.
"""

from __future__ import annotations

import copy
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Literal

from torch import nn

from minseg.data.example import Dataset
from minseg.processes import Watch, all_or_none, from_first, largest, together, world
from minseg.terminal import step_bar
from minseg.train.augment import augment_scene
from minseg.train.batches import Augmentation, Batch, Feed, check_readable, is_panoptic
from minseg.train.distributed import check_same_run, check_same_start
from minseg.train.interrupt import Interrupted, Signals
from minseg.train.log import Row, TrainingResult
from minseg.train.run_folder import LOSSES, METRICS, RunFolder, fingerprint, run_folder
from minseg.train.schedule import Alarm, Pace, Progress, first_guess, pace_of, plan
from minseg.train.step import Settings, Stepper, check_settings, decide_bf16, use_checkpointing
from minseg.train.validate import validate


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
    bf16: bool | Literal["auto"] = False,
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
        batch_size: images in a step, of all processes together.
        learning_rate, warm_up: its highest value, and the share of steps to get there.
        weight_decay, clip: see `minseg.train.step`.
        bf16: compute in bfloat16 what autocast thinks safe; "auto" does where this machine is
            quicker with it (`minseg.bf16`), or as the run in `out` was begun. What was chosen is
            kept with the run. The default is the same numbers on every machine.
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
    if resume and out is None:
        raise ValueError("resume needs out, the folder of the run to go on with")
    all_or_none(lambda: check_readable(dataset, validation))
    view = None if augmentation is None else getattr(augmentation, "__name__", repr(augmentation))
    compared = out is not None or together()  # else there is nothing to compare the data with
    settings: Settings = {
        "steps": steps,
        "seconds": seconds,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "warm_up": warm_up,
        "weight_decay": weight_decay,
        "clip": clip,
        "seed": seed,
        "bf16": bf16,  # "auto" is decided once the folder is open
        "augmentation": view,
        "images": len(dataset),
        "data": all_or_none(lambda: fingerprint(dataset)) if compared else None,
    }
    check_settings(settings)
    pace = Pace(validate_every, save_every, save_seconds)
    use_checkpointing(model, checkpointing)
    feed = Feed(dataset, augmentation, batch_size, seed, is_panoptic(model), workers)
    with ExitStack() as stack:
        folder = all_or_none(
            lambda: None if out is None else stack.enter_context(run_folder(out, resume=resume))
        )

        # once for all processes, since they must compute alike
        if together():
            check_same_run(model, settings)
        begun = None if folder is None else folder.begun_with("bf16")
        settings["bf16"] = decide_bf16(bf16, begun, model)

        # where the run stands; several processes must stand at the same step
        stepper = Stepper(model, settings)
        progress = all_or_none(lambda: None if folder is None else folder.load(stepper, settings))
        if together():
            check_same_start(model, progress)
        progress = progress or beginning(model, feed, settings)
        all_or_none(lambda: None if folder is None else folder.open_tables())

        on_step = on_step if world()[0] == 0 else None
        return Run(stepper, feed, settings, pace, validation, on_step, folder, progress).finish()


def beginning(model: nn.Module, feed: Feed, settings: Settings) -> Progress:
    """Step 0, with a schedule."""
    if settings["steps"] is not None:
        return Progress(0, 0.0, plan(settings["steps"], settings["warm_up"]))
    # A copy is timed, so that model and optimisers are untouched at step 0.
    stepper, batches = Stepper(copy.deepcopy(model), settings), feed.batches(0)
    seconds_a_step = pace_of(lambda step: stepper.take(step, next(batches), learning_rate=0.0))
    return Progress(0, 0.0, first_guess(settings["seconds"], settings["warm_up"], seconds_a_step))


@dataclass
class Run:
    """A run from the step where it stands to its last one; `train` says what these are."""

    stepper: Stepper
    feed: Feed
    settings: Settings
    pace: Pace
    validation: Dataset | None
    on_step: Callable[[Row], None] | None
    folder: RunFolder | None
    progress: Progress

    def __post_init__(self) -> None:
        self.losses: list[Row] = [] if self.folder is None else self.folder.tables[LOSSES]
        self.metrics: list[Row] = [] if self.folder is None else self.folder.tables[METRICS]
        self.signals = None if self.folder is None else Signals()

    def finish(self) -> TrainingResult:
        """Take all steps that are left.

        Raises:
            Interrupted: after Ctrl-C or SIGTERM, where there is a folder to go on from.
        """
        at, batches = self.progress, self.feed.batches(self.progress.step)
        bar = step_bar(at.schedule.steps, at.step, silent=world()[0] > 0)
        try:
            with self.signals or nullcontext(), bar as advance:
                self._go_on(batches, advance)
                if self.folder is not None:
                    self.folder.finish(self.stepper.model)
        except KeyboardInterrupt:
            if self.folder is None:
                raise
            raise self._interrupted(self.folder) from None
        finally:
            batches.close()  # and with it the processes that read ahead
        path = None if self.folder is None else self.folder.path
        return TrainingResult(list(self.losses), list(self.metrics), at.step, at.seconds, path)

    def _go_on(self, batches: Iterator[Batch], advance: Callable[[int, str], None]) -> None:
        """The loop."""
        at, alarm = self.progress, Alarm(self.pace.save_seconds)
        if at.step:  # the run may have been interrupted before or while it validated
            self._validate()
        while at.step < at.schedule.steps:
            began = perf_counter()
            learning_rate = self.settings["learning_rate"] * at.schedule.rate(at.step)
            try:
                # batch: this process's share of the images, each with its seed
                batch = next(batches)

                # losses, backward, clip, step: see `Stepper.take`
                row = self.stepper.take(at.step, batch, learning_rate)
            except FloatingPointError as error:
                raise self._named(error) from None
            Watch.alive()
            at.step += 1
            at.seconds += perf_counter() - began

            # log
            self._log({"step": at.step, "seconds": at.seconds, **row})
            advance(at.schedule.steps, f"loss {row['loss']:.3f}")

            # save: every so many steps or seconds, and before a validation, which can take long
            if at.is_time(self.pace.save_every) or alarm.is_due():
                alarm.set(spent=self._save())
            self._stop_if_asked()

            # validate, and save the numbers
            self._validate()

    def _log(self, row: Row) -> None:
        self.losses.append(row)
        at = self.progress
        if not at.schedule.settled and at.step == at.schedule.warm_up:
            at.settle(self.settings["seconds"], [row["seconds"] for row in self.losses])
        if self.on_step is not None:
            self.on_step(row)

    def _save(self) -> float:
        """Write a checkpoint; how many seconds it took."""
        began = perf_counter()
        if self.folder is not None:
            self.folder.save(self.stepper, self.progress, self.settings)
        return perf_counter() - began

    def _validate(self) -> None:
        """Measure and save, where it is time and was not done before an interruption."""
        at = self.progress
        if self.validation is None or not at.is_time(self.pace.validate_every or at.schedule.steps):
            return
        if from_first(bool(self.metrics) and self.metrics[-1]["step"] == at.step):
            return
        try:
            with nullcontext() if self.signals is None else self.signals.obeyed():
                size = self.settings["batch_size"]
                metrics = validate(self.stepper.model, self.validation, batch_size=size)
        except KeyboardInterrupt:
            self._stop_if_asked()  # the step is whole: it can be kept
            raise
        self.metrics.append({"step": at.step, **metrics})
        self._save()

    def _stop_if_asked(self) -> None:
        """End where a signal has come, to this process or to another one."""
        number = largest(0 if self.signals is None else self.signals.received)
        if not number:
            return
        if self.signals is not None and self.folder is not None:
            self.signals.received = number
            if self.folder.saved != self.progress.step:
                self._save()
        raise KeyboardInterrupt

    def _interrupted(self, folder: RunFolder) -> Interrupted:
        at = self.progress
        kept = f"saved in {folder.path}" if folder.saved == at.step else folder.last_good()
        number = 0 if self.signals is None else self.signals.received
        where = f"interrupted at step {at.step} of {at.schedule.steps}: {kept}"
        return Interrupted(where, number or signal.SIGINT)

    def _named(self, error: FloatingPointError) -> FloatingPointError:
        """The error with its step, its images and what is left to go on from."""
        step = self.progress.step
        images = self.feed.order().images(step)
        left = "there is no checkpoint" if self.folder is None else self.folder.last_good()
        return FloatingPointError(f"step {step + 1}: {error}; its images are {images}; {left}")

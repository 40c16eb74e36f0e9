"""The folder of a run: the last checkpoint, the finished model, tables of losses and metrics.

Only the first of several processes writes. All of them read when a run goes on, so on several
machines the folder must be one that all of them see. A folder is one run's: it is locked while a
process trains there (`lock`), and what is found in it is compared with the checkpoint, which alone
is believed. Where something else was altered, cut or exchanged, it is made again from there, and a
line says so. Lesson 09.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import torch

from minseg.files import clear_dead_drafts
from minseg.tensor_file import read_tensors
from minseg.terminal import notice
from minseg.train.checkpoint import (
    Checkpoint,
    load_checkpoint,
    model_tensors,
    save_checkpoint,
    save_model,
)
from minseg.train.distributed import all_or_none, world
from minseg.train.lock import only_one
from minseg.train.log import Log, Row, difference, read_rows
from minseg.train.schedule import Schedule
from minseg.train.settings import Settings
from minseg.train.step import Stepper

CHECKPOINT, MODEL = "checkpoint.safetensors", "model.safetensors"
LOSSES, METRICS = "losses.csv", "validation.csv"


@dataclass(frozen=True)
class Progress:
    """Where a run stands: steps done, seconds they took, and the schedule."""

    step: int
    seconds: float
    schedule: Schedule


class RunFolder:
    """Where the files of a run go; nowhere if `path` is None. Use as a context: it is locked.

    Args:
        path: made if need be.
        resume: whether to go on with the run that is there.

    Raises:
        ValueError: if there is a run that is not to be resumed, or another process trains there.
        OSError: if the folder cannot be made.
    """

    def __init__(self, path: str | Path | None, *, resume: bool) -> None:
        if path is None and resume:
            raise ValueError("resume needs out, the folder of the run to go on with")
        self.path = None if path is None else Path(path)
        self.resume = resume
        self.saved = 0  # steps done at the last checkpoint
        self.tables: Mapping[str, list[Row]] | None = {}  # of the checkpoint; None if it has none
        self._stranger = False  # whether a model is there that cannot be this run's
        self._held = ExitStack()

    def __enter__(self) -> RunFolder:
        try:
            all_or_none(self._open)
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._held.close()

    def _open(self) -> None:
        if self.path is None or world()[0] > 0:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        self._held.enter_context(only_one(self.path))
        if self.checkpoint.exists() and not self.resume:
            raise ValueError(
                f"out={str(self.path)!r} holds a run already: resume=True goes on with it, "
                f"a new run needs another folder"
            )
        if (self.path / MODEL).exists() and not self.checkpoint.exists():
            raise ValueError(
                f"out={str(self.path)!r} holds {MODEL} and no checkpoint to go on with: "
                f"a new run needs another folder"
            )
        for name in (CHECKPOINT, MODEL, LOSSES, METRICS):
            clear_dead_drafts(self.path / name)

    @property
    def checkpoint(self) -> Path:
        """The file of the last checkpoint."""
        assert self.path is not None
        return self.path / CHECKPOINT

    def note(self, text: str) -> None:
        """Tell, once, what was found in the folder."""
        if world()[0] == 0:
            notice(f"{self.path}: {text}")

    def load(self, stepper: Stepper, settings: Settings) -> Progress | None:
        """Bring model and optimisers to where the run was; None if there is nothing to go on with.

        Raises:
            ValueError: if the checkpoint is damaged, or of another model or other settings.
        """
        if self.path is None or not self.resume or not self.checkpoint.exists():
            return None
        kept = load_checkpoint(self.checkpoint, stepper.model, stepper.optimisers)
        progress = self._progress(kept)
        was = kept.progress["settings"]
        settings.check_same(was, self.checkpoint)
        if was.get("data") is None:
            self.note("the checkpoint does not tell its data; they are taken to be the same")
        if not kept.tables:
            self.note("the checkpoint is of an older version, without tables; the files are taken")
        there, at_end = (self.path / MODEL).exists(), progress.step == progress.schedule.steps
        self._stranger = there and not at_end
        if self._stranger:
            self.note(f"{MODEL} is there, but the run is not at its end: it will be replaced")
        if at_end and not there:
            self.note(f"{MODEL} is missing: made from the checkpoint")
        self.saved, self.tables = progress.step, kept.tables or None
        return progress

    def _progress(self, kept: Checkpoint) -> Progress:
        """Where the run stands, once it is sure that the checkpoint can be gone on with."""
        stored = kept.progress
        try:
            step, schedule = int(stored["step"]), Schedule(**stored["schedule"])
            ends = [rows[-1]["step"] for rows in kept.tables.values() if rows]
            sound = 0 <= step <= schedule.steps and all(end <= step for end in ends)
            if sound and isinstance(stored["settings"], dict):
                return Progress(step, float(stored["seconds"]), schedule)
        except (KeyError, TypeError, ValueError):
            pass
        raise ValueError(f"{self.checkpoint}: damaged: it does not say where the run stands")

    def log(self, name: str) -> Log:
        """A table with its rows up to the checkpoint; the file is made to agree."""
        if self.path is None or world()[0] > 0:
            return Log(None)
        file = self.path / name
        if self.tables is None:
            return Log(file, read_rows(file, self.saved))
        rows = self.tables.get(name, [])
        if (differs := difference(file, rows)) is not None:
            self.note(f"{differs}: made as the checkpoint has it, of step {self.saved}")
        return Log(file, rows)

    def save(
        self, stepper: Stepper, progress: Progress, settings: Settings, tables: Mapping[str, Log]
    ) -> None:
        """Write the checkpoint, in one step, once the tables are on the disk."""
        if self.path is not None and world()[0] == 0:
            for log in tables.values():
                log.sync()
            about: dict[str, Any] = {**asdict(progress), "settings": asdict(settings)}
            rows = {name: log.rows for name, log in tables.items()}
            save_checkpoint(self.checkpoint, stepper.model, stepper.optimisers, about, rows)
        self.saved = progress.step

    def finish(self, stepper: Stepper) -> None:
        """Write the model alone, for `load_model`."""
        if self.path is None or world()[0] > 0:
            return
        file = self.path / MODEL
        if file.exists():
            if _holds(file, stepper):
                return
            if not self._stranger:
                self.note(f"{MODEL} is not what this run has learnt: written anew")
        save_model(stepper.model, file)

    def last_good(self) -> str:
        """The last checkpoint in words, for an error."""
        if self.path is None or not self.saved:
            return "there is no checkpoint"
        return f"the last checkpoint is of step {self.saved}, {self.checkpoint}"


def _holds(file: Path, stepper: Stepper) -> bool:
    """Whether a file is the model as it stands."""
    try:
        tensors, _ = read_tensors(file)
    except ValueError:
        return False
    own = model_tensors(stepper.model)
    return tensors.keys() == own.keys() and all(
        torch.equal(tensor.cpu(), tensors[name]) for name, tensor in own.items()
    )

"""The folder of a run: the last checkpoint, the finished model, tables of losses and metrics.

Only the first of several processes writes. All of them read when a run goes on, so on several
machines the folder must be one that all of them see. Lesson 09.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from minseg.train.checkpoint import load_checkpoint, save_checkpoint, save_model
from minseg.train.distributed import world
from minseg.train.log import Log
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
    """Where the files of a run go; nowhere if `path` is None.

    Args:
        path: made if need be.
        resume: whether to go on with the run that is there.

    Raises:
        ValueError: if there is a run that is not to be resumed.
        OSError: if the folder cannot be made.
    """

    def __init__(self, path: str | Path | None, *, resume: bool) -> None:
        if path is None and resume:
            raise ValueError("resume needs out, the folder of the run to go on with")
        self.path = None if path is None else Path(path)
        self.resume = resume
        self.saved = 0  # steps done at the last checkpoint
        if self.path is None:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        if self.checkpoint.exists() and not resume:
            raise ValueError(
                f"out={str(path)!r} holds a run already: resume=True goes on with it, "
                f"a new run needs another folder"
            )
        if world()[0] == 0:
            for draft in self.path.glob(f".{CHECKPOINT}.*.tmp"):  # of a process that was killed
                draft.unlink(missing_ok=True)

    @property
    def checkpoint(self) -> Path:
        """The file of the last checkpoint."""
        assert self.path is not None
        return self.path / CHECKPOINT

    def load(self, stepper: Stepper, settings: Settings) -> Progress | None:
        """Bring model and optimisers to where the run was; None if there is nothing to go on with.

        Raises:
            ValueError: if the checkpoint is damaged, or of another model or other settings.
        """
        if self.path is None or not self.resume or not self.checkpoint.exists():
            return None
        stored = load_checkpoint(self.checkpoint, stepper.model, stepper.optimisers)
        settings.check_same(stored["settings"], self.checkpoint)
        self.saved = stored["step"]
        return Progress(stored["step"], stored["seconds"], Schedule(**stored["schedule"]))

    def log(self, name: str, step: int) -> Log:
        """A table with its rows up to a step."""
        keeps = self.path is not None and world()[0] == 0
        return Log(self.path / name if self.path is not None and keeps else None, step)

    def save(self, stepper: Stepper, progress: Progress, settings: Settings) -> None:
        """Write the checkpoint, in one step."""
        if self.path is not None and world()[0] == 0:
            about = {**asdict(progress), "settings": asdict(settings)}
            save_checkpoint(self.checkpoint, stepper.model, stepper.optimisers, about)
        self.saved = progress.step

    def finish(self, stepper: Stepper) -> None:
        """Write the model alone, for `load_model`."""
        if self.path is not None and world()[0] == 0:
            save_model(stepper.model, self.path / MODEL)

    def last_good(self) -> str:
        """The last checkpoint in words, for an error."""
        if self.path is None or not self.saved:
            return "there is no checkpoint"
        return f"the last checkpoint is of step {self.saved}, {self.checkpoint}"

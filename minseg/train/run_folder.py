"""The folder of a run: what is on the disk, and what must agree for a run to go on.

    checkpoint.safetensors      the run as it stood at a step (`checkpoint`)
    losses.csv, validation.csv  tables that grow (`log`)
    model.safetensors           the finished model, for `load_model`
    run.lock                    empty; held while a process trains here

*The checkpoint alone is believed.* What else is found in the folder is compared with it. Where
something was altered, cut or exchanged, it is made again from there, and a line says so.

*The settings must be those that the run was begun with*, and so must the data; else its end would
be that of neither. Both are in the checkpoint, the data as a digest (`fingerprint`), and compared.

*One run at a time.* Two processes that write one checkpoint in turns make a run that is neither's.
The lock is given by the operating system, which takes it back when the process ends, however it
ends: no lock outlives its holder, and there is nothing to clean up after a crash. Whether the file
is *held* counts, not whether it is there. (On Unix this is flock, through the package filelock,
which PyTorch stands on too.)

Only the first of several processes writes. All of them read when a run goes on, so on several
machines the folder must be one that all of them see. Unit 45.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from torch import Tensor, nn

from minseg.data.example import Dataset, as_example
from minseg.data.in_memory import InMemory
from minseg.files import clear_dead_drafts
from minseg.models.saved import named_weights, save_model
from minseg.processes import world
from minseg.tensor_file import opened, read_tensors
from minseg.terminal import notice
from minseg.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from minseg.train.log import Log, Row, difference, read_rows
from minseg.train.schedule import Progress, Schedule
from minseg.train.step import Settings, Stepper

CHECKPOINT, MODEL, LOCK = "checkpoint.safetensors", "model.safetensors", "run.lock"
LOSSES, METRICS = "losses.csv", "validation.csv"
SAMPLES = 16  # that are read of data which are not in memory, to recognise them


@contextmanager
def run_folder(path: str | Path, *, resume: bool) -> Iterator[RunFolder]:
    """A folder to keep a run in, locked meanwhile.

    Args:
        path: made if need be.
        resume: whether to go on with the run that is there.

    Raises:
        ValueError: if there is a run that is not to be resumed, or another process trains there.
        OSError: if the folder cannot be made.
    """
    folder = RunFolder(Path(path), resume=resume)
    with ExitStack() as held:
        if world()[0] == 0:
            folder.path.mkdir(parents=True, exist_ok=True)
            held.enter_context(only_one(folder.path))
            folder.prepare()
        held.callback(folder.close)  # before the lock is given back
        yield folder


def check_free(path: str | Path, *, resume: bool) -> None:
    """Raise now what `run_folder` would raise later."""
    with run_folder(path, resume=resume):
        pass


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder.

    Raises:
        ValueError: if another process holds it.
        OSError: if no file can be made there.
    """
    lock = FileLock(folder / LOCK, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise ValueError(
            f"{folder} is in use: another process trains there; wait for it, or name another folder"
        ) from None
    except NotImplementedError:  # some network file systems
        notice(f"{folder}: its file system has no locks; see that no other process trains there")
    try:
        yield
    finally:
        lock.release()


class RunFolder:
    """The files of a run; made by `run_folder`."""

    def __init__(self, path: Path, *, resume: bool) -> None:
        self.path, self.resume = path, resume
        self.checkpoint, self.model = path / CHECKPOINT, path / MODEL
        self.saved = 0  # steps done at the last checkpoint
        self.tables = {LOSSES: Log(None), METRICS: Log(None)}
        self._rows: Mapping[str, list[Row]] | None = {}  # of the checkpoint; None: it has none
        self._stranger = False  # whether a model is there that cannot be this run's

    def prepare(self) -> None:
        """Refuse a folder that holds something else, and clear away what a crash has left."""
        if self.checkpoint.exists() and not self.resume:
            raise ValueError(
                f"out={str(self.path)!r} holds a run already: resume=True goes on with it, "
                f"a new run needs another folder"
            )
        if self.model.exists() and not self.checkpoint.exists():
            raise ValueError(
                f"out={str(self.path)!r} holds {MODEL} and no checkpoint to go on with: "
                f"a new run needs another folder"
            )
        for name in (CHECKPOINT, MODEL, LOSSES, METRICS):
            clear_dead_drafts(self.path / name)

    def begun_with(self, name: str) -> Any:
        """A setting of the run that is to go on; None if there is none, or it cannot be told.

        What is damaged is for `load` to refuse: here nothing is read but the header.
        """
        with suppress(ValueError, OSError, KeyError, TypeError):
            if self.resume:
                with opened(self.checkpoint) as stored:
                    return stored.about["progress"]["settings"][name]
        return None

    def load(self, stepper: Stepper, settings: Settings) -> Progress | None:
        """Bring model and optimisers to where the run was; None if there is nothing to go on with.

        Raises:
            ValueError: if the checkpoint is damaged, or of another model or other settings.
        """
        if not self.resume or not self.checkpoint.exists():
            return None
        kept = load_checkpoint(self.checkpoint, stepper.model, stepper.optimisers)
        progress = self._progress(kept)
        was = kept.progress["settings"]
        check_same(settings, was, self.checkpoint)

        # what is there besides
        if was.get("data") is None:
            self.note("the checkpoint does not tell its data; they are taken to be the same")
        if not kept.tables:
            self.note("the checkpoint is of an older version, without tables; the files are taken")
        there, at_end = self.model.exists(), progress.step == progress.schedule.steps
        self._stranger = there and not at_end
        if self._stranger:
            self.note(f"{MODEL} is there, but the run is not at its end: it will be replaced")
        if at_end and not there:
            self.note(f"{MODEL} is missing: made from the checkpoint")
        self.saved, self._rows = progress.step, kept.tables or None
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

    def open_tables(self) -> None:
        """Losses and metrics with their rows up to the checkpoint; the files are made to agree."""
        if world()[0] == 0:
            self.tables = {name: self._opened(name) for name in self.tables}

    def _opened(self, name: str) -> Log:
        file = self.path / name
        if self._rows is None:
            return Log(file, read_rows(file, self.saved))
        rows = self._rows.get(name, [])
        if (differs := difference(file, rows)) is not None:
            self.note(f"{differs}: made as the checkpoint has it, of step {self.saved}")
        return Log(file, rows)

    def save(self, stepper: Stepper, progress: Progress, settings: Settings) -> None:
        """Write the checkpoint, in one step, once the tables are on the disk."""
        if world()[0] == 0:
            for log in self.tables.values():
                log.sync()
            about: dict[str, Any] = {**asdict(progress), "settings": settings}
            model, optimisers = stepper.model, stepper.optimisers
            save_checkpoint(self.checkpoint, model, optimisers, about, self.tables)
        self.saved = progress.step

    def finish(self, model: nn.Module) -> None:
        """Write the model alone, for `load_model`."""
        if world()[0] > 0:
            return
        if self.model.exists():
            if _holds(self.model, model):
                return
            if not self._stranger:
                self.note(f"{MODEL} is not what this run has learnt: written anew")
        save_model(model, self.model)

    def close(self) -> None:
        """Close the tables."""
        for log in self.tables.values():
            log.close()

    def last_good(self) -> str:
        """The last checkpoint in words, for an error."""
        if not self.saved:
            return "there is no checkpoint"
        return f"the last checkpoint is of step {self.saved}, {self.checkpoint}"

    def note(self, text: str) -> None:
        """Print, once, what was found in the folder."""
        if world()[0] == 0:
            notice(f"{self.path}: {text}")


def _holds(file: Path, model: nn.Module) -> bool:
    """Whether a file is the model as it stands."""
    try:
        tensors, _ = read_tensors(file)
    except ValueError:
        return False
    own = named_weights(model)
    return tensors.keys() == own.keys() and all(
        torch.equal(tensor.cpu(), tensors[name]) for name, tensor in own.items()
    )


def check_same(settings: Settings, stored: Mapping[str, Any], file: object) -> None:
    """ValueError, naming the first that differs, unless a run was begun with these settings.

    A file of version 0.1 has no fingerprint of its data; then nothing is said about it here.
    """
    for name, value in settings.items():
        was = stored.get(name)
        if was != value and not (name == "data" and was is None):
            differs = "other data" if name == "data" else f"{name}={was}, now it is {value}"
            raise ValueError(
                f"{file}: the run was begun with {differs}; "
                f"go on as it was begun, or name another folder"
            )


def fingerprint(dataset: Dataset) -> str:
    """A digest of a data set, to tell whether it is the one that a run was begun with.

    A data set can say its own, by a method `fingerprint() -> str` that gives the same for the same
    samples in every process, as `CocoInstances` does by its records. What is in memory is read in
    full. Of any other sequence a few samples are read, evenly spread: enough to tell another split,
    size or folder, not to find one image that was changed.

    Raises:
        ValueError: if a sample that is read has no image.
    """
    own: Any = getattr(dataset, "fingerprint", None)
    if callable(own):
        return str(own())
    length = len(dataset)
    total = hashlib.sha256(f"{length} samples".encode())
    in_memory = isinstance(dataset, InMemory | list | tuple)
    for index in range(length) if in_memory else _spread(length):
        one = as_example(dataset[index], index)
        truth = one.instances
        for part in (one.image, truth.masks, truth.labels, truth.crowd, one.panoptic):
            total.update(_content(part))
    return total.hexdigest()


def _spread(length: int) -> list[int]:
    """A few indices, the first and the last among them."""
    return sorted({k * (length - 1) // (SAMPLES - 1) for k in range(SAMPLES)}) if length else []


def _content(tensor: Tensor | None) -> bytes:
    if tensor is None:
        return b"none"
    shape = f"{tensor.dtype} {tuple(tensor.shape)} ".encode()
    return shape + tensor.detach().cpu().contiguous().numpy().tobytes()

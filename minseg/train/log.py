"""A table of numbers that grows while a model trains, in memory and in a CSV file.

A row is written as soon as there is one, so that the file can be watched. What counts is the
checkpoint, which holds the rows so far as well: the file can be cut or altered. So a run that goes
on from a checkpoint takes its rows, says where the file differs, and writes it anew:

    checkpoint of step 8    1 2 3 4 5 6 7 8
    file, run was killed    1 2 3 4 5 6 7 8 9 1        → rows after step 8 are dropped
    file, altered           1 2 3 4 4 4 7 8            → line 6 is not what was written

A run that was interrupted ten times has one row for each step, like any other. Unit 45.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from minseg.files import FULL, write_whole

Row = dict[str, float]
LONGEST_LINE = 10_000  # characters, of what can be a row


class Log(list[Row]):
    """A list of rows, each with a "step", that writes every row it is given to a file.

    Args:
        file: a CSV file; it is made to hold `rows` and nothing else. None keeps a plain list.
        rows: those to begin with.

    Raises:
        OSError: if the file cannot be written, with its name; no row is half there then.

    Example:
        >>> log = Log(None)
        >>> log.append({"step": 1, "loss": 0.5})
        >>> log
        [{'step': 1, 'loss': 0.5}]
    """

    def __init__(self, file: Path | None, rows: Iterable[Row] = ()) -> None:
        super().__init__(rows)
        self.file = file
        self._stream: io.FileIO | None = None
        if file is not None:
            if difference(file, self) is not None or not file.exists():
                write_whole(file, _text(self))
            self._stream = open(file, "ab", buffering=0)  # noqa: SIM115

    def append(self, row: Row) -> None:
        """Add a row to list and file; all rows have the same names."""
        super().append(row)
        if self._stream is not None:
            self._write(_text([row], header=len(self) == 1))

    def sync(self) -> None:
        """Return when all rows are on the disk."""
        if self._stream is not None:
            try:
                os.fsync(self._stream)
            except OSError as error:
                raise self._named(error) from None

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()

    def _write(self, text: bytes) -> None:
        assert self._stream is not None
        before = os.fstat(self._stream.fileno()).st_size
        try:
            while text:  # a disk that is nearly full takes a part
                text = text[self._stream.write(text) :]
        except OSError as error:
            os.ftruncate(self._stream.fileno(), before)
            raise self._named(error) from None

    def _named(self, error: OSError) -> OSError:
        reason = "the disk is full" if error.errno in FULL else error.strerror
        return OSError(error.errno, f"{self.file} could not be written ({reason})")


@dataclass(frozen=True)
class TrainingResult:
    """What training did, and where its files are.

    Attributes:
        losses: one row for each step: "step" (from 1), "seconds" so far, "loss" and each of its
            parts, "gradient" (its norm), "learning_rate".
        metrics: one row for each validation: "step" and the numbers of `validate`.
        steps, seconds: in all, those before an interruption too; seconds of training alone.
        folder: `out`, with checkpoint.safetensors, model.safetensors (for `load_model`),
            losses.csv, validation.csv and run.lock, which is empty; None if nothing was kept.
    """

    losses: list[Row]
    metrics: list[Row]
    steps: int
    seconds: float
    folder: Path | None


def difference(file: Path, rows: Sequence[Row]) -> str | None:
    """In words, how a file differs from rows that were written to it; None if it does not."""
    wanted = _text(rows)
    if not file.exists():
        return f"{file.name} is missing" if rows else None
    with open(file, "rb") as stream:
        content = stream.read(len(wanted))  # no more: anything may have been put there
        more = os.fstat(stream.fileno()).st_size - len(wanted)
    if content == wanted:
        after = f"step {rows[-1]['step']}" if rows else "its beginning"
        return f"{file.name} goes on for {more} bytes after {after}" if more else None
    if wanted.startswith(content):
        return f"{file.name} ends early, after {len(content)} of {len(wanted)} bytes"
    pairs = zip(content.split(b"\n"), wanted.split(b"\n"), strict=False)
    line = next(k for k, (is_, was) in enumerate(pairs, start=1) if is_ != was)
    return f"{file.name} is not what was written, from line {line} on"


def read_rows(file: Path, upto: int) -> list[Row]:
    """Rows up to a step, of a file that no checkpoint knows; what is no row is left out."""
    if not file.exists():
        return []
    rows: list[Row] = []
    with open(file, newline="", encoding="utf-8", errors="replace") as stream:
        lines = (line for line in stream if "\0" not in line and len(line) < LONGEST_LINE)
        for texts in csv.DictReader(lines, quoting=csv.QUOTE_NONE):
            try:
                row = {name: float(value) for name, value in texts.items()}
                row["step"] = int(row["step"])
            except (TypeError, ValueError, KeyError, OverflowError):
                continue
            if (rows[-1]["step"] if rows else 0) < row["step"] <= upto:
                rows.append(row)
    return rows


def _text(rows: Sequence[Row], *, header: bool = True) -> bytes:
    """Rows as CSV."""
    stream = io.StringIO(newline="")
    if rows:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\r\n")
        if header:
            writer.writeheader()
        writer.writerows(rows)
    return stream.getvalue().encode()

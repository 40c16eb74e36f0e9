"""A table of numbers that grows while a model trains, and is a CSV file where there is a folder.

A row is written when it happens. A process that is killed leaves rows of steps that its last
checkpoint does not know; who goes on from there starts by dropping them. So the file of a run that
was interrupted ten times has one row a step, like any other. Lesson 09.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

from minseg.files import written_whole

Row = dict[str, float]


class Log:
    """Rows of numbers, each with a "step".

    Args:
        file: a CSV file to keep them in, or None.
        upto: rows of a file that is there are kept up to this step.

    Raises:
        ValueError: if a row of the file that is to be kept is damaged.
    """

    def __init__(self, file: Path | None, upto: int = 0) -> None:
        self.file, self.rows = file, [] if file is None else _read(file, upto)
        self._stream = None
        if file is not None:
            _write(file, self.rows)
            self._stream = open(file, "a", newline="", encoding="utf-8")  # noqa: SIM115

    def add(self, row: Row) -> None:
        """Append a row; all rows have the same names."""
        self.rows.append(row)
        if self._stream is not None:
            writer = csv.DictWriter(self._stream, list(self.rows[0]))
            if len(self.rows) == 1:
                writer.writeheader()
            writer.writerow(row)
            self._stream.flush()

    def sync(self) -> None:
        """Return when all rows are on the disk."""
        if self._stream is not None:
            os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()


def _read(file: Path, upto: int) -> list[Row]:
    if upto == 0 or not file.exists():
        return []
    rows: list[Row] = []
    with open(file, newline="", encoding="utf-8") as stream:
        for number, texts in enumerate(csv.DictReader(stream), start=2):
            try:
                row = {name: float(value) for name, value in texts.items()}
                row["step"] = int(row["step"])
            except (TypeError, ValueError, KeyError):
                # The last line may be torn; no checkpoint was written after it.
                if rows and rows[-1]["step"] >= upto:
                    break
                raise ValueError(f"{file}: line {number} is damaged") from None
            if row["step"] <= upto:
                rows.append(row)
    return rows


def _write(file: Path, rows: list[Row]) -> None:
    with written_whole(file) as stream:
        if rows:
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\r\n")
            writer.writeheader()
            writer.writerows(rows)

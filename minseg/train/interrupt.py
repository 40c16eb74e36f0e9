"""Ctrl-C and SIGTERM end a run in good order: after the step, with a checkpoint.

A step half done is worth nothing, and neither old nor new. So a signal is noted and obeyed where
the run stands between two steps. With several processes, each may get it at another moment, or
only one of them; they agree on the step after which all stop (`minseg.processes.largest`).
Ctrl-C twice does not wait for the step, and leaves the checkpoint before.

A process that ends by signal number n reports 128 + n by custom: 130 for Ctrl-C, 143 for SIGTERM,
which is what the schedulers of clusters send some time before they kill. Unit 45.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from minseg.processes import together

NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """A run was interrupted; the message says where it is kept. `status` is for the shell."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.status = 128 + number


class Signals:
    """A context in which Ctrl-C and SIGTERM are noted in `received` instead of obeyed.

    Only in a program's main thread: signals are sent to no other.
    """

    def __init__(self) -> None:
        self.received = 0
        self._at_once = False
        self._old: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in NUMBERS:
                if signal.getsignal(number) != signal.SIG_IGN:  # as nohup and `&` ask for
                    self._old[int(number)] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._old.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    @contextmanager
    def obeyed(self) -> Iterator[None]:
        """A part in which there is no step to finish; but processes stay together."""
        self._at_once = not together()
        try:
            if self._at_once and self.received:
                raise KeyboardInterrupt
            yield
        finally:
            self._at_once = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        again, self.received = self.received, self.received or number
        # torchrun hands on what the terminal has sent to all already: twice is no hurry there.
        hurry = bool(again) and number == signal.SIGINT and not together()
        if self._at_once or hurry:
            raise KeyboardInterrupt


def leave_to_parent(worker: int) -> None:
    """For a process that reads ahead: signals to the whole group are left to its parent."""
    for number in NUMBERS:
        signal.signal(number, signal.SIG_IGN)

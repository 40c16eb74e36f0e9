"""A process that waits in vain ends, and says so.

Processes on GPUs wait for one another inside the GPU's queue: if one of them hangs, no call of the
others returns, and no error can be raised there. So a thread looks on: whenever the process gets
somewhere, it notes the time,

    now − last sign of life > timeout      →      one line, and the end of the process, status 2

Its locks are freed by the operating system, its last checkpoint is whole (`minseg.files`), and
torchrun, which sees it end, ends the others. Lesson 09.
"""

from __future__ import annotations

import os
import sys
import threading
from time import monotonic
from types import TracebackType
from typing import ClassVar


class Watch:
    """Use as a context around work that calls `Watch.alive()` now and then.

    Args:
        timeout: seconds without a sign of life that are too many; None never minds.
    """

    last: ClassVar[float] = 0.0

    def __init__(self, timeout: float | None) -> None:
        self.timeout = timeout
        self._over = threading.Event()

    @classmethod
    def alive(cls) -> None:
        """The process got somewhere."""
        cls.last = monotonic()

    def __enter__(self) -> Watch:
        self.alive()
        if self.timeout is not None:
            threading.Thread(target=self._look, args=(self.timeout,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()

    def _look(self, timeout: float) -> None:
        while not self._over.wait(min(1.0, timeout / 10)):
            if monotonic() - self.last > timeout:
                rank = os.environ.get("RANK", "0")
                print(
                    f"error: process {rank} got nowhere for {timeout:g} s: it or another one hangs "
                    f"(timeout sets how long to wait)",
                    file=sys.stderr,
                    flush=True,
                )
                os._exit(2)  # nothing gentler reaches a thread that waits for a GPU

"""How far training is, for whoever looks at it.

In a terminal a bar (tqdm). In a notebook nothing: `minseg.explore.LossCurve` draws there. Where the
output goes to a file or a pipe, one line at the end.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any


class Bar:
    """Use as a context; `advance` after each step.

    Args:
        total, done: steps in all, steps done before.
        silent: say nothing, say because another process does.
    """

    def __init__(self, total: int, done: int = 0, *, silent: bool = False) -> None:
        from tqdm import tqdm

        self.silent = silent or _in_notebook()
        visible = not self.silent and sys.stderr.isatty()
        self.tqdm: Any = tqdm(total=total, initial=done, disable=not visible, unit="step")
        self.step, self.text = done, ""

    def advance(self, total: int, text: str) -> None:
        """One step more of `total`; `text` is the latest news."""
        self.step, self.text = self.step + 1, text
        self.tqdm.total = total
        self.tqdm.set_postfix_str(text, refresh=False)
        self.tqdm.update()

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.tqdm.close()
        if self.tqdm.disable and not self.silent and error is None and self.text:
            print(f"{self.step} step{'s' * (self.step != 1)}, {self.text}", file=sys.stderr)


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")  # never imported for a plain script
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and hasattr(shell, "kernel")

"""A RoI explorer with a button for each convention on which programs disagree. Unit 22."""

from __future__ import annotations

from typing import Any

from ipywidgets import ToggleButtons, VBox

from minseg.explore.base.widget import Still
from minseg.explore.roi_explorer.widget import RoIExplorer

USUAL = {"aligned": True, "inclusive": True, "rounding": "round", "sampling_ratio": 2}
CONVENTIONS: dict[str, dict[str, Any]] = {
    "as usual": {},
    "aligned = False": {"aligned": False},
    "no + 1": {"inclusive": False},
    "floor": {"rounding": "floor"},
    "one point": {"sampling_ratio": 1},
    "adaptive": {"sampling_ratio": 0},
}


class RoIConventions(Still, VBox):
    """Six buttons above a RoI explorer; arguments as `RoIExplorer`'s.

    `explorer` is that explorer, `buttons.value` the convention that it follows.
    """

    def __init__(self, *args: Any, **traits: Any) -> None:
        self.explorer = RoIExplorer(*args, **traits)
        self.buttons = ToggleButtons(options=list(CONVENTIONS), description="convention")
        self.buttons.observe(self._switch, "value")
        super().__init__([self.buttons, self.explorer])

    def _switch(self, change: dict[str, Any]) -> None:
        for name, value in {**USUAL, **CONVENTIONS[change["new"]]}.items():
            setattr(self.explorer, name, value)

    @property
    def alt(self) -> str:
        return f"Six buttons that switch conventions, above a RoI explorer. {self.explorer.alt}"

    def picture(self) -> bytes:
        return self.explorer.picture()

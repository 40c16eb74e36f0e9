"""A picture beside every widget, for where there is no kernel to run it.

GitHub, nbconvert, a web book and a notebook that was only opened, not run, cannot show a live
widget. `Still` adds a PNG with alt text and one fixed line of text to what Jupyter displays, so
each of them shows a picture instead of nothing. In JupyterLab with a kernel the live view wins.
"""

from __future__ import annotations

import base64
from typing import Any


class Still:
    """Mixin for anywidget classes: `class MyWidget(Still, anywidget.AnyWidget)`.

    The class gives `alt`, what the picture shows in one sentence, and `picture()`.
    """

    alt = "An interactive widget."

    def picture(self) -> bytes:
        """The widget's present state as a PNG file."""
        raise NotImplementedError(f"{type(self).__name__} must draw its picture()")

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.alt}"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        live = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]  # anywidget's
        data, metadata = live if isinstance(live, tuple) else (live or {}, {})
        still = base64.b64encode(self.picture()).decode("ascii")
        return (
            {**data, "image/png": still, "text/plain": repr(self)},
            {**metadata, "image/png": {"alt": self.alt}},
        )

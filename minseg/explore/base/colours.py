"""Numbers as small pictures: how large, or which sign."""

from __future__ import annotations

import base64

import torch
from torch import Tensor

from minseg.explore.base.png import to_png

UP, DOWN = (0, 80, 200), (213, 94, 0)  # blue raises, orange lowers, as everywhere


def data_url(image: Tensor) -> str:
    """A picture as a PNG in a URL; `image` as in `to_png`.

    >>> data_url(torch.zeros(2, 2))[:22]
    'data:image/png;base64,'
    """
    return "data:image/png;base64," + base64.b64encode(to_png(image)).decode("ascii")


def signed(values: Tensor) -> Tensor:
    """(3, h, w) in [0, 1]: white at 0, blue where positive, orange where negative.

    Args:
        values: (h, w); the largest magnitude gets the full colour.

    >>> signed(torch.tensor([[0.0, 2.0, -1.0]]))[2, 0]  # the blue channel
    tensor([1.0000, 0.7843, 0.5000])
    """
    share = values / values.abs().max().clamp(min=1e-12)  # (h, w) in [-1, 1]
    up, down = torch.tensor(UP) / 255, torch.tensor(DOWN) / 255
    colour = torch.where(share > 0, up[:, None, None], down[:, None, None])  # (3, h, w)
    return 1 - share.abs() * (1 - colour)

"""RoIs for property tests, on a map of a few pixels: inside, across its border and beyond."""

import torch
from hypothesis import strategies as st

COORDINATE = st.floats(-12, 24, width=32)
BOX = st.tuples(COORDINATE, COORDINATE, COORDINATE, COORDINATE)  # may be inverted


def rois_of(boxes, dtype=torch.float32):
    """(K, 5) rows of the first image."""
    return torch.tensor([[0.0, *box] for box in boxes], dtype=dtype).reshape(-1, 5)

"""Reads the recorded outputs of other projects in `tests/cases` (see its README)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

CASES = Path(__file__).parents[1] / "cases"


def case_paths(operator: str) -> list[Path]:
    paths = sorted((CASES / operator).glob("*.npz"))
    assert paths, f"no recorded cases of {operator}"
    return paths


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The arrays of one case, as tensors, and its meta data: call, scalars, peer, note."""
    with np.load(path, allow_pickle=False) as file:
        meta = json.loads(str(file["meta"]))
        return {k: torch.from_numpy(file[k]) for k in file.files if k != "meta"}, meta


def name(path: Path) -> str:
    return path.stem

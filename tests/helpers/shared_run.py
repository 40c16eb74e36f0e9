"""A short run, alone or as one of several processes: `python shared_run.py toy FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from helpers.grid_models import tiny
from helpers.toy_model import toy
from minseg.data import SceneDataset
from minseg.models import DecoupledSOLO, MaskRCNN, SOLOv2
from minseg.processes import world
from minseg.train import InMemory, train
from minseg.train.distributed import process_group


def tiny_mask_rcnn():
    torch.manual_seed(0)
    return MaskRCNN(widths=(8, 16, 16, 24), channels=16, box_width=16, mask_width=16)


MODELS = {
    "toy": toy,
    "mask_rcnn": tiny_mask_rcnn,
    "decoupled_solo": lambda: tiny(DecoupledSOLO),
    "solov2": lambda: tiny(SOLOv2),
}


def run(kind, out, resume=False):
    """Rows of losses and of metrics."""
    toys = kind == "toy"
    size, steps = (32, 8) if toys else (64, 3)
    scenes = InMemory(SceneDataset("train", size=size, length=6))
    validation = InMemory(SceneDataset("val", size=size, length=5))
    model = MODELS[kind]()
    options = {"steps": steps, "batch_size": 4, "validation": validation}
    result = train(model, scenes, out=out, resume=resume, **options)
    return result.losses, result.metrics


if __name__ == "__main__":
    with process_group(torch.device("cpu")):
        rows = run(sys.argv[1], Path(sys.argv[2]))
        again = run(sys.argv[1], Path(sys.argv[2]), resume=True)  # nothing is left to do
        if world()[0] == 0:
            assert repr(again) == repr(rows)
            print(json.dumps(rows))
    # A thread of the group that is left may abort the process as Python shuts down.
    tasks = [file.read_text() for file in Path("/proc/self/task").glob("*/comm")]
    assert not any("gloo" in name for name in tasks), tasks

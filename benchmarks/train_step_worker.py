"""One side of `train_step.py`: takes training steps on request, in its own process.

It reads one JSON request a line and answers with one JSON line. It imports the `minseg` of the
checkout that it was started for, so it uses only names that older ones have too, and measures from
outside: methods are wrapped by a clock.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from functools import wraps
from pathlib import Path

import torch

from minseg.data import SceneDataset
from minseg.models import MaskRCNN
from minseg.models.mask_rcnn import model as stages
from minseg.train import InMemory, augment_scene, load_model, save_model, train
from minseg.train.batches import Feed
from minseg.train.step import Stepper

SCENES, SHORT = 200, 100  # scenes; steps of the training that makes weights
SETTINGS = {"weight_decay": 0.01, "clip": 5.0, "seed": 0, "bf16": False}
OPERATORS = 12
CLOCKS = {"wall": time.perf_counter, "cores": time.process_time}
now = CLOCKS[sys.argv[2]]


class Clock:
    """How long calls of wrapped functions took since it was last read, each by a name."""

    def __init__(self):
        self.seconds = defaultdict(float)
        self._inside = []

    def wrap(self, owner, name, part):
        """Put a function in its place that measures it, without wrapped ones that it calls."""
        plain = getattr(owner, name)

        @wraps(plain)
        def timed(*arguments, **options):
            start, within = now(), self._inside
            self._inside = []  # seconds of wrapped calls in this one
            try:
                return plain(*arguments, **options)
            finally:
                took = now() - start
                self.seconds[part] += took - sum(self._inside)
                self._inside = [*within, took]

        setattr(owner, name, timed)

    def read(self):
        seconds, self.seconds = dict(self.seconds), defaultdict(float)
        return seconds


class Steps:
    """A trained model and its batches."""

    def __init__(self, weights):
        self.data = InMemory(SceneDataset("train"), SCENES)
        if not weights.exists():
            torch.manual_seed(0)
            model = MaskRCNN()
            train(model, self.data, steps=SHORT, seed=0)
            save_model(model, weights)
        self.model = load_model(weights)
        self.stepper = Stepper(self.model, SETTINGS)
        self.clock = Clock()
        self.clock.wrap(torch.Tensor, "backward", "backward")
        self.clock.wrap(self.model, "losses", "forward")
        for optimiser in self.stepper.optimisers:
            self.clock.wrap(optimiser, "step", "optimisers")

    def take(self, first, count):
        """Steps first, first + 1, …: for each its parts, and the whole."""
        batches = Feed(self.data, augment_scene, 8, 0, False, 0).batches(first)
        rows = []
        for step in range(first, first + count):
            start = now()
            batch = next(batches)
            middle = now()
            self.stepper.take(step, batch, 0.0)
            end = now()
            parts = {"data": middle - start, **self.clock.read()}
            rows.append({**parts, "rest": end - start - sum(parts.values()), "step": end - start})
        batches.close()
        return rows

    def by_stage(self, steps):
        """The forward pass apart: medians in ms of each stage, and of what is between them."""
        plain = self._where()
        for (owner, name), part in plain.items():
            self.clock.wrap(owner, name, part)
        rows = self.take(0, steps)
        rows = [{**row, "other forward": row.pop("forward")} for row in rows]
        return {part: median([1e3 * row.get(part, 0.0) for row in rows]) for part in rows[0]}

    def _where(self):
        """What is measured, and as which stage."""
        model, backbone = self.model, self.model.backbone
        return {
            (stages, "pad_images"): "images",
            (stages, "pad_truth"): "targets",
            (stages, "mask_targets"): "targets",
            (stages, "sample_proposals"): "sampling",
            (backbone.resnet, "forward"): "ResNet",
            (backbone.fpn, "merge"): "FPN",
            (backbone.fpn, "smooth"): "FPN",
            (model.rpn, "forward"): "RPN",
            (stages, "propose"): "proposals",
            (stages, "read_pyramid"): "RoIAlign",
            (model.box_head, "forward"): "box head",
            (model.mask_head, "forward"): "mask head",
            (stages, "rpn_losses"): "losses",
            (stages, "class_and_box_losses"): "losses",
            (stages, "mask_loss"): "losses",
        }

    def by_operator(self, steps):
        """The operators that took most, ms a step, without what they call."""
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            self.take(0, steps)
        found = sorted(profile.key_averages(), key=lambda one: -one.self_cpu_time_total)
        return {
            one.key: round(one.self_cpu_time_total / 1e3 / steps, 1) for one in found[:OPERATORS]
        }


def median(values):
    return round(sorted(values)[len(values) // 2], 1)


def main():
    steps = Steps(Path(sys.argv[1]))
    answers = {
        "ready": lambda: True,
        "steps": steps.take,
        "stages": steps.by_stage,
        "operators": steps.by_operator,
    }
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(answers[request.pop("what")](**request)), flush=True)


if __name__ == "__main__":
    main()

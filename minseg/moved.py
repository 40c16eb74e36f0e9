"""Modules that have moved since version 0.1: their old names work for one release, with a warning.

Learners hold edited copies of lessons that import the old names. An import that finds nothing else
asks `OldNames`, which knows where the module lies today and hands on its names:

    from minseg.explore.roi_view import feature_map      →  minseg.explore.roi_explorer.numbers
    from minseg.course.exercises.lesson_05 import …      →  …lesson_21 or …lesson_22

To be removed with the release after the next.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

# Old module, new modules: a name is looked up in them in order.
MOVED: dict[str, tuple[str, ...]] = {
    "minseg.trace": ("minseg.kernel_trace",),
    "minseg.overlay": ("minseg.draw.overlay",),
    "minseg.evaluate": ("minseg.commands.evaluate",),
    "minseg.predict": ("minseg.commands.predict",),
    "minseg.predict_files": ("minseg.commands.predict_files",),
    "minseg.predict_ids": ("minseg.commands.predict_ids",),
    "minseg.train.command": ("minseg.commands.train",),
    "minseg.data.dataset": ("minseg.data.splits",),
    "minseg.data.coin_style": ("minseg.data.scenes.coins",),
    "minseg.data.layout": ("minseg.data.scenes.layout",),
    "minseg.data.paint": ("minseg.data.scenes.paint",),
    "minseg.data.shapes": ("minseg.data.scenes.shapes",),
    "minseg.data.coco_categories": ("minseg.data.coco.categories",),
    "minseg.data.coco_files": ("minseg.data.coco.records",),
    "minseg.data.coco_masks": ("minseg.data.coco.masks",),
    "minseg.data.coco_panoptic": ("minseg.data.coco.panoptic",),
    "minseg.data.coco_panoptic_save": ("minseg.data.coco.write_panoptic",),
    "minseg.data.coco_save": ("minseg.data.coco.write_instances",),
    "minseg.train.memory": ("minseg.data.in_memory",),
    "minseg.metrics.matching": ("minseg.metrics.pq_matching",),
    "minseg.metrics.shared_pixels": ("minseg.metrics.pq_overlaps",),
    "minseg.metrics.draw_errors": ("minseg.draw.panoptic_errors",),
    "minseg.models.batch": ("minseg.models.padding", "minseg.boxes"),
    "minseg.models.detect": ("minseg.models.mask_rcnn.inference",),
    "minseg.models.roi_heads": ("minseg.models.mask_rcnn.roi_heads",),
    "minseg.models.rpn": ("minseg.models.mask_rcnn.rpn", "minseg.boxes"),
    "minseg.models.coins": ("minseg.models.pretrained",),
    "minseg.train.options": ("minseg.models.options",),
    "minseg.train.tensor_file": ("minseg.tensor_file",),
    "minseg.train.order": ("minseg.train.batches",),
    "minseg.train.folder": ("minseg.train.run_folder",),
    "minseg.train.fingerprint": ("minseg.train.run_folder",),
    "minseg.train.lock": ("minseg.train.run_folder",),
    "minseg.train.run": ("minseg.train.loop", "minseg.train.schedule"),
    "minseg.train.settings": ("minseg.train.step",),
    "minseg.train.watch": ("minseg.processes",),
    "minseg.losses.normaliser": ("minseg.processes",),
    "minseg.explore.activations": ("minseg.experiments.activation_memory",),
    "minseg.explore.dial": ("minseg.experiments.two_tasks",),
    "minseg.explore.loss_scene": ("minseg.experiments.loss_pair",),
    "minseg.explore.mask_trials": ("minseg.experiments.representation_limits",),
    "minseg.explore.mask_weight": ("minseg.experiments.loss_weight_and_optimiser",),
    "minseg.explore.proposals": ("minseg.experiments.positive_proposals",),
    "minseg.explore.rcnn_trials": ("minseg.experiments.mask_rcnn_probes",),
    "minseg.explore.representations": ("minseg.experiments.representations",),
    "minseg.explore.segment_edits": ("minseg.experiments.panoptic_edits",),
    "minseg.explore.shared_gradients": ("minseg.experiments.shared_gradients",),
    "minseg.explore.stage_view": ("minseg.experiments.mask_rcnn_trace",),
    "minseg.explore.wrong_labels": ("minseg.experiments.wrong_labels",),
    "minseg.explore.ap_picture": ("minseg.draw.ap",),
    "minseg.explore.loss_picture": ("minseg.draw.losses",),
    "minseg.explore.mask_picture": ("minseg.draw.masks",),
    "minseg.explore.rcnn_picture": ("minseg.draw.mask_rcnn",),
    "minseg.explore.strategy_picture": ("minseg.draw.strategies",),
    "minseg.explore.paint_picture": ("minseg.draw.answers",),
    "minseg.explore.paint_answers": ("minseg.explore.mask_painter.numbers",),
    "minseg.explore.balance_row": ("minseg.explore.balance_board.numbers",),
    "minseg.explore.balance_picture": ("minseg.explore.balance_board.still",),
    "minseg.explore.panoptic_view": ("minseg.explore.pq_playground.numbers",),
    "minseg.explore.roi_view": ("minseg.explore.roi_explorer.numbers",),
    "minseg.explore.roi_picture": ("minseg.explore.roi_explorer.still",),
    "minseg.explore.stage_story": ("minseg.explore.stage_viewer.numbers",),
    "minseg.explore.stage_picture": ("minseg.explore.stage_viewer.still",),
    "minseg.explore.page": ("minseg.explore.base.page",),
    "minseg.explore.serve": ("minseg.explore.base.png",),
    "minseg.explore.still": ("minseg.explore.base.widget",),
    "minseg.explore.svg_path": ("minseg.explore.base.svg_path",),
    "minseg.course.exercises.attempt": ("minseg.course.attempt",),
    "minseg.course.exercises.check": ("minseg.course.check",),
    "minseg.course.exercises.compare": ("minseg.course.compare",),
    "minseg.course.exercises.exercise": ("minseg.course.exercise",),
    "minseg.course.exercises.museum_07": ("minseg.course.exercises.lesson_31.bug_museum",),
    "minseg.course.exercises.lesson_13.average": ("minseg.course.exercises.lesson_34.average",),
    "minseg.course.exercises.lesson_13.class_pq": ("minseg.course.exercises.lesson_33.class_pq",),
    "minseg.course.exercises.lesson_13.colours": ("minseg.course.exercises.lesson_33.colours",),
    "minseg.course.exercises.lesson_13.forgiven": ("minseg.course.exercises.lesson_34.forgiven",),
}

# Exercises of a lesson of the earlier course, and the units that they went to: each of its modules
# is in one of them. (The old 13 has rows above, as there is a new 13.)
DIVIDED: dict[str, tuple[str, ...]] = {
    f"minseg.course.exercises.lesson_{lesson}": tuple(
        f"minseg.course.exercises.lesson_{unit}" for unit in units.split()
    )
    for lesson, units in {
        "01": "10",
        "02": "11 12 13",
        "03": "14 15",
        "04": "20",
        "05": "21 22",
        "06": "23 24",
        "07": "30 31 32",
        "08": "40 41 42",
        "09": "43 44",
    }.items()
}

# Names that changed with the move, by their old module.
RENAMED: dict[str, dict[str, str]] = {
    "minseg.explore.dial": {"turn": "turn_dial"},
    "minseg.explore.loss_scene": {"Truth": "MaskTruth", "outline": "outline_points"},
    "minseg.explore.segment_edits": {"erode": "shrink"},
    "minseg.explore.stage_view": {"Walk": "MaskRCNNTrace"},
    "minseg.models.batch": {
        "Truth": "PaddedTruth",
        "paired_iou": "box_iou",
        "suppress": "nms_of_batch",
    },
    "minseg.models.roi_heads": {"Sample": "SampledRois"},
    "minseg.models.rpn": {"clip": "clip_boxes"},
}


def places_of(module: str) -> tuple[str, ...]:
    """The modules in which an old module's names lie today; none if it is no old one."""
    if module in MOVED or module in DIVIDED:
        return MOVED.get(module) or DIVIDED[module]
    package, _, name = module.rpartition(".")
    candidates = (f"{place}.{name}" for place in DIVIDED.get(package, ()))
    return tuple(place for place in candidates if find_spec(place))


class OldNames(MetaPathFinder, Loader):
    """Finds a module under its old name; Python asks after all other places are searched."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not places_of(fullname):
            return None
        return ModuleSpec(fullname, self, is_package=fullname in DIVIDED)

    def exec_module(self, module: ModuleType) -> None:
        """Let the empty module hand on every name from where it lies today."""
        old = module.__name__
        places = places_of(old)
        warnings.warn(
            f"{old} has moved to {' and '.join(places)}", DeprecationWarning, stacklevel=2
        )

        def name_of_today(name: str) -> Any:
            name = RENAMED.get(old, {}).get(name, name)
            for place in places:
                if hasattr(found := import_module(place), name):
                    return getattr(found, name)
            raise AttributeError(f"module {old!r} has no attribute {name!r}")

        module.__dict__["__getattr__"] = name_of_today


def keep_old_names() -> None:
    """Let old imports work from here on; once is enough."""
    if not any(isinstance(finder, OldNames) for finder in sys.meta_path):
        sys.meta_path.append(OldNames())

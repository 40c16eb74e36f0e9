"""Imports of earlier lessons still work: learners hold edited copies of those notebooks."""

from __future__ import annotations

import subprocess
import sys
import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import minseg
from minseg.moved import MOVED, RENAMED

ROOT = Path(minseg.__file__).parents[1]

# What the lessons of version 0.1 imported, by module.
EARLIER = {
    "minseg": "losses",
    "minseg.boxes": "box_iou encode fpn_level",
    "minseg.course": "check claim doctor guess ledger progress reveal show_source",
    "minseg.course.exercises": "museum_07",
    "minseg.course.exercises.lesson_01": "entropy set_loss",
    "minseg.course.recorded": "recorded",
    "minseg.data": "STUFF SceneDataset THINGS coins_truth make_scene photo",
    "minseg.draw": "ALIGN_COLOUR EXACT_COLOUR POOL_COLOUR draw_boxes draw_grid draw_image draw_instances draw_panoptic figure show",
    "minseg.explore": "APPlayground BalanceBoard BoundaryBand KernelView LossBoard LossCurve MaskPainter PQPlayground QuantisationBox RepresentationSweep RoIExplorer SplineEditor StageViewer loss_scene mask_trials rcnn_picture rcnn_trials segment_edits strategy_picture",
    "minseg.explore.activations": "in_segments kept peak",
    "minseg.explore.ap_picture": "draw_curve draw_scene",
    "minseg.explore.ap_playground": "DETECTIONS SCORES TRUTHS",
    "minseg.explore.dial": "RULES dial resting_place turn weigh",
    "minseg.explore.loss_picture": "draw_push",
    "minseg.explore.mask_picture": "draw_errors draw_laws draw_level draw_price draw_slope",
    "minseg.explore.mask_weight": "train_weighted",
    "minseg.explore.paint_picture": "draw_answers",
    "minseg.explore.proposals": "bunches positive_proposals",
    "minseg.explore.representation_sweep": "exact_bytes",
    "minseg.explore.representations": "KINDS THINGS parts_and_holes specimen sweep write",
    "minseg.explore.roi_view": "feature_map",
    "minseg.explore.shared_gradients": "balance preset shared_gradients",
    "minseg.explore.stage_view": "Walk",
    "minseg.explore.still": "Still",
    "minseg.explore.wrong_labels": "error learn scatter",
    "minseg.instances": "Instances tight_boxes",
    "minseg.masks": "chan_vese deconvolution_overlap deconvolve encode_rle fit_bspline fourier_descriptor from_grid from_polygons from_signed_distance grid largest_ring mean_field_crf polygon resample signed_distance to_grid to_polygons total_variation tv_flow",
    "minseg.metrics": "average_precision average_symmetric_surface_distance boundary_iou boundary_of hausdorff_distance mask_iou matching panoptic_errors panoptic_quality surface_distances trimap trimap_accuracy",
    "minseg.metrics.ap_curve": "area_under precision_recall",
    "minseg.metrics.ap_matching": "THRESHOLDS match_loop",
    "minseg.metrics.boundary": "band_width erode",
    "minseg.models": "MaskHead MaskRCNN load_coins",
    "minseg.models.backbone": "Residual",
    "minseg.models.batch": "pad_images pad_truth",
    "minseg.models.mask_rcnn": "draw",
    "minseg.models.roi_heads": "BOX_WEIGHTS class_and_box_losses mask_targets sample_proposals",
    "minseg.panoptic": "decode encode from_instances owner_map to_instances",
    "minseg.roi": "bilinear_sample error_distribution expected_error quantise_box roi_align roi_average roi_pool",
    "minseg.roi.align": "axis_taps feature_box roi_align_loop sample_positions",
    "minseg.roi.pool": "pool_bins roi_pool_loop",
    "minseg.roi.quantisation": "error_statistics expected_distance largest_shift round_half_away rounding_error shifted_iou simulate_error whole_pixel_errors",
    "minseg.trace": "launch shuffled watch",
    "minseg.train": "InMemory augment_symmetries train validate",
    "minseg_kernels.backward_tiles": "backward_tiles",
    "minseg_kernels.forward": "add_pixel roi_align_forward",
    "minseg_kernels.geometry": "axis_sample box_edges sample_position",
    "minseg_kernels.launch": "Sampling",
    "minseg_kernels.samples": "tap_four walk_samples",
}


@pytest.mark.parametrize(("module", "names"), EARLIER.items(), ids=EARLIER)
def test_what_earlier_lessons_imported_is_there(module, names):
    if module.startswith("minseg_kernels"):
        pytest.importorskip("triton")
    for name in names.split():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            exec(f"from {module} import {name}", {})


@pytest.mark.parametrize("module", MOVED)
def test_an_old_name_leads_to_a_module_that_exists(module):
    file = ROOT / Path(*module.split("."))
    assert not file.with_suffix(".py").exists() and not file.is_dir()
    for place in MOVED[module]:
        assert find_spec(place) is not None


@pytest.mark.parametrize("module", RENAMED)
def test_a_renamed_name_exists_under_its_new_one(module):
    places = [import_module(place) for place in MOVED[module]]
    for new in RENAMED[module].values():
        assert any(hasattr(place, new) for place in places)


def test_an_old_import_warns_once_and_says_where_it_went():
    code = "from minseg.explore.roi_view import feature_map"
    said = subprocess.run(
        [sys.executable, "-W", "default", "-c", code + "\n" + code],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    assert said.count("DeprecationWarning") == 1
    assert "minseg.explore.roi_view has moved to minseg.explore.roi_explorer.numbers" in said


def test_a_name_that_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError):
        import_module("minseg.explore.no_such_module")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old = import_module("minseg.trace")
    with pytest.raises(AttributeError, match="minseg.trace"):
        old.no_such_name  # noqa: B018

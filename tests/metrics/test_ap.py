"""Average precision: COCO's twelve numbers to the last digits, and the rules behind them."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from helpers.peers import CASES, name
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.instances import Instances
from minseg.masks import decode_rle, encode_rle
from minseg.masks.runs import Runs
from minseg.metrics import APAccumulator, average_precision
from minseg.metrics.ap_curve import area_under, precision_recall
from minseg.metrics.ap_matching import THRESHOLDS, match, match_loop
from minseg.metrics.ap_overlap import overlap
from minseg.metrics.boundary import min_iou
from minseg.metrics.iou import mask_area, mask_iou

KIND_NAMES = {"mask": "segm", "box": "bbox"}
JSON_CASES = sorted((CASES / "coco_ap").glob("*.json"))


def instances(records, size):
    """The annotations or results of one image, as COCO writes them."""
    masks = [decode_rle(one["segmentation"]) for one in records]
    return Instances(
        torch.stack(masks) if masks else torch.zeros(0, *size, dtype=torch.bool),
        torch.tensor([one["category_id"] for one in records], dtype=torch.int64),
        torch.tensor([one.get("score", 1.0) for one in records], dtype=torch.float64),
        crowd=torch.tensor([bool(one.get("iscrowd", 0)) for one in records], dtype=torch.bool),
        areas=torch.tensor([one["area"] for one in records], dtype=torch.float64)
        if all("area" in one for one in records)
        else None,
    )


def evaluate(truth, results, kind, add=APAccumulator.add, **options):
    accumulator = APAccumulator(kind, **options)
    for image in truth["images"]:
        of_image = [
            [one for one in records if one["image_id"] == image["id"]]
            for records in (results, truth["annotations"])
        ]
        size = (image["height"], image["width"])
        add(accumulator, *(instances(records, size) for records in of_image), image["id"])
    return accumulator.result()


def add_runs(accumulator, prediction, target, image_id):
    """As `add` does it, without a pixel."""
    accumulator.add_runs(
        *(Runs.of_masks(prediction.masks), prediction.scores, prediction.labels),
        *(Runs.of_masks(target.masks), target.labels, target.annotated_areas, target.crowd),
        image_id,
    )


def add_sized_by_masks(accumulator, prediction, target, image_id):
    """As pycocotools judges the boxes of results that have masks and no boxes of their own."""
    truth = target.labels, target.areas, target.crowd
    areas = mask_area(prediction.masks)
    iou = overlap(prediction, target, accumulator.kind).iou
    accumulator.add_overlaps(iou, prediction.scores, prediction.labels, areas, *truth, image_id)


def assert_numbers(result, expected):
    """`expected` in COCO's order, with -1 for NaN."""
    for (key, ours), theirs in zip(result.summary().items(), expected, strict=True):
        ours = -1.0 if math.isnan(ours) else ours
        assert ours == pytest.approx(theirs, abs=1e-9), key


@pytest.mark.parametrize("path", JSON_CASES, ids=name)
@pytest.mark.parametrize("kind", ["mask", "box"])
def test_peer_cases(path, kind):
    case = json.loads(path.read_text())
    add = APAccumulator.add if kind == "mask" else add_sized_by_masks
    result = evaluate(case["gt"], case["dt"], kind, add)
    assert_numbers(result, case["stats" if kind == "mask" else "bbox_stats"].values())
    if kind == "mask":
        expected = torch.tensor(case["AP_per_iou_threshold"], dtype=torch.float64)
        torch.testing.assert_close(result.per_threshold, expected, atol=1e-9, rtol=0)
        assert len(result.per_class) == len(case["per_category"])
        for key, numbers in case["per_category"].items():
            ours = result.per_class[int(key)]
            assert [ours.ap, ours.ap50, ours.ar_100] == pytest.approx(
                list(numbers.values()), abs=1e-9
            )


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from(["mask", "box"]))
def test_equals_pycocotools(seed, kind):
    """Crowds, annotated areas on the limits, equal scores, equal IoUs, empty masks and images."""
    truth, results = random_dataset(np.random.default_rng(seed))
    theirs = pycocotools_stats(truth, results, kind)
    assert_numbers(evaluate(truth, results, kind), theirs)
    assert_numbers(evaluate(truth, results, kind, add_runs), theirs)


def test_at_most_100_detections_of_a_class_in_an_image():
    """The right detection is number 101 of its class, and number 3 of the other."""
    masks = torch.zeros(105, 40, 40, dtype=torch.bool)
    masks[100, :20] = masks[103, :20] = masks[104, :20] = True
    labels = torch.tensor([1] * 101 + [2] * 3 + [1])
    scores = torch.linspace(1, 0.5, 105)
    truth = Instances(masks[[100, 103]], torch.tensor([1, 2]))
    result = average_precision([Instances(masks, labels, scores)], [truth])
    assert result.per_class[1].ap == result.per_class[1].ar_100 == 0
    assert result.per_class[2].ar_100 == 1
    assert (result.ar_1, result.ar_10, result.ar_100) == (0, 0.5, 0.5)
    assert 104 not in result.matches[0].detection
    assert (result.cut, result.images_cut) == (2, 1)


def test_another_limit():
    """Twelve things, twelve right answers; three are read, or all but two."""
    masks = objects(12)
    truth, scores = scored(masks, [1.0] * 12), np.linspace(0.9, 0.1, 12)
    for most in (3, 10, 12):
        accumulator = APAccumulator(most=most)
        accumulator.add(scored(masks, scores), truth)
        result = accumulator.result()
        assert result.ar_100 == result.ar_small == pytest.approx(most / 12)
        assert (result.ar_1, result.ar_10) == pytest.approx((1 / 12, min(most, 10) / 12))
        assert result.cut == accumulator.cut == 12 - most
        assert result.images_cut == accumulator.images_cut == int(most < 12)
        at_once = average_precision([scored(masks, scores)], [truth], most=most)
        assert result.summary() == pytest.approx(at_once.summary(), abs=0, nan_ok=True)


@pytest.mark.parametrize("kind", ["mask", "box", "boundary"])
def test_runs_give_the_numbers_of_pixels(kind):
    """Crowds, areas left out one by one, classes, more detections than are read."""
    dense, runs = APAccumulator(kind, most=4), APAccumulator(kind, most=4)
    for k, (prediction, target) in enumerate(pairs(np.random.default_rng(5), 12)):
        areas = torch.tensor([math.nan, 2000.0]).repeat(4)[: len(target)].double()
        pixels = mask_area(target.masks)
        stated = torch.where(areas.isnan(), pixels, areas)
        dense.add(prediction, with_areas(target, stated), k)
        add_runs(runs, prediction, with_areas(target, areas), k)
    assert dense.cut == runs.cut > 0
    assert 0 < dense.result().ap < 1
    same = pytest.approx(dense.result().summary(), abs=0, nan_ok=True)
    assert runs.result().summary() == same
    for ours, theirs in zip(runs.result().matches, dense.result().matches, strict=True):
        assert torch.equal(ours.truth, theirs.truth) and torch.equal(ours.ignored, theirs.ignored)
        assert torch.equal(ours.detection, theirs.detection)


def pairs(rng, count):
    """(prediction, target) of images with rectangles of 0 to 60 pixels a side."""
    for _ in range(count):
        size = [70, 80]
        truth = torch.stack([decode_rle(rectangle(rng, size)[1]) for _ in range(8)])
        copies = rng.integers(0, 8, 14)
        found = truth[copies].roll(1, dims=2)
        labels = torch.from_numpy(rng.integers(1, 3, 8))
        scores = torch.from_numpy(rng.choice([0.2, 0.4, 0.6, 0.8], 14))
        crowd = torch.from_numpy(rng.random(8) < 0.2)
        yield Instances(found, labels[copies], scores), Instances(truth, labels, crowd=crowd)


def with_areas(target, areas):
    return Instances(target.masks, target.labels, crowd=target.crowd, areas=areas)


def test_without_masks_the_size_of_an_image_does_not_matter():
    """As with an image that has no labels and whose size no file states."""
    accumulator = APAccumulator()
    nothing = torch.zeros(0), torch.zeros(0).long()
    one = Runs.of_masks(objects(1)), torch.ones(1), torch.ones(1).long()
    accumulator.add_runs(*one, Runs((0, 0), []), nothing[1], None, nothing[1].bool(), 1)
    accumulator.add_runs(Runs((0, 0), []), *nothing, one[0], one[2], None, torch.zeros(1).bool(), 2)
    assert accumulator.result().ap == 0


def test_a_box_is_as_large_as_a_box():
    """A line of 40 pixels across is a box of 1600: no small one, so no false one among these."""
    masks = torch.zeros(2, 64, 64, dtype=torch.bool)
    masks[0, 50:60, :10] = True
    masks[1, :40, :40] = torch.eye(40).bool()
    found, truth = scored(masks, [0.5, 0.9]), scored(masks[:1], [1.0])
    assert average_precision([found], [truth], kind="box").ap_small == 1
    assert average_precision([found], [truth], kind="mask").ap_small == pytest.approx(0.5)
    accumulator = APAccumulator("box")
    add_runs(accumulator, found, truth, None)
    assert accumulator.result().ap_small == 1


def random_dataset(rng, images=4):
    """Rectangles on small images, with everything that decides a tie."""
    truth = {"images": [], "annotations": [], "categories": [{"id": c} for c in (1, 2, 5)]}
    results = []
    for image in range(images):
        size = [int(v) for v in rng.integers(36, 44, 2)]
        truth["images"].append({"id": image, "height": size[0], "width": size[1]})
        for _ in range(rng.integers(0, 6)):
            box, rle = rectangle(rng, size)
            area = float(rng.choice([box[2] * box[3], 1024, 1025, 9216, 20000]))
            record = {"image_id": image, "category_id": int(rng.choice([1, 2])), "bbox": box}
            crowd = int(rng.random() < 0.2)
            record.update(area=area, iscrowd=crowd, segmentation=rle)
            truth["annotations"].append({"id": len(truth["annotations"]) + 1, **record})
        mine = [one for one in truth["annotations"] if one["image_id"] == image]
        for _ in range(rng.integers(0, 9)):
            _, rle = rectangle(rng, size)
            if mine and rng.random() < 0.7:
                rle = moved(rng.choice(mine)["segmentation"], rng.integers(-1, 2))
            score = float(rng.choice([0.1, 0.5, 0.9, rng.random()]))
            label = int(rng.choice([1, 2, 5]))
            results.append(
                {"image_id": image, "category_id": label, "segmentation": rle, "score": score}
            )
    if not results:  # which pycocotools cannot load
        return random_dataset(rng, images)
    return truth, results


def rectangle(rng, size):
    (y1, y2), (x1, x2) = (sorted(int(v) for v in rng.integers(0, side + 1, 2)) for side in size)
    mask = torch.zeros(size, dtype=torch.bool)
    mask[y1:y2, x1:x2] = True
    box = [x1, y1, x2 - x1, y2 - y1] if mask.any() else [0, 0, 0, 0]
    return box, encode_rle(mask, compressed=True)


def moved(rle, columns):
    return encode_rle(decode_rle(rle).roll(int(columns), dims=1), compressed=True)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6))
def test_another_limit_equals_pycocotools(seed):
    truth, results = random_dataset(np.random.default_rng(seed))
    theirs = pycocotools_evaluation(truth, results, "mask", [1, 2, 3]).eval
    ours = evaluate(truth, results, "mask", most=3)
    for key, number in (("precision", ours.ap), ("recall", ours.ar_100)):
        values = theirs[key][..., 0, -1]  # all areas, at most 3
        expected = values[values > -1].mean() if (values > -1).any() else math.nan
        assert number == pytest.approx(expected, abs=1e-9, nan_ok=True)


def pycocotools_stats(truth, results, kind):
    theirs = pycocotools_evaluation(truth, results, kind)
    with contextlib.redirect_stdout(io.StringIO()):
        theirs.summarize()
    return theirs.stats.tolist()


def pycocotools_evaluation(truth, results, kind, limits=(1, 10, 100)):
    coco_module = pytest.importorskip("pycocotools.coco")
    from pycocotools import mask
    from pycocotools.cocoeval import COCOeval

    if kind == "box":  # a result without a box would be sized by its mask
        results = [
            {"bbox": mask.toBbox(one["segmentation"]).tolist()}
            | {key: one[key] for key in ("image_id", "category_id", "score")}
            for one in results
        ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = coco_module.COCO()
        coco.dataset = truth
        coco.createIndex()
        theirs = COCOeval(coco, coco.loadRes(copy.deepcopy(results)), KIND_NAMES[kind])
        theirs.params.maxDets = list(limits)
        theirs.evaluate()
        theirs.accumulate()
    return theirs


# --- the rules, one at a time ---


def strips(*heights, width=10):
    """Masks of the given heights on top of one another's place: IoU of two is their ratio."""
    masks = torch.zeros(len(heights), 100, width, dtype=torch.bool)
    for mask, height in zip(masks, heights, strict=True):
        mask[:height] = True
    return masks


def scored(masks, scores, labels=None):
    labels = torch.ones(len(masks)).long() if labels is None else torch.tensor(labels)
    return Instances(masks, labels, torch.tensor(scores, dtype=torch.float64))


def objects(count):
    """(count, 8, 8·count) masks side by side, all different objects."""
    return torch.eye(count).bool().repeat_interleave(8, dim=1)[:, None].expand(-1, 8, -1)


@pytest.mark.parametrize(
    ("rule", "expected"), [("raw", 0.598), ("all", 0.614), ("101", 0.618), ("11", 0.649)]
)
def test_the_area_under_a_curve_is_a_convention(rule, expected):
    """Right, wrong, right, right, wrong, wrong, right; five truths (claim C113)."""
    right = np.array([1, 0, 1, 1, 0, 0, 1], dtype=bool)
    precision, recall = precision_recall(right, 5)
    assert area_under(precision, recall, rule) == pytest.approx(expected, abs=5e-4)


def test_ten_boxes_by_hand():
    """The seven detections above and three that score lower, one of them right: by hand
    precision 1, 3/4, 3/4, 4/7, 5/9 at recall 0.2 … 1, which 21, 20, 20, 20, 20 points read."""
    truths = objects(5)
    found = [0, None, 1, 2, None, 0, 3, 3, 4, None]  # two duplicates, three on nothing
    nothing = torch.zeros(8, 40, dtype=torch.bool)
    masks = torch.stack([nothing if one is None else truths[one] for one in found])
    result = average_precision(
        [scored(masks, np.linspace(1, 0.1, 10))], [scored(truths, [1.0] * 5)]
    )
    assert result.ap == pytest.approx((21 + 20 * (3 / 4 + 3 / 4 + 4 / 7 + 5 / 9)) / 101, abs=1e-12)
    taken = [-1 if one is None else one for one in found]
    taken[5] = taken[7] = -1  # an object is found once
    assert result.matches[0].truth[0, 0].tolist() == taken
    assert result.per_class[1].recall[0, -1] == 1


def test_a_duplicate_is_a_false_positive():
    truths = scored(objects(2), [1.0, 1.0])
    once = average_precision([scored(objects(2), [0.9, 0.8])], [truths])
    twice = average_precision([scored(objects(2)[[0, 0, 1]], [0.9, 0.85, 0.8])], [truths])
    assert once.ap == 1
    assert twice.ap == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_iou_exactly_at_the_threshold_matches():
    result = average_precision([scored(strips(50), [1.0])], [scored(strips(100), [1.0])])
    assert (result.ap50, result.ap75, result.ap) == (1, 0, pytest.approx(0.1))


def test_an_area_of_1024_is_small_and_medium():
    square = torch.zeros(1, 64, 64, dtype=torch.bool)
    square[:, :32, :32] = True
    result = average_precision([scored(square, [0.5])], [scored(square, [1.0])])
    assert (result.ap_small, result.ap_medium) == (1, 1) and math.isnan(result.ap_large)


def test_annotated_areas_sort_truths_and_never_detections():
    """The truth is medium by its annotation; the detection that misses is small by its pixels."""
    truth = Instances(strips(20), torch.tensor([1]), areas=torch.tensor([2000.0]))
    scores, stated = torch.tensor([0.9, 0.8]), torch.tensor([2000.0, 2000.0])
    both = Instances(strips(5, 20), torch.tensor([1, 1]), scores, areas=stated)
    assert math.isnan(average_precision([both], [truth]).ap_small)
    assert average_precision([both], [truth]).ap_medium == 1  # the small miss is ignored there
    assert average_precision([both], [truth]).ap == pytest.approx(0.5)


def test_a_crowd_is_neither_found_nor_missed():
    masks = objects(2)
    truth = Instances(masks, torch.tensor([1, 1]), crowd=torch.tensor([False, True]))
    in_crowd = scored(masks[[1, 1, 0]], [0.9, 0.8, 0.7])
    assert average_precision([in_crowd], [truth]).ap == 1
    assert average_precision([scored(masks[:0], [])], [truth]).ap == 0
    assert average_precision([in_crowd], [truth]).per_class[1].truths == 1


def test_what_does_not_occur_is_not_a_number():
    nothing = scored(objects(2)[:0], [])
    empty = average_precision([], [])
    assert all(math.isnan(value) for value in empty.summary().values())
    only_guesses = average_precision([scored(objects(2), [0.9, 0.8], [3, 4])], [nothing])
    assert math.isnan(only_guesses.ap) and math.isnan(only_guesses.per_class[3].ap)
    truth = scored(objects(2), [1.0, 1.0], [3, 4])
    one_class = average_precision([scored(objects(2)[:1], [0.9], [3])], [truth])
    assert one_class.ap == 0.5 and one_class.per_class[4].ap == 0


def test_equal_scores_keep_the_order_of_images_however_they_are_shared_out():
    wrong, right = scored(objects(2)[1:], [0.5]), scored(objects(2)[:1], [0.5])
    truth = scored(objects(2)[:1], [1.0])
    first_wrong = average_precision([wrong, right], [truth, truth])
    first_right = average_precision([right, wrong], [truth, truth])
    assert first_wrong.ap < first_right.ap
    even, odd = APAccumulator(), APAccumulator()
    odd.add(right, truth, image_id=7)
    even.add(wrong, truth, image_id=3)
    odd.merge(even)
    assert odd.result().summary() == pytest.approx(first_wrong.summary(), abs=0, nan_ok=True)
    assert [one.image_id for one in odd.result().matches] == [3, 7]


def test_numbers_come_before_text_in_the_order_of_images():
    wrong, right = scored(objects(2)[1:], [0.5]), scored(objects(2)[:1], [0.5])
    truth = scored(objects(2)[:1], [1.0])
    added_in = ["b", 10, "a10", 9, "a9", -1]
    order = [-1, 9, 10, "a10", "a9", "b"]
    accumulator = APAccumulator()
    for image_id in added_in:
        accumulator.add(right if image_id == "b" else wrong, truth, image_id)
    result = accumulator.result()
    assert [one.image_id for one in result.matches] == order
    last_right = average_precision([wrong] * 5 + [right], [truth] * 6)
    assert result.summary() == pytest.approx(last_right.summary(), abs=0, nan_ok=True)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 10**6))
def test_matching_equals_its_definition(detections, truths, seed):
    rng = np.random.default_rng(seed)
    iou = rng.choice([-1, 0, 0.5, 0.6, 0.75, 0.9, 1], (detections, truths))  # many ties
    crowd = rng.random(truths) < 0.3
    ignored = crowd | (rng.random((4, truths)) < 0.3)
    found = match(iou, ignored, crowd, THRESHOLDS)
    for area in range(4):
        for t, threshold in enumerate(THRESHOLDS):
            assert found[area, t].tolist() == match_loop(iou, ignored[area], crowd, threshold)


def test_boundary_ap_takes_the_smaller_overlap():
    """A square grown by its band: mask IoU is high, the bands do not meet."""
    pytest.importorskip("minseg.metrics.boundary")
    truth = torch.zeros(1, 100, 100, dtype=torch.bool)
    grown = truth.clone()
    truth[:, 20:80, 20:80] = True
    grown[:, 17:83, 17:83] = True
    pair = [scored(grown, [0.9])], [scored(truth, [1.0])]
    assert average_precision(*pair, kind="mask").ap75 == 1
    assert average_precision(*pair, kind="boundary").ap == 0
    assert average_precision([scored(truth, [0.9])], pair[1], kind="boundary").ap == 1


def test_overlaps_of_boundaries_are_exact_where_they_can_match(monkeypatch):
    """By bands of pixels, as in small images, and by bands of runs."""
    prediction, target = next(pairs(np.random.default_rng(1), 1))
    exact = torch.where(
        target.crowd,
        mask_iou(prediction.masks, target.masks, target.crowd),
        min_iou(prediction.masks, target.masks),
    )
    can = exact >= 0.5
    assert can.any() and not can.all() and target.crowd.any()
    assert torch.equal(overlap(prediction, target, "boundary").iou, exact)
    monkeypatch.setattr("minseg.metrics.ap_overlap.SMALL", 0)
    by_runs = overlap(prediction, target, "boundary").iou
    assert torch.equal(by_runs[can], exact[can]) and (by_runs[~can] < 0.5).all()


def test_boundary_ap_leaves_a_detection_inside_a_crowd_unjudged():
    """Its band and the crowd's do not meet, but it lies wholly inside: neither right nor wrong."""
    masks = torch.zeros(3, 480, 640, dtype=torch.bool)
    masks[0, 180:240, 180:240] = True  # 60 px, inside
    masks[1, 420:470, 500:600] = True
    masks[2, 20:420, 20:420] = True  # the crowd, 400 px
    truth = scored(masks[1:], [1.0, 1.0])
    truth = Instances(truth.masks, truth.labels, truth.scores, crowd=torch.tensor([False, True]))
    prediction = scored(masks[:2], [0.9, 0.8])
    assert average_precision([prediction], [truth], kind="boundary").ap == 1


def test_scores_straight_from_a_network():
    scores = torch.tensor([0.9, 0.8], requires_grad=True)
    prediction = Instances(objects(2), torch.tensor([1, 1]), scores)
    assert average_precision([prediction], [scored(objects(2), [1.0, 1.0])]).ap == 1


FIELDS = torch.ones(1), torch.ones(1).long()
MEMORY = """
import re, torch
from minseg.instances import Instances
from minseg.metrics import average_precision

torch.set_num_threads(1)
masks = torch.zeros(30, 1500, 2000, dtype=torch.bool)
for k in range(30):
    masks[k, 40 * k : 40 * k + 300, 50 * k : 50 * k + 400] = True
truth = Instances(masks, torch.ones(30).long())
def peak():  # ru_maxrss would have the parent's in it
    return int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]) // 1024

before = peak()
for kind in ("mask", "box", "boundary"):
    assert average_precision([truth], [truth], kind).ap == 1
assert truth.areas.tolist() == [120_000] * 30
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_large_masks_need_no_more_than_themselves():
    """90 MB of masks; eight bytes for each of their bools would be 720."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 90


ONE, SMALLER = scored(objects(2), [1.0, 0.5]), scored(objects(1), [1.0])


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("one Instances for each image, got 1 and 2", lambda: average_precision([ONE], [ONE, ONE])),
        (r"image 1: prediction and target must have masks of one size, got \(8, 16\) and \(8, 8\)",
         lambda: average_precision([ONE, ONE], [ONE, SMALLER])),
        ("kind must be one of 'mask', 'box', 'boundary', got 'segm'",
         lambda: average_precision([ONE], [ONE], kind="segm")),
        ("most must be at least 1 detection, got 0",
         lambda: average_precision([ONE], [ONE], most=0)),
        (r"image b: prediction and target must have masks of one size, got \(1, 2\) and \(2, 1\)",
         lambda: APAccumulator().add_runs(*[Runs((1, 2), [np.array([0, 1])]), *FIELDS],
                                          *[Runs((2, 1), [np.array([0, 1])]), FIELDS[1], None],
                                          torch.tensor([False]), "b")),
        ("image 4 was added twice", lambda: added(4, 4)),
        ("image a was added twice", lambda: added("a", 4, "a")),
        ("1 of 2 images have no image_id", lambda: added(4, None)),
        ("of kind 'mask', got 'box'", lambda: APAccumulator().merge(APAccumulator("box"))),
        ("at most 100 detections of a class, got 7",
         lambda: APAccumulator().merge(APAccumulator(most=7))),
        ("rule must be", lambda: area_under(np.ones(1), np.ones(1), "12")),
        ("truths must be at least 1", lambda: precision_recall(np.ones(1, dtype=bool), 0)),
    ],
)  # fmt: skip
def test_says_what_it_needs(words, call):
    with pytest.raises(ValueError, match=words):
        call()


def added(*image_ids):
    accumulator = APAccumulator()
    for image_id in image_ids:
        accumulator.add(ONE, ONE, image_id)
    return accumulator.result()

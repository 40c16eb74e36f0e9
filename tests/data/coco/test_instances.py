"""COCO instance files: written and read back, as pycocotools reads them, and wary of bad ones."""

from __future__ import annotations

import contextlib
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minseg.data import (
    CocoImage,
    SceneDataset,
    load_coco,
    load_results,
    save_coco,
    save_results,
)
from minseg.instances import Instances

SAMPLE = Path(os.environ.get("MINSEG_COCO_SAMPLE", "/no/such/folder"))
PYCOCOTOOLS_WARNS = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
NAMES = {1: "disc", 2: "box", 3: "triangle", 7: "star"}


def scene_images(count=3):
    """Scenes with everything an annotation can carry: crowds, other areas, an image of nothing."""
    for k, scene in enumerate(SceneDataset("val", size=64, length=count)):
        things = scene.instances
        n = len(things)
        instances = Instances(
            things.masks,
            torch.arange(n) % 3 + 1,
            torch.linspace(0.1, 0.9, n, dtype=torch.float64),
            crowd=torch.arange(n) == 1,
            areas=things.areas.double() + 0.25,
        )
        yield CocoImage(10 * k + 3, f"{k}.png", instances if k else instances[:0])


@pytest.fixture
def files(tmp_path):
    save_coco(tmp_path / "truth.json", scene_images(), NAMES)
    save_results(tmp_path / "results.json", scene_images(), NAMES)
    return tmp_path


def test_annotations_come_back(files):
    read = load_coco(files / "truth.json")
    assert len(read) == 3 and read.image_ids == (3, 13, 23) and read.categories == NAMES
    for ours, theirs in zip(scene_images(), read, strict=True):
        assert (ours.image_id, ours.file_name) == (theirs.image_id, theirs.file_name)
        for field in ("masks", "labels", "crowd", "areas"):
            assert torch.equal(getattr(ours.instances, field), getattr(theirs.instances, field))
        assert torch.equal(theirs.boxes, ours.instances.boxes.double())
        assert theirs.instances.scores.tolist() == [1.0] * len(ours.instances)


def test_results_come_back_with_the_images_of_the_truth(files):
    truth = load_coco(files / "truth.json")
    for ours, theirs in zip(
        scene_images(), load_results(files / "results.json", truth), strict=True
    ):
        assert torch.equal(ours.instances.masks, theirs.instances.masks)
        assert torch.equal(ours.instances.scores, theirs.instances.scores)
        assert not theirs.instances.crowd.any()
        assert theirs.instances.areas.tolist() == theirs.instances.masks.sum((1, 2)).tolist()


@PYCOCOTOOLS_WARNS
def test_pycocotools_reads_what_is_written(files):
    coco_module = pytest.importorskip("pycocotools.coco")
    with contextlib.redirect_stdout(io.StringIO()):
        coco = coco_module.COCO(str(files / "truth.json"))
        results = coco.loadRes(str(files / "results.json"))
    for image in scene_images():
        for source in (coco, results):
            records = source.loadAnns(source.getAnnIds(image.image_id))
            masks = [torch.from_numpy(source.annToMask(one)).bool() for one in records]
            assert all(map(torch.equal, masks, image.instances.masks))
            assert [one["category_id"] for one in records] == image.instances.labels.tolist()
        assert [one["score"] for one in records] == image.instances.scores.tolist()


@PYCOCOTOOLS_WARNS
@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(-5, 45), min_size=6, max_size=16).filter(lambda xy: len(xy) % 2 == 0))
def test_polygons_have_the_pixels_of_pycocotools(corners):
    mask = pytest.importorskip("pycocotools.mask")
    second = [1.0, 1.0, 9.5, 2.0, 4.0, 12.0]
    with written(one_annotation(segmentation=[corners, second])) as file:
        ours = load_coco(file)[0].instances.masks[0]
    drawn = [mask.decode(mask.frPyObjects([one], 40, 40))[..., 0] for one in (corners, second)]
    assert np.array_equal(ours.numpy(), (drawn[0] | drawn[1]).astype(bool))


def test_what_is_annotated_counts_and_what_is_missing_is_measured():
    square = {"size": [40, 40], "counts": [82, 3, 37, 3, 1475]}  # 3 × 2 at x 2, y 2
    with written(one_annotation(segmentation=square)) as file:
        image = load_coco(file)[0]
        assert image.instances.areas.tolist() == [6] and image.boxes.tolist() == [[2, 2, 4, 5]]
        assert load_coco(file).boxes(1).boxes.tolist() == [[2, 2, 4, 5]]
    other = one_annotation(segmentation=square, area=77.5, bbox=[1.25, 2, 3, 4], iscrowd=1)
    with written(other) as file:
        image, boxes = load_coco(file)[0], load_coco(file).boxes(1)
        assert image.instances.areas.tolist() == boxes.areas.tolist() == [77.5]
        assert image.boxes.tolist() == boxes.boxes.tolist() == [[1.25, 2, 4.25, 6]]
        assert image.instances.crowd.tolist() == boxes.crowd.tolist() == [True]


def test_a_result_may_be_a_box_alone():
    with written(one_annotation(bbox=[0, 0, 5, 5], area=25)) as file:
        truth = load_coco(file)
        result = {"image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 3], "score": 0.5}
        file.with_name("results.json").write_text(json.dumps([{**result, "area": 999}]))
        results = load_results(file.with_name("results.json"), truth)
        boxes = results.boxes(1)
        assert boxes.areas.tolist() == [6] and boxes.scores.tolist() == [0.5]
        with pytest.raises(ValueError, match="result at 0 has no 'segmentation'"):
            results.by_id(1)


def test_pictures_are_read_from_the_folder_that_is_named(files):
    for k in range(3):
        Image.new("RGB", (64, 64), (255, 0, 51 * k)).save(files / f"{k}.png")
    assert load_coco(files / "truth.json")[0].image is None
    pictures = [one.image for one in load_coco(files / "truth.json", files)]
    assert pictures[2].shape == (3, 64, 64) and pictures[2][:, 5, 5].tolist() == pytest.approx(
        [1, 0, 0.4]
    )
    Image.new("RGB", (64, 63)).save(files / "1.png")
    with pytest.raises(ValueError, match=r"image 13 is \(64, 64\) .* 1.png is \(63, 64\)"):
        load_coco(files / "truth.json", files)[1]
    (files / "2.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"image 23 needs .*2\.png, which is not there"):
        load_coco(files / "truth.json", files)


@pytest.mark.skipif(not SAMPLE.exists(), reason="MINSEG_COCO_SAMPLE names no folder")
def test_the_real_sample():
    read = load_coco(SAMPLE / "instances.json", SAMPLE / "images")
    image = read.by_id(142238)
    assert image.image.shape == (3, 427, 640) and len(image.instances) == 18
    records = json.loads((SAMPLE / "instances.json").read_text())["annotations"]
    assert image.instances.masks.sum((1, 2)).tolist() == [one["area"] for one in records]
    tight = image.instances.boxes.double()
    crowd = image.instances.crowd
    assert torch.equal(tight[~crowd], image.boxes[~crowd])


# --- what is refused ---


def one_annotation(**annotation):
    """A file's content: one image of 40×40 and one annotation."""
    base = {"id": 5, "image_id": 1, "category_id": 1}
    return {
        "images": [{"id": 1, "file_name": "a.png", "height": 40, "width": 40}],
        "annotations": [{**base, **annotation}],
        "categories": [{"id": 1, "name": "disc"}],
    }


@contextlib.contextmanager
def written(content):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "some.json"
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        yield file


RLE = {"size": [40, 40], "counts": [1600]}
IMAGE = {"id": 1, "file_name": "a.png", "height": 40, "width": 40}


@pytest.mark.parametrize(
    ("words", "content"),
    [
        ("not JSON", "{"),
        ("not JSON", "[" * 100_000),
        ("the file must be an object, got", []),
        ("the file has no 'images'", {}),
        ("the file has no 'categories'", {"images": []}),
        ("needs a list as 'images', got 5", {"images": 5}),
        ("image at 0 must be an object, got 5", {"images": [5]}),
        ("image at 0 needs a whole number or a text as 'id', got 1.5", {"images": [{"id": 1.5}]}),
        ("an object has the key 'id' twice", '{"images": [{"id": 1, "id": 2}]}'),
        ("image 1 is there twice", {"images": [IMAGE, IMAGE]}),
        ("annotation 5 is of image 2, which", one_annotation(segmentation=RLE, image_id=2)),
        ("annotation 5 is of category 9, which", one_annotation(segmentation=RLE, category_id=9)),
        ("as 'category_id', got 1.5", one_annotation(segmentation=RLE, category_id=1.5)),
        ("as 'id', got True", one_annotation(segmentation=RLE, id=True)),
        ("annotation 5 has neither", one_annotation()),
        ("needs x, y, width, height as 'bbox'", one_annotation(bbox=[1, 2, 3])),
        ("needs x, y, width, height as 'bbox'", one_annotation(bbox=[1, 2, 3, float("nan")])),
        ("of no negative size", one_annotation(bbox=[1, 2, 3, -1])),
        ("needs x, y, width, height as 'bbox'", one_annotation(bbox=[1, 2, 3, 10**400])),
        ("within 1e.09 px", one_annotation(bbox=[1, 2, 3, 1e300])),
        ("0 or 1 as 'iscrowd', got 2", one_annotation(segmentation=RLE, iscrowd=2)),
        ("5 needs a finite number as 'area'", one_annotation(segmentation=RLE, area="1")),
        ("annotation 5 needs an area from 0", one_annotation(segmentation=RLE, area=-1)),
        ("5 needs a finite number as 'area'", one_annotation(segmentation=RLE, area=10**400)),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_when_it_is_opened(words, content):
    with written(content) as file, pytest.raises(ValueError, match=words) as caught:
        load_coco(file)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("words", "segmentation"),
    [
        ("it is .10, 10. in an image of .40, 40.", {"size": [10, 10], "counts": [100]}),
        ("has no 'size'", {"counts": [1600]}),
        ("sum to", {"size": [40, 40], "counts": [1]}),
        ("cannot be read", {"size": [40, 40], "counts": ["x"]}),
        ("cannot be read", {"size": [40, 40], "counts": [10**30]}),
        ("cannot be read", {"size": [40, 40], "counts": "zz~~"}),
        ("there is no polygon", []),
        ("at least three corners", [[1, 1, 2, 2]]),
        ("at least three corners", [[1, 1, 2, 2, 3, 3, 4]]),
        ("at least three corners", [[1, 1, 2, 2, 3, float("inf")]]),
        ("cannot be read", [["a", 1, 2, 2, 3, 3]]),
        ("cannot be read", [{"x": 1}]),
        ("must be an object, got 5", 5),
        ("a corner may lie 1048576 px", [[1, 1, 3.5e8, 2, 3, 3]]),
        ("a corner may lie 1048576 px", [[1, 1, 1e300, 2, 3, 3]]),
        ("at least three corners", [[1, 1, 10**400, 2, 3, 3]]),
        ("an outline may be 2097152 px long", [[0, 0, 1e6, 1e6] * 2]),
        ("must be whole numbers", {"size": [40, 40], "counts": ["1600"]}),
        ("sum to 40 × 40", {"size": [40, 40], "counts": [2**63 - 1] * 2 + [1602]}),
    ],
)
def test_a_bad_mask_is_refused_when_it_is_read(words, segmentation):
    with written(one_annotation(segmentation=segmentation)) as file:
        coco = load_coco(file)
        with pytest.raises(ValueError, match=words) as caught:
            coco.by_id(1)
    assert str(file) in str(caught.value) and "annotation 5" in str(caught.value)


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("result at 1 needs a finite number as 'score', got nan", {"score": float("nan")}),
        ("result at 1 needs a finite number as 'score', got '1'", {"score": "1"}),
        ("result at 1 is of image 4", {"image_id": 4}),
        ("result at 1 is of category 4", {"category_id": 4}),
        ("result at 1 has neither", {"segmentation": None}),
    ],
)
def test_bad_results_are_refused(tmp_path, words, change):
    good = {"image_id": 1, "category_id": 1, "segmentation": RLE, "score": 0.5}
    (tmp_path / "results.json").write_text(json.dumps([good, {**good, **change}]))
    with written(one_annotation(segmentation=RLE)) as file:
        truth = load_coco(file)
    with pytest.raises(ValueError, match=words):
        load_results(tmp_path / "results.json", truth)


def test_a_results_file_that_is_no_list_or_not_there(tmp_path):
    with written(one_annotation(segmentation=RLE)) as file:
        truth = load_coco(file)
        with pytest.raises(ValueError, match="needs a list as 'results'"):
            load_results(file, truth)
    with pytest.raises(FileNotFoundError, match=r"none\.json: no such file"):
        load_results(tmp_path / "none.json", truth)


@pytest.mark.parametrize(
    ("save", "words", "bad"),
    [
        (save_coco, "image_id must be a whole number or a text, got 1.5", {"image_id": 1.5}),
        (save_results, "image_id must be a whole number or a text, got 1.5", {"image_id": 1.5}),
        (save_coco, "image 3 comes twice", {"image_id": 3}),
        (save_results, "image 3 comes twice", {"image_id": 3}),
        (save_coco, "image 99 has the file name '../x.png'", {"file_name": "../x.png"}),
        (save_coco, "image 99: label 2 is not among the categories", {}),
        (save_results, "image 99: label 2 is not among the categories", {}),
    ],
)
def test_an_error_halfway_leaves_the_old_file(tmp_path, save, words, bad):
    file = tmp_path / "out.json"
    file.write_text("old")
    masks = torch.ones(1, 4, 4, dtype=torch.bool)
    good = CocoImage(3, "3.png", Instances(masks, torch.tensor([1])))
    wrong = {"image_id": 99, "file_name": "9.png", **bad}
    images = [good, CocoImage(**wrong, instances=Instances(masks, torch.tensor([2])))]
    with pytest.raises(ValueError, match=words):
        save(file, images, {1: "disc"})
    assert file.read_text() == "old" and os.listdir(tmp_path) == ["out.json"]

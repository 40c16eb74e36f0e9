"""Files as label tools write them: ids are names, nothing is demanded that is not needed."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from minseg.data import load_coco, load_panoptic, load_results, save_coco, save_panoptic
from minseg.data.coco.categories import labels_of
from minseg.data.coco.records import read_json
from minseg.instances import Instances

SQUARE = [[2, 2, 8, 2, 8, 8, 2, 8]]


def annotation(number=1, image=1, category=1, **more):
    return {"id": number, "image_id": image, "category_id": category, "segmentation": SQUARE} | more


def file_of(folder, annotations, *, images=None, categories=None, name="truth.json"):
    content = {
        "images": images or [{"id": 1, "height": 10, "width": 12}],
        "annotations": annotations,
        "categories": categories or [{"id": 1, "name": "car"}],
    }
    (folder / name).write_text(json.dumps(content))
    return folder / name


# --- ids are names ---


@pytest.mark.parametrize(
    ("ids", "labels"),
    [
        ([7, 3], [7, 3]),
        ([1, 0, 2], [2, 1, 3]),
        ([-1, 0], [1, 2]),
        (["person", "car"], [2, 1]),
        (["car", 5], [2, 1]),
        ([2**31], [1]),
        ([], []),
    ],
)
def test_labels_are_the_ids_where_these_count_from_1(ids, labels):
    assert list(labels_of(ids).values()) == labels and list(labels_of(ids)) == ids


def test_categories_from_0_are_mapped_inwards_and_back(tmp_path):
    categories = [{"id": 1, "name": "bus"}, {"id": 0, "name": "car"}]
    file = file_of(tmp_path, [annotation(category=0)], categories=categories)
    read = load_coco(file)
    assert read.categories == {2: "bus", 1: "car"} and read.category_ids == {2: 1, 1: 0}
    assert read.labels == (2, 1) and read[0].instances.labels.tolist() == [1]
    save_coco(tmp_path / "again.json", read, read.categories, category_ids=read.category_ids)
    again = json.loads((tmp_path / "again.json").read_text())
    assert again["annotations"][0]["category_id"] == 0
    assert [one["id"] for one in again["categories"]] == [1, 0]
    assert load_coco(tmp_path / "again.json").categories == read.categories


def test_image_ids_may_be_texts_and_1_is_1_0(tmp_path):
    images = [{"id": one, "height": 10, "width": 12} for one in ("town_0", 7, "7", -3)]
    marks = [annotation(k, one) for k, one in enumerate(("town_0", 7.0, "7"))]
    read = load_coco(file_of(tmp_path, marks, images=images))
    assert read.image_ids == ("town_0", 7, "7", -3)
    assert [len(read.by_id(one).instances) for one in read.image_ids] == [1, 1, 1, 0]
    assert read.by_id(7.0).image_id == 7
    save_coco(tmp_path / "again.json", read, read.categories)
    assert load_coco(tmp_path / "again.json").image_ids == read.image_ids


@pytest.mark.parametrize("bad", [True, 1.5, 2**63, 10**400, "", "\ud800", None, [1], float("nan")])
def test_what_is_no_id(tmp_path, bad):
    file = file_of(tmp_path, [], images=[{"id": bad}])
    with pytest.raises(ValueError, match=r"truth\.json: image at 0 (needs|has no)") as caught:
        load_coco(file)
    str(caught.value).encode()  # the message can be printed


def test_results_of_other_images_only_are_told_apart_from_one_wrong_id(tmp_path):
    truth = load_coco(file_of(tmp_path, [annotation()]))
    results = tmp_path / "results.json"
    results.write_text(json.dumps([{**annotation(image=k), "score": 1} for k in ("1", "2")]))
    words = "none of the predictions' 2 images is among the truth's 1: the first ids are '1' and 1"
    with pytest.raises(ValueError, match=words):
        load_results(results, truth)
    with pytest.raises(ValueError, match="none of the predictions' 2 images"):
        load_results(results, truth, strangers=True)


def test_strangers_are_left_out_and_counted(tmp_path):
    truth = load_coco(file_of(tmp_path, [annotation()]))
    results = tmp_path / "results.json"
    found = [annotation(image=i, category=c) for i, c in ((1, 1), (9, 1), (1, 8), (9, 8))]
    results.write_text(json.dumps([{**one, "score": 0.5} for one in found]))
    read = load_results(results, truth, strangers=True)
    assert len(read[0].instances) == 1 and read.left_out == (2, 1)
    with pytest.raises(ValueError, match="result at 1 is of image 9"):
        load_results(results, truth)


# --- demanded only where needed ---


NAMES_ELSEWHERE = ["/data/a.png", "..\\up\\a.png", "C:\\b\\a.png", "https://host/a.png", "../a.png"]


@pytest.mark.parametrize("name", [*NAMES_ELSEWHERE, None])
def test_a_file_name_is_judged_when_a_picture_is_opened(tmp_path, name):
    images = [{"id": 1, "height": 10, "width": 12, "file_name": name}]
    file = file_of(tmp_path, [annotation()], images=images)
    image = load_coco(file)[0]
    assert image.file_name == name and image.instances.areas.tolist() == [36]
    words = "leaves its folder|which is not there|has no 'file_name'"
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        load_coco(file, tmp_path)


def test_null_means_left_out(tmp_path):
    nothing = dict.fromkeys(("area", "iscrowd", "bbox", "score"))
    file = file_of(tmp_path, [annotation(None, **nothing)], categories=[{"id": 1, "name": None}])
    image = load_coco(file)[0]
    assert image.instances.areas.tolist() == [36] and image.boxes.tolist() == [[2, 2, 8, 8]]
    assert not image.instances.crowd.any() and load_coco(file).categories == {1: "1"}


def test_sizes_are_asked_for_where_masks_are_made(tmp_path):
    box = {"segmentation": None, "bbox": [1, 2, 3, 4]}
    file = file_of(tmp_path, [annotation(**box)], images=[{"id": 1}])
    read = load_coco(file)
    assert read.boxes(1).boxes.tolist() == [[1, 2, 4, 6]]
    with pytest.raises(ValueError, match="image 1 has no 'height'"):
        read.runs(1)
    runs = {"segmentation": {"size": [4, 5], "counts": [3, 2, 15]}}
    alone = load_coco(file_of(tmp_path, [annotation(**runs)], images=[{"id": 1, "height": None}]))
    assert alone.size(1) == (4, 5) and alone.runs(1).areas.tolist() == [2]


def test_pictures_tell_sizes_that_the_file_does_not(tmp_path):
    Image.new("RGB", (12, 10)).save(tmp_path / "a.png")
    file = file_of(tmp_path, [annotation()], images=[{"id": 1, "file_name": "a.png"}])
    assert load_coco(file, tmp_path)[0].image.shape == (3, 10, 12)


def test_names_with_backslashes_are_found_on_every_system(tmp_path):
    (tmp_path / "b").mkdir()
    Image.new("RGB", (12, 10)).save(tmp_path / "b" / "a.png")
    images = [{"id": 1, "file_name": "b\\a.png", "height": 10, "width": 12}]
    assert load_coco(file_of(tmp_path, [], images=images), tmp_path)[0].image is not None


# --- numbers are bounded before anything of their size is made ---


@pytest.mark.parametrize("side", [10**5, 10**9, 10**400])
def test_sizes_that_no_image_has(tmp_path, side):
    images = [{"id": 1, "height": side, "width": side}]
    read = load_coco(file_of(tmp_path, [annotation()], images=images))
    for ask in (read.runs, read.by_id):
        with pytest.raises(ValueError, match=r"image 1 (has|needs)"):
            ask(1)


def test_more_masks_than_fit_are_refused_as_pixels_and_read_as_runs(tmp_path):
    images = [{"id": 1, "height": 30_000, "width": 30_000}]
    read = load_coco(file_of(tmp_path, [annotation(k) for k in range(5)], images=images))
    assert read.runs(1).areas.tolist() == [36] * 5
    with pytest.raises(ValueError, match="image 1 has 5 masks of 30000 × 30000 pixels"):
        read.by_id(1)


def test_json_that_is_damaged_deep_or_of_another_kind(tmp_path):
    for text in ("[" * 200_000, '{"a": ' * 50_000, '{"a": 1', "\x00", "", '{"a": 1, "a": 2}'):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(ValueError, match=r"a\.json: not JSON \(.*\)$"):
            read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(ValueError, match="not JSON"):
        read_json(tmp_path / "a.json")
    with pytest.raises(ValueError, match="not a file"):
        read_json(tmp_path)
    (tmp_path / "a.json").write_bytes("\ufeff[1]".encode())  # as Windows begins its texts
    assert read_json(tmp_path / "a.json") == [1]


def test_a_check_lists_all_that_is_wrong(tmp_path):
    names = [f"{k}.png" for k in range(3)]
    for name in names:
        Image.new("RGB", (12, 10)).save(tmp_path / name)
    Image.new("RGB", (10, 12)).save(tmp_path / "1.png")
    images = [{"id": k, "file_name": n, "height": 10, "width": 12} for k, n in enumerate(names)]
    marks = [annotation(k, 0, segmentation=[] if k else SQUARE) for k in range(13)]
    marks.append(annotation(99, 2, segmentation={"size": [10, 12], "counts": [7]}))
    read = load_coco(file_of(tmp_path, marks, images=images), tmp_path)
    with pytest.raises(ValueError, match="14 records cannot be used: annotation 1 has") as caught:
        read.check()
    said = str(caught.value)
    assert "annotation 10 has" in said and "annotation 11" not in said and "; and 4 more" in said
    assert "\n" not in said


def test_fingerprints_are_those_of_the_content(tmp_path):
    marks, categories = [annotation(1), annotation(2)], [{"id": 1, "name": "car"}]
    same = load_coco(file_of(tmp_path, marks)).fingerprint()
    content = json.loads((tmp_path / "truth.json").read_text())
    (tmp_path / "spaced.json").write_text(json.dumps(content | {"info": {}}, indent=2))
    assert load_coco(tmp_path / "spaced.json").fingerprint() == same
    for changed in (
        file_of(tmp_path, marks[::-1]),
        file_of(tmp_path, [annotation(1), annotation(2, iscrowd=1)]),
        file_of(tmp_path, marks, images=[{"id": 1, "height": 11, "width": 12}]),
        file_of(tmp_path, marks, categories=[{"id": 1, "name": "bus"}]),
    ):
        assert load_coco(changed).fingerprint() != same
    assert load_coco(file_of(tmp_path, marks, categories=categories)).fingerprint() == same


# --- panoptic ---


def panoptic(folder, segments, numbers, *, categories, images=None, name="maps"):
    """A file of one map: (number, category) pairs, and a PNG of numbers."""
    numbers = np.array(numbers)
    (folder / name).mkdir()
    colour = np.stack([numbers & 255, numbers >> 8 & 255, numbers >> 16], axis=2)
    Image.fromarray(colour.astype(np.uint8)).save(folder / name / "a.png")
    info = [{"id": number, "category_id": category} for number, category in segments]
    content = {
        "images": images or [{"id": "town", "height": None}],
        "annotations": [{"image_id": "town", "file_name": "a.png", "segments_info": info}],
        "categories": [{"id": c, "name": f"c{c}", "isthing": t} for c, t in categories.items()],
    }
    (folder / f"{name}.json").write_text(json.dumps(content))
    return folder / f"{name}.json"


def test_category_0_and_several_segments_of_stuff_come_back(tmp_path):
    segments = [(5, 0), (6, 0), (7, 1), (8, 1)]
    file = panoptic(tmp_path, segments, [[5, 6, 7, 8, 0]], categories={0: 0, 1: 1})
    read = load_panoptic(file)
    assert (read.things, read.stuff, read.category_ids) == ((2,), (1,), {1: 0, 2: 1})
    assert read[0].ids.tolist() == [[1000, 1001, 2001, 2002, 0]] and read[0].image_id == "town"
    save_panoptic(
        tmp_path / "again.json", read, read.categories, read.things, category_ids=read.category_ids
    )
    again = load_panoptic(tmp_path / "again.json")
    assert torch.equal(again[0].ids, read[0].ids) and again.category_ids == read.category_ids


def test_segments_that_also_look_like_annotations(tmp_path):
    """As some tools write them, with the image's id and a box; one of an unknown category."""
    file = panoptic(tmp_path, [(1, 1), (2, 9)], [[1, 2]], categories={1: 1, 9: 0})
    truth = tmp_path / "truth.json"
    content = json.loads(file.read_text())
    for one in content["annotations"][0]["segments_info"]:
        one |= {"image_id": "town", "bbox": [0, 0, 1, 1]}
    file.write_text(json.dumps(content))
    assert load_panoptic(file)[0].ids.tolist() == [[1001, 9000]]
    content["annotations"][0]["segments_info"].pop()
    truth.write_text(json.dumps(content | {"categories": content["categories"][:1]}))
    read = load_panoptic(file, truth=load_panoptic(truth, tmp_path / "maps"), strangers=True)
    assert read[0].ids.tolist() == [[1001, 0]] and read.left_out == (0, 1)


def test_the_divisor_comes_from_the_file(tmp_path):
    numbers = list(range(1, 1501))
    file = panoptic(tmp_path, [(n, 1) for n in numbers], [numbers], categories={1: 1})
    read = load_panoptic(file)
    assert read.max_instances == 1501 and len(read[0].ids.unique()) == 1500
    assert read.with_divisor(2000)[0].ids.max() == 3500


def test_a_map_that_says_it_is_huge_is_refused_before_it_is_unpacked(tmp_path):
    file = panoptic(tmp_path, [(1, 1)], [[1]], categories={1: 1})
    Image.new("RGB", (5800, 5800), (1, 0, 0)).save(tmp_path / "maps" / "a.png")
    with pytest.raises(ValueError, match=r"needs a\.png of at most \d+ pixels, got 5800 × 5800"):
        load_panoptic(file)[0]


def test_maps_are_written_to_a_folder_on_another_disk(tmp_path, monkeypatch):
    """Renaming from one disk to another is refused by the system, so drafts lie where they go."""
    import os

    from minseg.data import PanopticImage

    rename = os.replace

    def within_a_folder(source, target):
        assert str(target).startswith(str(tmp_path / "far")) == str(source).startswith(
            str(tmp_path / "far")
        )
        rename(source, target)

    monkeypatch.setattr(os, "replace", within_a_folder)
    one = PanopticImage(1, "a.png", torch.tensor([[1001]]))
    save_panoptic(tmp_path / "m.json", [one], {1: "car"}, [1], tmp_path / "far")
    assert [path.name for path in (tmp_path / "far").iterdir()] == ["a.png"]


def test_instances_without_a_name_are_written(tmp_path):
    from minseg.data import CocoImage

    masks = torch.ones(1, 3, 3, dtype=torch.bool)
    one = CocoImage("x", None, Instances(masks, torch.tensor([1])))
    save_coco(tmp_path / "a.json", [one], {1: "car"})
    assert load_coco(tmp_path / "a.json").by_id("x").file_name is None

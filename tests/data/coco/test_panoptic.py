"""COCO panoptic files: written and read back to the pixel, and wary of bad ones."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minseg.data import PanopticImage, load_panoptic, save_panoptic
from minseg.panoptic import encode

SAMPLE = Path(os.environ.get("MINSEG_COCO_SAMPLE", "/no/such/folder"))
NAMES, THINGS = {1: "disc", 2: "box", 20: "sky", 21: "grass"}, (1, 2)


def panoptic_map(seed, height=20, width=30, instances=5, divisor=1000):
    """Random, with instances numbered in the order in which they come: 1, 2, 3 … without gaps."""
    rng = np.random.default_rng(seed)
    category = torch.from_numpy(rng.choice([0, *NAMES], (height, width)))
    number = torch.from_numpy(rng.integers(1, instances + 1, (height, width)))
    return encode(
        category, torch.where(torch.isin(category, torch.tensor(THINGS)), number, 0), divisor
    )


def saved(folder, *maps, divisor=1000, crowd=()):
    images = [PanopticImage(k, f"{k}.png", one, crowd) for k, one in enumerate(maps)]
    save_panoptic(folder / "maps.json", images, NAMES, THINGS, max_instances=divisor)
    return folder / "maps.json"


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from([100, 1000, 50_000]), st.integers(1, 40))
def test_maps_come_back(tmp_path_factory, seed, divisor, width):
    ids = panoptic_map(seed, width=width, divisor=divisor)
    crowd = tuple(ids[ids >= divisor][:1].tolist())
    file = saved(tmp_path_factory.mktemp("maps"), ids, divisor=divisor, crowd=crowd)
    read = load_panoptic(file, max_instances=divisor)
    assert (read.categories, read.things, read.stuff) == (NAMES, THINGS, (20, 21))
    again = read[0]
    # Instances are numbered anew, in order, so there may be fewer gaps; segments are the same.
    assert torch.equal(again.ids // divisor, ids // divisor)
    pairs = torch.stack([again.ids.flatten(), ids.flatten()]).unique(dim=1)
    assert len(pairs[0].unique()) == len(pairs[1].unique()) == pairs.shape[1]
    assert [dict(pairs.T.tolist())[one] for one in again.crowd] == list(crowd)


def test_numbers_without_gaps_come_back_as_they_were(tmp_path):
    maps = [panoptic_map(1), panoptic_map(2, 7, 90), torch.zeros(4, 4, dtype=torch.int64)]
    read = load_panoptic(saved(tmp_path, *maps))
    assert len(read) == 3 and all(map(torch.equal, maps, (one.ids for one in read)))


def test_the_files_are_in_the_official_format(tmp_path):
    ids = panoptic_map(0)
    file = saved(tmp_path, ids, crowd=(1002,))
    colour = np.asarray(Image.open(tmp_path / "maps" / "0.png"), dtype=np.int64)
    number = torch.from_numpy(colour @ [1, 256, 256**2])  # panopticapi's rgb2id
    content = json.loads(file.read_text())
    (annotation,) = content["annotations"]
    assert annotation["file_name"] == "0.png" and annotation["image_id"] == 0
    for segment in annotation["segments_info"]:
        mask = number == segment["id"]
        rows, columns = torch.nonzero(mask, as_tuple=True)
        x, y, width, height = segment["bbox"]
        assert segment["area"] == mask.sum()
        assert (x, y) == (columns.min(), rows.min())
        assert (x + width, y + height) == (columns.max() + 1, rows.max() + 1)
        assert segment["iscrowd"] == (segment["id"] == 1002)
        assert (ids[mask] // 1000 == segment["category_id"]).all()
    assert {one["id"]: one["isthing"] for one in content["categories"]} == {
        1: 1,
        2: 1,
        20: 0,
        21: 0,
    }


def test_colours_of_other_tools_are_numbered_in_the_order_of_the_list(tmp_path):
    file = written(tmp_path, [(70_000, 2), (255, 20), (300, 2)], [[70_000, 255, 300, 0]])
    image = load_panoptic(file)[0]
    assert image.ids.tolist() == [[2001, 20_000, 2002, 0]] and image.crowd == ()


def test_predictions_may_leave_images_and_categories_to_the_truth(tmp_path):
    truth = load_panoptic(saved(tmp_path, panoptic_map(0)))
    content = json.loads((tmp_path / "maps.json").read_text())
    del content["images"], content["categories"]
    (tmp_path / "guess.json").write_text(json.dumps(content))
    read = load_panoptic(tmp_path / "guess.json", tmp_path / "maps", truth=truth)
    assert torch.equal(read[0].ids, truth[0].ids) and read.stuff == (20, 21)
    with pytest.raises(ValueError, match="has no 'images'"):
        load_panoptic(tmp_path / "guess.json", tmp_path / "maps")


def test_other_files_in_the_folder_stay(tmp_path):
    saved(tmp_path, panoptic_map(0), panoptic_map(1))
    (tmp_path / "maps" / "mine.txt").write_text("mine")
    saved(tmp_path, panoptic_map(2))
    assert sorted(os.listdir(tmp_path / "maps")) == ["0.png", "1.png", "mine.txt"]
    assert sorted(os.listdir(tmp_path)) == ["maps", "maps.json"]
    assert torch.equal(load_panoptic(tmp_path / "maps.json")[0].ids, panoptic_map(2))


def test_one_map_is_held_at_a_time(tmp_path):
    maps = (PanopticImage(k, f"{k}.png", panoptic_map(k, 200, 200)) for k in range(12))
    tracemalloc.start()
    save_panoptic(tmp_path / "maps.json", maps, NAMES, THINGS)
    for _ in load_panoptic(tmp_path / "maps.json"):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 200 * 200 * 12  # less than the twelve maps, temporaries and all


@pytest.mark.skipif(not SAMPLE.exists(), reason="MINSEG_COCO_SAMPLE names no folder")
def test_the_real_sample():
    image = load_panoptic(SAMPLE / "panoptic.json").by_id(142238)
    (annotation,) = json.loads((SAMPLE / "panoptic.json").read_text())["annotations"]
    assert image.ids.shape == (427, 640) and len(image.crowd) == 1
    areas = sorted(one["area"] for one in annotation["segments_info"])
    counts = image.ids[image.ids > 0].unique(return_counts=True)[1]
    assert sorted(counts.tolist()) == areas


# --- what is refused ---


def written(folder, segments=((1, 1),), numbers=((1, 1), (1, 0)), *, annotation=(), **change):
    """A file made by hand: (number, category) pairs, and a PNG of numbers."""
    numbers = np.array(numbers)
    (folder / "maps").mkdir()
    colour = np.stack([numbers & 255, numbers >> 8 & 255, numbers >> 16], axis=2)
    Image.fromarray(colour.astype(np.uint8)).save(folder / "maps" / "a.png")
    height, width = numbers.shape
    info = [{"id": number, "category_id": category} for number, category in segments]
    one = {"image_id": 1, "file_name": "a.png", "segments_info": info, **dict(annotation)}
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": height, "width": width}],
        "annotations": [one],
        "categories": [{"id": c, "name": n, "isthing": int(c in THINGS)} for c, n in NAMES.items()],
    }
    file = folder / "maps.json"
    file.write_text(json.dumps({**content, **change}))
    return file


TWICE = [{"image_id": 1, "file_name": "a.png", "segments_info": []}] * 2


@pytest.mark.parametrize(
    ("words", "content"),
    [
        ("the annotation of image 2 is of an image that", {"annotation": {"image_id": 2}}),
        ("annotation at 0 needs .* as 'image_id', got 1.5", {"annotation": {"image_id": 1.5}}),
        ("the annotation of image 1 is there twice", {"annotations": TWICE}),
        ("'../a.png', which leaves its folder", {"annotation": {"file_name": "../a.png"}}),
        ("has no 'segments_info'", {"annotation": {"segments_info": None}}),
        ("category at 0 has no 'isthing'", {"categories": [{"id": 1, "name": "disc"}]}),
        ("image 1, segment at 0 is of category 9", {"segments": [(1, 9)]}),
        ("as 'id', got 0", {"segments": [(0, 1)]}),
        ("as 'id', got -5", {"segments": [(-5, 1)]}),
        ("has the id 7, which comes twice", {"segments": [(7, 1), (7, 2)]}),
        ("has the id 16777216, which is above 16777215", {"segments": [(256**3, 1)]}),
        ("has pixels of segment 3, which", {"numbers": [[1, 3]]}),
        ("lists segment 2, of which", {"segments": [(1, 1), (2, 1)]}),
        (r"is \(9, 2\) \(height, width\), but a.png is \(2, 2\)",
         {"images": [{"id": 1, "file_name": "a.jpg", "height": 9, "width": 2}]}),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused(tmp_path, words, content):
    file = written(tmp_path, **content)
    with pytest.raises(ValueError, match=words) as caught:
        load_panoptic(file)[0]
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("mode", ["P", "L", "RGBA", "I;16"])
def test_a_png_of_another_kind_is_refused(tmp_path, mode):
    file = written(tmp_path)
    Image.new(mode, (2, 2)).save(tmp_path / "maps" / "a.png")
    with pytest.raises(ValueError, match=f"image 1 needs a.png as a PNG in RGB.* mode {mode}"):
        load_panoptic(file)[0]


def test_a_png_that_is_broken_or_not_there(tmp_path):
    file = written(tmp_path)
    png = tmp_path / "maps" / "a.png"
    whole = png.read_bytes()
    for broken in (b"", b"GIF89a", whole[: len(whole) // 2], whole[:40] + b"x" * 20):
        png.write_bytes(broken)
        with pytest.raises(ValueError, match=r"image 1 needs a\.png, which cannot be read"):
            load_panoptic(file)[0]
    png.unlink()
    with pytest.raises(FileNotFoundError, match=r"image 1 needs .*a\.png, which is not there"):
        load_panoptic(file)


def test_more_instances_than_the_divisor_has_room_for(tmp_path):
    segments = [(number, 1) for number in range(1, 11)]
    file = written(tmp_path, segments, [list(range(1, 11))])
    assert load_panoptic(file, max_instances=11)[0].ids.max() == 21
    with pytest.raises(ValueError, match="max_instances must be at least 11, as an image"):
        load_panoptic(file, max_instances=10)


def one_map(*ids, name="8.png", number=8, crowd=()):
    return PanopticImage(number, name, torch.tensor([ids]), crowd)


@pytest.mark.parametrize(
    ("error", "words", "image"),
    [
        (ValueError, "image 8: ids must not be negative, got -1", one_map(-1, 0)),
        (ValueError, "image 8: id 3001 is of category 3, which", one_map(3001)),
        (ValueError, "image 8: id 7 is of category 0, which", one_map(7)),
        (ValueError, "image 8: id 1000 has instance 0, but is a thing", one_map(1000)),
        (TypeError, "image 8: ids must be of integers", one_map(1001.0)),
        (ValueError, r"image 8: ids must be \(H, W\)", one_map([1001])),
        (ValueError, "image 8: crowd 5 has no pixel", one_map(1001, crowd=(5,))),
        (ValueError, "image 0 comes twice", one_map(1001, number=0)),
        (ValueError, "image 8 needs a name of its own", one_map(1001, name="0.png")),
        (ValueError, "image 8 needs a name of its own in .png", one_map(1001, name="8.jpg")),
        (ValueError, "'../8.png', which leaves", one_map(1001, name="../8.png")),
    ],
)
def test_an_error_halfway_leaves_everything_as_it_was(tmp_path, error, words, image):
    saved(tmp_path, panoptic_map(0))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(error, match=words):
        images = [one_map(1001, number=0, name="0.png"), image]
        save_panoptic(tmp_path / "maps.json", images, NAMES, THINGS)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_an_id_that_is_no_colour_and_categories_that_do_not_fit(tmp_path):
    large = PanopticImage(0, "0.png", torch.tensor([[20_000_000]]))
    with pytest.raises(ValueError, match="id 20000000 is above 16777215, the last colour"):
        save_panoptic(tmp_path / "m.json", [large], NAMES, THINGS, max_instances=10**6)
    with pytest.raises(ValueError, match=r"things must be among the categories, got \[5\]"):
        save_panoptic(tmp_path / "m.json", [], NAMES, (1, 5))
    with pytest.raises(ValueError, match="categories must have ids from 1"):
        save_panoptic(tmp_path / "m.json", [], {0: "void"}, ())
    assert os.listdir(tmp_path) == []

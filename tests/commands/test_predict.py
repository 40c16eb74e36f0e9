"""`python -m minseg predict`: pictures and results, whole or not at all, under the right ids."""

import json
import os
import shutil
import weakref

import numpy as np
import pytest
import torch
from PIL import Image

from minseg.__main__ import main
from minseg.data import load_coco, load_results, make_scene
from minseg.masks.rle import decode_rle
from minseg.models import MaskRCNN
from minseg.train import load_model, save_model

SIGNED = b"tEXtSoftware\0minseg predict"


@pytest.fixture(autouse=True)
def texts_may_overlap(monkeypatch):
    """Things that touch have numbers that do; pictures of the course are checked, not these."""
    monkeypatch.delenv("MINSEG_CHECK_FIGURES", raising=False)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small one, not trained, that finds something everywhere."""
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_model(MaskRCNN(classes=(1, 2), widths=(8, 8, 8), strides=(4, 8), channels=16), file)
    return file


@pytest.fixture
def pictures(tmp_path):
    """Five pictures: a.png, b.png … e.png."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for k, name in enumerate("abcde"):
        image = make_scene(k, size=(32, 48)).image.permute(1, 2, 0).numpy()
        Image.fromarray((image * 255).round().astype(np.uint8)).save(folder / f"{name}.png")
    return folder


def predict(model, out, *more):
    line = ["predict", "--model", str(model), "--out", str(out), "--most", "5"]
    return main([*line, *map(str, more)])


def results_of(out):
    return json.loads((out / "predictions.json").read_text())


def refused(capsys, *words):
    """One line that says it."""
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1, said
    assert all(word in said for word in words), said
    return True


def coco(file, images, categories=({"id": 1, "name": "box"}, {"id": 2, "name": "disc"})):
    file.write_text(json.dumps({"images": images, "categories": list(categories)}))
    return file


@pytest.mark.slow
def test_pictures_and_results(model, pictures, tmp_path, capsys):
    files = [pictures / "b.png", pictures / "a.png"]
    assert predict(model, tmp_path / "out", *files, "--score", 0.3) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in said[:2]] == [str(file) for file in files]
    assert said[2:] == [
        "images are numbered from 0 in the order given: --images takes the ids of a truth"
    ]
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == {"a.png", "b.png", "predictions.json"}
    rows, network = results_of(tmp_path / "out"), load_model(model)
    assert {row["image_id"] for row in rows} == {0, 1}
    for number, file in enumerate(files):
        pixels = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).float().div(255)
        expected = network.predict([pixels], most=5)[0]
        got = [row for row in rows if row["image_id"] == number]
        assert len(got) == len(expected) > 0
        for row, mask, label, score in zip(
            got, expected.masks, expected.labels.tolist(), expected.scores.tolist(), strict=True
        ):
            assert torch.equal(decode_rle(row["segmentation"]), mask)
            assert (row["category_id"], row["score"]) == (label, score)
    drawing = (tmp_path / "out" / "a.png").read_bytes()
    assert SIGNED in drawing and min(Image.open(tmp_path / "out" / "a.png").size) > 200


def test_results_lie_in_the_turned_frame(model, pictures, tmp_path):
    stored = np.array(Image.open(pictures / "a.png"))
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.ascontiguousarray(np.rot90(stored))).save(
        pictures / "turned.png", exif=exif.tobytes()
    )
    assert predict(model, tmp_path / "one", pictures / "a.png") == 0
    assert predict(model, tmp_path / "two", pictures / "turned.png") == 0
    assert results_of(tmp_path / "one") == results_of(tmp_path / "two")


@pytest.mark.slow
def test_a_truth_gives_the_ids(model, pictures, tmp_path, capsys):
    names = {"town_7": "e.png", -3: "c.png", 40: "a.png"}
    images = [{"id": i, "file_name": name, "height": 32, "width": 48} for i, name in names.items()]
    truth = coco(pictures / "truth.json", images)
    assert predict(model, tmp_path / "all", "--images", truth) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"3 of 3 images, with the ids of {truth}"
    assert {row["image_id"] for row in results_of(tmp_path / "all")} == set(names)
    # Named pictures are matched by name; the truth may lie anywhere, its folder too.
    moved = shutil.move(truth, tmp_path / "truth.json")
    chosen = [pictures / "a.png", pictures / "e.png"]
    assert predict(model, tmp_path / "some", "--truth", moved, *chosen) == 0
    assert {row["image_id"] for row in results_of(tmp_path / "some")} == {40, "town_7"}
    assert predict(model, tmp_path / "moved", "--images", moved, "--folder", pictures) == 0
    assert results_of(tmp_path / "moved") == results_of(tmp_path / "all")


@pytest.mark.slow
def test_a_truth_gives_the_category_ids(model, pictures, tmp_path, capsys):
    images = [{"id": 5, "file_name": "a.png", "height": 32, "width": 48}]
    zero = coco(
        pictures / "zero.json", images, [{"id": 1, "name": "disc"}, {"id": 0, "name": "box"}]
    )
    assert predict(model, tmp_path / "plain", pictures / "a.png") == 0
    assert predict(model, tmp_path / "out", "--images", zero) == 0
    plain = [row["category_id"] for row in results_of(tmp_path / "plain")]
    assert [row["category_id"] for row in results_of(tmp_path / "out")] == [c - 1 for c in plain]
    assert len(load_results(tmp_path / "out" / "predictions.json", load_coco_of(zero))) == 1
    few = coco(pictures / "few.json", images, [{"id": "box", "name": "box"}])
    capsys.readouterr()
    assert predict(model, tmp_path / "no", "--images", few) == 2
    assert refused(capsys, "few.json", "this model knows 2, too")
    bare = pictures / "bare.json"
    bare.write_text(json.dumps({"images": images}))  # as test sets are given out
    assert predict(model, tmp_path / "bare", "--images", bare) == 0
    assert [row["category_id"] for row in results_of(tmp_path / "bare")] == plain


def load_coco_of(file):
    """The truth with no annotations."""
    file.write_text(json.dumps({**json.loads(file.read_text()), "annotations": []}))
    return load_coco(file)


@pytest.mark.slow
def test_names_of_other_systems_and_folders(model, pictures, tmp_path, capsys):
    for folder in ("left", "right"):
        (pictures / folder).mkdir()
        shutil.copy(pictures / "a.png", pictures / folder / "a.png")
    images = [
        {"id": 1, "file_name": "left/a.png"},
        {"id": 2, "file_name": "right\\a.png"},
        {"id": 3, "file_name": "C:\\data\\b.png"},
        {"id": 4, "file_name": None},
    ]
    truth = coco(tmp_path / "truth.json", images)
    files = [pictures / "right" / "a.png", pictures / "left" / "a.png", pictures / "b.png"]
    assert predict(model, tmp_path / "out", "--images", truth, *files) == 0
    rows = results_of(tmp_path / "out")
    assert rows[0]["image_id"] == 2
    assert {row["image_id"] for row in rows} == {1, 2, 3}
    drawings = {file.name for file in (tmp_path / "out").glob("*.png")}
    assert {"left_a.png", "right_a.png"} < drawings and len(drawings) == 3
    for files, words in (
        ([pictures / "a.png"], ("may be image 1 or image 2",)),
        ([pictures / "e.png"], ("e.png: is none of the 4 images",)),
        ([pictures / "b.png", tmp_path / "pictures/b.png"], ("are both image 3",)),
        ([], ("2 of 4 pictures cannot be read", "image 3", "image 4 has no 'file_name'")),
    ):
        capsys.readouterr()
        more = files or ["--folder", pictures]
        assert predict(model, tmp_path / "no", "--images", truth, *more) == 2
        assert refused(capsys, *words)


def test_another_size_than_the_truth_says(model, pictures, tmp_path, capsys):
    images = [{"id": 1, "file_name": "a.png", "height": 48, "width": 32}]
    truth = coco(pictures / "truth.json", images)
    assert predict(model, tmp_path / "out", "--images", truth) == 2
    assert refused(capsys, "image 1 is (48, 32) (height, width), but", "a.png is (32, 48)")


def test_all_bad_pictures_are_found_first(model, pictures, tmp_path, capsys):
    for name in "bd":
        (pictures / f"{name}.png").write_text("not a picture")
    files = sorted(pictures.glob("*.png"))
    assert predict(tmp_path / "no model is needed", tmp_path / "out", *files) == 2
    assert refused(capsys, "2 of 5 pictures cannot be read: ", "b.png: is no", "; ", "d.png: is no")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_whole_or_not_at_all(model, pictures, tmp_path, capsys):
    """A picture that breaks off in its pixels, the third of five: nothing new beside the old."""
    files, out = sorted(pictures.glob("*.png")), tmp_path / "out"
    assert predict(model, out, *files[:2]) == 0
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    files[2].write_bytes(files[2].read_bytes()[:-400])
    capsys.readouterr()
    assert predict(model, out, "--score", "0.2", *files) == 2
    assert refused(capsys, "c.png: is no picture that can be read")
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before
    assert predict(model, out, "--score", "0.2", *files[1::2]) == 0  # its own may be replaced
    assert {file.name for file in out.iterdir()} == {*before, "d.png"}
    assert (out / "b.png").read_bytes() != before["b.png"]


@pytest.mark.slow
def test_the_list_comes_last(model, pictures, tmp_path, monkeypatch):
    """When a drawing takes its place, the list is complete and still a draft."""
    from minseg import files

    moved, replace = [], os.replace

    def watched(source, target):
        moved.append(target.name)
        drafts = list((tmp_path / "out").glob(".predictions.json.*.tmp"))
        if target.name != "predictions.json":
            assert len(json.loads(drafts[0].read_text())) > 0
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", watched)
    assert predict(model, tmp_path / "out", *sorted(pictures.glob("*.png"))[:3]) == 0
    assert sorted(moved[:3]) == ["a.png", "b.png", "c.png"] and moved[3:] == ["predictions.json"]


def test_nothing_of_yours_is_overwritten(model, pictures, tmp_path, capsys):
    photo, mine = pictures / "q.jpg", pictures / "q.png"
    Image.open(pictures / "a.png").save(photo)
    Image.open(pictures / "b.png").save(mine)
    listed = tmp_path / "listed"
    listed.mkdir()
    (listed / "predictions.json").write_text('[{"image_id": 1, "bbox": [0, 0, 1, 1]}]')
    (tmp_path / "taken" / "a.png").mkdir(parents=True)
    for out, file, word in (
        (pictures, photo, "q.png is there already and not by predict"),
        (pictures / ".", mine, "out must be another folder: q.png there is your picture"),
        (listed, photo, "predictions.json is there already and not by predict"),
        (tmp_path / "taken", pictures / "a.png", "a.png: is a folder"),
        (tmp_path, photo, None),
    ):
        before = {p: p.read_bytes() for p in out.glob("*.*") if p.is_file()}
        done = predict(model, out, file)
        if word is None:
            assert done == 0
            continue
        assert done == 2 and refused(capsys, word)
        assert {p: p.read_bytes() for p in out.glob("*.*") if p.is_file()} == before
    assert predict(model, tmp_path / "x", photo, mine) == 2
    assert refused(capsys, "images must have different names, got q twice")


@pytest.mark.slow
def test_an_empty_list_is_its_own(model, pictures, tmp_path):
    out = tmp_path / "out"
    assert predict(model, out, pictures / "a.png") == 0
    (out / "predictions.json").write_text("[\n]\n")
    assert predict(model, out, pictures / "a.png") == 0 and results_of(out)


@pytest.mark.skipif(os.name != "posix", reason="links need rights there")
def test_links_are_replaced_and_not_followed(model, pictures, tmp_path):
    out, theirs = tmp_path / "out", tmp_path / "theirs"
    out.mkdir()
    theirs.write_text("precious")
    for name in ("a.png", "predictions.json"):
        (out / name).symlink_to(theirs)
    linked = tmp_path / "linked"
    linked.symlink_to(out)  # the folder itself may be one
    assert predict(model, linked, pictures / "a.png") == 0
    assert theirs.read_text() == "precious" and not (out / "a.png").is_symlink()
    assert results_of(out)


def test_a_full_disk_leaves_what_was_there(model, pictures, tmp_path, capsys, monkeypatch):
    out = tmp_path / "out"
    assert predict(model, out, pictures / "a.png") == 0
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    capsys.readouterr()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("minseg.commands.predict_files.os.fsync", full)
    assert predict(model, out, pictures / "a.png", pictures / "b.png") == 2
    assert refused(capsys, "the disk is full", "out")
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before


@pytest.mark.slow
def test_pictures_are_forgotten_one_by_one(model, pictures, tmp_path, monkeypatch):
    """When a picture is read, neither the pixels nor the drawing of one before is in memory."""
    from minseg import draw
    from minseg.commands import predict as command

    alive = []

    def watched(make, of):
        def made(*arguments, **options):
            assert [one() for one in alive if one() is not None] == [] or of is not None
            result = make(*arguments, **options)
            alive.append(weakref.ref(result if of is None else result[of]))
            return result

        return made

    monkeypatch.setattr(command, "read_picture", watched(command.read_picture, None))
    monkeypatch.setattr(draw, "figure", watched(draw.figure, 0))
    assert predict(model, tmp_path / "out", *sorted(pictures.glob("*.png"))[:3]) == 0
    assert len(alive) == 6


def test_more_instances(model, pictures, tmp_path, capsys):
    assert predict(model, tmp_path / "out", pictures / "a.png", "--most", 3) == 0
    said = capsys.readouterr().out
    assert "a.png: 3 instances, as many as --most lets through\n" in said
    assert len(results_of(tmp_path / "out")) == 3


def test_what_cannot_be_done(model, pictures, tmp_path, capsys):
    image = pictures / "a.png"
    (tmp_path / "bad").write_bytes(model.read_bytes()[:-9])
    (tmp_path / "file").write_text("")
    odd = pictures / "a\x1b[31m\n.png"
    odd.write_text("no picture")
    truth = coco(pictures / "truth.json", [])
    for line, words in (
        ((tmp_path / "none", tmp_path / "out", image), ("none: no such file",)),
        ((tmp_path, tmp_path / "out", image), ("holds neither model.safetensors nor checkpoint",)),
        ((tmp_path / "bad", tmp_path / "out", image), ("bad: damaged",)),
        ((model, tmp_path / "out", pictures / "no.png"), ("no.png: no such file",)),
        ((model, tmp_path / "out", pictures), ("is no picture that can be read (a folder",)),
        ((model, tmp_path / "out", odd), (r"a\x1b[31m\n.png: is no picture",)),
        ((model, tmp_path / "file", image), ("file",)),
        ((model, tmp_path / "out"), ("pictures must be named, or --images",)),
        ((model, tmp_path / "out", image, "--folder", pictures), ("folder needs --images",)),
        ((model, tmp_path / "out", image, "--device", "abacus"), ("device must be one",)),
        ((model, tmp_path / "out", image, "--most", 0), ("most must be between 1 and 1000",)),
        ((model, tmp_path / "out", image, "--score", "nan"), ("score must be between 0 and 1",)),
        ((model, tmp_path / "out", image, "--images", image), ("a.png: not JSON",)),
        ((model, tmp_path / "out", image, "--images", truth), ("none of the 0 images",)),
    ):
        assert predict(*line) == 2
        assert refused(capsys, *words)

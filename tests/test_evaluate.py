"""`python -m minseg evaluate`: the official tools' numbers from files, and plain words on error."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch
from peers import CASES, name

from minseg.__main__ import main
from minseg.data import (
    CocoImage,
    PanopticImage,
    SceneDataset,
    save_coco,
    save_panoptic,
    save_results,
)
from minseg.metrics import average_precision, panoptic_quality

NAMES = {1: "disc", 2: "box", 3: "triangle"}
SCENES = [scene.instances for scene in SceneDataset("val", size=64, length=3)]


def command(kind, folder, *more):
    names = ["--truth", str(folder / "truth.json"), "--predictions", str(folder / "guess.json")]
    return ["evaluate", "--kind", kind, *names, *more]


@pytest.mark.parametrize("path", sorted((CASES / "coco_ap").glob("*.json")), ids=name)
@pytest.mark.parametrize("kind", ["mask", "box"])
def test_peer_cases(path, kind, tmp_path, capsys):
    case = json.loads(path.read_text())
    (tmp_path / "truth.json").write_text(json.dumps(case["gt"]))
    (tmp_path / "guess.json").write_text(json.dumps(case["dt"]))
    assert main(command(kind, tmp_path, "--json")) == 0
    report = json.loads(capsys.readouterr().out)
    expected = case["stats" if kind == "mask" else "bbox_stats"]
    ours = [-1.0 if value is None else value for value in report["all"].values()]
    assert ours == pytest.approx(list(expected.values()), abs=1e-9)


def shifted(instances):
    """What a model that is two pixels off would say."""
    scores = torch.linspace(0.9, 0.3, len(instances))
    return type(instances)(instances.masks.roll(2, dims=2), instances.labels, scores)


@pytest.mark.parametrize("kind", ["mask", "box", "boundary"])
def test_files_and_tensors_give_the_same_numbers(kind, tmp_path, capsys):
    truths = [CocoImage(k, f"{k}.png", one) for k, one in enumerate(SCENES)]
    guesses = [CocoImage(k, f"{k}.png", shifted(one)) for k, one in enumerate(SCENES)]
    save_coco(tmp_path / "truth.json", truths, NAMES)
    save_results(tmp_path / "guess.json", guesses, NAMES)
    assert main(command(kind, tmp_path, "--json")) == 0
    report = json.loads(capsys.readouterr().out)
    expected = average_precision([shifted(one) for one in SCENES], SCENES, kind)
    assert 0 < expected.ap50 < 1 or kind == "box"
    assert report["all"]["ap"] == pytest.approx(expected.ap, abs=1e-12)
    assert report["all"]["ap_large"] is None and report["images"] == 3
    by_name = {one["name"]: one["ap"] for one in report["classes"]}
    assert by_name == pytest.approx({NAMES[c]: one.ap for c, one in expected.per_class.items()})


def panoptic_maps(shift):
    for k, scene in enumerate(SceneDataset("val", size=64, length=3)):
        ids = scene.panoptic.roll(shift, dims=1)
        yield PanopticImage(k, f"{k}.png", ids, tuple(ids[ids % 1000 == 2].unique()[:1].tolist()))


def test_panoptic_files_and_tensors_give_the_same_numbers(tmp_path, capsys):
    truth, guess = list(panoptic_maps(0)), list(panoptic_maps(2))
    categories = sorted({c for one in truth for c in (one.ids // 1000).unique().tolist()} - {0})
    stuff = sorted(
        {c for one in truth for c in (one.ids[one.ids % 1000 == 0] // 1000).tolist()} - {0}
    )
    things = [c for c in categories if c not in stuff]
    for file, maps in (("truth", truth), ("guess", guess)):
        names = {c: f"class {c}" for c in categories}
        save_panoptic(tmp_path / f"{file}.json", maps, names, things)
    assert main(command("panoptic", tmp_path, "--json")) == 0
    report = json.loads(capsys.readouterr().out)
    expected = panoptic_quality(
        [one.ids for one in guess],
        [one.ids for one in truth],
        things=things,
        stuff=stuff,
        crowd=[one.crowd for one in truth],
    )
    ours = {row["name"]: row["pq"] for row in report["all"]}
    assert 0 < expected.pq < 1
    theirs = {"all": expected.pq, "things": expected.things.pq, "stuff": expected.stuff.pq}
    assert ours == pytest.approx(theirs, abs=1e-12)
    assert sum(row["tp"] for row in report["classes"]) == sum(
        one.tp for one in expected.per_class.values()
    )


def test_the_table_is_for_people(tmp_path, capsys):
    truths = [CocoImage(0, "0.png", SCENES[0])]
    save_coco(tmp_path / "truth.json", truths, NAMES)
    save_results(tmp_path / "guess.json", truths, NAMES)
    assert main(command("mask", tmp_path)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "mask, 1 image"
    assert "ap           1.0000" in lines and "ap_large          –" in lines
    assert [line.split()[1:] for line in lines if line.startswith("disc")] == [["1.0000"] * 3]


@pytest.mark.parametrize("kind", ["mask", "panoptic"])
def test_a_file_that_is_not_there_is_an_error_of_one_line(kind, tmp_path, capsys):
    assert main(command(kind, tmp_path)) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err == f"error: {tmp_path / 'truth.json'}: no such file\n"


def test_every_image_needs_a_panoptic_prediction(tmp_path, capsys):
    truth = [PanopticImage(k, f"{k}.png", torch.full((4, 4), 1001)) for k in (3, 4)]
    save_panoptic(tmp_path / "truth.json", truth, NAMES, NAMES)
    save_panoptic(tmp_path / "guess.json", truth[:1], NAMES, NAMES)
    assert main(command("panoptic", tmp_path)) == 2
    assert "guess.json: has no prediction for image 4" in capsys.readouterr().err


def test_masks_are_asked_for_where_results_are_boxes(tmp_path, capsys):
    save_coco(tmp_path / "truth.json", [CocoImage(0, "0.png", SCENES[0])], NAMES)
    result = {"image_id": 0, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}
    (tmp_path / "guess.json").write_text(json.dumps([result]))
    assert main(command("box", tmp_path)) == 0
    assert main(command("mask", tmp_path)) == 2
    assert "guess.json: result at 0 has no 'segmentation'" in capsys.readouterr().err


def test_as_a_process(tmp_path):
    """Only JSON on stdout, no bar where nobody looks."""
    save_coco(tmp_path / "truth.json", [CocoImage(0, "0.png", SCENES[0])], NAMES)
    save_results(tmp_path / "guess.json", [CocoImage(0, "0.png", SCENES[0])], NAMES)
    line = [sys.executable, "-m", "minseg", *command("box", tmp_path, "--json")]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["all"]["ap"] == 1 and done.stderr == ""

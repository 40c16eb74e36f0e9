"""`python -m minseg evaluate`: the official tools' numbers from files, and plain words on error."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch
from helpers.peers import CASES, name

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
    rows = [line.split()[1:] for line in lines if line.startswith("disc")]
    assert rows == [["1", "1.0000", "1.0000", "1.0000"]]  # the file's id, then numbers


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


@pytest.mark.slow
def test_as_a_process(tmp_path):
    """Only JSON on stdout, no bar where there is no terminal."""
    save_coco(tmp_path / "truth.json", [CocoImage(0, "0.png", SCENES[0])], NAMES)
    save_results(tmp_path / "guess.json", [CocoImage(0, "0.png", SCENES[0])], NAMES)
    line = [sys.executable, "-m", "minseg", *command("box", tmp_path, "--json")]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["all"]["ap"] == 1 and done.stderr == ""


# --- files of other tools ---

SQUARE = [[2, 2, 8, 2, 8, 8, 2, 8]]
SIZED = {"height": 10, "width": 12}


def found(number=1, image=1, category=1, **more):
    """An annotation, or with a score a result."""
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "segmentation": SQUARE,
        "bbox": [2, 2, 6, 6],
    } | more


def evaluated(folder, capsys, kind, truth, results, *more, images=({"id": 1, **SIZED},), names=()):
    """(exit status, report or None, stderr) of `evaluate` on contents."""
    categories = [{"id": c, "name": n} for c, n in dict(names or {1: "car"}).items()]
    content = {"images": list(images), "annotations": truth, "categories": categories}
    (folder / "truth.json").write_text(json.dumps(content))
    (folder / "guess.json").write_text(json.dumps(results))
    status = main(command(kind, folder, "--json", *more))
    said = capsys.readouterr()
    return status, json.loads(said.out) if said.out else None, said.err


@pytest.mark.parametrize("kind", ["mask", "box", "boundary"])
@pytest.mark.parametrize("ids", [(0, 1), ("car", "bus"), (-1, 5)])
def test_categories_and_images_by_any_id(tmp_path, capsys, kind, ids):
    images = [{"id": one, **SIZED} for one in ("town_0", "town_1")]
    truth = [found(k, f"town_{k}", ids[k]) for k in (0, 1)]
    results = [{**one, "score": 0.5} for one in truth]
    names = {ids[0]: "car", ids[1]: "bus"}
    status, report, said = evaluated(
        tmp_path, capsys, kind, truth, results, images=images, names=names
    )
    assert status == 0 and said == "" and report["all"]["ap"] == 1
    assert {one["id"]: one["name"] for one in report["classes"]} == names


def test_a_limit_that_cuts_is_told_and_can_be_raised(tmp_path, capsys):
    truth = [found(k, bbox=[k, 0, 1, 1]) for k in range(1, 151)]
    results = [{**one, "score": 0.5} for one in truth]
    _, report, said = evaluated(tmp_path, capsys, "box", truth, results)
    assert report["all"]["ar_100"] == pytest.approx(100 / 150)
    assert "50 detections in 1 of 1 images were not read: more than 100 of a class" in said
    assert "--most" in said
    _, report, said = evaluated(tmp_path, capsys, "box", truth, results, "--most", "150")
    assert report["all"]["ap"] == 1 and said == "" and report["notes"] == []


def test_crowds_that_empty_a_class_are_told(tmp_path, capsys):
    truth = [found(1), found(2, category=2, iscrowd=1), found(3, category=2, iscrowd=1)]
    names = {1: "car", 2: "bus"}
    _, report, said = evaluated(
        tmp_path, capsys, "mask", truth, [{**found(), "score": 1}], names=names
    )
    assert "2 of 3 annotations are crowds" in said and "'bus'" in said and "'car'" not in said
    assert [one["name"] for one in report["classes"]] == ["car"]
    truth[2]["iscrowd"] = 0
    assert "crowds" not in evaluated(tmp_path, capsys, "mask", truth, [], names=names)[2]


def test_predictions_that_the_truth_knows_nothing_of(tmp_path, capsys):
    results = [{**found(category=c), "score": 1} for c in (1, 7, 8)]
    status, _, said = evaluated(tmp_path, capsys, "mask", [found()], results)
    assert status == 2 and "result at 1 is of category 7" in said
    status, report, said = evaluated(tmp_path, capsys, "mask", [found()], results, "--skip-unknown")
    assert status == 0 and report["all"]["ap"] == 1
    assert "left out 0 results of images and 2 of categories" in said
    results = [{**found(image=k), "score": 1} for k in (5, 6)]
    status, _, said = evaluated(tmp_path, capsys, "mask", [found()], results)
    assert status == 2 and "none of the predictions' 2 images is among the truth's 1" in said


def test_exact_ties_of_boxes_are_those_of_the_official_tool(tmp_path, capsys):
    """Widths as (x + w) - x lose the last digit, and an IoU of exactly ½ with it."""
    truth = [found(bbox=[221.49, 294.74, 30.97, 29.67], area=900)]
    results = [found(bbox=[221.49, 294.74, 30.97, 20.769], score=1)]
    _, report, _ = evaluated(tmp_path, capsys, "box", truth, results)
    assert report["all"]["ap"] == pytest.approx(0.5)


def test_names_cannot_steer_a_terminal(tmp_path, capsys):
    results = [{**found(), "score": 1}]
    names = {1: "red\x1b[2Jcar\nap 1.0"}
    evaluated(tmp_path, capsys, "mask", [found()], results, names=names)
    assert main(command("mask", tmp_path)) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out and "red\\x1b[2Jcar\\nap 1.0" in out
    evaluated(tmp_path, capsys, "mask", [found(category="\x1b[2J")], results)
    assert main(command("mask", tmp_path)) == 2
    said = capsys.readouterr().err
    assert "\x1b" not in said and said.count("\n") == 1


def test_a_class_of_2000_instances_and_stuff_in_pieces(tmp_path, capsys):
    numbers = torch.arange(1, 2001)
    maps = {"truth": numbers, "guess": torch.where(numbers == 7, 0, numbers)}
    for file, row in maps.items():
        ids = 5000 + row * (row > 0)  # of category 1 with divisor 5000
        one = PanopticImage("town", "a.png", torch.where(row > 0, ids, 0)[None])
        save_panoptic(tmp_path / f"{file}.json", [one], {1: "cell"}, [1], max_instances=5000)
    assert main(command("panoptic", tmp_path, "--json")) == 0
    (row,) = json.loads(capsys.readouterr().out)["classes"]
    assert (row["id"], row["name"], row["tp"], row["fn"]) == (1, "cell", 1999, 1)

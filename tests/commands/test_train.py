"""`python -m minseg train`: files in, files out, and one line on error."""

import argparse
import json
from importlib import import_module

import numpy as np
import pytest
from PIL import Image

from minseg.__main__ import main
from minseg.data import CocoImage, SceneDataset, make_scene, save_coco
from minseg.tensor_file import read_tensors
from minseg.train import load_model

NAMES = {2: "box", 1: "disc", 3: "triangle", 9: "coin"}


@pytest.fixture(scope="module")
def coco(tmp_path_factory):
    """Four images of two sizes with their annotations."""
    folder = tmp_path_factory.mktemp("coco")
    images = []
    for k in range(4):
        scene = make_scene(k, size=(32, 48) if k % 2 else (40, 32))
        pixels = (scene.image.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{k}.png")
        images.append(CocoImage(k, f"{k}.png", scene.instances))
    save_coco(folder / "truth.json", images, NAMES)
    return folder


@pytest.fixture(scope="module")
def trained(coco, tmp_path_factory):
    """A run of two steps on them."""
    out = tmp_path_factory.mktemp("runs") / "first"
    data = f"coco:{coco / 'truth.json'}:{coco}"
    line = ["train", "mask-rcnn", "--steps", "2", "--batch-size", "2", "--out", str(out)]
    assert main([*line, "--data", data, "--validation", data, "--seed", "5"]) == 0
    return out


@pytest.mark.slow
def test_training_on_coco(trained):
    model = load_model(trained / "model.safetensors")
    assert model.categories == (1, 2, 3, 9)
    _, about = read_tensors(trained / "checkpoint.safetensors")
    settings = about["progress"]["settings"]
    assert (settings["steps"], settings["seed"], settings["images"]) == (2, 5, 4)
    assert settings["augmentation"] == "augment_photo"
    assert (trained / "validation.csv").read_text().startswith("step,ap,ap50")


def test_training_on_scenes_and_going_on(tmp_path, capsys):
    line = ["train", "mask-rcnn", "--data", "scenes:2", "--validation", "scenes:1"]
    line += ["--steps", "1", "--batch-size", "1", "--out", str(tmp_path / "a")]
    assert main(line) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0].startswith("1 step, ") and "ap75 " in said.out
    assert main(line) == 2
    assert "holds a run already" in capsys.readouterr().err
    assert main([*line, "--resume"]) == 0
    assert (
        len(SceneDataset("val", length=1)) == 1 and (tmp_path / "a" / "model.safetensors").exists()
    )


@pytest.mark.slow
@pytest.mark.parametrize("model", ["solo", "decoupled-solo", "solov2", "detr"])
def test_models_without_boxes_train_go_on_and_predict(model, coco, tmp_path):
    data = f"coco:{coco / 'truth.json'}:{coco}"
    line = ["train", model, "--data", data, "--validation", data, "--steps", "2"]
    line += ["--batch-size", "2", "--bf16", "--checkpointing", "--out", str(tmp_path / "run")]
    assert main(line) == main([*line, "--resume"]) == 0
    assert load_model(tmp_path / "run" / "model.safetensors").categories == (1, 2, 3, 9)
    line = ["predict", str(coco / "0.png"), "--model", str(tmp_path / "run")]
    assert main([*line, "--most", "1000", "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "0.png").exists()


@pytest.mark.parametrize(
    ("given", "bf16"), [([], "auto"), (["--bf16"], True), (["--no-bf16"], False)]
)
def test_bf16_is_on_off_or_as_the_machine_is(given, bf16):
    parser = argparse.ArgumentParser()
    import_module("minseg.commands.train").add_arguments(parser)
    assert parser.parse_args(["mask-rcnn", "--out", "x", *given]).bf16 == bf16


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["mask-rcn"], "model must be one of mask-rcnn"),
        (["mask-rcnn", "--device", "abacus"], "device must be one that PyTorch has here (cpu"),
        (["mask-rcnn", "--device", "meta"], "device must be one that PyTorch has here (cpu"),
        (["mask-rcnn", "--timeout", "0"], "timeout must be above 0 s, got 0.0"),
        (["mask-rcnn", "--data", "scenes:many"], "data must be scenes, scenes:NUMBER or coco:"),
        (["mask-rcnn", "--data", "voc:a:b"], "got 'voc:a:b'"),
        (["mask-rcnn", "--data", "coco:nothing.json:."], "nothing.json: no such file"),
        (["mask-rcnn", "--data", "scenes:1", "--steps", "0"], "steps must be 1 or more, got 0"),
        (["mask-rcnn", "--data", "scenes:1", "--seconds", "1"], "give one of steps and seconds"),
        (["mask-rcnn", "--data", "scenes:1", "--out", "/dev/null/x"], "/dev/null/x"),
    ],
)
def test_training_errors_are_one_line(change, words, tmp_path, capsys):
    assert main(["train", "--steps", "1", "--out", str(tmp_path / "x"), *change]) == 2
    said = capsys.readouterr()
    lines = [one for one in said.err.splitlines() if not one.startswith("note: bf16 ")]
    assert said.out == "" and len(lines) == 1
    assert lines[0].startswith("error: ") and words in lines[0]


def test_an_unfinished_run_predicts_with_its_checkpoint(trained, coco, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    content = (trained / "checkpoint.safetensors").read_bytes()
    (run / "checkpoint.safetensors").write_bytes(content)
    line = ["predict", str(coco / "0.png"), "--model", str(run), "--out", str(tmp_path / "out")]
    assert main(line) == 0
    assert json.loads((tmp_path / "out" / "predictions.json").read_text())


@pytest.mark.parametrize("command", ["train", "predict", "evaluate"])
def test_help_names_every_default(command, capsys):
    """A value that is used without being given is told, and it is the one that is used."""
    with pytest.raises(SystemExit):
        main([command, "--help"])
    said = " ".join(capsys.readouterr().out.split())
    parser = argparse.ArgumentParser()
    import_module(f"minseg.commands.{command}").add_arguments(parser)
    for action in parser._actions:
        if action.default not in (None, False, argparse.SUPPRESS, []):
            number = isinstance(action.default, float | int)
            told = f"default: {action.default:g}" if number else "default: "
            assert told in action.help and action.help in said, action.dest

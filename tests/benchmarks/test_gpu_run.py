"""`make gpu` as far as it goes without a GPU: its refusal, its parts, its log, its imports."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers.shared_run import tiny_mask_rcnn

from benchmarks.gpu import run as gpu
from benchmarks.gpu.train import train_and_judge
from benchmarks.machine import short_name, write_result
from minseg.data import SceneDataset
from minseg.train import InMemory

ROOT = Path(__file__).parents[2]
# What a machine with a GPU may lack: each is put in the way as a module that cannot be imported.
ABSENT = ("skimage", "contourpy", "matplotlib", "ipywidgets", "anywidget", "IPython", "jupyterlab")


@pytest.fixture
def bare(tmp_path):
    """An environment in which the packages above seem not to be installed."""
    folder = tmp_path / "absent"
    folder.mkdir()
    for name in ABSENT:
        (folder / f"{name}.py").write_text(f"raise ImportError('{name} is not to be imported')")
    paths = [str(folder), str(ROOT / "tests"), str(ROOT / "kernels")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}


def python(environment, *arguments):
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA GPU here")
def test_without_a_gpu_it_says_so_and_writes_nothing(bare, tmp_path):
    ran = python(bare, "benchmarks/gpu/run.py", "--out", str(tmp_path / "out"))
    assert ran.returncode == 2, ran.stderr
    assert "make gpu measures nothing: " in ran.stdout
    assert not (tmp_path / "out").exists()


def test_what_is_too_old_or_missing_is_named(monkeypatch):
    monkeypatch.setattr(torch, "__version__", "2.10.1+cu126")
    assert gpu.missing() == "torch 2.11 or newer is needed, 2.10.1+cu126 is installed"
    monkeypatch.setattr(gpu.importlib.util, "find_spec", lambda name: None)
    assert gpu.missing() == "torch 2.11 or newer is not installed"


def test_nothing_that_a_bare_machine_lacks_is_imported(bare):
    """By the two measuring parts, and by the files with the tests and the checks they run."""
    code = (
        "import importlib.util, sys, benchmarks.roi_align_gpu, benchmarks.gpu.train\n"
        "for name in sys.argv[1:]:\n"
        "    spec = importlib.util.spec_from_file_location('checked', name)\n"
        "    spec.loader.exec_module(importlib.util.module_from_spec(spec))\n"
    )
    pytest.importorskip("triton", reason="Triton is not installed (it exists for Linux only)")
    checks = map(str, sorted((ROOT / "tests" / "kernels").glob("check_*.py")))
    ran = python(bare, "-c", code, *gpu.gpu_tests(), *checks)
    assert ran.returncode == 0, ran.stderr


def test_each_part_exists_and_the_limits_are_seven_minutes(tmp_path):
    chosen = gpu.parts(tmp_path)
    assert sum(part.limit for part in chosen) <= 7 * 60
    assert any(name.endswith("test_kernels.py") for name in chosen[0].arguments)
    for part in chosen[1:]:
        script = (ROOT / part.arguments[0]).read_text(encoding="utf-8")
        options = {word for word in part.arguments if word.startswith("--")}
        assert options and all(f'"{option}"' in script for option in options)


def test_a_part_that_fails_or_hangs_keeps_no_other_from_running(tmp_path, capfd):
    out = tmp_path / "new" / "folder"
    chosen = [
        gpu.Part("fails", ["-c", "print('so far'); raise SystemExit(3)"], 60),
        gpu.Part("hangs", ["-c", "import time; print('waits'); time.sleep(600)"], 1),
        gpu.Part("works", ["-c", "import minseg_kernels, minseg; print('done')"], 60),
    ]
    found = gpu.run_all(chosen, out)
    assert [one["status"] for one in found.values()] == [3, "stopped after 1 s", 0]
    log = (out / "gpu.log").read_text().splitlines()
    assert log == ["== fails", "so far", "== hangs", "waits", "== works", "done"]
    printed = capfd.readouterr().out
    assert all(word in printed for word in ("so far", "waits", "done", "'status': 3"))


def test_training_notes_ap_over_seconds():
    """On the CPU, with a tiny network, for a moment."""
    scenes = list(InMemory(SceneDataset("train", size=32, length=4)))
    found = train_and_judge(tiny_mask_rcnn(), scenes, scenes[:2], seconds=0.5, batch_size=2)
    rows = found["rows"]
    assert 2 <= len(rows) <= 6
    assert [row["seconds"] for row in rows] == sorted(row["seconds"] for row in rows)
    assert rows[-1]["step"] == found["steps"] and set(rows[0]) >= {"ap", "ap50", "ap75"}
    assert found["seconds"] < found["with_exams"], "the exam is not training"
    assert json.dumps(found)


def test_results_are_named_by_the_gpu_and_go_where_they_are_wanted(tmp_path, capsys):
    names = ["NVIDIA H200", "NVIDIA H100 80GB HBM3", "NVIDIA GeForce RTX 4090", "Tesla T4", "AMD"]
    assert [short_name(name) for name in names] == ["h200", "h100", "4090", "t4", "amd"]
    write_result("gpu", {"a": 1}, tmp_path / "x")
    assert json.loads((tmp_path / "x" / "gpu.json").read_text()) == {"a": 1}
    assert str(tmp_path) in capsys.readouterr().out

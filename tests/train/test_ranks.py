"""Several processes give up together: in one line, with one status, and never by waiting."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from minseg.__main__ import main
from minseg.processes import all_or_none, check_agreed, largest
from minseg.tensor_file import read_tensors
from minseg.train.distributed import process_group

ROOT = Path(__file__).parents[2]
LINE = ["train", "mask-rcnn", "--data", "scenes:4", "--validation", "scenes:1"]
LINE += ["--batch-size", "2", "--save-every", "1"]


def begin(*lines):
    """A process for each line, all of one run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "GLOO_SOCKET_IFNAME": "lo",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(len(lines)),
    }
    return [
        subprocess.Popen(
            [sys.executable, "-m", "minseg", *LINE, *map(str, line)],
            cwd=ROOT,
            env=environment | {"RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, line in enumerate(lines)
    ]


def ends(processes, seconds=180):
    """Status and lines of each, but for the one on bf16; none is left behind."""
    try:
        said = [process.communicate(timeout=seconds) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert not any(out for out, _ in said), said
    errors = [re.sub("^note: bf16 .*\n", "", text, flags=re.MULTILINE) for _, text in said]
    return [p.returncode for p in processes], [text.splitlines() for text in errors]


def wait_for(file, process):
    end = time.monotonic() + 180
    while not file.exists():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.05)


def begin_two(folder, *options):
    """Both processes of a long run, once its first step is saved."""
    line = ["--steps", 1000, *options, "--out", folder]
    processes = begin(line, line)
    wait_for(folder / "checkpoint.safetensors", processes[0])
    return processes


def step_of(folder):
    return read_tensors(folder / "checkpoint.safetensors")[1]["progress"]["step"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of two steps."""
    out = tmp_path_factory.mktemp("runs") / "finished"
    assert main([*LINE, "--steps", "2", "--out", str(out)]) == 0
    return out


@pytest.mark.slow
def test_processes_whose_folders_differ_are_refused(finished, tmp_path):
    """The first goes on from step 2, the second would begin: it ended with status 0 once."""
    lines = [["--steps", 2, "--resume", "--out", out] for out in (finished, tmp_path / "b")]
    status, said = ends(begin(*lines))
    assert status == [2, 2] and not said[1]
    (line,) = said[0]
    assert line.startswith("error: all processes must go on from the same state: step is 2 in")
    assert "process 0, None in process 1; do they see the same folder" in line


@pytest.mark.slow
def test_what_one_process_is_refused_ends_all(finished, tmp_path):
    """One has no data, or the first finds a run that is not to be resumed: no other waits."""
    there = ["--steps", 2, "--out", tmp_path / "a"]
    status, said = ends(begin(there, [*there, "--data", "coco:none.json:."]))
    assert status == [2, 2] and not said[0]
    assert said[1] == ["error: none.json: no such file"]
    status, said = ends(begin(*[["--steps", 2, "--out", finished]] * 2))
    assert status == [2, 2] and not said[1] and "holds a run already" in "".join(said[0])


@pytest.mark.slow
def test_a_process_that_hangs_ends_the_run_in_the_time_that_is_named(tmp_path):
    processes = begin_two(tmp_path, "--timeout", 5)
    processes[1].send_signal(signal.SIGSTOP)
    processes[0].wait(60)
    processes[1].send_signal(signal.SIGKILL)
    status, said = ends(processes)
    assert status == [2, -signal.SIGKILL]
    (line,) = said[0]
    assert line.startswith("error: process 0 had no answer from another process for 5 s: one of")
    assert step_of(tmp_path) >= 1


@pytest.mark.slow
def test_a_process_that_is_killed_ends_the_run(tmp_path):
    processes = begin_two(tmp_path)
    processes[1].send_signal(signal.SIGKILL)
    status, said = ends(processes)
    assert status == [2, -signal.SIGKILL]
    assert said[0] == ["error: another process of this run has ended, so this one ends"]


@pytest.mark.slow
def test_a_signal_to_one_process_stops_all_after_the_same_step(tmp_path):
    """A scheduler may tell only one; the first saves, whichever was told."""
    processes = begin_two(tmp_path)
    processes[1].send_signal(signal.SIGTERM)
    status, said = ends(processes)
    assert status == [143, 143] and not said[1]
    where, how = said[0]
    step = step_of(tmp_path)
    assert where == f"interrupted at step {step} of 1000: saved in {tmp_path}"
    assert how == "to go on, give the same line with --resume"


def test_alone_there_is_nothing_to_agree_on():
    def fails():
        raise OSError("none.json: no such file")

    assert all_or_none(lambda: 3) == 3 and largest(15) == 15
    check_agreed({"step": float("nan")})
    with pytest.raises(OSError, match="no such file"):
        all_or_none(fails)
    with process_group(torch.device("cpu")) as device:
        assert device == torch.device("cpu")
    with pytest.raises(ValueError, match="timeout must be above 0 s, got 0"):
        process_group(torch.device("cpu"), 0).__enter__()

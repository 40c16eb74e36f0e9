"""Two processes that share each batch do what one does with the whole of it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.shared_run import run

TESTS = Path(__file__).parents[1]


def shared(kind, out, processes=2):
    """`run` in two processes that find each other on this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)]),
        "OMP_NUM_THREADS": "1",
        "GLOO_SOCKET_IFNAME": "lo",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(processes),
    }
    command = [sys.executable, str(TESTS / "helpers" / "shared_run.py"), kind, str(out)]
    started = [
        subprocess.Popen(
            command, env=environment | {"RANK": str(rank)}, stdout=subprocess.PIPE, text=True
        )
        for rank in range(processes)
    ]
    said = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0] * processes
    assert not any(said[1:]), "only the first process speaks"
    return json.loads(said[0])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["toy", "mask_rcnn", "decoupled_solo", "solov2"])
def test_two_processes_train_as_one(kind, tmp_path):
    losses, metrics = run(kind, tmp_path / "1")
    shared_losses, shared_metrics = shared(kind, tmp_path / "2")
    assert len(losses) == len(shared_losses) > 0
    for one, two in zip(losses, shared_losses, strict=True):
        for name in one.keys() - {"seconds"}:
            assert two[name] == pytest.approx(one[name], rel=1e-4, abs=1e-6), name
    for one, two in zip(metrics, shared_metrics, strict=True):
        assert two == pytest.approx(one, abs=1e-3, nan_ok=True)
    names = {"checkpoint.safetensors", "model.safetensors", "losses.csv", "validation.csv"}
    assert {file.name for file in (tmp_path / "2").iterdir()} == names | {"run.lock"}

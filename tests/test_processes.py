"""Processes divide by the same number; one that waits in vain ends by itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from minseg.losses import mean_over_processes
from minseg.processes import Watch, from_first, gather, mean, world


def test_alone_everything_is_as_it_is():
    value = torch.tensor([1.0, 2.0])
    assert world() == (0, 1) and gather("x") == ["x"] and from_first(3) == 3
    assert torch.equal(mean(value), value)


def test_one_process():
    assert mean_over_processes(5) == 5
    assert mean_over_processes(0) == 1  # 0/1, not 0/0
    count = torch.tensor(3)
    assert mean_over_processes(count) == 3 and count == 3


def _average_on(rank, address, counts, queue):
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=len(counts))
    queue.put((rank, mean_over_processes(counts[rank]).item()))
    dist.barrier()
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_divide_by_the_same(tmp_path):
    """1 and 0 positives: both divide by ½, so that the averaged gradient is that of one batch."""
    queue = mp.get_context("spawn").Queue()
    address = f"file://{tmp_path / 'meet'}"
    mp.spawn(_average_on, (address, (1, 0), queue), nprocs=2)
    assert dict(queue.get() for _ in range(2)) == {0: 0.5, 1: 0.5}


STUCK = """
import time
from minseg.processes import Watch
with Watch(0.5):
    for _ in range(10):  # slow, but alive
        time.sleep(0.1)
        Watch.alive()
    print("alive", flush=True)
    time.sleep(60)
"""


def test_a_process_that_gets_nowhere_ends_with_one_line():
    done = subprocess.run(
        [sys.executable, "-c", STUCK],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"RANK": "3"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "alive\n")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: process 3 got nowhere for 0.5 s: it or another one hangs")


def test_its_thread_ends_with_the_work():
    watch = Watch(0.2)
    with watch:
        pass
    assert watch._over.wait(0) and Watch(None).__enter__().timeout is None

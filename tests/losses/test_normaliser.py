"""The divisor that makes several processes train as one."""

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from minseg.losses import mean_over_processes


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


def test_two_processes_divide_by_the_same(tmp_path):
    """1 and 0 positives: both divide by ½, so that the averaged gradient is that of one batch."""
    queue = mp.get_context("spawn").Queue()
    address = f"file://{tmp_path / 'meet'}"
    mp.spawn(_average_on, (address, (1, 0), queue), nprocs=2)
    assert dict(queue.get() for _ in range(2)) == {0: 0.5, 1: 0.5}

"""The accumulator: any order, any split, any number of processes, the same last digit."""

import multiprocessing
import random
import socket
import tracemalloc

import pytest
import torch
import torch.distributed as distributed

from minseg.metrics import PQAccumulator, panoptic_quality

KINDS = {"things": [1, 2], "stuff": [3]}


def image(seed):
    """A pair of maps whose IoUs are awkward fractions."""
    generator = torch.Generator().manual_seed(seed)
    cells = torch.randint(0, 4, (2, 9, 11), generator=generator)
    target = torch.where(cells[0] == 0, 3000, cells[0].clamp(max=2) * 1000 + cells[0])
    target = target.repeat_interleave(7, 0).repeat_interleave(5, 1)
    return target.roll(seed % 3, 1), target


def accumulate(seeds, **options):
    accumulator = PQAccumulator(**KINDS, **options)
    for seed in seeds:
        accumulator.add(*image(seed))
    return accumulator


def test_any_order_and_any_split_give_the_same_bits():
    seeds = list(range(40))
    once = panoptic_quality(*(list(maps) for maps in zip(*map(image, seeds), strict=True)), **KINDS)
    random.Random(0).shuffle(seeds)
    merged = PQAccumulator(**KINDS)
    for k in range(7):
        merged.merge(accumulate(seeds[k::7]))
    assert merged.result() == once
    # Added up as floats, these IoUs depend on their order: the test would see it.
    ious = [accumulate([seed]).result().per_class[1].pq for seed in range(40)]
    assert len({sum(random.Random(k).sample(ious, 40)) for k in range(20)}) > 1


def shard(rank, processes, port, results):
    torch.set_num_threads(1)
    address = f"tcp://127.0.0.1:{port}"
    distributed.init_process_group("gloo", address, rank=rank, world_size=processes)
    accumulator = accumulate(range(rank, 25, processes))
    accumulator.gather()  # changes nothing, so that it can be called again and again
    results.put(accumulator.gather().result())
    distributed.destroy_process_group()


@pytest.mark.slow  # two more imports of torch
def test_two_processes_equal_one():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    spawn = multiprocessing.get_context("spawn")
    results = spawn.SimpleQueue()
    workers = [
        spawn.Process(target=shard, args=(rank, 2, port, results), daemon=True) for rank in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert results.get() == results.get() == accumulate(range(25)).result()


def test_alone_it_gathers_itself():
    accumulator = accumulate(range(3))
    total = accumulator.gather()
    total.add(*image(4))
    assert accumulator.result() == accumulate(range(3)).result() != total.result()


def test_memory_does_not_grow_with_the_images():
    accumulator, (prediction, target) = PQAccumulator(**KINDS), image(1)
    accumulator.add(prediction, target)
    tracemalloc.start()
    for _ in range(200):
        accumulator.add(prediction, target)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 20_000  # bytes; a single map has 55 000


@pytest.mark.parametrize(
    ("words", "other"),
    [
        (r"things \[1, 2\] to be merged, got \[1\]", PQAccumulator([1], [3])),
        (r"stuff \[3\] to be merged, got \[3, 4\]", PQAccumulator([1, 2], [4, 3])),
        ("max_instances 1000", PQAccumulator([1, 2], [3], max_instances=256)),
        ("dilation_ratio None, got 0.02", PQAccumulator([1, 2], [3], dilation_ratio=0.02)),
    ],
)
def test_only_equals_are_merged(words, other):
    with pytest.raises(ValueError, match=words):
        PQAccumulator(**KINDS).merge(other)

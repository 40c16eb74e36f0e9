"""Both gradients against float64, against the forward (adjoint), and against themselves (bits).

Collected by test_kernels.py, in a process of its own.
"""

import pytest
import torch
from helpers.problems import Guarded, Problem, assert_near, run_forward

from minseg_kernels import INTERPRETED
from minseg_kernels.backward_atomic import backward_atomic
from minseg_kernels.backward_tiles import backward_tiles
from minseg_kernels.launch import Sampling

BACKWARDS = [backward_atomic, backward_tiles]


def run_backward(problem, backward, *, dtype=torch.float32):
    """Gradients, one (N, C, H, W) a level; tiles write over NaN, atomics add to zeros."""
    (_, C, _, _), device, images = problem.grad.shape, problem.grad.device, len(problem.features[0])
    memory = [Guarded((images, *size, C), dtype, device) for size in problem.sizes]
    if backward is backward_atomic:
        for m in memory:
            m.tensor.zero_()
    maps = [m.tensor for m in memory]
    sampling = Sampling(problem.scales, problem.ratio, problem.aligned)
    backward(problem.grad, problem.rois, problem.levels, maps, sampling)
    for m in memory:
        m.assert_untouched_around()
    return [m.permute(0, 3, 1, 2) for m in maps]


@pytest.mark.parametrize("backward", BACKWARDS, ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "case",
    [
        {"sizes": ((11, 13),)},
        {"ratio": 1, "aligned": False, "output": (1, 5), "channels": 3, "images": 1},
        {"ratio": 3, "sizes": ((1, 9),), "output": (1, 2), "channels": 17},
        {"ratio": 0, "sizes": ((9, 1),), "output": (2, 2), "channels": 1},
        {"ratio": 0, "sizes": ((2, 3),), "output": (1, 2), "kinds": ("wild", "inverted")},
        {"sizes": ((11, 13), (6, 7), (3, 5))},
    ],
    ids=str,
)
def test_equals_float64_and_is_the_adjoint(case, backward, device, seed):
    """The gradient is Aᵀg; and <Ax, g> = <x, Aᵀg>, for the forward kernel's A."""
    problem = Problem(seed, **case, device=device)
    got = run_backward(problem, backward)
    for mine, exact in zip(got, problem.reference()[1], strict=True):
        assert_near(mine, exact)
    out = run_forward(problem)
    left = (out.double() * problem.grad.double()).sum()
    right = sum((f.double() * g.double()).sum() for f, g in zip(problem.features, got, strict=True))
    size = out.double().norm() * problem.grad.double().norm()
    torch.testing.assert_close(left, right, atol=5e-6 * (1 + size.item()), rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_gradients_sum_in_float32(dtype, device, seed):
    """300 shares of about 0.1 on 9 pixels: bfloat16 sums stop growing long before the end."""
    kinds = ("inside",) * 12
    problem = Problem(
        seed, sizes=((3, 3),), images=1, output=(5, 5), kinds=kinds, dtype=dtype, device=device
    )
    problem.grad = problem.grad.abs()
    got = run_backward(problem, backward_tiles, dtype=dtype)
    assert_near(got[0], problem.reference()[1][0], dtype)


@pytest.mark.parametrize("backward", BACKWARDS, ids=lambda f: f.__name__)
def test_is_linear(backward, device, seed):
    problem = Problem(seed, kinds=("inside", "across"), output=(1, 2), device=device)
    first = problem.grad
    second = torch.randn(first.shape, generator=problem.generator).to(device)
    parts = []
    for problem.grad in (first, second, 2 * first - 3 * second):
        parts.append(run_backward(problem, backward)[0].cpu().double())
    assert_near(parts[2].float(), 2 * parts[0] - 3 * parts[1])


def many_boxes(seed, device):
    """Boxes that overlap in most pixels, so that the order of the additions matters."""
    kinds = ("inside", "across", "inside", "inverted", "wild", "inside")
    return Problem(seed, sizes=((11, 13),), images=1, output=(2, 2), kinds=kinds, device=device)


def test_deterministic_to_the_last_bit(device, seed):
    """Run after run, and in whatever order the programs come."""
    problem = many_boxes(seed, device)
    once = run_backward(problem, backward_tiles)[0]
    if INTERPRETED:
        from helpers.interpreter import shuffled_programs

        with shuffled_programs(seed):
            assert torch.equal(run_backward(problem, backward_tiles)[0], once)
    else:
        for _ in range(20):
            assert torch.equal(run_backward(problem, backward_tiles)[0], once)


def traffic_of(backward, problem, grad):
    """Counts of loads and stores by address while the gradient is made, in one map."""
    from helpers.interpreter import memory_traffic

    sampling = Sampling(problem.scales, problem.ratio, problem.aligned)
    with memory_traffic() as (loads, stores):
        backward(problem.grad, problem.rois, problem.levels, [grad], sampling)
    return loads, stores


@pytest.mark.skipif(not INTERPRETED, reason="only the interpreter can count stores")
def test_tiles_write_each_gradient_once_and_read_none(seed):
    from helpers.interpreter import inside

    grad = torch.empty(1, 11, 13, 5)
    loads, stores = traffic_of(backward_tiles, many_boxes(seed, "cpu"), grad)
    written = inside(stores, grad)
    assert len(written) == grad.numel() and set(written.values()) == {1}
    assert not inside(loads, grad)


@pytest.mark.skipif(not INTERPRETED, reason="only the interpreter can see addresses")
def test_atomics_stay_on_the_map_and_add_what_has_weight(seed):
    """Also not a zero beside the map: on a GPU that would be another tensor's memory."""
    from helpers.interpreter import inside

    problem, grad = many_boxes(seed, "cpu"), torch.zeros(1, 11, 13, 5)
    _, stores = traffic_of(backward_atomic, problem, grad)
    assert inside(stores, grad) == stores
    assert 0 < stores.total() <= 16 * problem.grad.numel()


@pytest.mark.parametrize("backward", BACKWARDS, ids=lambda f: f.__name__)
def test_boxes_of_no_image_give_no_gradient(backward, device, seed):
    problem = Problem(seed, kinds=("inside", "inside"), output=(1, 1), device=device)
    problem.rois[:, 0] = torch.tensor([2.0, -1.0])
    assert not run_backward(problem, backward)[0].any()


@pytest.mark.parametrize("ratio", [2, 0])
@pytest.mark.parametrize("backward", BACKWARDS, ids=lambda f: f.__name__)
def test_an_infinite_gradient_stays_with_the_pixels_of_its_bin(backward, ratio, device, seed):
    """Beside them, in the same tile, 0 · ∞ would be NaN."""
    problem = Problem(seed, kinds=("inside",), ratio=ratio, images=1, device=device)
    (plain,) = run_backward(problem, backward)
    infinite, one = problem.grad.clone(), torch.zeros_like(problem.grad)
    infinite[0, :, 0, 0], one[0, :, 0, 0] = torch.inf, 1
    problem.grad = one
    read = run_backward(problem, backward)[0] != 0
    problem.grad = infinite
    (got,) = run_backward(problem, backward)
    assert (got[read] == torch.inf).all() and read.any()
    torch.testing.assert_close(got[~read], plain[~read])

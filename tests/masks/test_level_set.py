"""Chan-Vese: descends its energy, bends as it should, and divides one outline into two."""

import math

import pytest
import torch
from scipy import ndimage

from minseg.masks import chan_vese, reinitialise

CENTRE = torch.arange(64, dtype=torch.float64) + 0.5
NEVER = {"reinitialise_every": 0}


def cone(x, y, radius):
    """(64, 64) the exact signed distance of a disc."""
    return radius - torch.hypot(CENTRE[None] - x, CENTRE[:, None] - y)


def disc(x, y, radius):
    return cone(x, y, radius) > 0


def parts(mask):
    return ndimage.label(mask.numpy())[1]


TWO = disc(20, 32, 9) | disc(45, 30, 10)


@pytest.mark.parametrize("seed", [disc(32, 32, 27), disc(32, 32, 8)], ids=["around", "between"])
def test_two_blobs_from_one_seed(seed):
    noise = torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
    phi = chan_vese(0.2 + 0.6 * TWO + 0.1 * noise, seed, steps=200)
    found = phi > 0
    assert parts(seed) == 1 and parts(found) == 2
    assert (found & TWO).sum() / (found | TWO).sum() > 0.98


def test_a_long_outline_is_not_worth_small_blobs():
    image = TWO.double()
    small = disc(58, 58, 2)
    image[small] = 1
    start = TWO | small
    assert parts(chan_vese(image, start, steps=100, mu=0.01) > 0) == 3
    assert parts(chan_vese(image, start, steps=100, mu=1) > 0) < 3


def test_a_small_step_descends_the_energy():
    """The data and area terms against autograd of the functional, constants refitted."""
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(64, 64, generator=generator, dtype=torch.float64)
    phi = cone(30, 30, 12).requires_grad_()
    inside = 0.5 * (1 + 2 / math.pi * torch.atan(phi / 1.5))
    c1 = (inside * image).sum() / inside.sum()
    c2 = ((1 - inside) * image).sum() / (1 - inside).sum()
    misfit = 2 * inside * (image - c1) ** 2 + 3 * (1 - inside) * (image - c2) ** 2
    (0.4 * inside + misfit).sum().backward()
    weights = {"mu": 0, "nu": 0.4, "lambda1": 2, "lambda2": 3, "epsilon": 1.5}
    moved = chan_vese(image, phi, steps=1, step_size=1e-3, **weights, **NEVER) - phi
    torch.testing.assert_close(moved.detach() / 1e-3, -phi.grad, atol=1e-9, rtol=0)


def test_curvature_of_a_circle():
    """On a constant image only length counts: φ_t = −δ_ε(φ) μ / r, r from the centre."""
    phi, image = cone(32, 32, 16), torch.full((64, 64), 0.5, dtype=torch.float64)
    moved = chan_vese(image, phi, steps=1, mu=2, step_size=1e-4, **NEVER) - phi
    expected = -2 / math.pi / (1 + phi**2) / (16 - phi)
    ring = (phi.abs() < 8) & (phi > -14)
    torch.testing.assert_close(moved[ring] / 1e-4, expected[ring], atol=0, rtol=0.05)


@pytest.mark.parametrize("step_size", [1, 1000])
def test_stable_for_any_step(step_size):
    """Without force, averages: no value leaves the range of the start."""
    phi, image = cone(30, 34, 15), torch.full((64, 64), 0.5, dtype=torch.float64)
    after = chan_vese(image, phi, steps=50, mu=1, step_size=step_size, **NEVER)
    assert phi.min() <= after.min() and after.max() <= phi.max()
    assert (after > 0).sum() < (phi > 0).sum()


@pytest.mark.parametrize("distort", [lambda d: 3 * d, lambda d: (400 - (20 - d) ** 2) / 7])
def test_reinitialised_is_a_distance(distort):
    exact = cone(31.3, 32.1, 20)
    again = reinitialise(distort(exact))
    assert torch.equal(again > 0, exact > 0)
    torch.testing.assert_close(again, exact, atol=0.12, rtol=0)


def test_the_zero_level_stays_between_pixels():
    """A straight outline at x = 2.3: a distance through the mask would put it at 2 or 3."""
    line = (torch.arange(6) + 0.5 - 2.3).expand(5, 6)
    torch.testing.assert_close(reinitialise(7 * line), line, atol=1e-5, rtol=0)
    torch.testing.assert_close(reinitialise(-line.T), -line.T, atol=1e-5, rtol=0)
    assert torch.equal(reinitialise(line + 9), line + 9)  # no outline, nothing to measure to


def test_a_ridge_of_one_pixel_keeps_its_signs():
    phi = torch.full((5, 7), -1.0)
    phi[2, 1:6] = 2.0
    again = reinitialise(phi)
    assert torch.equal(again > 0, phi > 0) and again.isfinite().all()


IMAGE, START = torch.rand(6, 6), torch.eye(6, dtype=torch.bool)


@pytest.mark.parametrize(
    ("error", "words", "image", "start", "options"),
    [
        (TypeError, "image must be a floating-point tensor, got torch.bool", START, START, {}),
        (ValueError, r"image must be \(H, W\), got \(1, 6, 6\)", IMAGE[None], START, {}),
        (ValueError, "image must be finite", IMAGE * math.nan, START, {}),
        (TypeError, "start must be a floating-point tensor, got torch.int64", IMAGE, START * 1, {}),
        (ValueError, "start must have an outline", IMAGE, START | True, {}),
        (ValueError, "start must be finite", IMAGE, IMAGE / 0, {}),
        (ValueError, r"one shape, got \(6, 6\) and \(5, 6\)", IMAGE, START[1:], {}),
        (ValueError, "steps must be at least 0, got -1", IMAGE, START, {"steps": -1}),
        (ValueError, "mu must be at least 0", IMAGE, START, {"mu": -1}),
        (ValueError, "lambda2 must be at least 0", IMAGE, START, {"lambda2": math.nan}),
        (ValueError, "nu must be finite", IMAGE, START, {"nu": math.inf}),
        (ValueError, "epsilon must be a positive number", IMAGE, START, {"epsilon": 0}),
        (ValueError, "step_size must be a positive", IMAGE, START, {"step_size": math.nan}),
    ],
)
def test_says_what_it_needs(error, words, image, start, options):
    with pytest.raises(error, match=words):
        chan_vese(image, start, **{"steps": 1, **options})


def test_no_steps_return_the_start_as_a_distance():
    line = torch.tensor([[True, True, False, False]])
    assert chan_vese(torch.rand(1, 4), line, steps=0).tolist() == [[1.5, 0.5, -0.5, -1.5]]

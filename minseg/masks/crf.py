"""The dense conditional random field: pixels that lie near and look alike get one label.

Total variation only compares neighbours and never looks at the image. Here every pixel is compared
with every other, and the pair counts for more the nearer the two are and the more alike in colour.
A labelling x costs

    E(x) = Σ_i −log p_i(x_i) + Σ_{i<j} [x_i ≠ x_j] k_ij
    k_ij = w_a exp(−‖Δpos‖²/2θ_α² − ‖ΔI‖²/2θ_β²)  +  w_s exp(−‖Δpos‖²/2θ_γ²)
                        appearance                          smoothness

The posterior ∝ exp(−E) is approximated by independent pixels Q_i, all updated at once,

    Q_i(l) ∝ p_i(l) exp(−Σ_{j≠i} k_ij (1 − Q_j(l)))        and normalised over l

(Krähenbühl & Koltun, Efficient inference in fully connected CRFs with Gaussian edge potentials,
2011, sections 2-3). Their contribution is to filter in time proportional to the N pixels. Here the
N² kernel is written out: exact, and fit for small images. As in the equation it is not normalised,
so a weight counts for each *pair*, and a Gaussian of θ pixels reaches about 2πθ² of them.
(Implementations that divide by row sums need larger weights. The usual library is pydensecrf, with
DenseCRF2D.inference as the call.) Unit 15.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from minseg.masks.checks import check_map, check_numbers, check_probabilities

MOST_PIXELS = 100 * 100  # a kernel of 400 MB, and as much again while it is made


def mean_field_crf(
    probabilities: Tensor,
    image: Tensor,
    *,
    appearance: float = 0.05,
    theta_alpha: float = 8.0,
    theta_beta: float = 0.1,
    smoothness: float = 0.2,
    theta_gamma: float = 1.0,
    steps: int = 5,
) -> Tensor:
    """Probabilities after `steps` mean-field updates.

    Args:
        probabilities: (H, W) of the foreground, or (K, H, W) of K labels, summing to 1 at each
            pixel. What is exactly 0 or 1 is certain and stays: of a mask, give 0.1 and 0.9.
        image: (3, H, W) floating point; at most `MOST_PIXELS` pixels.
        appearance, smoothness: weights w_a and w_s of a pair.
        theta_alpha, theta_gamma: reach of either kernel, in pixels.
        theta_beta: what difference in colour still counts as alike, in units of the image.
        steps: updates; 0 returns the probabilities.

    Returns:
        As `probabilities`, in shape and dtype.

    Raises:
        TypeError: if an input is not floating point.
        ValueError: if shapes do not agree, the image is too large, probabilities are outside [0, 1]
            or do not sum to 1, or a number is out of its range.

    Example:
        >>> grey = torch.full((3, 1, 3), 0.5)  # all alike, so the middle one follows
        >>> p = torch.tensor([[0.9, 0.4, 0.9]])
        >>> mean_field_crf(p, grey, appearance=1, smoothness=1) > 0.5
        tensor([[True, True, True]])
    """
    check_numbers(
        at_least_0={"appearance": appearance, "smoothness": smoothness, "steps": steps},
        positive={"theta_alpha": theta_alpha, "theta_beta": theta_beta, "theta_gamma": theta_gamma},
    )
    labels = _check(probabilities, image)  # (K, H, W)
    # k_ij of all pairs of the N pixels: appearance, then smoothness
    position, colour = _pixels(image)  # (N, 2), (N, 3)
    kernel = _gaussian(torch.cat([position / theta_alpha, colour / theta_beta], dim=1))  # (N, N)
    kernel *= appearance
    kernel += _gaussian(position / theta_gamma).mul_(smoothness)
    kernel.fill_diagonal_(0)  # j ≠ i
    # all pixels at once, `steps` times
    unary = labels.flatten(1).to(kernel).log()  # (K, N), −inf where a label is ruled out
    q = unary.softmax(dim=0)
    for _ in range(steps):
        disagreement = (1 - q) @ kernel  # (K, N); the kernel is symmetric
        q = (unary - disagreement).softmax(dim=0)
    q = q.view(labels.shape).to(probabilities)
    return q[1] if probabilities.ndim == 2 else q


def mean_field_crf_loop(
    probabilities: Tensor,
    image: Tensor,
    *,
    appearance: float = 0.05,
    theta_alpha: float = 8.0,
    theta_beta: float = 0.1,
    smoothness: float = 0.2,
    theta_gamma: float = 1.0,
    steps: int = 5,
) -> Tensor:
    """The definition, pair by pair, of K labels (K, H, W), to be read. See `mean_field_crf`."""
    labels, height, width = probabilities.shape
    pixels = [(i, j) for i in range(height) for j in range(width)]
    q = probabilities.clone()
    for _ in range(steps):
        new = torch.empty_like(q)
        for i, j in pixels:
            cost = torch.zeros(labels)
            for r, c in pixels:
                if (r, c) == (i, j):
                    continue
                far = (r - i) ** 2 + (c - j) ** 2
                unlike = ((image[:, r, c] - image[:, i, j]) ** 2).sum().item()
                alike = math.exp(-far / (2 * theta_alpha**2) - unlike / (2 * theta_beta**2))
                near = math.exp(-far / (2 * theta_gamma**2))
                cost += (appearance * alike + smoothness * near) * (1 - q[:, r, c])
            unnormalised = probabilities[:, i, j] * torch.exp(-cost)
            new[:, i, j] = unnormalised / unnormalised.sum()
        q = new
    return q


def _pixels(image: Tensor) -> tuple[Tensor, Tensor]:
    """Position (N, 2) and colour (N, 3) of every pixel, row by row."""
    height, width = image.shape[1:]
    position = torch.cartesian_prod(torch.arange(height), torch.arange(width))
    return position.to(image), image.flatten(1).T


def _gaussian(features: Tensor) -> Tensor:
    """(N, N) exp(−‖f_i − f_j‖²/2). Differences first: through products, near pairs lose digits."""
    distance = torch.cdist(features, features, compute_mode="donot_use_mm_for_euclid_dist")
    return distance.square_().mul_(-0.5).exp_()


def _check(probabilities: Tensor, image: Tensor) -> Tensor:
    """The probabilities of all labels (K, H, W), background and foreground if only one is given."""
    check_map("probabilities", probabilities)
    check_probabilities("probabilities", probabilities)
    check_map("image", image)
    if image.ndim != 3 or len(image) != 3:
        raise ValueError(f"image must be (3, H, W), got {tuple(image.shape)}")
    if probabilities.ndim > 3 or probabilities.shape[-2:] != image.shape[-2:]:
        got = f"{tuple(probabilities.shape)} and an image {tuple(image.shape)}"
        raise ValueError(f"probabilities must be (H, W) or (K, H, W) as the image, got {got}")
    pixels = image[0].numel()
    if pixels > MOST_PIXELS:
        raise ValueError(
            f"image must have at most {MOST_PIXELS} pixels: the kernel has a number for each pair, "
            f"got {pixels} ({pixels**2 * 4 / 1e9:.1f} GB): make it smaller"
        )
    if probabilities.ndim == 2:
        return torch.stack([1 - probabilities, probabilities])
    total = probabilities.sum(dim=0)
    if ((total - 1).abs() > 1e-3).any():
        low, high = total.min().item(), total.max().item()
        raise ValueError(f"probabilities must sum to 1 over labels, got {low:.3g} to {high:.3g}")
    return probabilities

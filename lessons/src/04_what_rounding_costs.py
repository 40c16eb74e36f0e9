# %% [markdown]
# # 04 · What rounding costs: quantisation error
#
# A detector looks at the world through a grid that is 4 to 32 times coarser than the image. One of its classic parts, RoI pooling, rounds every box to that grid, twice. This lesson measures what the rounding costs, and when you would notice.
#
# **After this lesson you can**
#
# 1. compute the error of a rounding step before running anything;
# 2. say how the stride turns it into image pixels;
# 3. tell a bias, which a network can learn away, from a spread, which it cannot;
# 4. read RoI pooling's real rounding rules, and say what each one costs;
# 5. predict which objects rounding ruins, with and without a feature pyramid.
#
# *40 minutes to read, 9 s to run, 450 MiB of memory, no GPU, no downloads. You need lesson 00, and no knowledge of detectors.*

# %%
import torch

from minseg.boxes import box_iou, fpn_level
from minseg.course import check, claim, guess, progress, reveal, show_source
from minseg.draw import ALIGN_COLOUR, EXACT_COLOUR, POOL_COLOUR, draw_boxes, draw_grid, figure, show
from minseg.explore import QuantisationBox
from minseg.roi import error_distribution, expected_error, quantise_box, roi_pool
from minseg.roi.pool import pool_bins
from minseg.roi.quantisation import (
    error_statistics,
    expected_distance,
    largest_shift,
    round_half_away,
    rounding_error,
    shifted_iou,
    simulate_error,
    whole_pixel_errors,
)


def seeded(number):
    return torch.Generator().manual_seed(number)


# %% [markdown]
# ## One edge, one grid
#
# A detector first turns the image into a **feature map**: a grid of numbers, coarser than the image. One cell of the grid, a *feature pixel*, covers $s \times s$ image pixels, and $s$ is called the **stride**. A second network then studies each candidate object, given as a box: its **region of interest**, RoI for short. That network wants inputs of one size, but boxes come in all sizes.
#
# **RoI pooling** (Girshick, *Fast R-CNN*, 2015, section 2.1) makes them one size. It lays the box on the feature map, divides it into a fixed number of **bins**, for example 7 × 7, and keeps the largest value of each bin. It reads whole cells only. So the box has to be moved to the lines of the grid, and then the edges of the bins too. Replacing a number by one on a grid is called **quantisation**.
#
# Take one edge. It lies at $x = 37.0$ in the image, and the stride is 16. Where is it on the feature map?

# %%
edge, stride = 37.0, 16
edge / stride

# %% [markdown]
# Between lines 2 and 3. Suppose that we take the **floor**, the next lower whole number: line 2, which is $2 \cdot 16 = 32$ in the image. The edge has moved by 5 image pixels. Throughout this lesson
#
# $$e = x - \mathrm{rounded}(x), \qquad \text{exact minus rounded,}$$
#
# so here $e = 5$ image pixels, or $5/16 = 0.3125$ feature pixels. The floor moves edges to the left and upwards, and $e$ is never negative. Here are all four edges of a box.

# %%
box = torch.tensor([37.0, 41.6, 101.4, 90.2])  # x1, y1, x2, y2 in image pixels
floored = stride * quantise_box(box / stride, "floor")

fig, ax = figure(width=520, height=360)
draw_grid(ax, 112, 128, stride)
draw_boxes(ax, box, colour=ALIGN_COLOUR)
draw_boxes(ax, floored, colour=POOL_COLOUR, linestyle="--")
ax.set(aspect="equal", title="The box (solid) and its floor (dashed), stride 16")
ax.set(xlabel="x, image px", ylabel="y, image px")
moved = [round(e, 1) for e in (box - floored).tolist()]
alt = "A box on a grid of 16 pixels; its floored copy lies further up and to the left."
show(fig, alt=alt, facts=f"floored to {floored.int().tolist()}: errors {moved} image px")

# %% [markdown]
# **Predict.** Over all edges, how far does the floor move an edge on average, in *image* pixels, at stride 16? Put your number in place of `None`.

# %%
guess("04.1", None)

# %%
edges = 1024 * torch.rand(1_000_000, generator=seeded(0), dtype=torch.float64)
floor_error = rounding_error(edges, stride, "floor")
reveal("04.1", floor_error.mean(), "image px", digits=2)

# %% [markdown]
# ## The error of one step
#
# Why 8? An edge is as likely to be anywhere between two lines as anywhere else, so in feature pixels the error of the floor is **uniform** on $[0, 1)$: each value is equally likely. Three numbers describe it.
#
# - The **mean**, or **bias**: $\int_0^1 e\,de = \tfrac12$. How far edges move on average, and which way.
# - The **RMS** (root mean square): $\sqrt{\int_0^1 e^2\,de} = \tfrac{1}{\sqrt 3} = 0.577$. The usual size of the error, bias included.
# - The **SD** (standard deviation), or **spread**: $\sqrt{\tfrac13 - \tfrac14} = \tfrac{1}{\sqrt{12}} = 0.289$. How much the error differs from edge to edge. Always $\mathrm{RMS}^2 = \mathrm{mean}^2 + \mathrm{SD}^2$.
#
# Rounding to the *nearest* line instead makes $e$ uniform on $[-\tfrac12, \tfrac12)$. Now as many edges move right as left: the mean is 0, and the **mean size** $\mathrm{E}|e|$, which ignores the sign, is $\tfrac14$. The spread has not changed at all.

# %%
x = torch.linspace(0, 64, 1281)[:-1]
fig, axes = figure(columns=2, height=300)
for rounding, colour, style in (("floor", POOL_COLOUR, "-"), ("round", ALIGN_COLOUR, "--")):
    error = rounding_error(x, stride, rounding)
    error[1:][error.diff() < 0] = torch.nan  # do not draw the jumps
    axes[0].plot(x, error, color=colour, linestyle=style, label=rounding)
    measured = rounding_error(edges, stride, rounding)
    axes[1].hist(measured.numpy(), bins=40, density=True, color=colour, alpha=0.45)
    exact, density = error_distribution((rounding,), stride)
    axes[1].stairs(density.numpy(), exact.numpy(), color=colour, linestyle=style, linewidth=2)
axes[0].set(title="The error of an edge at x", xlabel="x, image px", ylabel="error, image px")
axes[1].set(title="Flat, so each error is equally likely", xlabel="error, image px")
axes[0].legend()
alt = (
    "Left: a sawtooth, the error over the position, the floor's from 0 to 16 and the rounding's "
    "from -8 to 8. Right: both histograms are flat boxes of width 16."
)
span = f"{floor_error.min():.0f} to {floor_error.max():.0f}"
show(fig, alt=alt, facts=f"floor: {span} image px, each equally likely, density {1 / stride}")

# %% [markdown]
# One feature pixel is $s$ image pixels wide. So in image pixels **every length above is multiplied by the stride**. `expected_error(steps, stride)` has the closed forms, and nothing needs to be run. `expected_distance` does the same for a whole corner, $\mathrm{E}\sqrt{e_x^2 + e_y^2}$, as both its axes are rounded; for one floor that is $(\sqrt2 + \ln(1 + \sqrt2))/3$.

# %%
print("image px            mean  mean size    RMS     SD  corner")
for step in ("floor", "round"):
    for s in (1, 4, 8, 16, 32):
        mean, mean_abs, rms, sd = expected_error((step,), s)
        print(f"{step}, stride {s:2} {mean:7.3g} {mean_abs:10.3g} {rms:6.3g} {sd:6.3g}", end="")
        print(f" {expected_distance((step,), s):7.3g}")
whole = whole_pixel_errors(stride)
print(f"whole image coordinates, stride {stride}: {whole.int().tolist()}, mean {whole.mean():.1f}")

# %% [markdown]
# The rows of stride 1 are the error in feature pixels, all others are multiples of them. The last line is a detail for those who compare with annotated boxes: their coordinates are often whole image pixels. Then only $s$ errors occur, $0, 1, \dots, s-1$, and the floor's mean is $(s-1)/2$.
#
# ## Bias and spread are not equally bad
#
# The floor's mean error is 8 image pixels at stride 16, that of rounding to the nearest is 0. Is rounding therefore better? A network sits behind this step, and it is trained. If every edge were moved by the same 8 pixels, one added constant would undo it.
#
# Let us allow the simplest correction that can be learnt, a straight line from the rounded edge to the exact one, fitted by least squares.
#
# **Predict.** What RMS error is left after the floor at stride 16, in image pixels, once the best straight line has corrected it? (Before the fit it is 9.24.)

# %%
guess("04.2", None)


# %%
def best_line(rounding):
    """What the fitted line adds on average, and the RMS error that it leaves."""
    rounded = edges - rounding_error(edges, stride, rounding)
    inputs = torch.stack([rounded, torch.ones_like(rounded)], dim=1)
    corrected = (inputs @ torch.linalg.lstsq(inputs, edges[:, None]).solution)[:, 0]
    return (corrected - rounded).mean().item(), (edges - corrected).square().mean().sqrt().item()


added, left = best_line("floor")
added_round, left_round = best_line("round")
reveal("04.2", left, "image px", digits=2)
print(f"floor: the line adds {added:.1f} px on average and leaves {left:.1f} px")
print(f"round: the line adds {abs(added_round):.1f} px on average and leaves {left_round:.1f} px")

# %% [markdown]
# The fit has learnt the constant, 8 pixels, and what is left is the spread, $16/\sqrt{12} = 4.62$, the same for both. **The bias can be learnt away. The spread cannot**: two edges 15 pixels apart can land on the same grid line, and nothing that sees only the grid can tell them apart. This agrees with what practitioners report: in RoIAlign, lesson 05's operator, a constant offset of half a pixel makes no difference once the convolutions behind it are trained (the detectron2 library, `layers/roi_align.py`).
#
# Now to the notes that this course follows.


# %%
def agree(measured, steps):
    """Whether measured statistics are those of the closed form, to 0.01 feature pixels."""
    return torch.allclose(torch.tensor(measured), torch.tensor(expected_error(steps)), atol=0.01)


one_floor = error_statistics(rounding_error(edges / stride, rounding="floor"))
one_round = error_statistics(rounding_error(edges / stride, rounding="round"))
claim(
    "C39",
    measured=f"feature px: floor mean {one_floor.mean:.2f}, SD {one_floor.sd:.2f}; rounding mean "
    f"size {one_round.mean_abs:.2f}, SD {one_round.sd:.2f}. At stride {stride} the floor's mean "
    f"is {floor_error.mean():.1f} image px; {left:.1f} px are left once it is learnt away.",
    supports=agree(one_floor, ("floor",))
    and agree(one_round, ("round",))
    and abs(left - left_round) < 0.05,
)

# %% [markdown]
# **Exercise: round as RoI pooling does.** Which way does a half go? In C's `round`, which RoI pooling uses, *away from zero*: 2.5 becomes 3 and −2.5 becomes −3. `torch.round` follows another rule, and 2.5 becomes 2. Write the first rule in torch, in place of the line that raises. `hint("04.round_half_away")` helps, one hint a call, and `solution("04.round_half_away")` shows the package's own code. Both are in `minseg.course`.


# %%
def my_round(x):
    """Nearest whole numbers to x (floating point, any shape), halves away from zero."""
    raise NotImplementedError


check("04.round_half_away", my_round)

# %% [markdown]
# ## Two steps
#
# RoI pooling does not stop at the box. Say that a box 7.3 cells wide is to be divided into 2 bins, and that only its corner was rounded. The line between the bins lies 3.65 cells in, between two grid lines, and is rounded again. (Real RoI pooling rounds the far corner as well; we come to that.) The second error starts where the first has put the box, so an inner edge of a bin carries the sum of both: $e = e_1 + e_2$.
#
# The notes say that the errors add: half a pixel for each step, so one pixel for two. We know already that one rounding to the nearest has a mean size of a quarter.
#
# **Predict.** Two roundings to the nearest, one after the other: what is the mean size of the total error, in *feature* pixels?

# %%
guess("04.3", None)

# %%
chains = [("floor", "floor"), ("round", "round"), ("round", "floor")]
totals = [simulate_error(steps, 200_000, generator=seeded(1)) for steps in chains]
reveal("04.3", totals[1].abs().mean(), "feature px", digits=2)

# %%
fig, axes = figure(columns=3, height=270)
for ax, steps, total in zip(axes, chains, totals, strict=True):
    ends, density = error_distribution(steps)
    ax.hist(total.numpy(), bins=ends.numpy(), density=True, color=POOL_COLOUR, alpha=0.5)
    ax.stairs(density.numpy(), ends.numpy(), color=EXACT_COLOUR, linewidth=2)
    ax.axvline(expected_error(steps).mean, color=ALIGN_COLOUR, linestyle="--")
    ax.set(title=", then ".join(steps), xlabel="error, feature px", xlim=(-1.1, 2.1))
alt = (
    "Three triangular histograms of one shape, centred at 1, 0 and 0.5, under their exact density."
)
show(
    fig, alt=alt, facts="means (dashed) 1, 0 and 0.5 feature px; each triangle is 2 feature px wide"
)

# %% [markdown]
# The sum of two uniform errors is **triangular**: a total near the middle comes about in many ways, one at an end only when both errors are extreme. All three triangles are the same, moved to different places, and that is the whole story:
#
# - **Means add.** Two floors both push up and to the left, $\tfrac12 + \tfrac12 = 1$. Two roundings push nowhere, $0 + 0 = 0$, and their mean *size* is $\tfrac13$, less than $\tfrac14 + \tfrac14$, because errors of opposite sign cancel.
# - **Spreads add in quadrature**: independent variances add, so $\mathrm{SD} = \sqrt{\tfrac1{12} + \tfrac1{12}} = \sqrt{\tfrac16} = 0.408$. The second step makes the spread 1.41 times larger, not twice.
#
# The package has one formula for any chain of $n$ steps, $r$ of which round to the nearest. The sum $S$ of $n$ uniform numbers on $[0, 1)$ has a known distribution (Irwin-Hall), and $e = S - r/2$. The mean size then needs only how far $e$ falls below zero, on average:
#
# $$\mathrm{E}|e| = \mathrm{E}\,e + 2\,\mathrm{E}\max(-e, 0), \qquad \mathrm{E}\max(-e, 0) = \frac{1}{(n+1)!}\sum_{k=0}^{n} (-1)^k \binom{n}{k} \max\!\left(\tfrac r2 - k,\, 0\right)^{n+1}$$
#
# In the code below, $n$ is the length of `steps`, `low` is the smallest error that they can leave, $-r/2$, and `_spline_sum` is the sum on the right.

# %%
show_source(expected_error, docstring=False)

# %%
print("feature px         mean  mean size    RMS     SD  corner")
for steps in chains:
    mean, mean_abs, rms, sd = expected_error(steps)
    print(f"{', then '.join(steps):17} {mean:5.2f} {mean_abs:10.3f} {rms:6.3f} {sd:6.3f}", end="")
    print(f" {expected_distance(steps):7.2f}")
found = [error_statistics(total) for total in totals]
claim(
    "C40",
    measured=f"two floors: mean {found[0].mean:.2f}, SD {found[0].sd:.2f} feature px. Two "
    f"roundings: mean size {found[1].mean_abs:.2f}, SD {found[1].sd:.2f}. Rounding, then floor: "
    f"mean {found[2].mean:.2f}, SD {found[2].sd:.2f}.",
    supports=all(agree(one, steps) for one, steps in zip(found, chains, strict=True)),
)

# %% [markdown]
# **Exercise: bias and spread of any chain.** Return the mean and the SD of the total error in *image* pixels. `steps` is a tuple such as `("round", "floor")`, `stride` a number.


# %%
def my_bias_and_spread(steps, stride):
    """(mean, SD) of the error after these rounding steps, in image pixels."""
    raise NotImplementedError


check("04.bias_and_spread", my_bias_and_spread)

# %% [markdown]
# ## Drag a box
#
# Blue is the box, cut into 2 × 2 bins by a middle line. Dashed orange is what rounding makes of it: step 1 rounds the box, step 2 the middle line. The table gives the error of each step, and the histogram collects the total error of every place that you visit. The line over it is the closed form.

# %%
explorer = QuantisationBox(stride=16, first="floor", second="floor")
explorer.drop(40)  # the first eighty errors: forty boxes, two axes each
explorer

# %% [markdown]
# Drag the box with the mouse or a finger, or click it and use the arrow keys: Shift resizes, Alt makes the steps ten times finer.
#
# - **Drop 500 boxes**, a few times. How many errors does it take until you can see the triangle?
# - **Change the stride.** The upper row of numbers under the histogram stays, the lower one grows with the stride: the law is one of feature pixels, the damage one of image pixels.
# - **Set step 1 to round**, and drop boxes again. The same triangle, moved by half a feature pixel. Bias changed, spread did not.
# - **Clear, then drag without resizing.** The error of step 2 does not change! The middle line keeps its distance from the *rounded* corner, and that distance is what is rounded. The triangle describes boxes of many sizes; one object that moves through a video has a second error that stays.

# %% [markdown]
# ## What RoI pooling really does
#
# The notes describe the first step as the floor of $(x, y, w, h)$. The operator in use goes another way (torchvision's `roi_pool`; the tests of this package check that ours equals it):
#
# 1. both corners, not the width, are **rounded to the nearest** line, halves away from zero;
# 2. **both end cells are inside**, so the width is $w' = x_2 - x_1 + 1$, and at least 1;
# 3. of $P$ bins along an axis, bin $k$ goes from $x_1 + \lfloor k\,w'/P \rfloor$ to $x_1 + \lceil (k+1)\,w'/P \rceil$. The **ceiling** $\lceil\cdot\rceil$, the next higher whole number, makes neighbouring bins overlap;
# 4. each bin gives its **maximum**, an empty bin gives 0.
#
# **Predict.** A box goes from $x = 2$ to $x = 8$ on the feature map: exactly six cells, nothing to round. How many cells wide is the stretch that RoI pooling reads?

# %%
guess("04.4", None)

# %%
P = 3
begin, end = pool_bins(torch.tensor([2.0]), torch.tensor([8.0]), bins=P, length=16)
reveal("04.4", end.max() - begin.min(), "cells")
ramp = (torch.arange(16.0) + 0.5).expand(1, 1, 16, 16)  # f(x, y) = x at the centre of each cell
pooled = roi_pool(ramp, torch.tensor([[0.0, 2, 2, 8, 8]]), P)[0, 0, 0]
averages = 2 + (torch.arange(P) + 0.5) * 6 / P  # of x over an exact bin: its centre
elsewhere = roi_pool(ramp, torch.tensor([[0.0, 40, 40, 44, 44]]), P)  # a box outside of the map

# %%
fig, ax = figure(width=760, height=250)
row = torch.arange(P)
ax.barh(row - 0.18, 6 / P, left=2 + row * 6 / P, height=0.3, color=ALIGN_COLOUR)
ax.barh(row + 0.18, (end - begin)[0], left=begin[0], height=0.3, color=POOL_COLOUR)
ax.plot(averages, row - 0.18, "o", color="white", markeredgecolor="black")
ax.plot(pooled, row + 0.18, "D", color="white", markeredgecolor="black")
ax.set(title="Exact bins with their average (upper), RoI pooling's with their maximum (lower)")
ax.set(xlabel="x, feature px", xticks=range(2, 10), ylim=(P - 0.5, -0.5))
ax.set_yticks(row, labels=[f"bin {k}" for k in range(P)])
alt = (
    "Three exact bins tile 2 to 8. RoI pooling's bins are 3 cells wide each, overlap and reach 9; "
    "its outputs lie 1.5 cells to the right of the exact averages."
)
outputs = f"exact {averages.tolist()}, RoI pooling {pooled.tolist()}"
show(fig, alt=alt, facts=f"ramp f = x: {outputs}, outside of the map {elsewhere.max():.0f}")

# %% [markdown]
# A **ramp**, a feature whose value is its own position, shows at once where an operator reads. This box needed no rounding, and still every output is 1.5 feature pixels too large: the bins are too wide because of rules 2 and 3, which shifts their middle to the right by half a cell here, and the maximum looks at the right end of the bin only.
#
# On real boxes rounding comes on top. Here is the geometry of many: random boxes 14 to 28 cells wide, each bin compared with its exact place. Beside it, what the notes' floor of $(x, w)$ would do to the right edge of the box, which then carries the error of $x$ *and* that of $w$. For this comparison a rounded right edge is simply a line, without rule 2.

# %%
x1, width = torch.rand(2, 50_000, generator=seeded(2), dtype=torch.float64)
x1, width, spread = 50 * x1, 14 + 14 * width, {}
print("bins   too wide   off by     SD   within one bin    (feature px)")
for P in (7, 14):
    begin, end = pool_bins(round_half_away(x1), round_half_away(x1 + width), P, length=100)
    too_wide = (end - begin - (width / P)[:, None]).mean()
    centre = x1[:, None] + (torch.arange(P) + 0.5) * (width / P)[:, None]
    off = centre - (begin + end) / 2  # (boxes, bins)
    spread[P] = off.std(dim=0).mean()
    print(f"{P:4} {too_wide:10.2f} {off.mean():8.1f} {off.std():6.2f} {spread[P]:15.3f}")
notes_edge = error_statistics(x1 + width - (x1.floor() + width.floor()))
real_edge = error_statistics(rounding_error(x1 + width, rounding="round"))
claim(
    "C38",
    measured=f"a box of 6 cells is read over 7. Bins are {too_wide:.2f} feature px too wide; the "
    f"centre of each has an SD of {spread[7]:.3f} (7 bins) or {spread[14]:.3f} (14). Right edge of "
    f"the box: rounded, mean {abs(real_edge.mean):.1f}, SD {real_edge.sd:.2f}; floor of (x, w), "
    f"mean {notes_edge.mean:.1f}, SD {notes_edge.sd:.2f}.",
    supports=agree(notes_edge, ("floor", "floor"))
    and agree(real_edge, ("round",))
    and pooled.tolist() == [4.5, 6.5, 8.5]
    and elsewhere.max() == 0,
)

# %% [markdown]
# The minus sign says that bins lie too far to the right, by half a cell on average. Rule 2 stretches the box by one cell, which moves the later bins more than the first. This is a bias of each bin, and a network that always sees the same bins can learn it. What it cannot learn is the spread within one bin. It is about that of a single step, 0.289, although there were two: floor and ceiling push the two ends of a bin apart, and its centre feels only half of each. At stride 16 that is between 4 and 5 image pixels, for every bin of every box. RoIAlign, in the next lesson, rounds nothing.
#
# ## Which objects does it ruin?
#
# Five pixels are nothing to an object of 500. What counts is the error **relative to the object's size**. The usual measure of how well two boxes agree is **IoU**, intersection over union: the area that they share, divided by the area that they cover together. Move a square of side $L$ by $\delta$ along both axes. What is shared is a square of side $L - \delta$, so
#
# $$\mathrm{IoU}(\delta) = \frac{(L-\delta)^2}{2L^2 - (L-\delta)^2}, \qquad \delta^* = L\left(1 - \sqrt{\tfrac{2\tau}{1+\tau}}\right),$$
#
# where $\delta^*$ is the largest shift that keeps the IoU at $\tau$ or above. In the code: `shifted_iou(length, shift)` and `largest_shift(length, iou)`.
#
# **Predict.** An object of 32 × 32 image pixels is shifted by 8 pixels along both axes, the mean error of one floor at stride 16. Its IoU with itself was 1. What is it now?

# %%
guess("04.5", None)

# %%
shifts = torch.tensor([1.0, 4.0, 8.0, 16.0])
ious = shifted_iou(32.0, shifts)
reveal("04.5", ious[2])
print("shift of 1, 4, 8, 16 px: IoU", ", ".join(f"{iou:.3f}" for iou in ious))
print(
    f"IoU stays above 0.5 up to {largest_shift(32, 0.5):.2f} px, above 0.75 up to "
    f"{largest_shift(32, 0.75):.2f} px"
)

# %% [markdown]
# Eight pixels are a quarter of the side, and cost more than half of the IoU. A detection commonly counts as correct from IoU 0.5, under a strict rule from 0.75. Which random boxes would pass if their corners were floored and nothing else went wrong?

# %%
corner = 200 * torch.rand(1000, 2, generator=seeded(4))
print("boxes of which flooring leaves an IoU of at least 0.5, in percent")
print("stride           4    8   16   32")
for side in (16, 32, 64, 128):
    boxes = torch.cat([corner, corner + side], dim=1)
    print(f"side {side:3} px", end="  ")
    for s in (4, 8, 16, 32):
        iou = box_iou(boxes, s * quantise_box(boxes / s)).diagonal()
        print(f"{100 * (iou >= 0.5).double().mean():5.0f}", end="")
    print()

# %% [markdown]
# **Exercise: the IoU of a shifted square.** Write the formula above, with two cases that it leaves open: shifts to the upper left are negative, and boxes can part altogether.


# %%
def my_shifted_iou(length, shift):
    """IoU of a square of side `length` with itself moved by `shift` (tensors) along both axes."""
    raise NotImplementedError


check("04.shifted_iou", my_shifted_iou)

# %% [markdown]
# ## A pyramid keeps the relative error level
#
# Modern detectors do not read all objects from one map. A **feature pyramid** (Lin et al., *Feature Pyramid Networks*, 2017) has several: level $k$ has stride $2^k$, from level 2 (stride 4) to level 5 (stride 32). A box of width $w$ and height $h$ is read from level
#
# $$k = \left\lfloor 4 + \log_2 \frac{\sqrt{wh}}{224} \right\rfloor, \quad \text{held between 2 and 5.}$$
#
# A box that is twice as large is read from a map that is twice as coarse. How large is one feature pixel then, relative to the object?


# %%
def one_cell(size):
    """The stride of the level that reads square boxes of these sizes: one feature pixel."""
    boxes = torch.stack([0 * size, 0 * size, size, size], dim=1)
    return 2.0 ** fpn_level(boxes)


size = torch.logspace(4, 9.8, 400, base=2)
fig, ax = figure(width=760, height=320)
ax.plot(size, 100 * 16 / size, color=POOL_COLOUR, label="one map, stride 16")
ax.plot(size, 100 * one_cell(size) / size, color=ALIGN_COLOUR, linestyle="--", label="pyramid")
ax.plot(size, 100 / size, color=EXACT_COLOUR, linestyle=":", label="one image pixel")
ax.set(title="One feature pixel, relative to the object", ylabel="percent of the object's size")
ax.set(xscale="log", yscale="log", xlabel="size of the object, image px", ylim=(1, 110))
ax.set_xticks(sizes := [16, 32, 56, 112, 224, 448, 896], labels=sizes)
ax.set_yticks(percents := [1, 3, 10, 30, 100], labels=percents)
ax.minorticks_off()
ax.legend()
alt = (
    "One map: the percentage falls steadily from 100 at 16 px. Pyramid: a saw between 3.6 and 7.1 "
    "from 56 px on, which grows only below."
)
show(fig, alt=alt, facts=f"at 32 px: stride 16 {100 * 16 / 32:.0f} %, pyramid {100 * 4 / 32:.1f} %")

# %% [markdown]
# Below 56 pixels there is no finer map to go to, so the error grows as objects shrink. From 56 to 896 pixels it is level, a saw: a box always spans 14 to 28 cells.
#
# The notes say that below 32 pixels the error exceeds 3 %. That is one *image* pixel, $1/32$, the dotted line. But rounding works in feature pixels.

# %%
size = torch.tensor([16.0, 32, 57, 111, 113, 223, 225, 447, 449, 895])
spans = size / one_cell(size)
print("size, image px", *(f"{v:5.0f}" for v in size))
print("spans, cells  ", *(f"{v:5.1f}" for v in spans))
print("one cell, %   ", *(f"{100 / v:5.1f}" for v in spans))
level, small = spans[size > 56], 100 / spans[1]
claim(
    "C41",
    measured=f"one feature px on a 32-px object is {100 * 16 / 32:.0f} % of it at stride 16 and "
    f"{small:.1f} % on the pyramid's finest map; shifts of 1, 4, 8, 16 px leave IoU "
    f"{', '.join(f'{iou:.2f}' for iou in ious)}. From 57 to 895 px boxes span {level.min():.1f} "
    f"to {level.max():.1f} cells.",
    supports=bool(small == 12.5 and ious[2] < 0.5 and level.min() >= 14 and level.max() <= 28),
)

# %% [markdown]
# **Exercise: choose the level.** `boxes` is (N, 4): x1, y1, x2, y2 in image pixels. Return N levels, int64.


# %%
def my_fpn_level(boxes):
    """The pyramid level, 2 to 5, that reads each box."""
    raise NotImplementedError


check("04.fpn_level", my_fpn_level)

# %% [markdown]
# ## Recap
#
# You can now
#
# 1. **compute the error of a rounding step**: uniform over one feature pixel, so mean $\tfrac12$ (floor) or 0 (nearest), SD $1/\sqrt{12}$; after two steps triangular, means added, spreads added in quadrature;
# 2. **turn it into image pixels**: multiply by the stride;
# 3. **tell bias from spread**: a fitted line took the floor's 8 pixels away and left 4.6, as it did for rounding;
# 4. **read RoI pooling's rules**: rounded corners, both ends inside, floor and ceiling, maximum; bins nearly one cell too wide, a bias of half a cell, and in each bin about the spread of one step;
# 5. **predict which objects it ruins**: those of few feature pixels. A pyramid keeps the relative error level down to 56 pixels, not below.
#
# Your predictions beside what was measured, and your exercises:

# %%
progress("04")

# %% [markdown]
# **Reading on.** Girshick, *Fast R-CNN*, 2015, section 2.1, for RoI pooling. He et al., *Mask R-CNN*, 2017, section 3, on why masks suffer from it more than boxes do, and table 2c for how much. Lin et al., *Feature Pyramid Networks for Object Detection*, 2017, section 4.2, for the level rule. In the package: `minseg/roi/quantisation.py` and `minseg/roi/pool.py`.
#
# **Next**, [lesson 05](05_roi_pooling_versus_roialign.ipynb) rounds nothing: RoI pooling beside RoIAlign, live.
#
# > **When it does not work**
# >
# > - *An exercise says "not attempted yet"*: replace the line that raises, return a value, and run the cell again.
# > - *The widget does not show, or does not follow the box*: run its cell again. If it stays away, run `python -m minseg doctor` in a terminal: it says what is missing. Without a running kernel you see a still picture.
# > - *Your guess does not appear in the recap*: run the cell with your `guess` before the one with `reveal`, then the recap.
# > - *You changed something and everything is odd*: "Restart Kernel and Run All Cells" in the Kernel menu puts the lesson back into order. Your solved exercises and guesses are kept.

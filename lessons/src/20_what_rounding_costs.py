# %% [markdown]
# # 20 · What rounding costs
#
# A detector reads its objects from a map that is 4 to 32 times coarser than the image, and the classic way of reading snaps every object to the lines of that map first. **What does snapping do to what is read?**

# %%
import torch

from minseg.course import check, guess, hint, progress, reveal, solution
from minseg.data import coins_truth, photo
from minseg.draw import ALIGN_COLOUR, EXACT_COLOUR, POOL_COLOUR, figure, show
from minseg.draw.regions import box_read, reading_figure

# %%
coins, truth, stride = photo("coins"), coins_truth(), 16
features = torch.nn.functional.avg_pool2d(coins.mean(dim=0)[None, None], stride, ceil_mode=True)
coin, box = truth.masks[9], truth.boxes[9]  # one of the smaller coins

fig = reading_figure(coins, features, box, stride, bins=3)
x1, y1, x2, y2 = box_read(box, stride).int().tolist()
missing = 100 * (1 - coin[y1:y2, x1:x2].sum() / coin.sum())
alt = "Left, a coin in its box; the box that is read lies to the lower right. Middle, the coin cut into 3 by 3 bins. Right, what is read: the coin's left rim is gone, and there is dark ground below and to the right."
show(fig, alt=alt, facts=f"of this coin {missing:.0f} % lies outside of what is read")

# %% [markdown]
# Blue is the coin's true box. Orange is what the classic way, RoI pooling, reads in its place, in 3 × 3 pieces that are called bins: the coin has lost its left rim and gained a strip of table. A network that is to draw this coin's outline sees the nine numbers on the right, and is never told that they come from somewhere else.
#
# **After this unit you can** work out by hand which cells RoI pooling reads; say what one rounding step costs before you run anything; tell the part of the error that training removes from the part that it cannot; and name the objects that suffer.
#
# *35 minutes: 18 to read and look, 6 to play and guess, 11 to write code; two stretch exercises are not counted. 25 s to run. You need unit 10.*

# %% [markdown]
# ## How RoI pooling snaps
#
# Four words first. A network turns the image into a **feature map**, a grid coarser than the image; one of its cells, a *feature pixel*, covers $s \times s$ image pixels, and $s$ is the **stride**. A box that may hold an object is a **region of interest**, RoI for short. Boxes come in all sizes, and the layers that look into them want inputs of one size, so each box is cut into a fixed number of **bins**, and every bin gives one number. (Above, the map is the brightness of the photograph, averaged over cells of 16 × 16. A real network's maps have hundreds of such numbers in each cell, its **channels**, all treated alike.)
#
# **RoI pooling** (Girshick, *Fast R-CNN*, 2015) reads whole cells only. A box whose edges lie between the lines must move to the lines first. But even one that lies on them is not read as you might think.
#
# **Predict.** At stride 16 a box runs from $x = 32$ to $x = 96$. That is from line 2 to line 6 of the grid, with nothing to round. How many cells wide is the stretch that RoI pooling reads? Put your number in place of `None`.

# %%
guess("20.q_exact_box", None)

# %%
left, _, right, _ = box_read(torch.tensor([32.0, 0, 96, 64]), stride).tolist()
reveal("20.q_exact_box", (right - left) / stride, "cells")

# %% [markdown]
# The edges become the *numbers* 2 and 6, and RoI pooling takes both as cells to be read: 2, 3, 4, 5, 6, which is $6 - 2 + 1 = 5$. Here is the whole rule for one axis, as torchvision's `roi_pool` has it.
#
# 1. Divide both edges by the stride and **round each to the nearest whole number**.
# 2. **Both ends count as inside**: the width is $w = \text{last} - \text{first} + 1$ cells, and at least 1.
# 3. Of $P$ bins, bin $k$ begins $\lfloor k\,w/P \rfloor$ cells after the first and ends $\lceil (k+1)\,w/P \rceil$ cells after it. $\lfloor\;\rfloor$ is the next lower whole number, the **floor**; $\lceil\;\rceil$ the next higher, the **ceiling**.
# 4. Each bin gives the **maximum** of its cells; a bin without cells gives 0.
#
# Try it on paper: a box from $x = 37.0$ to $x = 101.4$, three bins. Which cells does the middle bin read?
#
# <details><summary>Answer</summary>
#
# $37.0/16 = 2.31$ becomes 2 and $101.4/16 = 6.34$ becomes 6: five cells, $w = 5$. Bin 1 begins $\lfloor 5/3 \rfloor = 1$ cell after cell 2 and ends $\lceil 10/3 \rceil = 4$ cells after it. So it reads cells 3, 4 and 5. Its neighbours read 2, 3 and 5, 6: bins overlap.
#
# </details>

# %%
from minseg.draw.regions import draw_axis_bins

fig, ax = figure(width=720, height=270)
draw_axis_bins(ax, 37.0 / stride, 101.4 / stride, bins=3)
ax.set(title="Exact bins (blue) and the cells that RoI pooling reads (orange)")
ax.set(xlabel="x, feature px (times 16 is image px)")
alt = "Three blue bars end to end from 2.3 to 6.3. Under them three orange bars from 2 to 4, 3 to 6 and 5 to 7: wider, overlapping, and shifted to the right."
show(fig, alt=alt, facts="bins read cells 2-3, 3-5 and 5-6; exact bins are 1.34 cells wide")

# %% [markdown]
# **Exercise (warm-up): round as RoI pooling does.** Rule 1 hides a question: which way does a half go? In C's `round`, which RoI pooling uses, *away from zero*: 2.5 becomes 3 and −2.5 becomes −3. `torch.round` takes the even neighbour instead: 2.5 becomes 2. Write the first rule. `x` is a floating-point tensor of any shape, an empty one too; return the same shape and dtype. Beware of adding ½: 0.49999997 must become 0.


# %%
def my_round(x):
    """Nearest whole numbers to x, halves away from zero."""
    raise NotImplementedError


check("20.round_half_away", my_round)

# %% [markdown]
# Stuck? `hint("20.round_half_away")` helps, one hint for each call. `solution("20.round_half_away")` shows the package's code.
#
# ## Bias and spread
#
# How bad is one rounding step? Call $e = x - \text{rounded}(x)$, exact minus rounded, the error of an edge. An edge is as likely to lie anywhere between two lines as anywhere else, so $e$ is **uniform**: all values in a range of one feature pixel are equally likely. RoI pooling rounds to the nearest line, and $e$ lies in $[-\tfrac12, \tfrac12)$. Many descriptions of RoI pooling take the floor instead, and then $e$ lies in $[0, 1)$.

# %%
edges = 1024 * torch.rand(100_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
errors = {"floor": edges - stride * (edges / stride).floor()}
errors["round"] = edges - stride * (edges / stride).round()

fig, axes = figure(columns=2, height=280)
for ax, error in zip(axes, errors.values(), strict=True):
    ax.hist(error.numpy(), bins=32, density=True, color=POOL_COLOUR, alpha=0.5)
    ax.axvline(error.mean(), color=ALIGN_COLOUR, linestyle="--")
    ax.set(xlabel="error, image px", ylabel="density", xlim=(-10, 18), ylim=(0, 0.09))
axes[0].set_title("Floor: from nothing to a whole cell")
axes[1].set_title("Nearest line: half a cell to either side")
alt = "Two flat histograms of width 16 and one height: the floor's from 0 to 16 about the mean 8, rounding's from -8 to 8 about 0."
show(
    fig,
    alt=alt,
    facts=f"means (dashed): floor {errors['floor'].mean():.1f} px, round {abs(errors['round'].mean()):.1f} px",
)

# %% [markdown]
# Two numbers describe such an error.
#
# - The **bias** is its mean: ½ feature pixel for the floor, which is 8 image pixels at stride 16, and 0 for rounding.
# - The **spread** is its standard deviation, SD: how much the error differs from edge to edge. For any uniform error of width 1 it is $1/\sqrt{12} = 0.289$.
#
# The floor looks worse: bias included, its error has an RMS (root mean square) of $16/\sqrt3 = 9.24$ image pixels (the mean of $e^2$ over 0 to 1 is $\tfrac13$), far more than that of rounding. But a network sits behind this step, and it is trained. Suppose that it can learn the simplest of corrections, a straight line from the rounded edge to the exact one.
#
# **Predict.** What RMS error, in image pixels, is left of the floor's 9.24 once the best straight line has corrected it?

# %%
guess("20.q_left_over", None)

# %%
import numpy as np

rounded = edges - errors["floor"]
slope, offset = np.polyfit(rounded, edges, deg=1)
left_over = edges - (slope * rounded + offset)
reveal("20.q_left_over", left_over.square().mean().sqrt(), "image px", digits=2)
print(f"the line adds {offset:.1f} px")

# %% [markdown]
# The line has learnt the constant, 8 pixels, and what is left is the spread: $16/\sqrt{12} = 4.62$, exactly what rounding leaves. **Bias can be learnt away. Spread cannot**: two edges 15 pixels apart can land on one grid line, and nothing that sees only the grid can tell them apart.
#
# One feature pixel is $s$ image pixels wide, so in image pixels every length here is multiplied by the stride: the spread of one step is 1.2 pixels at stride 4 and 9.2 at stride 32.
#
# ## Two steps
#
# RoI pooling rounds twice: first the box, then the edges of its bins. The second error starts where the first one has put the box, so an edge between two bins carries the sum of both. (In RoI pooling the second step is a floor or a ceiling, rule 3. Two roundings to the nearest are simpler, so begin with them.)
#
# One rounding to the nearest moves an edge by ¼ feature pixel on average, if you ignore the direction: the mean *size* of its error, $|e|$, is ¼.
#
# **Predict.** What is the mean size of the error after two independent roundings to the nearest, in feature pixels?

# %%
guess("20.q_two_steps", None)

# %%
from minseg.roi import error_distribution
from minseg.roi.quantisation import simulate_error

one, two = (
    simulate_error(steps, 200_000, generator=torch.Generator().manual_seed(1))
    for steps in (("round",), ("round", "round"))
)
reveal("20.q_two_steps", two.abs().mean(), "feature px", digits=2)

# %%
fig, axes = figure(columns=2, height=280)
for ax, error, steps in ((axes[0], one, ("round",)), (axes[1], two, ("round", "round"))):
    ends, density = error_distribution(steps)
    ax.hist(error.numpy(), bins=ends.numpy(), density=True, color=POOL_COLOUR, alpha=0.5)
    ax.stairs(density.numpy(), ends.numpy(), color=EXACT_COLOUR, linewidth=2)
    ax.set(xlim=(-1.1, 1.1), ylim=(0, 1.25), xticks=(-1, -0.5, 0, 0.5, 1))
    ax.set(xlabel="error, feature px", ylabel="density")
axes[0].set_title("One rounding: flat")
axes[1].set_title("Two roundings: a triangle")
alt = "Left a flat histogram from -0.5 to 0.5. Right a triangle from -1 to 1 with its peak at 0. Each lies under its exact density."
show(fig, alt=alt, facts=f"SD: one step {one.std():.2f}, two steps {two.std():.2f} feature px")

# %% [markdown]
# Why ⅓ and not ½? Half of the time the two errors point in opposite directions and cancel in part. The sum of two uniform errors is **triangular**: a total near 0 comes about in many ways, one near ±1 only if both errors are extreme. On a triangle with the density $1 - |e|$ the mean size is $2\int_0^1 e\,(1-e)\,de = 2\,(\tfrac12 - \tfrac13) = \tfrac13$.
#
# For any chain of independent steps:
#
# - **Biases add.** Two floors give $\tfrac12 + \tfrac12 = 1$ feature pixel, rounding and then a floor $0 + \tfrac12$.
# - **Variances add**, and so spreads add in quadrature: $\mathrm{SD} = \sqrt{\tfrac1{12} + \tfrac1{12}} = 0.408$, which is $\sqrt2$ times one step's, not twice.
#
# **Exercise (core): bias and spread of any chain.** `steps` is a non-empty tuple of `"floor"` and `"round"`, such as `("round", "floor")`; `stride` is a positive number. Return two floats: the mean and the SD of the total error, both in *image* pixels.


# %%
def my_bias_and_spread(steps, stride):
    """(mean, SD) of the error after these rounding steps, in image pixels."""
    raise NotImplementedError


check("20.bias_and_spread", my_bias_and_spread)

# %% [markdown]
# `solution("20.bias_and_spread")` shows the package's code.
#
# ## Drop some boxes
#
# Blue is a box with its middle line, the edge between two bins. Dashed orange is what two rounding steps make of it: step 1 rounds the corner, step 2 rounds the middle line, counted from the rounded corner. (This is RoI pooling stripped to one corner and one inner edge, so that you can see each step alone.) The histogram collects the total error at every place that you visit.

# %%
from minseg.explore import QuantisationBox

explorer = QuantisationBox(stride=16, first="round", second="round")
explorer.drop(40)  # forty boxes, two axes each
explorer

# %% [markdown]
# Drag the box with mouse or finger, or click it and use the arrow keys (Shift resizes, Alt makes the steps ten times finer).
#
# 1. Press **Drop 500 boxes** twice. Which shape do you see, and where is its middle?
# 2. Set **step 1** to floor and drop again. What has changed, what has not?
# 3. Change the **stride**. Which of the two rows of numbers under the histogram grows?
# 4. Press **Clear**, then drag the box *without resizing it*. Which line of the table never changes, and why?
#
# <details><summary>Answers</summary>
#
# 1. The triangle of the last section, around 0.
# 2. The same triangle has moved by half a feature pixel to the right. Bias changed, spread did not.
# 3. The lower one, in image pixels. The law is one of feature pixels, the damage one of image pixels.
# 4. Step 2. The middle line keeps its distance from the *rounded* corner, and that distance is what is rounded. So one object that moves through a video carries the same second error in each frame.
#
# </details>

# %% [markdown]
# ## The real operator
#
# Now the full rule: two corners, the extra cell, floor and ceiling. Take 50,000 random boxes 14 to 28 cells wide, cut into seven bins, and ask of each bin how far the middle of what is read lies from the middle of what should be (positive: too far to the right).

# %%
from minseg.roi.pool import pool_bins
from minseg.roi.quantisation import round_half_away

x1, w = torch.rand(2, 50_000, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
x1, w = 50 * x1, 14 + 14 * w  # left edges and widths, feature px
begin, end = pool_bins(round_half_away(x1), round_half_away(x1 + w), bins=7, length=100)
middle = x1[:, None] + (torch.arange(7) + 0.5) * w[:, None] / 7
shift = (begin + end) / 2 - middle  # (boxes, bins)

fig, ax = figure(width=640, height=300)
ax.errorbar(range(7), shift.mean(dim=0), shift.std(dim=0), fmt="o", color=POOL_COLOUR, capsize=4)
ax.axhline(0, color=ALIGN_COLOUR, linestyle="--")
ax.set(title="Read too far to the right, never by the same amount")
ax.set(xlabel="bin", ylabel="shift of its middle, feature px", ylim=(-0.3, 1.2))
alt = "Seven dots with error bars. The shift of a bin's middle is about 0.25 for the first two bins, one half in the middle and about 0.75 for the last two; each bar reaches 0.2 to 0.3 to both sides."
bias, spread = shift.mean(dim=0), shift.std(dim=0)
show(
    fig,
    alt=alt,
    facts=f"shift {bias.min():.2f} to {bias.max():.2f}, SD {spread.min():.2f} to {spread.max():.2f} feature px (dots: mean over boxes, bars: SD)",
)

# %% [markdown]
# The dots are biases. On average they lie half a cell to the right, because rule 2 stretches every box by one cell to the right, which moves late bins more than early ones. (The first and the last bin have one edge that is not rounded a second time, and fall out of line.) A network always sees bin 3 as bin 3 and can learn that bin's dot. The bars are the spread, about that of one rounding step: 3 to 5 image pixels at stride 16, for each bin of each box, and no training removes them. (It is less than the 0.41 of two steps, since the middle of a bin averages the errors of two edges, which partly cancel.)
#
# Does the *answer* move too? Not directly. The network's correction of the box is added to the original box, not to the rounded one. But it must work out that correction from cells that lie elsewhere, by an amount that it cannot see. Masks suffer most: their outline has to be right to the pixel.
#
# ## Which objects suffer
#
# A few pixels are nothing to an object of 500. A small one is read together with whatever surrounds it.
#
# **Predict.** Square objects of 32 × 32 image pixels lie anywhere, and are read from a map of stride 16. On average, what percentage of the area that RoI pooling reads is *not* the object's box?

# %%
guess("20.q_background", None)


# %%
def background(side, stride):
    """Percent of the area read that is outside of the box, for 2000 squares anywhere."""
    corner = 200 * torch.rand(2000, 2, generator=torch.Generator().manual_seed(4))
    boxes = torch.cat([corner, corner + side], dim=1)
    read = box_read(boxes, stride)
    shared = torch.minimum(boxes, read)[:, 2:] - torch.maximum(boxes, read)[:, :2]
    return 100 * (1 - shared.prod(dim=1) / (read[:, 2:] - read[:, :2]).prod(dim=1))


share = background(32, stride=16)
reveal("20.q_background", share.mean(), "percent", digits=2)
print(f"from object to object: {share.mean():.0f} ± {share.std():.0f} percent (mean ± SD)")

# %% [markdown]
# By hand: the box is two cells wide, and the + 1 makes it three, 48 pixels. Half of the time the left edge moves right, by 4 pixels on average, so on average 2 of the object's 32 pixels are lost and 30 remain. Both axes together: $1 - (30/48)^2 = 61\,\%$.
#
# Modern detectors defend small objects with a **feature pyramid** (Lin et al., 2017): several maps, where level $k$ has stride $2^k$, from level 2 (stride 4) to level 5 (stride 32). A box of width $w$ and height $h$ is read from level
#
# $$k = \left\lfloor 4 + \log_2 \frac{\sqrt{wh}}{224} \right\rfloor, \quad \text{held between 2 and 5.}$$
#
# (224 is the size of the images on which such networks learn to classify: an object that large reads level 4, stride 16, the map that detectors used before there were pyramids.)
#
# **Exercise (stretch): choose the level.** `boxes` is (N, 4), floating point: x1, y1, x2, y2 in image pixels, with positive width and height; N may be 0. Return (N,) levels, int64.


# %%
def my_fpn_level(boxes):
    """The pyramid level, 2 to 5, that reads each box."""
    raise NotImplementedError


check("20.fpn_level", my_fpn_level)

# %% [markdown]
# `solution("20.fpn_level")` shows the package's code.

# %%
from minseg.boxes import fpn_level

sizes = torch.tensor([16.0, 24, 32, 44, 60, 80, 108, 120, 160, 220, 232, 320, 440, 460, 640])
strides = 2.0 ** fpn_level(torch.stack([0 * sizes, 0 * sizes, sizes, sizes], dim=1))
curves = {
    "one map, stride 16": (POOL_COLOUR, "o-", torch.full_like(sizes, 16)),
    "pyramid, strides 4 to 32": (ALIGN_COLOUR, "s--", strides),
}
fig, ax = figure(width=720, height=320)
for name, (colour, style, steps) in curves.items():
    shares = [background(*pair) for pair in zip(sizes, steps, strict=True)]
    mean, sd = (torch.stack([f(s) for s in shares]) for f in (torch.mean, torch.std))
    ax.plot(sizes, mean, style, color=colour, label=name, markersize=4)
    ax.fill_between(sizes, mean - sd, mean + sd, color=colour, alpha=0.2)
ax.set(title="How much of what RoI pooling reads is not the object", xscale="log")
ax.set(xlabel="side of the object, image px", ylabel="percent of the area read", ylim=(0, 100))
ax.set_xticks([16, 32, 56, 112, 224, 448], labels=[16, 32, 56, 112, 224, 448])
ax.minorticks_off()
ax.legend()
alt = "With one map the share of background falls from 81 percent at 16 pixels to a few at 640. With a pyramid it falls from 40 percent at 16 to 14 at 56 pixels, and stays between about 7 and 14 above."
show(
    fig,
    alt=alt,
    facts=f"at 32 px: one map {background(32, 16).mean():.0f} %, pyramid {background(32, 4).mean():.0f} % (bands: mean ± SD over objects)",
)

# %% [markdown]
# With the pyramid a box of 56 to 896 pixels always spans 14 to 28 cells, so the share stays level: a saw that starts again at each change of level. Below 56 pixels there is no finer map to go to, and the smallest objects still pay most.
#
# <details><summary>For the curious: the same as an overlap of boxes</summary>
#
# The usual measure of how well two boxes agree is their **IoU**, intersection over union: the area that they share, divided by the area that they cover together. Move a square of side $L$ by $\delta$ along both axes. What is shared is a square of side $L - \delta$, so $\mathrm{IoU} = (L-\delta)^2 / (2L^2 - (L-\delta)^2)$. The spread of one step at stride 16, 4.6 pixels, leaves a 32-pixel square an IoU of 0.58 with itself, and one of 320 pixels an IoU of 0.94. The next exercise is about this formula, with two cases that it leaves open.
#
# </details>
#
# **Exercise (stretch): the IoU of a shifted square.** `length` (positive) and `shift` are float64 tensors that broadcast. A shift to the upper left is negative, and the two squares can part altogether: then the IoU is 0.


# %%
def my_shifted_iou(length, shift):
    """IoU of a square of side `length` with itself moved by `shift` along both axes."""
    raise NotImplementedError


check("20.shifted_iou", my_shifted_iou)

# %% [markdown]
# > **In practice.** Nobody chooses RoI pooling for masks today: the default is RoIAlign on a feature pyramid, `torchvision.ops.MultiScaleRoIAlign`, which rounds nothing (unit 21). You still meet rounding in three places. In old checkpoints, which were trained with `torchvision.ops.roi_pool` and must be run with it. In your own code, wherever a box becomes an integer slice, as in `image[:, int(y1):int(y2), int(x1):int(x2)]`. And in exports to other runtimes. The symptom is always the same: large objects look fine, small ones have masks that are off by some pixels, more of them on coarser maps, and a jitter from object to object stays however long you train.
#
# ## Recap
#
# - RoI pooling rounds the corners, counts both ends in, rounds the bins outwards, and takes the maximum. Four cells become five.
# - One step costs a spread of $1/\sqrt{12} = 0.289$ feature pixel, two steps $\sqrt2$ times that; the stride turns it into image pixels.
# - Bias, a constant shift, is learnt away. Spread is not.
# - Small objects suffer: at stride 16 more than half of what is read around a 32-pixel object is something else. A pyramid keeps that share below about 15 % down to 56 pixels; at 32 it is 23 %.
#
# Your predictions beside what was measured, and your exercises:

# %%
progress("20")

# %% [markdown]
# The notes' claims on this: C39 to C41, measured in [92](92_regions_and_mask_rcnn.ipynb).
#
# **Next**, [unit 21](21_roi_pooling_versus_roialign.ipynb): an operator that rounds nothing, beside this one, under your pointer.

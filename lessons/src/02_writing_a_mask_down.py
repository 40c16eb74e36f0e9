# %% [markdown]
# # 02 · Writing a mask down
#
# A mask is a set of pixels. A network cannot predict a set: it predicts numbers. This lesson writes the same masks down in seven ways, reads them again, and measures what comes back, before anything is learnt. No network does better than its representation.
#
# **After this lesson you can**
#
# 1. crop a mask to a grid of cells, and paste it back without moving it;
# 2. say how the error falls with resolution, and refute a logarithm;
# 3. tell when a deconvolution leaves a checkerboard;
# 4. write and read outlines: polygons, Fourier descriptors, B-splines;
# 5. turn a mask into distances, and say what they are good for and what not;
# 6. choose a representation by bytes, accuracy, topology and gradient.
#
# *60 minutes to read, 10 s to run, 530 MiB of memory, no GPU, no downloads. You need lesson 00.*

# %%
import numpy as np
import torch

from minseg.course import check, claim, guess, progress, reveal, show_source
from minseg.draw import draw_grid, draw_image, figure, show
from minseg.draw.masks import draw_errors, draw_laws, draw_level, draw_price, draw_slope
from minseg.experiments import representation_limits as limits
from minseg.experiments.representations import (
    KINDS,
    THINGS,
    parts_and_holes,
    specimen,
    sweep,
    write,
)
from minseg.explore import RepresentationSweep, SplineEditor
from minseg.explore.representation_sweep import exact_bytes
from minseg.masks import deconvolution_overlap, deconvolve, encode_rle, from_grid, grid, to_grid
from minseg.metrics import mask_iou

# %% [markdown]
# ## Five rows of eight
#
# Below is a mask as small as that: forty yes-or-no questions, so 40 bits, five bytes. Most pixels are like their neighbours, and one can write down instead how long each run of equal pixels is: zeros first, then ones, column by column. These are **run lengths**, RLE for short, as COCO stores masks (Lin et al., *Microsoft COCO*, 2014). They lose nothing.

# %%
rows = ["........", "..####..", ".######.", "..###...", "........"]
tiny = torch.tensor([[pixel == "#" for pixel in row] for row in rows])
print("\n".join(rows))
print("run lengths:", *encode_rle(tiny)["counts"])

# %% [markdown]
# Check the first two: down the first column there are 5 zeros, then two more in the second, which makes 7; then a single one.
#
# Files of masks are run lengths. Why does no network predict them? For three reasons, and they are what to look for in everything that follows.
#
# - **Size.** There are as many as the mask needs. A layer of a network has a fixed number of outputs.
# - **Locality.** Change one of them by 1, and every pixel behind it moves.
# - **Gradient.** Training makes many small steps, each in the direction that makes the result slightly better. Run lengths are whole numbers: nothing lies between 7 and 8.
#
# ## A grid in a box
#
# Mask R-CNN (He et al., *Mask R-CNN*, 2017) predicts a box, cuts it into $m \times m$ **cells**, and predicts one number for each. The number to aim at is the share of the cell's area that the mask $M$ covers. A cell and a pixel share a rectangle, width times height, so two small matrices compute all shares at once:
#
# $$G = A_y M A_x^{\mathsf T}, \qquad A_x[k, j] = \frac{|\text{cell } k \cap \text{pixel } j|}{|\text{cell } k|}.$$
#
# One function makes both matrices. It returns $A_x$, one for each box, if `low` and `high` are the boxes' $x_1$ and $x_2$, and `length` is the image's width; $A_y$ for $y_1$, $y_2$ and the height.

# %%
show_source(grid._shares)
coin = specimen("coin")  # (96, 96) bool, cut out of a photograph
coin_box = limits.tight_boxes(coin[None])
fig, axes = figure(columns=3, height=310)
for ax, m in zip(axes, (7, 14, 28), strict=True):
    cells = to_grid(coin[None], coin_box, m)[0]
    draw_image(ax, cells, f"{m} × {m} shares of a coin", limits=(0, 1))
    draw_grid(ax, m, m)
alt = "A coin at three resolutions: white cells inside, grey ones along its outline."
facts = f"at 28 × 28, {((cells > 0) & (cells < 1)).sum()} of {m * m} cells are neither 0 nor 1"
show(fig, alt=alt, facts=facts)

# %% [markdown]
# **Exercise: crop to a grid.** Replace the line that raises. `masks` is (N, H, W) bool, `boxes` is (N, 4): x1, y1, x2, y2, with any fractions; they may reach out of the image, where everything is background. `hint("02.to_grid")` helps, one hint a call, and `solution("02.to_grid")` shows the package's code; both are in `minseg.course`.


# %%
def my_to_grid(masks, boxes, size):
    """(N, size, size) float: the share of each cell that the mask covers."""
    raise NotImplementedError


check("02.to_grid", my_to_grid)

# %% [markdown]
# ## Back to the image
#
# To paste a grid, read it at the centre of each pixel, and call the pixel inside if the value is at least ½. Between the centres of cells, read bilinearly: a weighted mean of the four nearest. Pixel $j$ has its centre at $j + \tfrac12$. If that is a share $u$ of the way across the box, it lies $mu - \tfrac12$ cells to the right of the first cell's centre. Both halves are there for one reason: a number belongs to the *centre* of its pixel or cell.
#
# Leave out the second half, and every mask moves up and to the left by half a cell. In this small picture that is 2.6 pixels, in a photograph more. It is one of the commonest mistakes of the field, and looks like a network that is a little inaccurate.
#
# In all such pictures of this lesson grey pixels are kept, blue ones lost and orange ones added. **IoU**, intersection over union, is what two masks share divided by what they cover together, 1 if they are equal. **Boundary IoU** is the same for two thin bands along the inside of their outlines, and minds small errors there much more ([lesson 07](07_measuring_instances.ipynb)).

# %%
show_source(grid._weights)
shares = to_grid(coin[None], coin_box, 14)
half = (coin_box[:, 2:] - coin_box[:, :2]) / 14 / 2  # half a cell, across and down
backs = [from_grid(shares, box, 96, 96) for box in (coin_box, coin_box - half.repeat(1, 2))]
fig, axes = figure(columns=2, width=640, height=330)
draw_errors(axes[0], coin, backs[0][0], title="14 × 14 shares, pasted")
draw_errors(axes[1], coin, backs[1][0], title="Second half left out")
alt = "Right: the pasted coin lies too far up and to the left, lost pixels blue, added orange."
ious = [mask_iou(coin[None], back).item() for back in backs]
show(fig, alt=alt, facts=f"IoU {ious[0]:.3f}; without the half, {half[0, 0]:.1f} px, {ious[1]:.3f}")

# %% [markdown]
# ## How fine?
#
# Take five smooth masks, about 200 pixels across. Some systems round the shares to 0 or 1 before they train on them; of two well-known libraries, detectron2 does and torchvision does not. So there are two kinds of grid: **binary cells**, pasted as blocks, and **area shares**, pasted bilinearly. Binary cells of $m = 14$ have on average $1 - \mathrm{IoU} = 0.058$.
#
# **Predict.** What is $1 - \mathrm{IoU}$ of binary cells at $m = 28$?

# %%
guess("02.1", None)

# %%
show_source(limits.grid_limits, docstring=False)
blobs, sizes = limits.smooth_masks(5), np.array([7, 14, 28, 56, 112])
binary, binary_edge = limits.grid_limits(blobs, sizes, binary=True)
soft, soft_edge = limits.grid_limits(blobs, sizes, binary=False)
reveal("02.1", binary[2], digits=2)

# %% [markdown]
# About half. The outline of binary cells is wrong by a share of a cell, $L/m$ for a box with sides $L$, all along its length. The wrong area is then length times this width, and
#
# $$1 - \mathrm{IoU} \approx c \cdot \frac{\text{perimeter}}{\text{area}} \cdot \frac{L}{m},$$
#
# where $c$ is a constant below 1. This is a **power law**: each doubling of $m$ halves the error. With both axes logarithmic, it is a straight line. The notes say otherwise: boundary quality is proportional to the *logarithm* of the resolution, so that each doubling *adds* the same amount. That is a straight line if only the axis of $m$ is logarithmic. Fit both to the same five points, and see which is straight.

# %%
exponent, power = limits.fit_power(sizes, binary)
logarithm = limits.fit_logarithm(sizes, binary)
fig, axes = figure(columns=2, height=350)
draw_laws(axes, sizes, binary, soft, power, logarithm)
alt = "The power law runs through all squares; the logarithm misses them and predicts IoU above 1."
show(fig, alt=alt, facts=f"1 - IoU: {binary.round(3).tolist()}, shares {soft.round(3).tolist()}")
left = [np.std(law(sizes) - binary) for law in (power, logarithm)]  # residuals
finer = limits.fit_power(sizes[:4], soft[:4])[0]  # at 112 a cell is less than two pixels
claim(
    "C24",
    measured=f"binary: error ∝ m^{exponent:.2f}. Residuals {left[0]:.4f} for the power law, "
    f"{left[1]:.3f} for the logarithm, which predicts IoU {1 - logarithm(448):.2f} at m = 448. "
    f"Shares: error ∝ m^{finer:.1f}, {binary[2] / soft[2]:.0f} times smaller at m = 28.",
    supports=-1.1 < exponent < -0.85 and left[1] > 5 * left[0] and logarithm(448) < 0,
)
claim(
    "C22",
    measured=f"at m = {', '.join(map(str, sizes))}: IoU {', '.join(f'{1 - e:.3f}' for e in binary)}, "
    f"boundary IoU {', '.join(f'{e:.2f}' for e in binary_edge)}; with shares boundary IoU "
    f"{', '.join(f'{e:.2f}' for e in soft_edge)}.",
    supports=bool((np.diff(binary_edge) > 0.1).all() and 1 - binary[1] > 0.9),
)

# %% [markdown]
# Where might a logarithm have come from? Look at the boundary IoU of binary cells on the second card. Its middle part rises by about the same amount with each doubling, and over two doublings nobody can tell. But anything bounded has to bend in the end, and errors are what should be fitted.
#
# Area shares beat binary cells at every size, at no cost: a network's outputs are fractions anyway. Whoever rounds the *targets* throws accuracy away. (The last blue point falls out of line: at $m = 112$ a cell is smaller than two pixels, and its share tells nearly all of them.)
#
# And what does a finer grid cost? Mask R-CNN's head, the part that draws the masks, is four convolutions of 3 × 3 with 256 channels. Count its multiplications.

# %%
conv, layer = torch.nn.Conv2d(256, 256, 3, padding=1), torch.nn.Linear
cost = [4 * limits.multiplications(conv, 256, m, m) for m in (14, 28, 56)]
dense = [limits.multiplications(layer(64, m * m), 64) for m in (14, 28)]  # and as many weights
claim(
    "C23",
    measured=f"{', '.join(f'{c / 1e6:.0f}' for c in cost)} million multiplications at m = 14, 28, "
    f"56, with the same {4 * sum(p.numel() for p in conv.parameters()) / 1e6:.2f} million "
    f"parameters. A fully connected layer: {dense[1] // dense[0]} times the weights for twice m.",
    supports=cost[1] == 4 * cost[0] and cost[2] == 16 * cost[0] and dense[1] == 4 * dense[0],
)

# %% [markdown]
# ## Twice as fine
#
# To save that cost, Mask R-CNN computes at 14 × 14 and doubles at the very end, by a **deconvolution** (a transposed convolution). Each input pixel *writes* a block of $k \times k$ outputs: its value times $k \times k$ learned weights. Neighbouring blocks begin `stride` pixels apart, and where they overlap, what they write is added.
#
# **Predict.** All inputs are 1 and all weights are 1. With $k = 3$ and stride 2, what is the largest output?

# %%
guess("02.2", None)

# %%
show_source(deconvolve, docstring=False)
writes = {k: deconvolution_overlap(6, k) for k in (2, 3, 4)}  # ones, written with ones
fig, axes = figure(columns=3, height=310)
for ax, (k, count) in zip(axes, writes.items(), strict=True):
    draw_image(ax, count, f"{k} × {k} weights, stride 2", limits=(0, 4), cmap="Blues")
    draw_grid(ax, *count.shape)
alt = "Writes a place: all 1; a checkerboard of 1, 2 and 4; all 4 except along the border."
inner = {k: count[4:8, 4:8].unique().tolist() for k, count in writes.items()}
show(fig, alt=alt, facts=f"writes on a place, away from the border: {inner}")
reveal("02.2", writes[3].max())
spread = {k: count[4:8, 4:8].double().std(correction=0).item() for k, count in writes.items()}
weights = torch.rand(1, 1, 2, 2, generator=torch.Generator().manual_seed(0))
block = deconvolve(torch.ones(1, 1, 3, 3), weights)[0, 0, 2:4, 2:4]
claim(
    "C25",
    measured=f"spread over the four places of a block, from a constant input: {spread[2]:.0f}, "
    f"{spread[3]:.2f} and {spread[4]:.0f} for k = 2, 3, 4. With four random weights, k = 2 gives "
    f"{', '.join(f'{v:.2f}' for v in block.flatten())}: the weights themselves.",
    supports=spread[2] == spread[4] == 0 < spread[3] and torch.equal(block, weights[0, 0]),
)

# %% [markdown]
# A *constant* input comes out as a checkerboard when 2 does not divide $k$, since some places are written on four times and others once. Training can correct it, but has to. Mask R-CNN's 2 × 2 kernel has no overlap at all; only if its four weights differ does a pattern appear.
#
# ## Outlines
#
# A grid spends most of its numbers where nothing happens, deep inside and far outside. An outline spends them where the mask changes. The simplest one is a **polygon**, corners $(x_i, y_i)$ in order, joined by straight sides. Back to pixels, each pixel's centre asks: does a ray from me to the left cross the outline an odd number of times? Then it is inside. This is the **even-odd rule**. A side from $(x_1, y_1)$ down to $(x_2, y_2)$ meets the row of centres at height $y$ at
#
# $$x_1 + (y - y_1)\, \frac{x_2 - x_1}{y_2 - y_1}, \qquad \text{if } y_1 \le y < y_2,$$
#
# and there the centres at or to the right of that place switch between outside and inside.
#
# The other way, `to_polygons` finds the outline with several corners for each pixel that it passes. Douglas and Peucker (1973) start from two of them and ask which corner lies farthest from the straight line between the two. If it is farther away than `tolerance`, it stays, and cuts the way in two, to be treated alike. All others go. So the outline moves by no more than `tolerance` pixels: you choose the error, and get the number of corners.

# %%
from minseg.masks import from_polygons, largest_ring, polygon, to_polygons

show_source(polygon._keep)

# %% [markdown]
# `todo` holds the stretches that are still to be judged, by the numbers of their two ends. The first one leads from a corner all around to itself, and is always cut. Here are two tolerances for the coin, and one for a mask of straight sides and for one with a hole.

# %%
tries = [("coin", 4), ("coin", 1), ("star", 1), ("ring", 1)]
kept = [write(specimen(thing), "polygon", tolerance) for thing, tolerance in tries]
fig, axes = figure(columns=4, height=250)
for ax, (thing, px), one in zip(axes, tries, kept, strict=True):
    title = f"{thing}, {px} px: {len(one.marks)} corners"
    draw_errors(ax, specimen(thing), one.mask, one.outline, one.marks, title)
alt = "A coin of 8 and of 35 corners, a star of 11, a ring whose two outlines a line joins."
show(fig, alt=alt, facts=f"IoU {', '.join(f'{one.iou:.3f}' for one in kept)}")
ring = specimen("ring")
outer = from_polygons([largest_ring(to_polygons(ring))], 96, 96)
exact = sum(write(specimen(thing), "polygon", 0).iou == 1 for thing in THINGS)
claim(
    "C26",
    measured=f"with every corner {exact} of {len(THINGS)} masks come back exactly. At 1 px the "
    f"coin needs {len(kept[1].marks)} corners, the star {len(kept[2].marks)}. The ring's outer "
    f"outline alone: IoU {mask_iou(ring[None], outer[None]).item():.2f}, and no hole.",
    supports=exact == len(THINGS) and parts_and_holes(outer) == (1, 0) and kept[1].iou > 0.98,
)

# %% [markdown]
# The line across the ring is a **bridge**: the outline walks along it to the hole, around the hole, and back, and a ray that crosses it crosses it twice, which counts for nothing. The **topology** of a mask, how many parts and how many holes it has, is what one plain outline cannot express: it always has one part and no hole. Masks of several parts are *lists* of polygons in COCO's files.
#
# **Exercise: fill polygons** by the even-odd rule; several polygons are united. A centre exactly on a left or top side is inside, on a right or bottom side outside.


# %%
def my_from_polygons(polygons, height, width):
    """(height, width) bool: the pixels whose centre lies in one of the (n, 2) polygons x, y."""
    raise NotImplementedError


check("02.from_polygons", my_from_polygons)

# %% [markdown]
# ## A sum of circles
#
# Walk along the outline once, at constant speed. Where you are at time $t$, from 0 to 1, is $r(t) = (x(t), y(t))$, a **parametric curve**; it is closed, $r(1) = r(0)$. Constant speed is a choice, and needs care: the corners of a polygon are far apart along a straight side. `resample` puts points at equal steps of **arclength**, the way walked.

# %%
from minseg.masks import fit_bspline, fourier_descriptor, resample

corners = to_polygons(specimen("star"), tolerance=1)[0]
even = resample(corners, 500)
sides, steps = ((p.roll(-1, 0) - p).norm(dim=1) for p in (corners, even))  # the last one closes
same = (steps > 0.99 * steps.max()).double().mean()
claim(
    "C27",
    measured=f"the star's {len(corners)} sides are {sides.min():.0f} to {sides.max():.0f} px long. "
    f"500 points by arclength: {same:.0%} of the steps are equal, the one from the last point to "
    f"the first included; the others cut a corner.",
    supports=bool(same > 0.95 and steps[-1] > 0.99 * steps.max() and sides.max() > 5 * sides.min()),
)

# %% [markdown]
# Now write $N$ such points as complex numbers, $z_n = x_n + iy_n$. Any closed curve is a sum of circles, of which the $k$-th turns $k$ times while you walk once, backwards if $k$ is negative:
#
# $$c_k = \frac1N \sum_{n=0}^{N-1} z_n\, e^{-2\pi i k n / N}, \qquad z(t) \approx \sum_{k=-K}^{K} c_k\, e^{2\pi i k t}.$$
#
# The $c_k$ are **Fourier descriptors**; `descriptor` holds all $2K + 1$ of them, and $K$ is the number of **harmonics** kept. $c_0$ is the place of the shape, $|c_1|$ its size, the others add ever finer detail. A disc needs one harmonic, and a smooth curve few. At corners, no finite number is enough: a square with sides of 100 pixels is off by 7.0 pixels at worst with $K = 4$.
#
# **Predict.** By how many pixels is it off at worst with $K = 8$?

# %%
guess("02.3", None)

# %%
show_source(fourier_descriptor, docstring=False)
smooth, square = limits.smooth_curve(), limits.square_curve()
off = [limits.fourier_error(square, K) for K in (4, 8, 16, 32)]
reveal("02.3", off[1], "px", digits=2)
for thing in THINGS:
    ious = [write(specimen(thing), "Fourier", K).iou for K in (1, 4, 16, 64)]
    print(f"{thing:10} K = 1, 4, 16, 64: IoU", *(f"{iou:.2f}" for iou in ious))
last = [limits.fourier_error(smooth, K) for K in (5, 6)]
claim(
    "C28",
    measured=f"a smooth curve of 6 harmonics is off by {last[0]:.1f} px with K = 5, by {last[1]:.0f} "
    f"with 6. The square: {', '.join(f'{e:.1f}' for e in off)} px with K = 4, 8, 16, 32.",
    supports=last[1] < 1e-9 and all(abs(off[k] / off[k + 1] - 2) < 0.05 for k in range(3)),
)

# %% [markdown]
# Halved again: at corners the error is of the order $1/K$. The star, all corners, needs many harmonics. The ring and the two parts stop at IoU 0.70 and 0.65, whatever $K$ is: the hole is filled, the smaller part is lost. That is topology, and no budget helps.
#
# **Exercise: turn the circles.** From $c_{-K} \dots c_K$ make $N$ = `samples` points x, y, at $t = 0, \tfrac1N, \tfrac2N$ and so on.


# %%
def my_from_fourier(descriptor, samples):
    """(samples, 2) float: the outline of (2K + 1,) complex coefficients, ordered from -K to K."""
    raise NotImplementedError


check("02.from_fourier", my_from_fourier)

# %% [markdown]
# ## A curve in your hands
#
# Change one $c_k$, and the whole outline moves. A **B-spline** is local. It has **control points** $P_0, P_1, \dots$, as many segments as control points, and each segment $s$ is a weighted mean of four neighbours (after the last point comes the first again), with $t$ from 0 to 1 along the segment:
#
# $$r(t) = \sum_{a=0}^{3} B_a(t)\, P_{s+a-1}, \qquad B = \tfrac16 \left[(1-t)^3,\ 3t^3 - 6t^2 + 4,\ -3t^3 + 3t^2 + 3t + 1,\ t^3\right].$$
#
# The four weights sum to 1 (`bspline_basis` in the package), and they are chosen such that slope and curvature agree where two segments meet. The curve passes *near* its control points. Since it is linear in them, `fit_bspline` finds the best ones at once, by least squares.

# %%
SplineEditor(thing="star")

# %% [markdown]
# Drag the points, or focus one: arrow keys move it, Alt makes the steps finer, Delete removes it, + adds one behind it. Try:
#
# 1. **Press Fit.** With eight points the five tips cannot all be reached. Add two points, and fit again.
# 2. **Move one point.** Which part of the curve follows? Four segments, no more.
# 3. **Beat the fit.** It minimises distances between points of two curves, not IoU. Pull the points at the tips further out, and watch the number.
# 4. **Make a corner.** Put three points in one place: the curve passes through, with a kink.
# 5. **Choose the ring.** The fit reaches 0.70. One curve can do far better, if it does what the bridge did.

# %%
show_source(fit_bspline, docstring=False)
rounding = {}
for name, curve in (("smooth", smooth), ("square", square)):
    rounding[name] = [limits.bspline_error(curve, n) for n in (6, 12, 24, 48)]
    print(f"{name}: off by", *(f"{e:.2g}" for e in rounding[name]), "px with 6, 12, 24, 48 points")
ratio = {name: errors[2] / errors[3] for name, errors in rounding.items()}
coins = [write(coin, "B-spline", n).iou for n in (6, 12, 24)]
claim(
    "C29",
    measured=f"the coin with 6, 12, 24 control points: IoU {', '.join(f'{v:.3f}' for v in coins)}. "
    f"From 24 to 48 the error becomes {ratio['smooth']:.0f} times smaller on a smooth curve, "
    f"{ratio['square']:.0f} times at corners.",
    supports=coins == sorted(coins) and ratio["smooth"] > 12 and abs(ratio["square"] - 2) < 0.1,
)

# %% [markdown]
# ## A landscape
#
# The last idea keeps the grid and changes what is written in it. Not *is this inside?* but *how far is it to the outline?*, positive inside and negative outside: a **signed distance function**, SDF. For a pixel let $\delta$ be the distance from its centre to the nearest centre of the other kind. The outline runs between the two, so half a pixel is taken off:
#
# $$d = \begin{cases} +(\delta - \tfrac12) & \text{inside} \\ -(\delta - \tfrac12) & \text{outside} \end{cases}$$
#
# No pixel is ever 0, and the mask is $d > 0$. Much of the literature has the other sign, minus inside: ask before you use somebody's distances.
#
# The slope of such a landscape is 1: a step of one pixel towards the outline is one pixel less. Is it, everywhere?

# %%
from minseg.masks import chan_vese, from_signed_distance, signed_distance

fig, axes = figure(columns=3, height=310)
for ax, thing in zip(axes, ("star", "two parts", "ring"), strict=True):
    draw_slope(ax, specimen(thing), f"{thing}: slope of its distance")
alt = "White, slope 1, but for dark lines: spines of the star, between the parts, a circle in the ring."
slope = torch.hypot(*torch.gradient(signed_distance(ring)))
show(fig, alt=alt, facts=f"the ring: median slope {slope.median():.2f}")

# %%
print("distances in the middle row of the first mask:", signed_distance(tiny)[2].numpy().round(1))
masks = torch.stack([specimen(thing) for thing in THINGS])
distances = signed_distance(masks)
claim(
    "C33",
    measured=f"d > 0 gives {(distances > 0).eq(masks).flatten(1).all(1).sum()} of 5 masks back; with "
    f"the other sign IoU is {mask_iou(masks, from_signed_distance(-distances)).diagonal().max():.0f}. "
    f"The smallest |d| is {distances.abs().min():.1f} px.",
    supports=torch.equal(from_signed_distance(distances), masks),
)
radius = (torch.cartesian_prod(*[torch.arange(96) - 47.5] * 2)).norm(dim=1).view(96, 96)
crease = radius[(slope < 0.9) & (distances[THINGS.index("ring")] > 3)]
middle = (radius[ring].min() + radius[ring].max()) / 2
claim(
    "C34",
    measured=f"the slope of the ring's distance falls from {slope.median():.2f} to "
    f"{slope[signed_distance(ring) > 3].min():.2f} at radii of {crease.min():.1f} to "
    f"{crease.max():.1f} px; half-way between its two outlines is {middle:.1f}.",
    supports=bool(abs(crease.mean() - middle) < 0.2 and (crease - middle).abs().max() < 1),
)

# %% [markdown]
# The dark lines are the **medial axis**, the places that have two nearest pieces of outline. The landscape has a crease there, and no gradient.
#
# **Exercise: signed distances** of masks (..., H, W). An empty mask is −∞ everywhere, a full one +∞; the image's frame is no outline. Any way that is right will do, however slow.


# %%
def my_signed_distance(masks):
    """(..., H, W) float: how far each pixel is from the outline, positive inside."""
    raise NotImplementedError


check("02.signed_distance", my_signed_distance)

# %% [markdown]
# What are distances good for? Make the five smooth masks eight times smaller, to a grid of 32 × 32, and large again. If one samples the masks themselves, the IoU is 0.974.
#
# **Predict.** And if one samples their distances in the same way?

# %%
guess("02.4", None)

# %%
d = signed_distance(blobs)
shrunk = {"mask": limits.shrunk_iou(blobs, blobs.float(), 0.5)}
shrunk["shares"] = limits.shrunk_iou(blobs, blobs.float(), 0.5, area=True)
for name, cut in (("distance", 999), ("cut at 8", 8), ("cut at 4", 4), ("cut at 2", 2)):
    shrunk[name] = limits.shrunk_iou(blobs, d.clamp(-cut, cut), 0)
reveal("02.4", shrunk["distance"])
print({name: round(iou, 3) for name, iou in shrunk.items()})
answer = torch.zeros_like(d, requires_grad=True)
(answer - d).abs().sum().backward()  # the loss of the notes
pull, band = answer.grad.abs(), d.abs() < 2
claim(
    "C35",
    measured=f"8 times smaller: IoU {shrunk['mask']:.3f} as a mask, {shrunk['distance']:.3f} as "
    f"distances, {shrunk['cut at 2']:.3f} if cut off at 2 px. L1's gradient has size "
    f"{pull.max():.0f} at every pixel: the 2 px along the outline, {band.double().mean():.1%} of "
    f"the image, get {pull[band].sum() / pull.sum():.1%} of it.",
    supports=shrunk["distance"] > shrunk["shares"] > shrunk["cut at 2"] > shrunk["mask"]
    and bool((pull == 1).all()),
)

# %% [markdown]
# A sampled mask knows that the outline passes between two samples; a distance knows *where*. Area shares know it too, and come close. If distances are cut off at 2 pixels, well within a coarse cell of 8, most of the knowledge is gone again. (Corners and thin parts are another matter, as the star will show.)
#
# The notes also promise a regular boundary from an L1 loss, the sum of all absolute differences. Its gradient has the same size everywhere, so most of it goes to pixels that are far from any outline. Lesson 03 is about losses that do look at the outline.
#
# Landscapes have one more gift. Their zero level may divide, or merge, with nobody cutting it. **Level set** methods use that. Chan and Vese (*Active contours without edges*, 2001) start from any $\varphi$ and move it, time step by time step:
#
# $$\varphi_t = \delta_\varepsilon(\varphi) \left[ \mu\, \mathrm{div}\frac{\nabla \varphi}{\|\nabla \varphi\|} - \nu - \lambda_1 (I - c_1)^2 + \lambda_2 (I - c_2)^2 \right].$$
#
# $I$ is the image, $c_1$ its mean inside, $c_2$ its mean outside; the other letters are arguments of `chan_vese`. A pixel near the outline joins the side whose mean it resembles, and the first term, weighted by $\mu$, keeps the outline short. $\delta_\varepsilon$ lets only the neighbourhood of the outline move.

# %%
y, x = (torch.arange(length) + 0.5 for length in (64, 96))
r1, r2, r3 = ((x - c).square() + (y[:, None] - 32).square() for c in (30, 66, 48))
two = (r1 < 15**2) | (r2 < 13**2)  # two discs, and a seed between them
noise = torch.randn(64, 96, generator=torch.Generator().manual_seed(0))
image = 0.2 + 0.6 * two + 0.1 * noise
phis = {steps: chan_vese(image, r3 < 10**2, steps=steps) for steps in (0, 20, 40, 120)}
fig, axes = figure(columns=4, height=175)
for ax, (steps, phi) in zip(axes, phis.items(), strict=True):
    draw_image(ax, image, f"{steps} steps", limits=(0, 1))
    draw_level(ax, phi)
alt = "An outline between two noisy discs grows over both, is pinched in the middle, and parts."
parts = [parts_and_holes(phi > 0)[0] for phi in phis.values()]
found = mask_iou(two[None], (phis[120] > 0)[None]).item()
show(fig, alt=alt, facts=f"parts: {parts}; IoU at the end {found:.2f}")
claim(
    "C37",
    measured=f"one seed, {parts} parts after {list(phis)} steps, IoU {found:.2f}.",
    supports=parts == sorted(parts) and parts[0] == 1 and parts[-1] == 2 and found > 0.98,
)

# %% [markdown]
# ## All seven, side by side
#
# Now everything on one budget. Count 4 bytes for a coordinate (a circle's $c_k$ has two), 1 for an area share or a distance, 1 bit for a binary cell, 16 bytes for a box; distances are kept for the whole image and need none.

# %%
fig, axes = figure(columns=3, height=400)
for ax, thing in zip(axes, ("star", "coin", "ring"), strict=True):
    draw_price(ax, {kind: sweep(thing, kind) for kind in KINDS}, exact_bytes(thing), title=thing)
    ax.set(yscale="logit", ylim=(0.4, 0.9996), xlim=(8, 4000))
    ax.set_yticks(ticks := [0.5, 0.7, 0.9, 0.97, 0.99, 0.999], labels=ticks)
    ax.minorticks_off()
fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=4)
alt = "IoU over bytes: polygons lead on the star, curves on the coin; on the ring curves end at 0.7"
show(fig, alt=alt, facts=f"run lengths of the five: {[exact_bytes(t) for t in THINGS]} bytes")
print("bytes for IoU 0.95    ", *(f"{thing:>9}" for thing in THINGS))
for kind in KINDS:
    enough = [[one.size for one in sweep(thing, kind) if one.iou >= 0.95] for thing in THINGS]
    print(f"{kind:22}", *(f"{sizes[0] if sizes else 'never':>9}" for sizes in enough))

# %% [markdown]
# (The axis of IoU is stretched towards 1, which lies infinitely far up: points with IoU 1 are missing.) There is no winner, there are reasons. The star is made of straight sides: ten corners are nearly all there is to say. The coin is round and smooth: a handful of circles or control points. The ring and the two parts have a topology that single curves cannot write, and that grids of any kind write without noticing; on the ring distances do best, for its outlines are smooth and far apart. Run lengths, the dotted line, are exact for 150 to 310 bytes, which is why *files* use them.
#
# Bytes are not all. A network must be able to *learn* the numbers. Raise one of them by 1: how much of the mask, or of its outline, moves?

# %%
show_source(limits.reach)
for numbers, share in limits.reaches(coin).items():
    where = "image" if numbers.startswith("14") else "outline"
    print(f"one of {numbers:24} moves {share:4.0%} of the {where}")

# %% [markdown]
# | representation | numbers | one number moves | gradient with respect to it | topology |
# |---|---|---|---|---|
# | run lengths | as many as needed | all behind it | none: whole numbers | any |
# | binary cells | $m^2$ | its cell | none for a bit; trained as a probability | any |
# | area shares | $m^2$ | about four cells | yes: pasting is linear in them | any |
# | distances | $m^2$ | about four cells | yes: reading between them is linear | any |
# | polygon | two a corner | two sides | yes: a side is linear in its two corners | a list; holes by bridges |
# | Fourier | $4K + 2$ | everything | yes: the curve is linear in them | one part, no hole |
# | B-spline | two a point | four segments | yes: the curve is linear in them | one part, no hole |
#
# One caution holds for all outlines. The *curve* has a gradient; the pixels inside of it do not, as a pixel is in or out, and IoU moves in jumps. So such networks are trained on distances between points, or on a blurred mask. Published results agree with the whole picture: in one table PolarMask, which predicts an outline by 36 rays, reaches an average precision (lesson 07) of 32.1 and Mask R-CNN one of 35.7, with the same network for features (Wang et al., *SOLOv2*, 2020, table 1).

# %%
RepresentationSweep(thing="ring", kind="grid of shares", step=6)

# %% [markdown]
# Choose a mask and a way to write it, and move the budget (or click a point of the curve). The circle is where you are; the dashed line, which the still picture leaves out, is boundary IoU.
#
# 1. **Ring, Fourier.** Move the budget to its end. IoU stays at 0.70 and boundary IoU at 0.62. Which of the two outlines earns the second?
# 2. **Ring, polygon.** The hole is there at every budget: the bridge. What does it cost? Compare the bytes for IoU 0.95 with those of the *disc*.
# 3. **Star, polygon**, then **star, grid of distances.** What happens to the tips? Distances round corners off, as their level is read between coarse samples.
# 4. **Disc, binary grid**, and compare IoU with boundary IoU. Then change to *grid of shares*: a byte for each cell instead of a bit. Is it worth it at equal bytes?
# 5. **Two parts, grid of shares.** Go from 5 × 5 to 8 × 8 cells, one step at a time. The parts divide, grow together and divide again: where a cell falls matters as much as its size.
#
# ## Recap
#
# You can now
#
# 1. **crop and paste**: area shares of cells, read bilinearly at pixel centres, with both halves;
# 2. **refute the logarithm**: the error of a grid is a power law, halved by each doubling of $m$, while the cost grows four times; shares are about five times better than binary cells;
# 3. **predict checkerboards**: where the stride does not divide the kernel;
# 4. **write outlines**: polygons by tolerance, circles whose error at corners is $1/K$, control points that act locally; one curve, one part, no hole;
# 5. **use distances**: sub-pixel outlines that survive coarse grids and may divide; with a crease on the medial axis, and no special care for the boundary;
# 6. **choose**: by bytes, best reachable IoU and boundary IoU, topology and gradient, *before* training.
#
# Your predictions beside what was measured, and your exercises:

# %%
progress("02")

# %% [markdown]
# **Reading on.** He et al., *Mask R-CNN*, 2017, section 3, for the grid; Odena et al., *Deconvolution and Checkerboard Artifacts*, 2016; Kirillov et al., *PointRend*, 2020, for grids that are fine only where it matters; Xie et al., *PolarMask*, 2020, for outlines; Osher and Fedkiw, *Level Set Methods*, 2003, chapters 1 and 2, for distances. In the package: `minseg/masks`, one representation a file.
#
# **Next**, lesson 03 asks what to minimise: losses that see masks, outlines and distances.
#
# > **When it does not work**
# >
# > - *Your masks come back moved by half a cell or half a pixel*: somebody left out a half. Centres lie at $j + \tfrac12$.
# > - *A mask comes back inside out*: a distance with the other sign, or an outline of a mask that is itself inverted.
# > - *`from_polygons` differs from pycocotools by a rim of pixels*: the official tool rounds outlines to whole pixels first. To evaluate, use its masks (`load_coco` does).
# > - *A widget shows as a still picture*: run its cell again, or reload the page; `python -m minseg doctor` says what is missing.

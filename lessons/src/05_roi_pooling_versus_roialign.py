# %% [markdown]
# # 05 · RoI pooling versus RoIAlign
#
# A box comes in any size and at any place; the network that looks into it wants a small grid of numbers, always of the same size. Two operators make one from the other: RoI pooling, which rounds, and RoIAlign, which does not. This lesson takes both apart until you can do either by hand.
#
# **After this lesson you can**
#
# 1. work out which pixels RoI pooling reads for a box, and what it cuts off or takes in;
# 2. read a feature map between its pixels, and say where the gradient of that reading can die;
# 3. compute RoIAlign by hand, as a loop, and as a weighted bag of pixels;
# 4. say what RoIAlign makes exact, and what it cannot mend;
# 5. name six conventions that change its numbers, and recognise each when two programs disagree.
#
# *50 minutes to read, 7 s to run, 400 MiB of memory, no GPU, no downloads. You need lesson 00; lesson 04 helps.*

# %%
import torch
import torch.nn.functional as F
from ipywidgets import ToggleButtons, VBox

from minseg.course import check, claim, guess, progress, reveal, show_source
from minseg.data import coins_truth, photo
from minseg.draw import ALIGN_COLOUR, POOL_COLOUR, draw_boxes, draw_grid, draw_image, figure, show
from minseg.explore import RoIExplorer
from minseg.explore.base.widget import Still
from minseg.explore.roi_explorer.numbers import feature_map
from minseg.roi import bilinear_sample, quantise_box, roi_align, roi_average, roi_pool
from minseg.roi.align import axis_taps, roi_align_loop, sample_positions
from minseg.roi.pool import roi_pool_loop

# %% [markdown]
# ## A map you can hold
#
# A network turns an image into a **feature map**, a grid coarser than the image by the **stride** $s$: one feature pixel covers $s \times s$ image pixels. A detector then studies **regions of interest** (RoIs), boxes that may hold an object. For each it wants, say, 7 × 7 numbers, because the layers that follow have weights for exactly that many. So the box is cut into a fixed number of **bins**, and each bin gives one number.
#
# Real feature maps hold hundreds of numbers a pixel, their **channels**, and every channel is treated alike. Here is one of 6 × 8 pixels with a single channel and stride 16, and a box in image pixels. We want 2 × 2 bins.

# %%
numbers = [
    [0, 0, 0, 0, 0, 0, 0, 0],
    [0, 0, 2, 3, 2, 1, 0, 0],
    [0, 1, 5, 8, 7, 3, 1, 0],
    [0, 2, 6, 9, 8, 4, 1, 0],
    [0, 1, 3, 5, 4, 2, 0, 0],
    [0, 0, 1, 1, 1, 0, 0, 0],
]
tiny = torch.tensor(numbers).float()[None, None]  # (1, 1, 6, 8): images, channels, rows, columns
box = torch.tensor([28.0, 20.0, 92.0, 84.0])  # x1, y1, x2, y2 in image pixels
roi = F.pad(box, (1, 0))[None]  # (1, 5): which image of the batch comes first
(box / 16).tolist()

# %% [markdown]
# In feature pixels the box runs from 1.75 to 5.75 and from 1.25 to 5.25: exactly 4 × 4 pixels large, but it begins and ends *between* pixels. What are "the features inside this box", when its left edge cuts column 1 into a quarter and three quarters?
#
# ## RoI pooling: move the box to the grid
#
# RoI pooling (Girshick, *Fast R-CNN*, 2015, section 2.1) answers: whole pixels only. It rounds the corners to the nearest whole number and counts both ends in.

# %%
snapped = quantise_box(box / 16, "round")  # whole feature pixels, ends inclusive
reads = snapped + torch.tensor([0.0, 0, 1, 1])  # the last pixel ends one further
fig, ax = figure(width=560, height=380)
draw_image(ax, tiny[0, 0], "RoI pooling reads the dashed box instead of the solid one")
draw_grid(ax, 6, 8)
draw_boxes(ax, box / 16, colour=ALIGN_COLOUR, width=3)
draw_boxes(ax, reads, colour=POOL_COLOUR, linestyle="--", width=3)
for i, j in torch.cartesian_prod(torch.arange(6), torch.arange(8)).tolist():
    ink = "black" if tiny[0, 0, i, j] > 5 else "white"
    ax.text(j + 0.5, i + 0.5, f"{tiny[0, 0, i, j]:.0f}", color=ink, ha="center", va="center")
alt = "A 6 by 8 grid of numbers, 0 to 9, with a box of 4 by 4 and the rounded box of 5 by 5 pixels."
pooled = roi_pool(tiny, roi, 2, 1 / 16)[0, 0].int().tolist()
show(fig, alt=alt, facts=f"read over {reads.int().tolist()}, RoI pooling gives {pooled}")

# %% [markdown]
# Check it by hand. Columns 2 to 6 are five pixels, and two bins of 2.5 do not fit the grid. So the second rounding: bin $q$ of $Q$ goes from $\lfloor q\,w/Q \rfloor$ to $\lceil (q+1)\,w/Q \rceil$, here columns 2-4 and 4-6, and rows 1-3 and 3-5. Both bins read the middle row. The 9 lies in it, and so the upper and the lower output are the same 9: **bins overlap**, and each gives its **maximum**. With more bins than pixels some would repeat, and beyond the map a bin can be **empty**, which gives 0.
#
# The definition, as the package has it. `rows`, `columns` are the bins; `spatial_scale` is $1/s$.

# %%
show_source(roi_pool_loop, docstring=False)

# %% [markdown]
# Nobody runs three nested loops on a real map. The package's `roi_pool` does the same with one call of PyTorch's `embedding_bag`, and a loop that one can read is what keeps it honest:

# %%
generator = torch.Generator().manual_seed(5)
maps = torch.randn(2, 3, 12, 15, generator=generator)
corner = torch.rand(20, 2, generator=generator) * 200 - 20  # some boxes leave the map
boxes = torch.cat([corner, corner + 90 * torch.rand(20, 2, generator=generator)], dim=1)
rois = torch.cat([torch.arange(20.0)[:, None] % 2, boxes], dim=1)  # in two images by turns
assert torch.equal(roi_pool(maps, rois, 3, 1 / 16), roi_pool_loop(maps, rois, 3, 1 / 16))

# %% [markdown]
# ## A real coin
#
# The photograph of Greek coins comes with masks, so we know each coin's true box. Our feature map is the simplest there is, the mean brightness of each cell of 16 × 16 pixels. Coin 10, the fourth of the second row, as RoI pooling sees it:

# %%
coins, truth, stride = photo("coins"), coins_truth(), 16
coin, coin_box = truth.masks[9], truth.boxes[9]
features = feature_map(coins, stride)  # (1, 1, 19, 24)
x1, y1, x2, y2 = quantise_box(coin_box / stride, "round").mul(stride).int().tolist()
x2, y2 = x2 + stride, y2 + stride  # the inclusive end
cut = 1 - coin[y1:y2, x1:x2].sum() / coin.sum()
fig, ax = figure(width=560, height=380)
draw_image(ax, coins, "The coin's box (solid), and what RoI pooling reads")
draw_grid(ax, 303, 384, stride)
draw_boxes(ax, coin_box, colour=ALIGN_COLOUR)
draw_boxes(ax, torch.tensor([x1, y1, x2, y2]), colour=POOL_COLOUR, linestyle="--")
ax.set(xlim=(140, 285), ylim=(180, 80))
larger = (x2 - x1) * (y2 - y1) / (coin_box[2:] - coin_box[:2]).prod()
alt = "A coin in its box; the rounded box lies to the lower right, off the coin's left and top."
show(fig, alt=alt, facts=f"{100 * cut:.0f} % of the coin cut off, {larger:.2f} times the area read")

# %% [markdown]
# Nearly a quarter of the coin is outside of what is read, in exchange for background. A mask predicted from these features has to guess the coin's left rim.
#
# **Predict.** Slide the coin's box to the right, one image pixel at a time, over one whole cell: 16 places. How many *different* answers does RoI pooling give?

# %%
guess("05.1", None)

# %%
shift = torch.arange(16.0)
slid = F.pad(coin_box + shift[:, None] * torch.tensor([1.0, 0, 1, 0]), (1, 0))  # (16, 5)
stairs = roi_pool(features, slid, 3, 1 / stride)[:, 0]  # (16, 3, 3)
line = roi_align(features, slid, 3, 1 / stride, 2, True)[:, 0]
fig, ax = figure(width=640, height=300)
ax.step(shift, stairs.mean(dim=(1, 2)), where="mid", color=POOL_COLOUR, label="RoI pooling")
ax.plot(shift, line.mean(dim=(1, 2)), "o-", markersize=4, color=ALIGN_COLOUR, label="RoIAlign")
ax.set(title="A staircase against a line", ylabel="mean output", xlabel="box moved by, image px")
ax.legend()
alt = "RoI pooling's mean stays level and jumps twice; RoIAlign's changes a little at each step."
show(fig, alt=alt, facts=f"RoIAlign: {len(line.unique(dim=0))} different answers in 16 places")
reveal("05.1", len(stairs.unique(dim=0)), "answers")

# %% [markdown]
# Every place between two jumps looks the same to the network. No later layer can tell them apart.
#
# **Exercise: the bins of one axis.** `first` and `last` are (K,) rounded ends, both inside; `length` is the map's size. Return two (K, bins) int64 tensors. `hint("05.pool_bins")` helps, and `solution` shows the package's code; both are in `minseg.course`.


# %%
def my_pool_bins(first, last, bins, length):
    """(begin, end): bin q of each box holds the pixels begin … end - 1, within 0 … length."""
    ...


check("05.pool_bins", my_pool_bins)

# %% [markdown]
# ## Reading between pixels
#
# RoIAlign starts from another idea: a feature map is a **surface** known at a grid of points, and it can be read at any other point. **Bilinear interpolation** mixes the four pixels around a point, each weighted by how near it is. From here on $x$ and $y$ are *index* coordinates: pixel $(i, j)$ sits at $x = j$, $y = i$.
#
# $$f(x, y) = (1-b)\big[(1-a)\,F_{i,j} + a\,F_{i,j+1}\big] + b\,\big[(1-a)\,F_{i+1,j} + a\,F_{i+1,j+1}\big], \qquad a = x - j,\; b = y - i,$$
#
# with $j = \lfloor x \rfloor$ and $i = \lfloor y \rfloor$. Read `tiny` at $(2.25, 1.5)$. The neighbours are 2 and 3 above, 5 and 8 below; $a = 0.25$, $b = 0.5$. Above, $0.75 \cdot 2 + 0.25 \cdot 3 = 2.25$. Below, $0.75 \cdot 5 + 0.25 \cdot 8 = 5.75$. Half of each:

# %%
print(bilinear_sample(tiny[0], x=torch.tensor([2.25]), y=torch.tensor([1.5])).item())
show_source(bilinear_sample, docstring=False)

# %%
x, y = ((torch.arange(n) + 0.5) / 20 - 0.5 for n in (160, 120))  # twenty readings a pixel
surface = bilinear_sample(tiny[0], x.repeat(120), y.repeat_interleave(160)).view(120, 160)
fig, axes = figure(columns=2, height=320)
draw_image(axes[0], tiny[0, 0], "What is stored: 48 numbers")
draw_image(axes[1], surface, "What can be read: a surface")
show(fig, alt="Grey squares, then the same values as a hill.", facts=f"{surface.numel()} readings")

# %% [markdown]
# In `neighbours` the right pixel is `low + 1`, held inside the map. The notes take $\lceil x \rceil$, the next higher whole number, instead. At a fraction that is the same pixel. At a whole number it is not: $\lfloor 2 \rfloor = \lceil 2 \rceil = 2$. The value survives, for the weight of the second pixel is 0 there anyway.
#
# **Predict.** One axis, $F_k = k^2$, so 0, 1, 4, 9, 16. Read at $x = 2$ with floor and ceiling. The value is 4. What is the derivative $df/dx$? (The segment from 2 to 3 rises from 4 to 9.)

# %%
guess("05.2", None)


# %%
def with_ceil(squares, x):
    low, high = x.detach().floor().long(), x.detach().ceil().long()
    return (1 - (x - low)) * squares[low] + (x - low) * squares[high]


def value_and_slope(read, at):
    x = torch.tensor([at], requires_grad=True)
    value = read(x).sum()
    return value.item(), torch.autograd.grad(value, x)[0].item()


squares = torch.arange(6.0) ** 2
ceil_2 = value_and_slope(lambda x: with_ceil(squares, x), 2.0)
ours_2 = value_and_slope(lambda x: bilinear_sample(squares[None, None], x, 0 * x), 2.0)
ceil_near = value_and_slope(lambda x: with_ceil(squares, x), 2.001)
reveal("05.2", ceil_2[1])
claim(
    "C44",
    measured=f"f = k², x = 2: with the ceiling value {ceil_2[0]:.0f}, derivative {ceil_2[1]:.0f}; "
    f"with low + 1 value {ours_2[0]:.0f}, derivative {ours_2[1]:.0f}. At x = 2.001 the ceiling's "
    f"derivative is {ceil_near[1]:.0f} too.",
    supports=ceil_2 == (4, 0) and ours_2 == (4, 5) and abs(ceil_near[1] - 5) < 0.01,
)

# %% [markdown]
# Whole numbers are rare among random boxes and common among annotated ones. A network that asks "which way should this point move?" would get the answer "nowhere" exactly there.
#
# **Exercise: bilinear interpolation.** `features` is (C, H, W), `x` and `y` are (P,) index coordinates. Points outside take the border's value. `check` looks at the gradient too.


# %%
def my_bilinear(features, x, y):
    """(C, P) values at the points, differentiable with respect to x and y."""
    ...


check("05.bilinear", my_bilinear)

# %% [markdown]
# ## RoIAlign by hand, then as a loop
#
# RoIAlign (He et al., *Mask R-CNN*, 2017, section 3) never moves the box. It cuts it into equal bins, spreads $n \times n$ sampling points evenly over each, reads the surface there, and takes the average:
#
# $$\text{out}_{p,q} = \frac{1}{n^2} \sum_{s,t} f(x_{q,t},\, y_{p,s}), \qquad x_{q,t} = x_1 + \Big(q + \frac{t + \frac12}{n}\Big)\,w_{\text{bin}}, \quad \text{and } y \text{ alike.}$$
#
# `sampling_ratio` is $n$, `output_size` the number of bins, and $w_{\text{bin}}$ a bin's width in feature pixels. One more step comes first. Pixel $j$ covers the stretch from $j$ to $j+1$ of the map and its value stands for the middle, $j + \frac12$. In index coordinates that middle is called $j$. So half a pixel is subtracted from every coordinate: `aligned=True`.
#
# Our box begins at $1.75 - 0.5 = 1.25$, and its two bins are 2 wide. With $n = 2$ each piece is 1 wide and is read in the middle:

# %%
start, width = torch.tensor([1.25]), torch.tensor([4.0])
for q in range(2):
    at = sample_positions(start[0] + 2 * q, torch.tensor(2.0), sampling_ratio=2)
    print(f"bin {q} is read at x = {at.tolist()}")
show_source(roi_align_loop, docstring=False)

# %% [markdown]
# ## The same as a bag of pixels
#
# A point at $x = 1.75$ reads pixel 1 with weight 0.25 and pixel 2 with 0.75. The point at 2.75 reads pixel 2 with 0.25 and pixel 3 with 0.75. Half of each, since two points are averaged: along $x$ the bin reads pixels 1, 2, 3 with **weights** 0.125, 0.5, 0.375. The sum over $y$ separates in the same way. So a bin is a weighted **bag of pixels**, and its weights are the products of two short lists. `axis_taps` makes a list; a *tap* is one pixel with its weight:

# %%
(i,), (wy,) = axis_taps(torch.tensor([0.75]), torch.tensor([4.0]), 2, sampling_ratio=2, length=6)
(j,), (wx,) = axis_taps(start, width, 2, sampling_ratio=2, length=8)  # (bins, taps) each
print("columns of bin 0:", j[0].tolist(), "weights", wx[0].tolist())
bag = wy[0][:, None] * wx[0] * tiny[0, 0][i[0]][:, j[0]]  # (4, 4): weight times value
first = roi_align(tiny, roi, 2, 1 / 16, 2, True)[0, 0, 0, 0]
print(f"sum over the bag of bin (0, 0): {bag.sum():.2f}, roi_align: {first:.2f}")

# %% [markdown]
# Pixel 2 occurs twice in the list, with 0.125 and 0.375: 0.5 in all. That is the whole of `roi_align`: two lists for each box, one weighted sum. The sum is one call of `embedding_bag`, the operation that averages word vectors, which makes it fast without a line of C++.
#
# RoIAlign now exists in three forms: the loop, the bag, and torchvision's. The numbers below were recorded from torchvision 0.21.0, its C++ operator on the CPU: image 1, channel 0, the second box of our first test case, of which we keep the part of the map that the box reads. (A fourth form, on the GPU, is the subject of lesson 06.)

# %%
their_map = [
    [3.3125, 3.40625, 0.0625, -0.5625, 2.9375, -0.09375, -1.53125],
    [3.46875, 2.875, 3.34375, 0.46875, -3.1875, 2.59375, -1.96875],
    [0.46875, 3.375, 3.09375, 3.21875, -3.84375, -2.15625, 0.0625],
    [1.3125, 1.6875, -1.96875, 0.125, 0.21875, 1.40625, 0.375],
]
their_roi = torch.tensor([[0.0, 0.8125, 1.125, 6.171875, 4.0]])
theirs = [
    [3.1105, 2.8831, 2.2222, 0.3180, -1.5570, 0.0952, 0.9722],
    [2.9194, 3.1283, 2.7960, 0.9350, -2.2613, -0.8362, 0.6024],
    [2.6867, 3.1916, 2.9724, 1.8133, -2.1920, -1.9858, -0.5434],
    [2.4252, 2.9744, 2.7322, 2.2976, -1.9443, -2.5903, -1.2422],
    [2.0559, 1.7106, 0.9375, 1.3120, -1.0310, -1.1619, -0.2736],
    [1.6796, 0.3786, -0.9585, 0.2307, -0.0743, 0.3992, 0.8037],
    [1.5732, 0.0022, -1.4944, -0.0750, 0.1960, 0.8403, 1.1082],
]
their_map, theirs = torch.tensor(their_map)[None, None], torch.tensor(theirs)
for ours in (roi_align, roi_align_loop):
    assert (ours(their_map, their_roi, 7, 1.0, 2, True)[0, 0] - theirs).abs().max() < 1e-4

# %% [markdown]
# All agree to 1e-4, the precision of the numbers written down here. The package's tests compare with full precision, and with gradients, on all kinds of boxes.
#
# **Exercise: the sampling points of one side of a bin.** `start` and `size` are scalars, the bin's edge and its length. With `sampling_ratio` ≤ 0 the number of points adapts: $n = \lceil \text{size} \rceil$, and none if the bin runs backwards.


# %%
def my_sample_positions(start, size, sampling_ratio):
    """(n,) positions, each in the middle of its piece of the bin."""
    ...


check("05.sample_positions", my_sample_positions)

# %% [markdown]
# ## What is exact about it
#
# Nothing is rounded. The simplest proof is a **ramp**, a feature map whose value is a linear function of the position, $f = 3u - 2v + 1$. Interpolation reproduces a ramp, points that lie evenly in a bin average to its middle, and so RoIAlign returns the value at the middle of every bin, for any box and any $n$. Borders are the exception. Up to one pixel beyond the outermost centres, from index $-1$ to the map's size, a point takes the border's value; further out it counts as 0, but it counts.

# %%
v, u = torch.meshgrid(torch.arange(24) + 0.5, torch.arange(32) + 0.5, indexing="ij")
ramp = (3 * u - 2 * v + 1)[None, None]  # the value at each pixel's centre
x1, y1, w, h = 2 + 10 * torch.rand(4, 200, generator=generator)  # well inside the map
rois = torch.stack([0 * x1, x1, y1, x1 + w, y1 + h], dim=1)
t = (torch.arange(7) + 0.5) / 7  # the middles of seven bins
due_x, due_y = 3 * (x1[:, None] + w[:, None] * t), 2 * (y1[:, None] + h[:, None] * t)
due = due_x[:, None, :] - due_y[:, :, None] + 1  # (200, 7, 7)
aligns = [roi_align(ramp, rois, 7, 1.0, n, True)[:, 0] for n in (-1, 1, 2, 3)]
worst = max((answer - due).abs().max().item() for answer in aligns)
off = (roi_pool(ramp, rois, 7)[:, 0] - due).abs().mean()
below = torch.tensor([[0.0, 2, y, 3, y + 1] for y in (7.5, 7.75)])  # a sample at y = 8 and 8.25
border = roi_align(torch.ones(1, 1, 8, 8), below, 1, 1.0, 1, False).flatten().tolist()
claim(
    "C43",
    measured=f"on a ramp, 200 boxes away from borders, 1, 2, 3 and adaptive points: off by less "
    f"than 0.001 at worst, RoI pooling by {off:.1f} on average. On a map of ones and 8 rows, a "
    f"point at y = 8 reads {border[0]:.0f}, one at 8.25 reads {border[1]:.0f}.",
    supports=bool(worst < 1e-3 < off) and border == [1, 0],
)

# %% [markdown]
# On a curved surface the average of a few points is only an estimate of the true average over the bin. That truth has a closed form, since each piece of the surface can be integrated (`roi_average`, in `minseg/roi/exact.py`). Now every operator can be judged, on all 24 coins, with 3 × 3 bins at stride 16.
#
# **Predict.** The mean error of RoI pooling, divided by that of RoIAlign with 2 × 2 points: how many times better is RoIAlign?

# %%
guess("05.3", None)

# %%
rois = F.pad(truth.boxes, (1, 0))  # (24, 5)
exact = roi_average(features, rois, 3, 1 / stride)
corners = quantise_box(rois[:, 1:] / stride, "round")
snapped = F.pad(corners + torch.tensor([0.0, 0, 1, 1]), (1, 0))
answers = {
    "RoI pooling": roi_pool(features, rois, 3, 1 / stride),
    "its box, averaged": roi_average(features, snapped, 3),
    "without the + 1": roi_average(features, F.pad(corners, (1, 0)), 3),
} | {f"RoIAlign {n} × {n}": roi_align(features, rois, 3, 1 / stride, n, True) for n in (1, 2, 4)}
errors = {name: (answer - exact).abs().mean().item() for name, answer in answers.items()}
reveal("05.3", errors["RoI pooling"] / errors["RoIAlign 2 × 2"], "times", digits=2)
for name, error in errors.items():
    print(f"{name:18} {1000 * error:6.3g} thousandths of full brightness")

# %% [markdown]
# Be fair to RoI pooling: it takes a maximum, and the truth here is an average. So the second row averages over the same rounded box, and the error is just as large. Most of it comes from the + 1, which makes these small boxes much too large, and what the corners' rounding leaves is still far more than RoIAlign's. Doubling $n$ divides RoIAlign's error by about four. (Mask R-CNN's table 2c agrees: how the box's inside is read matters little, whether the box is rounded matters much.)
#
# ## What it cannot mend
#
# "Pixel accuracy and smooth gradients", say the notes. Slide a one-point box along row 3 of `tiny`, whose values are 0, 2, 6, 9, 8, 4, 1, 0. The output is continuous, but its slope is constant between two pixels and jumps at each of them: a **kink**.


# %%
def row_3(at):  # RoIAlign of one point at index (at, 3): a box of one pixel around it
    boxes = torch.stack([0 * at, at, 0 * at + 3, at + 1, 0 * at + 4], dim=1)
    return roi_align(tiny, boxes, 1, 1.0, 1, True).flatten()


between = torch.arange(7) + 0.5
slopes = ((row_3(between + 0.25) - row_3(between - 0.25)) / 0.5).int().tolist()
print("slopes between pixels 0 and 1, 1 and 2, …:", slopes)

# %% [markdown]
# The gradient of the operator goes to the **features** only; the box is treated as a constant. That is a choice, not a law: with `bilinear_sample` and the box kept in the graph, RoIAlign has a gradient for the box as well.


# %%
def align_with_box(features, box, bins, n):
    """RoIAlign of one image (C, H, W) and one box, differentiable with respect to the box too."""
    x1, y1, x2, y2 = box - 0.5
    t = (torch.arange(bins * n) + 0.5) / (bins * n)
    x, y = x1 + t * (x2 - x1), y1 + t * (y2 - y1)
    read = bilinear_sample(features, x.repeat(bins * n), y.repeat_interleave(bins * n))
    return F.avg_pool2d(read.view(1, -1, bins * n, bins * n), n)


maps, moving = tiny.clone().requires_grad_(), (box / 16).requires_grad_()
output = roi_align(maps, F.pad(moving, (1, 0))[None], 2, 1.0, 2, True)
to_map, to_box = torch.autograd.grad(output.sum(), (maps, moving), allow_unused=True)
again = align_with_box(tiny[0], moving, 2, 2)
assert torch.allclose(again, output, atol=1e-5)
own = torch.autograd.grad(again.sum(), moving)[0].tolist()
print("gradient of the operator: features", tuple(to_map.shape), "box", to_box)
print("gradient of ours: box", *(f"{slope:.3g}" for slope in own))

# %% [markdown]
# And no operator reads what the map does not hold. Give it the best features there could be, each coin's own mask averaged over cells, read them at every image pixel, and call a pixel coin where the reading is at least a half. How much of the mask comes back? **IoU** is the area shared by two masks, divided by the area of both together.

# %%
y, x = (t.flatten() for t in torch.meshgrid(torch.arange(303), torch.arange(384), indexing="ij"))
kept = {}
for s in (4, 8, 16, 32):
    cells = feature_map(truth.masks.any(dim=0).float().expand(3, -1, -1), s)[0]
    read = bilinear_sample(cells, (x + 0.5) / s - 0.5, (y + 0.5) / s - 0.5) >= 0.5
    mask = truth.masks.any(dim=0).flatten()
    kept[s] = ((read[0] & mask).sum() / (read[0] | mask).sum()).item()
ladder = ", ".join(f"{iou:.2f} at stride {s}" for s, iou in kept.items())
claim(
    "C45",
    measured=f"slopes {slopes[2]} and {slopes[3]} on the two sides of pixel 3; the operator's "
    f"gradient to the box is {to_box}, with bilinear_sample it is {own[0]:.3g} for x1; of the "
    f"coins' masks the map keeps IoU {ladder}.",
    supports=slopes[2] != slopes[3] and to_box is None and own[0] != 0 and kept[4] > kept[32],
)

# %% [markdown]
# Finer strides keep more. So does a finer output: a *mask head*, the small network that draws an object's mask, predicts 28 × 28 numbers, and for a box 280 pixels wide each of them stands for 10 × 10 pixels (lesson 08).
#
# ## The explorer
#
# Blue is the box, with RoIAlign's bins and sampling points; orange is what RoI pooling reads. The three tables are the outputs of RoI pooling, of RoIAlign, and the exact averages; under them stands how far each edge has moved. All of it is computed by the functions of this lesson.

# %%
explorer = RoIExplorer("coins", box=tuple(coin_box.tolist()))
explorer

# %% [markdown]
# Drag the box, or its corners; or click it and use the arrow keys (1 image pixel; Shift resizes, Alt makes the steps ten times finer). Try these, one at a time:
#
# 1. **Drag slowly to the right.** The blue points glide. The orange box stands still until one of its edges jumps by a whole cell; only then do RoI pooling's numbers change.
# 2. **Tick "sweep".** The staircase of question 05.1, live, for the middle bin: RoI pooling in steps, RoIAlign along the exact average (the wide grey line). At **stride** 4 the plot spans 8 image pixels instead of 32, so the jumps come four times as often for each image pixel.
# 3. **Samples a bin: 1×1, then 4×4.** With the box on its coin (run the cell again to put it back) RoIAlign's error falls from 0.0105 to 0.0013. RoI pooling's does not notice.
# 4. **Bins: 7×7.** Three cells for seven bins: RoI pooling repeats the same number in neighbouring bins, RoIAlign changes from bin to bin.
# 5. **Push the box against the right edge of the photograph**, still with 7×7 bins. The rounded box sticks out of the map by one cell, and RoI pooling's last column is *empty*.
# 6. **Move the pointer over the image** without pressing. The circles are the four neighbours, their area is the weight, and the equation has the numbers. Over the middle of a cell one weight is 1 and three are 0.
#
# Without a kernel, a picture has to do: the same coin at three strides.

# %%
fig, axes = figure(columns=3, height=290)
moved = {}
for ax, s in zip(axes, (8, 16, 32), strict=True):
    rounded = quantise_box(coin_box / s, "round") + torch.tensor([0.0, 0, 1, 1])
    moved[s] = (rounded * s - coin_box).abs().max().item()
    draw_image(ax, coins, f"stride {s}")
    draw_grid(ax, 303, 384, s)
    draw_boxes(ax, coin_box, colour=ALIGN_COLOUR)
    draw_boxes(ax, rounded * s, colour=POOL_COLOUR, linestyle="--")
    ax.set(xlim=(150, 290), ylim=(200, 80))
alt = "A coin's box and the rounded box at strides 8, 16 and 32: the coarser, the further apart."
facts = ", ".join(f"{most:.0f} px at stride {s}" for s, most in moved.items())
show(fig, alt=alt, facts=f"the edge that moves most: {facts}")

# %% [markdown]
# ## Six conventions
#
# When two programs disagree about a RoI, start here.
#
# 1. **Half a pixel.** Pixel $j$ covers $[j, j+1)$ and its value sits at $j + \frac12$, index $j$. Forget it and everything is read half a *feature* pixel too far right and down: 8 image pixels at stride 16.
# 2. **`aligned`.** `True` subtracts that half pixel. `False`, torchvision's default, does not, for the sake of old models; and it stretches boxes to at least one feature pixel. A network can learn to live with either, but it must be given the one that it was trained with.
# 3. **The + 1.** RoI pooling counts the last rounded pixel in, so a box from 2 to 6 is five pixels wide. Old datasets, whose boxes are *indices* of the first and last pixel, need the + 1 elsewhere as well. Never add it twice.
# 4. **Rounding of .5.** C rounds 6.5 to 7, away from zero; `torch.round` gives 6, the even neighbour. At stride 16 one edge in 16 of whole-numbered boxes ends in .5.
# 5. **The batch index.** The first number of a (K, 5) row says which image. Drop it, and everything is read from image 0: with one image in the batch no test notices.
# 6. **Sampling ratio.** $n$ points an axis; ≤ 0 adapts $n$ to the bin. Too few points step over what is small, or count it too much, and a model trained with one $n$ sees other features with another.

# %%
line = (torch.arange(12.0) + 0.5).expand(1, 1, 12, 12)  # f = x at each pixel's centre
spot = torch.zeros(2, 1, 12, 12)
spot[0, 0, 3, 3] = 16  # one bright pixel in image 0, nothing in image 1


def align(maps, x1, x2, n=2, aligned=True, image=0.0):
    return roi_align(maps, torch.tensor([[image, x1, 2, x2, 6]]), 1, 1.0, n, aligned).item()


def pool(x1, x2):
    return roi_pool(line, torch.tensor([[0.0, x1, 2, x2, 6]]), 1).item()


table = {
    "1 half pixel: middle of 2 to 6": (align(line, 2, 6), align(line, 2, 6, aligned=False)),
    "2 aligned: middle of 3 to 3.5": (align(line, 3, 3.5), align(line, 3, 3.5, aligned=False)),
    "3 the + 1: maximum of 2 to 6": (pool(2, 6), pool(2, 6 - 1)),
    "4 rounding: maximum of 2 to 6.5": (pool(2, 6.5), pool(2, torch.tensor(6.5).round())),
    "5 batch index: image 1": (align(spot, 2, 6, image=1.0), align(spot, 2, 6)),
    "6 ratio: the spot with n = 2, n = 1": (align(spot, 2, 6), align(spot, 2, 6, n=1)),
}
for name, (right, otherwise) in table.items():
    print(f"{name:36} {right:5.3g}   otherwise {otherwise:.3g}")

# %% [markdown]
# In 2 the shift of half a pixel comes together with the stretched width. In 6 the true average is 1, one bright pixel of value 16 among 16; a single point in the middle touches four pixels and takes the bright one for a quarter of the bin. The buttons switch an explorer between conventions; watch which numbers move, and which stay.

# %%
usual = {"aligned": True, "inclusive": True, "rounding": "round", "sampling_ratio": 2}
conventions = {
    "as usual": {},
    "aligned = False": {"aligned": False},
    "no + 1": {"inclusive": False},
    "floor": {"rounding": "floor"},
    "one point": {"sampling_ratio": 1},
    "adaptive": {"sampling_ratio": 0},
}
second = RoIExplorer("coins", box=tuple(coin_box.tolist()), output_size=2)
buttons = ToggleButtons(options=list(conventions), description="convention")


def switch(change):
    for name, value in {**usual, **conventions[change["new"]]}.items():
        setattr(second, name, value)


class Conventions(Still, VBox):
    alt = "Six buttons above a RoI explorer on coin 10, which they switch between conventions."

    def picture(self):  # for where no kernel runs
        return second.picture()


buttons.observe(switch, "value")
Conventions([buttons, second])

# %% [markdown]
# - **aligned = False**: RoIAlign's points all move right and down by half a cell, and its error becomes many times larger. RoI pooling stays as it was.
# - **no + 1** and **floor** move only the orange box. With the floor this coin is no longer cut: orange is 64 × 64 pixels around a coin of 41 × 39.
# - **adaptive** puts $\lceil \text{bin} \rceil$ points on each axis: two here, as usual. Shrink the box below two cells and it is one.
#
# Two conventions have no button: the batch, as there is one image, and .5, which takes a box that ends there. Set `second.box = (184, 105, 232, 144)` in a cell of your own: its left edge lies at 11.5 cells, its right at 14.5, and both round up.
#
# **Exercise: RoIAlign.** All in one: (K, 5) boxes, any stride, both conventions, adaptive or fixed ratio, the border rule. `sample_positions` and `bilinear_sample` are yours to use.


# %%
def my_roi_align(input, boxes, output_size, spatial_scale, sampling_ratio, aligned):
    """(K, C, rows, columns); output_size is a number or (rows, columns)."""
    ...


check("05.roi_align", my_roi_align)

# %% [markdown]
# ## Recap
#
# You can now
#
# 1. **work out what RoI pooling reads**: corners rounded, ends inclusive, bins by floor and ceiling, maximum. Of coin 10 it lost 23 %, and it gave three answers in sixteen places;
# 2. **read between pixels**: four neighbours, weighted by nearness; the right one is `low + 1`, for with the ceiling the gradient dies at whole numbers;
# 3. **compute RoIAlign** by hand, as a loop, and as a bag of pixels whose weights are products of two short lists;
# 4. **say what is exact**: ramps, for any box; on coins an error many times smaller than RoI pooling's. And what is not: kinks, boxes without a gradient, and what the stride has already lost;
# 5. **name six conventions**: half a pixel, `aligned`, the + 1, rounding of .5, batch index, sampling ratio.
#
# Your predictions beside what was measured, and your exercises:

# %%
progress("05")

# %% [markdown]
# **Reading on.** Girshick, *Fast R-CNN*, 2015, section 2.1, for RoI pooling. He et al., *Mask R-CNN*, 2017, section 3 for RoIAlign, table 2c for what each of its parts is worth. Jiang et al., *Acquisition of Localization Confidence for Accurate Object Detection*, 2018, section 3.3, for the exact average as an operator of its own. In the package: `minseg/roi/bilinear.py`, `align.py`, `bag.py`, `pool.py` and `exact.py`, a few minutes each.
#
# **Next**, lesson 06 takes the bag of pixels to the GPU.
#
# > **When it does not work**
# >
# > - *The explorer shows as text or as a still picture*: run its cell again. If that is not enough, reload the page; `python -m minseg doctor` in a terminal says what is missing.
# > - *Arrow keys scroll the page*: click the box first, so that it has the focus.
# > - *`05.bilinear` says the slope is wrong, and your values are right*: read the C44 card again, and keep `x` and `y` tensors all the way.
# > - *Your numbers and another program's differ by a little everywhere*: go through the six conventions, the half pixel first.

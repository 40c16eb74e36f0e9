# %% [markdown]
# # 21 · RoI pooling versus RoIAlign
#
# Two operators turn a box of any size into a small grid of numbers. RoI pooling moves the box to whole cells of the feature map; RoIAlign leaves it where it is and reads *between* the cells. **When do they differ, and by how much?**
#
# **After this unit you can** say which cells RoI pooling reads, and write that rule down; read a feature map between its pixels, with a gradient that does not die; and say for which objects it matters.
#
# *40 minutes: 15 to read and look, 9 to play and guess, 16 to write code. 20 s to run. You need unit 20.*

# %%
import torch
import torch.nn.functional as F

from minseg.course import check, guess, hint, progress, reveal, solution
from minseg.data import coins_truth, photo
from minseg.explore import RoIExplorer

# %% [markdown]
# Below is a photograph of coins, seen by a feature map of stride 16: the mean brightness of each cell of 16 × 16 pixels. Around one coin lies its box, cut into 3 × 3 bins.
#
# **Predict**, before you touch it. Slide the box to the right, one image pixel at a time, over one whole cell: 16 places. How many *different* grids of nine numbers does RoI pooling give? Put your number in place of `None`.

# %%
guess("21.q_answers", None)

# %%
coins, truth, stride = photo("coins"), coins_truth(), 16
box = truth.boxes[9]  # x1, y1, x2, y2 in image pixels
RoIExplorer("coins", box=tuple(box.tolist()), zoom="near", pointing=False)

# %% [markdown]
# **Blue** is the box, with the points at which RoIAlign reads it. **Orange** is what RoI pooling reads. The tables show what each of them answers; the third one is the exact average over each bin, the truth for both, and *error* is the mean distance from it. Drag the box or its corners, or click it and use the arrow keys (Shift resizes, Alt makes the steps ten times finer).
#
# **1.** Click the box and press → sixteen times. Whose numbers change with every step?
#
# <details><summary>Answer</summary>
#
# RoIAlign's. The blue points glide along. The orange box stands still, jumps by a whole cell when one of its edges crosses the middle of a cell, and only then do RoI pooling's numbers change.
#
# </details>
#
# **2.** Tick **sweep**: the middle bin, while the box slides one cell to either side. Then set **stride** to 4. What has become of the steps?
#
# <details><summary>Answer</summary>
#
# RoI pooling climbs a staircase, RoIAlign follows the exact average (the wide grey line). The plot spans one cell to each side, so at stride 4 it covers 8 image pixels in place of 32: steps come four times as often and move what is read by 4 pixels, not by 16.
#
# </details>
#
# **3.** Back to stride 16. Set **samples a bin** to 1×1, then to 4×4. Whose error changes?
#
# <details><summary>Answer</summary>
#
# Only RoIAlign's: from about 0.01 with one point to about 0.001 with 16. RoI pooling takes no samples, so nothing changes for it.
#
# </details>
#
# **4.** Set **bins** to 7×7. What do neighbouring numbers of RoI pooling look like, and why?
#
# <details><summary>Answer</summary>
#
# Many are equal. Three cells have to serve seven bins along each axis, so neighbours read the same cell. RoIAlign's numbers change from bin to bin.
#
# </details>
#
# **5.** Still with 7×7 bins, set **look at** to *all of it* and push the box against the right edge of the photograph. What happens to RoI pooling's last column?
#
# <details><summary>Answer</summary>
#
# It is empty, and counts as 0. The + 1 of unit 20 has pushed the orange box beyond the map.
#
# </details>

# %%
from minseg.roi import roi_align, roi_pool

features = F.avg_pool2d(coins.mean(dim=0)[None, None], stride, ceil_mode=True)  # (1, 1, 19, 24)
slid = box + torch.arange(16.0)[:, None] * torch.tensor([1.0, 0, 1, 0])  # (16, 4)
rois = F.pad(slid, (1, 0))  # (16, 5): a 0 in front, the number of the image in its batch
reveal("21.q_answers", len(roi_pool(features, rois, 3, 1 / stride).unique(dim=0)), "answers")
smooth = roi_align(features, rois, 3, 1 / stride, sampling_ratio=2, aligned=True)
print(f"RoIAlign gives {len(smooth.unique(dim=0))}")

# %% [markdown]
# Why three? Over one cell the left edge crosses a rounding threshold once, and so does the right edge: two jumps, three levels. All places between two jumps look the same to the network, and no later layer can tell them apart.
#
# ## Whole cells only: RoI pooling
#
# Here is a map that you can hold: 6 × 8 pixels, one channel, stride 16. A box runs from (28, 20) to (92, 84) in image pixels. Divided by 16 that is 1.75 to 5.75 and 1.25 to 5.25. We want 2 × 2 bins.

# %%
from minseg.draw import ALIGN_COLOUR, POOL_COLOUR, draw_boxes, figure, show
from minseg.draw.regions import box_read, draw_map

tiny = torch.tensor(
    [
        [0.0, 0, 0, 0, 0, 0, 0, 0],
        [0.0, 0, 2, 3, 2, 1, 0, 0],
        [0.0, 1, 5, 8, 7, 3, 1, 0],
        [0.0, 2, 6, 9, 8, 4, 1, 0],
        [0.0, 1, 3, 5, 4, 2, 0, 0],
        [0.0, 0, 1, 1, 1, 0, 0, 0],
    ]
)
small_box = torch.tensor([28.0, 20.0, 92.0, 84.0])

fig, ax = figure(width=600, height=450)
draw_map(ax, tiny, "The box (blue), and what RoI pooling reads (orange)")
draw_boxes(ax, small_box / 16, colour=ALIGN_COLOUR, width=4)
draw_boxes(ax, box_read(small_box, 16) / 16, colour=POOL_COLOUR, linestyle="--", width=4)
alt = "A 6 by 8 grid of numbers from 0 to 9, with a blue box of 4 by 4 pixels and a dashed orange box of 5 by 5 pixels that lies further down and to the right."
show(fig, alt=alt, facts="RoI pooling reads columns 2 to 6 and rows 1 to 5, counted from 0")

# %% [markdown]
# Corners go to the nearest whole number, and both ends count as inside: columns 2 to 6 and rows 1 to 5. Two bins of two and a half pixels do not fit the grid, so bin $q$ of $Q$ (in unit 20 it was $k$ of $P$) begins $\lfloor q\,w/Q \rfloor$ pixels after the first and ends $\lceil (q+1)\,w/Q \rceil$ after it. Each bin gives its maximum. What are the four numbers?
#
# <details><summary>Answer</summary>
#
# $w = 5$, so the bins begin after 0 and $\lfloor 2.5 \rfloor = 2$ pixels and end after $\lceil 2.5 \rceil = 3$ and 5: columns 2 to 4 and 4 to 6, rows 1 to 3 and 3 to 5. The maxima are 9, 8 in the upper row and 9, 8 in the lower one. Row 3, with the 9 in it, belongs to the upper *and* the lower bins: **bins overlap**.
#
# </details>
#
# **Exercise (core): the bins of one axis.** `first` and `last` are (K,) floating-point tensors of whole numbers: the rounded ends of K boxes, both inside. A box may reach beyond the map, and `last` may be smaller than `first` (then its width counts as 1); K may be 0. `bins` is how many bins to make, `length` how many pixels the map has along this axis. Return two (K, bins) int64 tensors.


# %%
def my_pool_bins(first, last, bins, length):
    """(begin, end): bin q of each box holds the pixels begin … end - 1, held within 0 … length."""
    raise NotImplementedError


check("21.pool_bins", my_pool_bins)

# %% [markdown]
# Stuck? `hint("21.pool_bins")` helps, one hint for each call. `solution("21.pool_bins")` shows the package's code.
#
# ## Between the cells
#
# RoIAlign starts from another idea. A feature map is a **surface**, known at the middles of its pixels, and it can be read at any point in between. **Bilinear interpolation** mixes the four pixels around a point, each weighted by how near it is.

# %%
from minseg.draw import draw_image
from minseg.roi import bilinear_sample

y, x = torch.meshgrid(
    torch.arange(-0.475, 5.5, 0.05), torch.arange(-0.475, 7.5, 0.05), indexing="ij"
)
surface = bilinear_sample(tiny[None], x.flatten(), y.flatten()).view(x.shape)

fig, axes = figure(columns=2, height=310)
draw_image(axes[0], tiny, "What is stored: 48 numbers")
draw_image(axes[1], surface, "What can be read: a surface")
alt = "Left, grey squares. Right, the same values as a smooth hill."
show(fig, alt=alt, facts=f"the surface is drawn from {surface.numel()} readings")

# %% [markdown]
# From here on $x$ and $y$ are *index* coordinates: the middle of pixel $(i, j)$, row $i$ and column $j$, is at $y = i$ and $x = j$. With $j = \lfloor x \rfloor$, $i = \lfloor y \rfloor$ and the rests $a = x - j$, $b = y - i$,
#
# $$f(x, y) = (1-b)\,\big[(1-a)\,F_{i,j} + a\,F_{i,j+1}\big] + b\,\big[(1-a)\,F_{i+1,j} + a\,F_{i+1,j+1}\big].$$
#
# Read the map at $x = 2.25$, $y = 1.5$. The neighbours are 2 and 3 in row 1, 5 and 8 in row 2, and $a = 0.25$, $b = 0.5$. Above, $0.75 \cdot 2 + 0.25 \cdot 3 = 2.25$. Below, $0.75 \cdot 5 + 0.25 \cdot 8 = 5.75$. Half of each is 4. For any other point, go back to the explorer at the top of the page.
#
# **6.** Tick **point** and move the pointer over the image without pressing. The yellow circles are the four neighbours, their area is the weight, and the equation below has the numbers. Where is one weight 1 and the others 0?
#
# <details><summary>Answer</summary>
#
# Over the middle of a cell. There the surface passes through the stored number.
#
# </details>
#
# Many descriptions name the neighbours $\lfloor x \rfloor$ and $\lceil x \rceil$, floor and ceiling. For a fraction, 2.25 say, these are 2 and 3, the same as here. For a whole number they are not.
#
# **Predict.** On one axis the map holds $F_k = k^2$, so 0, 1, 4, 9, 16. Read it at $x = 2$ with floor and ceiling as the two neighbours. The value is 4, as it should be. What is the derivative $df/dx$ that a network would get? (From 2 to 3 the values rise from 4 to 9.)

# %%
guess("21.q_slope", None)


# %%
def read_with_ceiling(values, x):
    low, high = x.detach().floor(), x.detach().ceil()
    a = x - low
    return (1 - a) * values[low.long()] + a * values[high.long()]


at = torch.tensor(2.0, requires_grad=True)
read_with_ceiling(torch.arange(6.0) ** 2, at).backward()
reveal("21.q_slope", at.grad)

# %% [markdown]
# At a whole number floor and ceiling are *one* pixel, so $f = (1-a) \cdot 4 + a \cdot 4$ is flat: it does not matter what $a$ does. With $j + 1$ as the right neighbour, $f = (1-a) \cdot 4 + a \cdot 9$ has the slope 5. The value is right either way, which is why nobody notices. It happens only where a point falls exactly on the middle of a pixel: hardly ever for random boxes, and always in a test with round numbers.
#
# **Exercise (core): bilinear interpolation.** `features` is (C, H, W), of any size, 1 × 1 too; `x` and `y` are (P,) index coordinates; P may be 0. All three have one dtype, float32 or float64. Return (C, P), in the same dtype. The right neighbour is $j + 1$ and the lower one $i + 1$. Points outside of the middles of the outermost pixels take the border's value. On the last column there is no right neighbour, and the last pixel stands in for it (so there the slope is 0); the same for the last row. `check` compares the gradients for `x` and `y` too.


# %%
def my_bilinear(features, x, y):
    """(C, P) values at the points, differentiable with respect to x and y."""
    raise NotImplementedError


check("21.bilinear", my_bilinear)

# %% [markdown]
# `solution("21.bilinear")` shows the package's code.
#
# ## RoIAlign, and a fair comparison
#
# Now **RoIAlign** (He et al., *Mask R-CNN*, 2017) needs one sentence: cut the box, unmoved, into equal bins, read the surface at $n \times n$ evenly spaced points of each bin, and average. Unit 22 does it number by number. (In the code below, box and bins are counted from the edges of pixels, points from their middles: in index coordinates the same place is ½ less.)

# %%
from minseg.draw.regions import draw_samples

fig, ax = figure(width=600, height=450)
draw_map(ax, tiny, "RoIAlign: 2 × 2 bins of the box, 2 × 2 points in each")
draw_boxes(ax, small_box / 16, colour=ALIGN_COLOUR, width=4)
ax.vlines(3.75, 1.25, 5.25, colors=ALIGN_COLOUR, linewidths=3)
ax.hlines(3.25, 1.75, 5.75, colors=ALIGN_COLOUR, linewidths=3)
draw_samples(ax, x=[1.75, 2.75, 3.75, 4.75], y=[1.25, 2.25, 3.25, 4.25])  # index coordinates
alt = "The map of numbers with the blue box, its two middle lines, and sixteen white points, four in each bin, none of them on the middle of a pixel."
show(fig, alt=alt, facts="16 points, evenly spaced, one pixel apart")

# %% [markdown]
# The explorer's errors look hard on RoI pooling. Is that fair? The truth is an *average*, and RoI pooling takes a *maximum*. So let it average: over the same rounded box, exactly.
#
# **Predict.** On all 24 coins, at stride 16 and with 3 × 3 bins, divide the error of RoI pooling by the error of that average over its rounded box. How many times smaller does the error get?

# %%
guess("21.q_fair", None)

# %%
from minseg.roi import quantise_box, roi_average


def errors_at(stride):
    """Mean error of four operators on each coin, against the exact averages: (24,) each."""
    features = F.avg_pool2d(coins.mean(dim=0)[None, None], stride, ceil_mode=True)
    rois = F.pad(truth.boxes, (1, 0))  # (24, 5)
    read = F.pad(box_read(truth.boxes, stride), (1, 0))
    rounded = F.pad(stride * quantise_box(truth.boxes / stride, "round"), (1, 0))
    exact = roi_average(features, rois, 3, 1 / stride)  # (24, 1, 3, 3)
    answers = {
        "RoI pooling": roi_pool(features, rois, 3, 1 / stride),
        "its box, averaged": roi_average(features, read, 3, 1 / stride),
        "the same without + 1": roi_average(features, rounded, 3, 1 / stride),
        "RoIAlign, 2 × 2 points": roi_align(features, rois, 3, 1 / stride, 2, aligned=True),
    }
    return {name: (a - exact).abs().mean(dim=(1, 2, 3)) for name, a in answers.items()}


errors = errors_at(stride=16)
ratio = errors["RoI pooling"].mean() / errors["its box, averaged"].mean()
reveal("21.q_fair", ratio, "times", digits=2)
for name, error in errors.items():
    print(f"{name:22} {error.mean():.4f} ± {error.std():.4f}   (mean ± SD over 24 coins)")

# %% [markdown]
# Nothing is gained: 0.125 against 0.126. Not the maximum is to blame but the place. The + 1 costs most, because it makes a box of three cells one of four; without it the error falls to a third, and what is left is rounding. RoIAlign, which rounds nothing, is 38 times better than RoI pooling here ($0.125/0.0033$).
#
# Is it always so? The same coins, read at strides from 32 to 2:

# %%
styles = {
    "RoI pooling": (POOL_COLOUR, "o-"),
    "its box, averaged": (POOL_COLOUR, "^:"),
    "RoIAlign, 2 × 2 points": (ALIGN_COLOUR, "s-"),
}
strides = [32, 16, 8, 4, 2]
width = (truth.boxes[:, 2] - truth.boxes[:, 0]).mean().item()  # of a coin, image px
cells = [width / s for s in strides]
errors = [errors_at(s) for s in strides]

fig, ax = figure(width=720, height=360)
for name, (colour, style) in styles.items():
    mean, sd = ([f(at[name]).item() for at in errors] for f in (torch.mean, torch.std))
    ax.errorbar(cells, mean, sd, fmt=style, color=colour, label=name, capsize=3)
ax.set(title="Where they differ: small objects on coarse maps", xscale="log", yscale="log")
ax.set(xlabel="how many cells wide a coin is", ylabel="error (mean ± SD over coins)")
ax.set_xticks(cells, labels=[f"{c:.1f}\nstride {s}" for c, s in zip(cells, strides, strict=True)])
ax.set_yticks([0.001, 0.01, 0.1], labels=["0.001", "0.01", "0.1"])
ax.minorticks_off()
ax.legend(loc="lower right")
alt = "Error over coin size in cells, both axes logarithmic. RoI pooling stays near 0.1 and rises to 0.24. Its box averaged falls from 0.08 over 0.13 to 0.04. RoIAlign rises from 0.001 to 0.03, so the two averages come closer as coins get larger."
first, last = (errors[k]["RoIAlign, 2 × 2 points"].mean() for k in (0, -1))
show(fig, alt=alt, facts=f"RoIAlign's error: {first:.4f} at stride 32, {last:.3f} at stride 2")

# %% [markdown]
# Three things to see.
#
# - **Small objects on coarse maps** are where the choice decides: where a coin is 1 to 6 cells wide, RoIAlign is 16 to 90 times better than an average over the rounded box. At 23 cells it is less than twice as good. Half a cell in 23 matters little.
# - RoIAlign gets *worse* to the right. At stride 2 a bin holds some 60 cells, and four points step over most of them. So RoIAlign too wants boxes of moderate size in cells, which is what a feature pyramid gives it, or more points.
# - RoI pooling's own line does not come down. On fine maps a maximum picks single bright cells, and answers another question than an average.
#
# Does a network notice? In Mask R-CNN at stride 16, RoI pooling reaches 26.9 points of mask AP on COCO, RoIWarp, which rounds the box and then reads it between the cells, 27.1, RoIAlign 30.3 (He et al., 2017, table 2c). How the inside of the box is read hardly counts. Whether the box is moved does, just as with the coins. (AP, average precision, is the subject of part 3: 100 is perfect.)
#
# > **In practice.** Use RoIAlign: `torchvision.ops.roi_align(features, rois, output_size=7, spatial_scale=1 / stride, sampling_ratio=2, aligned=True)`, 7 × 7 for classes and boxes and 14 × 14 for masks. The typical mistake is to forget `spatial_scale`: it is 1 unless you say otherwise, and boxes in image pixels then lie far beyond the map. The symptom is outputs that are all 0, or the same few numbers for each box, and a loss that stays where it was. RoI pooling is still right in one place: with weights that were trained with it.
#
# ## Recap
#
# - RoI pooling rounds corners, counts both ends in, lets bins overlap, takes the maximum. Over 16 places of a box it gave three answers.
# - Bilinear interpolation mixes four neighbours. Take $j + 1$ on the right, not the ceiling, or the gradient is 0 at whole numbers.
# - RoIAlign cuts the unmoved box into bins, reads a few points in each, averages.
# - It matters for objects of a few cells; what costs is moving the box, not the maximum.
#
# Your predictions beside what was measured, and your exercises:

# %%
progress("21")

# %% [markdown]
# The notes' claims on this: C38 and C44, measured in [92](92_regions_and_mask_rcnn.ipynb).
#
# **Next**, [unit 22](22_roialign_whole.ipynb): what exactly RoIAlign computes, number by number, and the six conventions on which programs disagree.
#
# > **When it does not work.** *The explorer shows as a still picture*: run its cell again; `python -m minseg doctor` in a terminal says what is missing. *Arrow keys scroll the page*: click the box first. *`21.bilinear` says that the slope is wrong and your values are right*: read the lines after the reveal of `21.q_slope` again, and keep `x` and `y` tensors all the way.

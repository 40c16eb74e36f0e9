# %% [markdown]
# # 22 · RoIAlign, whole
#
# "Cut the box into bins, read a few points in each, average." That sentence of unit 21 leaves out every detail, and in each detail two programs can disagree. **What exactly is computed?**

# %%
import torch

from minseg.course import check, guess, hint, progress, reveal, solution
from minseg.draw import ALIGN_COLOUR, draw_boxes, figure, show
from minseg.draw.regions import draw_map, draw_samples
from minseg.roi import roi_align

# %%
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
roi = torch.tensor([[0, 28.0, 20.0, 92.0, 84.0]])  # image 0 of the batch, then x1, y1, x2, y2
box = roi[0, 1:]  # in image pixels, of stride 16
output = roi_align(tiny[None, None], roi, 2, spatial_scale=1 / 16, sampling_ratio=2, aligned=True)

fig, axes = figure(columns=2, height=360, width_ratios=[1.9, 1])
draw_map(axes[0], tiny, "16 points on the map …")
draw_boxes(axes[0], box / 16, colour=ALIGN_COLOUR, width=4)
axes[0].vlines(3.75, 1.25, 5.25, colors=ALIGN_COLOUR, linewidths=3)
axes[0].hlines(3.25, 1.75, 5.75, colors=ALIGN_COLOUR, linewidths=3)
draw_samples(axes[0], x=[1.75, 2.75, 3.75, 4.75], y=[1.25, 2.25, 3.25, 4.25])
draw_map(axes[1], output[0, 0], "… become 4 numbers", limits=(0, 9))
alt = "Left, a map of 6 by 8 numbers with a box, cut into 2 by 2 bins with four points in each. Right, the four outputs."
show(fig, alt=alt, facts=f"the upper left bin gives {output[0, 0, 0, 0]:.2f}")

# %% [markdown]
# On the left the small map of unit 21, with a box from (28, 20) to (92, 84) in image pixels at stride 16. On the right what RoIAlign makes of it. In this unit you get the 4.44 by hand, write the operator down in a few lines, and then write it whole.
#
# **After this unit you can** compute RoIAlign by hand; say which pixels a bin reads and with which weights; program it with all its rules; and find out, when two programs disagree, on which of six conventions.
#
# *35 minutes: 12 to read and look, 5 to play and guess, 18 to write code. 20 s to run. You need unit 21.*
#
# ## One bin by hand
#
# Take the upper left bin, and follow one axis, $x$.
#
# 1. **To the map.** Multiply by `spatial_scale`, 1/16: the box runs from 1.75 to 5.75.
# 2. **Half a pixel.** Pixel $j$ covers the stretch from $j$ to $j + 1$ and its value stands for the middle, $j + \tfrac12$. In the index coordinates of the interpolation that middle is called $j$. So subtract ½: from 1.25 to 5.25.
# 3. **Bins.** Two equal ones: from 1.25 to 3.25 and from 3.25 to 5.25. Nothing is rounded.
# 4. **Points.** Cut a bin into $n$ equal pieces (`sampling_ratio`, here 2) and read in the middle of each: 1.75 and 2.75. (In the picture the first dot lies a quarter of a pixel to the left of the middle of column 2, counted from 0.)
#
# In one line, for bin $q$ and point $t$, with $w$ the width of a bin:
#
# $$x_{q,t} = x_1 + \Big(q + \frac{t + \frac12}{n}\Big)\,w.$$
#
# The same along $y$ gives 1.25 and 2.25, so the bin is read at four points. Each of them mixes four pixels, which makes 16 readings.
#
# **Predict.** How many *different* pixels does this bin read?

# %%
guess("22.q_pixels", None)

# %%
maps = tiny[None, None].clone().requires_grad_()
roi_align(maps, roi, 2, 1 / 16, 2, aligned=True)[0, 0, 0, 0].backward()
weights = maps.grad[0, 0]  # the output is a weighted sum, so its gradient is the weights
reveal("22.q_pixels", (weights > 0).sum(), "pixels")

# %%
from minseg.draw.regions import draw_weights

fig, axes = figure(columns=2, height=330)
draw_map(axes[0], tiny, "The four points of the upper left bin")
draw_boxes(axes[0], torch.tensor([1.75, 1.25, 3.75, 3.25]), colour=ALIGN_COLOUR, width=4)
draw_samples(axes[0], x=[1.75, 2.75], y=[1.25, 2.25])
draw_weights(axes[1], weights, "How much each pixel counts in it")
alt = "Left, the map with one bin and its four points. Right, a 3 by 3 block of weights: 0.25 in the middle, the others between 0.02 and 0.19, nothing elsewhere."
show(
    fig,
    alt=alt,
    facts=f"the weights add up to {weights.sum():.0f}; the largest is {weights.max():.2f}",
)

# %% [markdown]
# Nine: the points at 1.75 and 2.75 read columns 1, 2 and 2, 3, which are three columns, and three rows along $y$.
#
# **Exercise (core): the sampling points of one side of a bin.** `start` and `size` are floating-point scalars (tensors of no dimension): where the bin begins, and its length. With `sampling_ratio` > 0 there are $n$ = `sampling_ratio` points; with `sampling_ratio` ≤ 0 the number adapts to the bin, $n = \lceil \text{size} \rceil$. A bin whose `size` is negative runs backwards: a fixed number of points is spread over it all the same, an adaptive one has none. Return (n,), in the dtype of `start`.


# %%
def my_sample_positions(start, size, sampling_ratio):
    """(n,) positions, each in the middle of its piece of the bin."""
    raise NotImplementedError


check("22.sample_positions", my_sample_positions)

# %% [markdown]
# Stuck? `hint("22.sample_positions")` helps, one hint for each call. `solution("22.sample_positions")` shows the package's code.
#
# ## A bag of pixels
#
# Where do the weights come from? Along $x$, the point at 1.75 reads pixel 1 with 0.25 and pixel 2 with 0.75; the point at 2.75 reads pixel 2 with 0.25 and pixel 3 with 0.75. Two points are averaged, so take half of each:
#
# | pixel | 1 | 2 | 3 |
# |:--|:-:|:-:|:-:|
# | from 1.75 | 0.25 | 0.75 | |
# | from 2.75 | | 0.25 | 0.75 |
# | **in the bin** | **0.125** | **0.5** | **0.375** |
#
# Along $y$ the points are 1.25 and 2.25. What are the weights of rows 1, 2 and 3, what is then the weight of the pixel in row 2, column 2, and what does the bin give?
#
# <details><summary>Answer</summary>
#
# 0.375, 0.5 and 0.125. A pixel's weight is the product of its row's and its column's: $0.5 \cdot 0.5 = 0.25$, the 0.25 in the middle of the picture.
#
# And now the 4.44. Along $x$, row 1 gives $0.125 \cdot 0 + 0.5 \cdot 2 + 0.375 \cdot 3 = 2.125$, row 2 in the same way 5.625 and row 3 gives 6.625. Along $y$: $0.375 \cdot 2.125 + 0.5 \cdot 5.625 + 0.125 \cdot 6.625 = 4.44$.
#
# </details>
#
# So a bin is a **bag of pixels**, each with a weight, and all weights come from two short lists. Put the lists of all bins below each other, and each axis has a small matrix. The weight of pixel $j$ at a point $x$ is $\max(0,\, 1 - |x - j|)$: 1 on the pixel, 0 one pixel away. That is all of RoIAlign:


# %%
def axis_weights(start, size, bins, n, length):
    """(bins, length): how much each pixel counts in each bin; `size` is the whole box's."""
    points = start + (torch.arange(bins * n) + 0.5) * size / (bins * n)  # (bins · n,)
    points = points.clamp(0, length - 1)  # beyond the border its value is repeated
    distance = (points[:, None] - torch.arange(length)).abs()  # (bins · n, length)
    return (1 - distance).clamp(min=0).view(bins, n, length).mean(dim=1)


rows = axis_weights(start=0.75, size=4.0, bins=2, n=2, length=6)  # (2, 6)
columns = axis_weights(start=1.25, size=4.0, bins=2, n=2, length=8)  # (2, 8)
print(rows @ tiny @ columns.T)
print(output[0, 0])

# %% [markdown]
# Two matrix products, and the same four numbers as from the package, to the last digit. What is missing is only bookkeeping: many boxes, many channels, a rule for boxes that leave the map. The exercise at the end is about that.
#
# The two matrices are nearly all zeros. The package keeps the pixels that count and their weights as two lists, and sums each bag with one call of PyTorch's `embedding_bag`, the operation that averages word vectors. The definition, point by point, exists as well, to be read and to test against:

# %% tags=["nbval-ignore-output"]
import time

import torch.nn.functional as F

from minseg.roi import roi_align_loop

many = torch.randn(1, 64, 19, 24, generator=torch.Generator().manual_seed(0))
rois = F.pad(100 * torch.rand(2, 2, generator=torch.Generator().manual_seed(1)), (1, 2))
rois[:, 3:] = rois[:, 1:3] + 100  # two boxes of 100 × 100 image pixels
for operator in (roi_align_loop, roi_align):
    begin = time.perf_counter()
    operator(many, rois, 7, 1 / 16, 2, True)
    print(f"{operator.__name__:15} {1000 * (time.perf_counter() - begin):7.1f} ms")

# %% [markdown]
# ## What is exact about it
#
# A **ramp** is a map whose value is its position, $f = x$. It shows where an operator reads: whatever comes out of a bin is a place.
#
# **Predict.** Put 200 random boxes on a ramp, with 7 bins and a *single* point in each. How far off is RoIAlign's answer from the true middle of a bin, at worst, in feature pixels?

# %%
guess("22.q_ramp", None)

# %%
ramp = (torch.arange(32.0) + 0.5).expand(1, 1, 24, 32)  # x at the middle of each pixel
x1, y1, w, h = 2 + 10 * torch.rand(4, 200, generator=torch.Generator().manual_seed(5))
rois = torch.stack([0 * x1, x1, y1, x1 + w, y1 + h], dim=1)  # away from the border
middles = x1[:, None] + w[:, None] * (torch.arange(7) + 0.5) / 7
answer = roi_align(ramp, rois, 7, 1.0, sampling_ratio=1, aligned=True)[:, 0, 0]
worst = (answer - middles).abs().max()
reveal("22.q_ramp", round(worst.item(), 3), "feature px")

# %% [markdown]
# Interpolation reproduces a straight line, and evenly spaced points average to the middle, be it one point or many. So on a ramp nothing is lost, whatever the box. RoI pooling, on the same ramp, is off by a cell and more.
#
# Real maps bend. There the average of a few points is an estimate, and its error falls with the square of the distance between the points (the midpoint rule): twice as many along each axis, a quarter of the error.

# %%
from minseg.data import coins_truth, photo
from minseg.roi import roi_average

coins, truth = photo("coins"), coins_truth()
features = F.avg_pool2d(coins.mean(dim=0)[None, None], 16, ceil_mode=True)
rois = F.pad(truth.boxes, (1, 0))  # (24, 5)
exact = roi_average(features, rois, 3, 1 / 16)
for n in (1, 2, 4):
    answer = roi_align(features, rois, 3, 1 / 16, sampling_ratio=n, aligned=True)
    error = (answer - exact).abs().mean(dim=(1, 2, 3))
    print(
        f"{n} × {n} points: error {error.mean():.4f} ± {error.std():.4f}   (mean ± SD over 24 coins)"
    )

# %% [markdown]
# <details><summary>For the curious: what it cannot mend</summary>
#
# *Kinks.* Slide a one-point box along row 3 of the small map, whose values are 0, 2, 6, 9, 8, 4, 1, 0. The output follows without a jump, but its slope is 3 before the 9 and −1 after it. RoIAlign is continuous in the box, not smooth.
#
# *The box.* The operator sends gradients to the features and none to the box, which it treats as a constant. That is a choice: with `bilinear_sample` and the box kept in the graph there would be one (Jiang et al., 2018, use that of the exact average to refine boxes).
#
# *The stride.* No operator reads what the map does not hold. Detail finer than a cell is gone before RoIAlign begins.
#
# </details>
#
# ## Six conventions
#
# When two programs disagree about a RoI, go through this list.
#
# 1. **Half a pixel.** `aligned=True` subtracts it, as in step 2 above. `aligned=False`, torchvision's default, does not, for the sake of old models: everything is read half a *feature* pixel too far right and down, 8 image pixels at stride 16.
# 2. **At least one pixel.** `aligned=False` also stretches boxes that are narrower than a feature pixel to one.
# 3. **The + 1.** RoI pooling counts the last cell in. Some data sets, whose boxes name the first and the last pixel, need a + 1 as well. Never add it twice.
# 4. **Rounding of .5.** C rounds 6.5 up to 7; `torch.round` goes to the even neighbour, 6. At stride 16 one edge in 16 of whole-numbered boxes ends in .5.
# 5. **The batch index.** The first number of a row says which image. Drop it, and everything is read from image 0.
# 6. **How many points**, and where they stop counting. `sampling_ratio` ≤ 0 adapts to the bin. A point at an index from −1 to the map's size takes the border's value; further out it reads 0, and still counts in the average.
#
# Six small experiments, one for each; the maps are a ramp, or one bright pixel in image 0:

# %%
from minseg.roi import roi_pool

line = (torch.arange(12.0) + 0.5).expand(1, 1, 12, 12)  # f = x
spot = torch.zeros(2, 1, 12, 12)
spot[0, 0, 3, 3] = 16  # one bright pixel in image 0, nothing in image 1


def align(maps, x1, x2, n=2, aligned=True, image=0):
    """One bin over x1 … x2 and 2 … 6 in y, feature pixels."""
    return roi_align(maps, torch.tensor([[image, x1, 2.0, x2, 6.0]]), 1, 1.0, n, aligned).item()


def pool(x1, x2):
    return roi_pool(line, torch.tensor([[0, x1, 2.0, x2, 6.0]]), 1).item()


thin = align(line, 3, 3.5), align(line, 3, 3.5, aligned=False)
experiments = [
    ("1 middle of 2 to 6", align(line, 2, 6), "not aligned", align(line, 2, 6, aligned=False)),
    ("2 middle of 3 to 3.5", thin[0], "not aligned", thin[1]),
    ("3 last cell of 2 to 6", pool(2, 6), "no + 1", pool(2, 5)),
    ("4 last cell of 2 to 6.5", pool(2, 6.5), "even neighbour", pool(2, 6)),
    ("5 the dark image", align(spot, 2, 6, image=1), "no batch index", align(spot, 2, 6)),
    ("6 bright pixel, 2 points", align(spot, 2, 6), "1 point", align(spot, 2, 6, n=1)),
]
for name, right, change, otherwise in experiments:
    print(f"{name:25} {right:5.2f}     {change + ':':16} {otherwise:5.2f}")

# %% [markdown]
# In row 2 the half pixel alone would give 3.75; the stretch to a whole pixel moves the middle by another quarter. In row 6 the true average is 1, one pixel of value 16 among 16; a single point in the middle touches four pixels and takes the bright one for a quarter of the bin.
#
# The buttons below switch an explorer between some of them.

# %%
from minseg.explore.roi_explorer.conventions import RoIConventions

RoIConventions(
    "coins", box=tuple(truth.boxes[9].tolist()), zoom="near", output_size=2, pointing=False
)

# %% [markdown]
# **1.** Which buttons move the blue points, which the orange box?
#
# <details><summary>Answer</summary>
#
# *aligned = False*, *one point* and *adaptive* belong to RoIAlign, *no + 1* and *floor* to RoI pooling. With *aligned = False* all points go half a cell to the right and down, and the error becomes many times larger.
#
# </details>
#
# **2.** Press *adaptive*. Nothing moves. Now shrink the box to less than two cells: what happens, and why?
#
# <details><summary>Answer</summary>
#
# A bin of this coin is between one and two cells long, so $\lceil \text{size} \rceil = 2$ points, as usual. With the box below two cells its bins are below one, and a single point is left along that axis.
#
# </details>
#
# **3.** Three bug reports. Two programs agree, except: (a) for all images of a batch but the first; (b) for a few boxes with whole image coordinates, by a whole cell; (c) everywhere, by a little, most of all at the edges of objects. Which convention is it?
#
# <details><summary>Answer</summary>
#
# (a) The batch index. With one image in the batch no test notices. (b) Rounding of .5 in RoI pooling. (c) The half pixel; on a ramp you would see exactly ½.
#
# </details>
#
# ## Put it together
#
# **Exercise (core, ten minutes): RoIAlign.** `input` is (N, C, H, W), floating point. `boxes` is (K, 5): batch index, x1, y1, x2, y2 in image pixels; K may be 0. `output_size` is a whole number or (rows, columns). `spatial_scale`, `sampling_ratio` and `aligned` are those of conventions 1, 2 and 6; with `sampling_ratio` ≤ 0 the number of points is chosen for each box and each axis. A bin without points gives 0. Return (K, C, rows, columns). A loop over boxes and bins is fine; `bilinear_sample(features, x, y)`, from `minseg.roi`, and your `my_sample_positions` are yours to use, or the two matrices.


# %%
def my_roi_align(input, boxes, output_size, spatial_scale, sampling_ratio, aligned):
    """(K, C, rows, columns): the average of the points in each bin of each box."""
    raise NotImplementedError


check("22.roi_align", my_roi_align)

# %% [markdown]
# `solution("22.roi_align")` shows the package's code; `roi_align_loop` in `minseg/roi/align.py` is the definition, point by point.
#
# > **In practice.** Take `aligned=True` and `sampling_ratio=2` for what you train yourself, and write both down with the weights: a model that has been trained with one convention sees shifted features under another, and loses accuracy without any error message. torchvision's own Mask R-CNN uses `aligned=False` with 2 × 2 points, detectron2 `aligned=True` with an adaptive number. If you convert a model from one to the other, compare one box on a ramp first.
#
# ## Recap
#
# - RoIAlign: scale, subtract half a pixel, equal bins, $n \times n$ points in the middles of equal pieces, bilinear readings, average.
# - A bin is a weighted bag of pixels, and its weights are products of two short lists: `rows @ map @ columns.T`.
# - On ramps it is exact. On bent maps twice the points leave a quarter of the error.
# - Six conventions: half a pixel, at least one pixel, the + 1, rounding of .5, batch index, number of points.
#
# Your predictions beside what was measured, and your exercises:

# %%
progress("22")

# %% [markdown]
# The notes' claims on this: C43 and C45, measured in [92](92_regions_and_mask_rcnn.ipynb).
#
# **Next**, [unit 23](23_a_first_kernel.ipynb) leaves PyTorch's operators behind: how does a program on a GPU think?

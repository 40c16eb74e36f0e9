# %% [markdown]
# # 32 · Boundaries and distances
#
# A mask can share 98 % of its pixels with the truth and have an outline that nobody would accept. How good is the *edge*?
#
# *30 minutes: 9 to read, 12 to look, play and guess, 9 to write code. 14 s to run. You need units 11 and 31; 13 and 15 help.*

# %%
import torch

from minseg.course import check, guess, hint, progress, reveal, solution
from minseg.data import coins_truth
from minseg.draw import figure, show
from minseg.explore import BoundaryBand

coins = coins_truth()
BoundaryBand(coins.masks[9, 98:150, 178:232], width=3)  # coin 10, cut out of the photograph

# %% [markdown]
# A coin of 40 pixels, and a prediction that is moved by two. Each mask has a **band** along the inside of its edge. Green pixels lie in both bands, blue ones only in the band of the truth, orange ones only in that of the prediction. **Boundary IoU** is the IoU of the two bands: green, divided by green, blue and orange together. **Mask IoU** is that of the whole masks.
#
# 1. **Widen the band** from 1 to 24 pixels. What does mask IoU do? Where does boundary IoU begin, and where does it end?
# 2. **Choose "2 px too small"** with a band of 2 pixels. Why is boundary IoU 0?
# 3. **Choose "hollow, a rim of 6 px"**: the prediction is a ring, 6 pixels wide, with nothing inside. Set the band to 5, 6 and 7. Which width would you not like to see published?
#
# <details><summary>Answers</summary>
#
# 1. Mask IoU knows no band and stays at 0.881. Boundary IoU begins at 0.11, where a shift by two pixels hardly leaves the thin bands in common, rises, and ends at mask IoU: bands that fill the masks *are* the masks.
# 2. The truth's band is its outermost two pixels, which the prediction lacks altogether.
# 3. At 6: boundary IoU is a perfect 1.000, though a third of the coin is missing. (Not half of it: distances are counted in rows and columns, as you will see below.) The band sees nothing of what lies further in. At 5 the ring's *inner* edge has a band of its own, and at 7 the truth's band reaches into the hole.
#
# </details>
#
# ## A band of what width?
#
# Let $G_d$ be the pixels of mask $G$ within distance $d$ of a pixel that is not of $G$. With $P_d$ likewise for the prediction (Cheng et al., *Boundary IoU*, 2021),
#
# $$\text{boundary IoU} = \frac{|G_d \cap P_d|}{|G_d \cup P_d|}.$$
#
# A tiny example, in one dimension. The truth is pixels 0 to 9 of a row, the prediction pixels 1 to 9, and $d = 2$. The bands are {0, 1, 8, 9} and {1, 2, 8, 9}: three in common, five in all, 0.6.
#
# **Predict.** Now a large square whose prediction is perfect, but shifted to the right by one pixel, and bands *one* pixel wide. What is boundary IoU, roughly?

# %%
guess("32.q_thin", None)

# %%
from minseg.metrics import boundary_iou, mask_iou


def square(side, x=20):
    """A square with its corner at (x, 20), in an image whose diagonal is 800 pixels."""
    mask = torch.zeros(1, 480, 640, dtype=torch.bool)
    mask[:, 20 : 20 + side, x : x + side] = True
    return mask


# dilation_ratio is d as a share of the image's diagonal: here 0.8, which becomes 1 pixel
thin = boundary_iou(square(400), square(400, x=21), dilation_ratio=0.001)
reveal("32.q_thin", thin)
print(f"with d = 2 % of the diagonal: {boundary_iou(square(400), square(400, x=21)).item():.2f}")

# %% [markdown]
# The upper and the lower side keep their band; the left and the right one share nothing with theirs. In common: two sides. In all: the two, and two left and two right ones, six. $2/6$.
#
# Nobody annotates to the pixel, so such a number would measure the annotators' hands. For COCO, $d$ is 2 % of the image's diagonal, 16 pixels for an image of 640 × 480, and the same shift costs 0.06.
#
# The widget's ring shows the opposite danger. Hence the **min rule**: boundary AP and boundary PQ use, for each pair, the smaller of mask IoU and boundary IoU.
#
# ### Exercise: the inner band (*core*)
#
# `masks` is (N, H, W) bool, N at least 1. Return (N, H, W) bool: the pixels of each mask that are *within $d$* of a pixel that is not of the mask. Four conventions, those of the official code:
#
# - $d$ is 2 % of the diagonal $\sqrt{H^2 + W^2}$, rounded by Python's `round`, and at least 1;
# - distance is the larger of the differences in row and in column, so "within $d$" is a square window of $2d + 1$ pixels;
# - everything outside of the image is "not of the mask";
# - an empty mask has an empty band.
#
# `torch.nn.functional.max_pool2d` has what it takes: it needs floats, and a window that reaches over the image's edge sees what you pad there.


# %%
def my_boundary_of(masks):
    """(N, H, W) bool: each mask's pixels within d of a pixel that is not its own."""
    raise NotImplementedError


check("32.boundary_of", my_boundary_of)

# %% [markdown]
# `hint("32.boundary_of")` helps, and `solution("32.boundary_of")` shows the package's code.
#
# ## Large objects
#
# The inside of an object grows with the square of its size, its outline only with the size. So the same fault weighs less and less for mask IoU. A square of 400 × 400 pixels is predicted two pixels too small all round: its mask IoU is $(396/400)^2 = 0.98$.
#
# **Predict.** The band is 16 pixels wide. What is boundary IoU?

# %%
guess("32.q_large", None)

# %%
from minseg.metrics.boundary import erode  # takes off pixels all round

reveal("32.q_large", boundary_iou(square(400), erode(square(400), 2)), digits=2)

# %% [markdown]
# Across one side: the truth's band covers pixels 0 to 15, the prediction's 2 to 17. In common 14, in all 18: $14/18 = 0.78$. It does not depend on how large the square is, as the right end of the blue curve shows:

# %%
from minseg.draw import ALIGN_COLOUR, POOL_COLOUR

sides = [8, 16, 24, 32, 40, 48, 64, 100, 200, 300, 400]
pairs = [(square(side), erode(square(side), 2)) for side in sides]
of_mask = [mask_iou(*pair).item() for pair in pairs]
of_band = [boundary_iou(*pair).item() for pair in pairs]
fig, ax = figure(width=680, height=330)
ax.semilogx(sides, of_mask, "s-", color=POOL_COLOUR, label="mask IoU")
ax.semilogx(sides, of_band, "o-", color=ALIGN_COLOUR, label="boundary IoU")
ax.set(xlabel="side of the square, px (the band is 16 px wide)", ylabel="IoU", ylim=(0, 1.05))
ax.set_xticks(sides[::2], sides[::2])
ax.minorticks_off()
ax.set_title("Two pixels too small: the larger, the less mask IoU minds")
ax.legend(loc="lower right")
show(
    fig,
    alt="Both curves rise together from 0.25; from 40 pixels on mask IoU goes on to 0.98, and "
    "boundary IoU stays at 0.78.",
    facts=f"side 24: {of_mask[2]:.2f} and {of_band[2]:.2f}; side 200: {of_mask[8]:.2f} and "
    f"{of_band[8]:.2f}",
)

# %% [markdown]
# Left, the two are one: an object narrower than two bands is all band. So boundary metrics tell nothing new about small objects.
#
# ## The trimap
#
# An older idea: take a band around the *true* outline, on both sides of it, the **trimap**, and count the share of its pixels that are right (Kohli et al., *Robust Higher Order Potentials*, 2009). A square of 60 × 60, predicted two pixels too small all round, once more.
#
# **Predict.** The trimap is one pixel wide on either side. What share of it is right?

# %%
guess("32.q_trimap", None)

# %%
from minseg.metrics import trimap_accuracy

target = torch.zeros(100, 100, dtype=torch.bool)
target[20:80, 20:80] = True
eroded = erode(target, 2)
widths = [1, 2, 3, 5, 8, 12, 20]
sweep = trimap_accuracy(eroded, target, widths)
reveal("32.q_trimap", sweep[0], digits=2)

# %% [markdown]
# The ring outside of the edge, 244 pixels, is right, the ring inside, 236 pixels, is wrong: $244/480 = 0.51$. And with a wider band?

# %%
from minseg.draw.boundaries import draw_trimap

fig, axes = figure(columns=2, height=390, width_ratios=(1, 1.3))
draw_trimap(axes[0], target[8:92, 8:92], eroded[8:92, 8:92], 8, "8 px wide: most is right")
axes[1].plot(widths, sweep, "o-", color=ALIGN_COLOUR)
axes[1].set(xlabel="width on either side, px", ylabel="share that is right", ylim=(0, 1.05))
axes[1].set_xticks([1, 5, 10, 15, 20])
axes[1].set_title("One error, any number you like")
show(
    fig,
    alt="Left, a broad frame around the outline of a square, with a thin wrong ring in it. Right, "
    "the share of right pixels rises from 0.51 at width 1 to 0.95 at width 20.",
    facts=", ".join(f"{w} px {s:.2f}" for w, s in zip(widths, sweep.tolist(), strict=True)),
)

# %% [markdown]
# So never compare two trimap numbers of different widths, and report the sweep. And a trimap looks around the truth only: a false alarm far away does not exist for it, nor does a hole deep inside.
#
# <details><summary>For the curious: a formula that says something else</summary>
#
# One also reads dilate(b, w) − erode(b, w) for the *boundary* b, a line one pixel thick. Such a line erodes to nothing, so that the formula gives dilate(b, w): a band around the line, one ring more on the inside than the band around the edge. For this square and w = 2 it has 1180 pixels instead of 960. Hardly anything comes out differently; the second term is idle. `trimap(…, contour_first=True)` is that version.
#
# </details>
#
# ## Distances
#
# Overlap says how much is wrong, not how far away it is. In medicine one measures that, in millimetres: from each outline pixel of one mask to the nearest outline pixel of the other. Below, the prediction has found only one corner of the square, 6 × 6 pixels.

# %%
from minseg.draw.boundaries import draw_nearest
from minseg.metrics import average_symmetric_surface_distance, surface_distances

corner = torch.zeros_like(target)
corner[20:26, 20:26] = True
to_truth, to_prediction = surface_distances(corner, target)
crop = slice(14, 86)
fig, axes = figure(columns=2, width=760, height=370)
titles = ("Prediction to truth: all near", "Truth to prediction: most are far")
for ax, back, title in zip(axes, (False, True), titles, strict=True):
    draw_nearest(ax, target[crop, crop], corner[crop, crop], back=back, every=3, title=title)
show(
    fig,
    alt="A large green square with a small orange one in its upper left corner. Left, arrows from "
    "the small outline are very short. Right, arrows from the large outline run long ways to "
    "the corner.",
    facts=f"{len(to_truth)} distances with mean {to_truth.mean():.2f} px; {len(to_prediction)} "
    f"with mean {to_prediction.mean():.1f} px",
)

# %% [markdown]
# Each direction alone can be fooled: on the left 11 of the 20 distances are 0 and have no arrow. So one takes both, and calls the result **ASSD**, average symmetric surface distance. But which average? Some average the two means: $\tfrac12(1.25 + 43.0) = 22.1$ px. Others *pool* all distances into one mean.
#
# **Predict.** What is the pooled ASSD? The numbers stand under the figure.

# %%
guess("32.q_pooled", None)

# %%
pooled = average_symmetric_surface_distance(corner, target, pooled=True)
reveal("32.q_pooled", pooled, "px")
print(f"the mean of the means: {average_symmetric_surface_distance(corner, target):.1f} px")

# %% [markdown]
# $(20 \cdot 1.25 + 236 \cdot 43.0) / 256 = 39.7$: the longer outline decides. Both go by one name; the medpy library changed from the first to the second (loli/medpy, issue 108). Say which one you report. Either takes one distance transform (unit 13) for each mask, not all pairs of pixels.
#
# The largest of all the distances is the **Hausdorff distance** of unit 15, here 76 px. An empty mask has no outline: where one of the two is empty, all these distances are infinite, and where both are, 0.
#
# ## Which metric minds which fault?
#
# Five detectors of the 24 coins, each with one fault, judged by five metrics. (PQ, panoptic quality, is the next unit: it judges a map in which each pixel has one owner.) The darker a cell, the worse its detector in that column. Before you read on, find for each fault the metrics that do not mind it at all. For one fault there is none.

# %%
from minseg.draw.boundaries import draw_verdicts
from minseg.experiments import flawed_coins

table = flawed_coins.judgements()
fig, ax = figure(width=780, height=310)
draw_verdicts(ax, table, flawed_coins.METRICS, smaller_is_better=("ASSD, px",))
show(
    fig,
    alt="Five faults by five metrics. Duplicates are the worst for mask AP and perfect for PQ, ASSD "
    "and trimap; holes are perfect for the trimap; ASSD is 0 for three of the five faults.",
    facts="mask AP: " + ", ".join(f"{name} {row[0]:.2f}" for name, row in table.items()),
)

# %% [markdown]
# - **AP**, of masks or of boundaries, is alone in minding **duplicates**.
# - **Six missed**: recall ends at 18/24, and of the 101 points 0 … 0.75 read 1: 76/101 = 0.75. **Six invented**, with the best scores: the envelope is 24/30 = 0.80 from end to end.
# - **Boundary AP** is the hardest on masks that are **too small**, and for **holes** equals mask AP: the ring is 10 pixels wide, as wide as COCO's band in this photograph, so mask IoU is the smaller of the two.
# - **ASSD** is the mean over *matched* pairs: what is missed or invented does not exist for it.
# - The **trimap** sees neither holes nor inventions.
#
# None is best. Take the one whose blind spot you can afford, and report two.
#
# > **In practice.** For instances: mask AP, and boundary AP where outlines matter (`boundary-iou-api`, or `average_precision(…, "boundary")`). In medicine: Dice (unit 14) together with ASSD or HD95, the distance below which 95 % of all lie, with the unit and the definition. *The typical mistake* is a boundary metric on small objects: somebody whose objects were about 60 × 60 found all boundary numbers equal to the mask numbers, and asked why (bowenc0221/boundary-iou-api, issue 11). That equality is the symptom.
#
# ## Recap
#
# - **Boundary IoU** compares inner bands, 2 % of the diagonal wide; with the **min rule**, because bands are blind to what lies inside.
# - For objects narrower than two bands it is mask IoU. For larger ones it keeps minding what mask IoU forgives.
# - A **trimap** number means nothing without its width; report a sweep.
# - **ASSD** has two definitions and counts matched pairs only.
# - Each metric has a blind spot; know yours.

# %%
progress("32")

# %% [markdown]
# The notes' claims on this: C117 to C121, measured in [93](93_panoptic_and_metrics.ipynb).
#
# **Next:** [unit 33](33_panoptic_quality.ipynb) compares whole maps, in which every pixel has one owner.

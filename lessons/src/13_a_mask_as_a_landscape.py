# %% [markdown]
# # 13 · A mask as a landscape
#
# Keep the grid, and write something else into it. Not *is this pixel inside?* but *how far is it to the outline?* **What does a mask gain by that, and which of all the ways to write one down do you take?**
#
# The star is a mountain then, its outline the coast, and the height of a place is its distance from the coast.
#
# *30 minutes: 14 to read and look, 5 to play, 8 to write code, the rest to think. 20 s to run. No GPU, no downloads. You need units [11](11_a_mask_on_a_grid.ipynb) and [12](12_a_mask_as_an_outline.ipynb).*

# %%
import torch

from minseg.course import check, guess, hint, progress, reveal, solution
from minseg.draw import figure, show
from minseg.draw.landscape import draw_heights, draw_steepness, steepness
from minseg.experiments.representations import THINGS, parts_and_holes, specimen

# %%
from minseg.masks import signed_distance

star = specimen("star")  # (96, 96) bool
heights = signed_distance(star)
fig, axes = figure(columns=2, height=380)
draw_heights(fig, axes[0], heights, "The star as a landscape")
axes[1].fill_between(range(96), heights[46].clamp(min=0), color="#0050c8", alpha=0.25)
axes[1].plot(heights[46], color="#0050c8", linewidth=2)
axes[1].axhline(0, color="#d55e00", linewidth=1.8)
axes[1].set(xlabel="column", ylabel="signed distance, px", title="A walk along row 46")
alt = "A star with lines of equal height; a walk across it rises from the sea, and falls again."
show(
    fig,
    alt=alt,
    facts=f"the top is {heights.max():.1f} px high, the deepest place {heights.min():.1f}",
)

# %% [markdown]
# ## Distances with a sign
#
# This is a **signed distance function**, SDF: positive inside, negative outside. For a pixel, let $\delta$ be the distance from its centre to the nearest centre of the other kind. The outline runs half-way between the two kinds, so half a pixel is taken off:
#
# $$d = \begin{cases} +(\delta - \tfrac12) & \text{inside} \\ -(\delta - \tfrac12) & \text{outside.} \end{cases}$$
#
# By hand, in the middle row of the small mask below. Its fourth pixel has its nearest pixels outside two rows above and two rows below: $\delta = 2$ and $d = 1.5$. For the third, the nearest one outside is diagonally next to it: $\delta = \sqrt 2$ and $d \approx 0.9$.

# %%
rows = ["........", "..####..", ".######.", "..###...", "........"]
tiny = torch.tensor([[pixel == "#" for pixel in row] for row in rows])
for row, distances in zip(rows, signed_distance(tiny).tolist(), strict=True):
    print(row, "  ", *(f"{d:5.1f}" for d in distances))

# %% [markdown]
# No pixel is ever 0, and the mask is where $d > 0$. Much of the literature has the other sign, minus inside. Ask before you use somebody's distances: with the wrong sign every mask comes back inverted.
#
# **Exercise (core): signed distances.**
#
# - `masks` is a bool tensor (..., H, W); each mask is measured alone. Return a floating-point tensor of the same shape.
# - Distances are straight lines between pixel centres.
# - An empty mask is $-\infty$ everywhere, a full one $+\infty$. The image's frame is no outline: an object that it cuts off has no outline there.
# - Any way that is right will do, however slow.


# %%
def my_signed_distance(masks):
    """(..., H, W) float: how far each pixel is from the outline, positive inside."""
    raise NotImplementedError


check("13.signed_distance", my_signed_distance)

# %% [markdown]
# `hint("13.signed_distance")` helps, and `solution("13.signed_distance")` shows the package's code.
#
# ### How steep is it?
#
# Go one pixel straight towards the coast, and you are one pixel nearer: the slope is 1. Is it, everywhere?
#
# **Predict.** A ring is 18 pixels wide. Walk across its band, from one outline to the other, along a row of pixels. What is the largest signed distance on the way?

# %%
guess("13.q_ring", None)

# %%
ring = signed_distance(specimen("ring"))
reveal("13.q_ring", ring[48, :40].max())
print("the walk:", *(f"{d:.1f}" for d in ring[48, 8:26].tolist()))

# %% [markdown]
# The ninth pixel has eight others between itself and the sea, so $\delta = 9$ and $d = 8.5$. The tenth has the same, from the other coast. Between those two the slope is 0. Here is the slope of four landscapes:

# %%
fig, axes = figure(columns=4, height=250)
for ax, thing in zip(axes, ("star", "coin", "two parts", "ring"), strict=True):
    image = draw_steepness(ax, specimen(thing), thing)
fig.colorbar(image, ax=axes, label="slope", shrink=0.8, ticks=[0, 0.5, 1])
alt = "White, slope 1, but for dark lines: a spine to each tip, between two parts, round the ring."
gentle = (steepness(ring) < 0.9).double().mean()
show(fig, alt=alt, facts=f"the ring: {100 * gentle:.0f} % of the pixels have a slope below 0.9")

# %% [markdown]
# The dark lines are the places with two nearest pieces of outline, the **medial axis**: the mountain has a crease there, and no gradient. Everywhere else the landscape is smooth. (The faint rays are the pixel grid: an outline of pixels is a staircase, and a ray begins where another step becomes the nearest.)
#
# ## What distances are good for
#
# Networks predict on coarse grids. So take five smooth masks of 256 × 256 pixels, keep a grid of 32 × 32 (of each block of 8 × 8 pixels one value, the mean of the four pixels in its middle), and enlarge it again by reading between those values. Do this once with the masks themselves, zeros and ones cut at ½, and once with their distances, cut at 0. With the masks the IoU is 0.974.
#
# **Predict.** What is it with the distances?

# %%
guess("13.q_shrunk", None)

# %%
from minseg.experiments.representation_limits import shrunk_iou, smooth_masks

blobs = smooth_masks(5)
distances = signed_distance(blobs)
found = {
    "masks": shrunk_iou(blobs, blobs.float(), level=0.5),
    "area shares": shrunk_iou(blobs, blobs.float(), level=0.5, area=True),
    "distances": shrunk_iou(blobs, distances, level=0),
    "distances cut at ±8 px": shrunk_iou(blobs, distances.clamp(-8, 8), level=0),
    "distances cut at ±2 px": shrunk_iou(blobs, distances.clamp(-2, 2), level=0),
}
reveal("13.q_shrunk", found["distances"])
for name, iou in found.items():
    print(f"{name:24} IoU {iou:.3f}")

# %% [markdown]
# A sampled mask knows that the outline passes somewhere between two samples, 8 pixels apart, and half-way is the best guess. Over these five masks that is wrong by 1.3 pixels on average: times some 640 pixels of outline, divided by an area of 31,600 pixels, an error of 0.026. Two sampled distances, +3.2 and −4.8 say, know *where* between them the outline passes: reading on the straight line between the two finds it. What is left, 0.002, is where the outline bends within a cell.
#
# Area shares know most of it too. And distances that are cut off at ±2 pixels, well within a cell of 8, have forgotten most of it again.
#
# So distances survive a coarse grid. They are no cure for everything: round a sharp corner the landscape has a crease, and reading between coarse samples rounds it off. The star will show it.
#
# <details><summary>For the curious: outlines that part by themselves</summary>
#
# The coast of a landscape may divide or merge with nobody cutting it: lower the land, and one island becomes two. **Level set** methods segment that way. Start from any landscape $\varphi$ and raise or lower it near its coast, step by step: up where a pixel looks more like the mean $c_1$ inside, down where it looks more like the mean $c_2$ outside, and with a weight $\mu$ such that the coast becomes shorter:
#
# $$\varphi_t = \delta_\varepsilon(\varphi) \left[ \mu\, \text{curvature} - (I - c_1)^2 + (I - c_2)^2 \right].$$
#
# $I$ is the image, and $\delta_\varepsilon$ is a bump that lets only the neighbourhood of the coast move (Chan and Vese, *Active contours without edges*, 2001). The optional cell below starts from one seed between two discs.
#
# </details>

# %%
from minseg.draw import draw_image
from minseg.draw.masks import draw_level
from minseg.experiments.level_set_trial import two_noisy_discs
from minseg.masks import chan_vese

image, seed = two_noisy_discs()  # optional: see the fold above
steps = (0, 20, 40, 120)
coasts = [chan_vese(image, seed, steps=count) for count in steps]
fig, axes = figure(columns=4, height=175)
for ax, coast, count in zip(axes, coasts, steps, strict=True):
    draw_image(ax, image, f"after {count} steps", limits=(0, 1))
    draw_level(ax, coast)
alt = "An outline between two noisy discs grows over both, is pinched in the middle, and parts."
show(fig, alt=alt, facts=f"parts: {[parts_and_holes(coast > 0)[0] for coast in coasts]}")

# %% [markdown]
# ## All seven ways, side by side
#
# There are seven ways now to write a mask down. **Run lengths** go through the pixels column by column and note how many are outside, then how many inside, then outside again, and so on; nothing is lost. The other six are binary cells and area shares ([unit 11](11_a_mask_on_a_grid.ipynb)); polygons, circles and control points ([unit 12](12_a_mask_as_an_outline.ipynb)); and distances. Choose a mask, a way to write it, and a budget.

# %%
from minseg.explore import RepresentationSweep

RepresentationSweep(thing="ring", kind="grid of shares", step=6)

# %% [markdown]
# Count 4 bytes for a coordinate (so 8 for a circle's complex number), 1 for a share or a distance, 1 bit for a binary cell, 16 bytes for the box of a grid; distances are kept for the whole image and need no box. Boundary IoU, the dashed line, is IoU of two thin bands along the outlines.
#
# 1. **Ring, Fourier.** Move the budget to its end. What happens, and which outline earns the boundary IoU of 0.62?
# 2. **Ring, polygon**, then **disc, polygon.** How many bytes does each need for an IoU of 0.95? Why?
# 3. **Star, polygon**, then **star, grid of distances.** What happens to the tips?
# 4. **Disc, binary grid**, then **disc, grid of shares**, both near 40 bytes, then both at 28 × 28. Which is better?
# 5. **Two parts, grid of shares.** Go from 5 × 5 to 8 × 8 cells, one step at a time. How many parts come back?
#
# <details><summary>Answers</summary>
#
# 1. Nothing: 0.70 at every budget. The outer outline is right and earns it; the hole is filled.
# 2. 240 and 96. The ring has two outlines, the inner one bends more, and its polygon walks along a bridge between them.
# 3. The polygon keeps them: a tip is one corner. The distances round them off until the grid is about as fine as the tip is thin.
# 4. Near 40 bytes 14 × 14 binary cells have an IoU of 0.951, 5 × 5 shares 0.966: no great difference, for a share takes eight times the bits. At 28 × 28 the shares win clearly, 0.997 against 0.976, and a *network* has one output for each cell either way.
# 5. One, two, one, two. Where a cell happens to fall matters as much as its size.
#
# </details>
#
# And the price list: how many bytes does each way need for an IoU of 0.95?

# %%
from minseg.experiments.representation_prices import price_list
from minseg.explore.representation_sweep import exact_bytes

print(price_list(0.95))
print(f"{'run lengths, exact':18}" + "".join(f"{exact_bytes(thing):11}" for thing in THINGS))

# %% [markdown]
# There is no winner; there are reasons. The star is straight sides: ten corners say nearly all. Disc and coin are round: a few circles say it. The ring and the two parts have a topology that a single curve cannot write, and that grids of any kind write without noticing. Run lengths are exact for 150 to 310 bytes, a good bargain for a *file*.
#
# But a network must be able to **learn** the numbers: a fixed count of them, each with a gradient. The table says what each way offers.
#
# | way | how many numbers | one number moves | gradient with respect to it | topology |
# |---|---|---|---|---|
# | run lengths | as many as needed | all pixels behind it | none: whole numbers | any |
# | binary cells | $m^2$ | its cell | none for a bit; trained as a probability | any |
# | area shares | $m^2$ | about four cells | yes: pasting is linear in them | any |
# | distances | $m^2$ | about four cells | yes: reading between them is linear | any |
# | polygon | two for each corner | two sides | yes, of the outline | a list of parts; holes by bridges |
# | circles | $4K + 2$ | the whole outline | yes, of the outline | one part, no hole |
# | B-spline | two for each point | four segments | yes, of the outline | one part, no hole |
#
# **So which one do you take?**
#
# - To *store* masks: run lengths, or polygons if people have to edit them.
# - To *predict* masks of anything: a grid of shares, 28 × 28 to begin with. Any topology, local numbers, a gradient everywhere.
# - To predict *round, whole* things with few numbers, cells or coins: an outline.
# - To predict on a *coarse* grid, to move an outline by fractions of a pixel, or to ask how far: distances.
#
# > **In practice**
# >
# > - *What people use.* Nearly every detector predicts a grid. Distances are common in medical and microscopy images, often cut off at some pixels, and inside of losses.
# > - *The call.* `scipy.ndimage.distance_transform_edt(mask)`, once for the mask and once for its complement; then take off the half pixel yourself.
# > - *The mistake.* Two signs, one network. The symptom: every mask comes back inverted, with an IoU of 0. A milder one: the half pixel is left out. The symptom: across the outline the landscape climbs from −1 to +1 within one pixel, twice as steep as anywhere else.
#
# ## Recap
#
# - A signed distance says how far the outline is; the mask is $d > 0$, and the outline lies between the pixels.
# - Its slope is 1, but for a crease where two pieces of outline are equally near.
# - Distances survive a coarse grid, where a sampled mask does not, unless they are cut off within a cell.
# - Choose by topology, by how many numbers, by how far each reaches, and by gradient, *before* you train.

# %%
progress("13")

# %% [markdown]
# **Reading on.** Osher and Fedkiw, *Level Set Methods*, 2003, chapters 1 and 2. In the package: `minseg/masks`, one way a file.
#
# The notes' claims on this: C33, C34, C35 and C37, measured in [91](91_masks_and_tasks.ipynb).
#
# **Next:** [losses that see pixels](14_losses_that_see_pixels.ipynb). A mask is written down; what should a network be told about a wrong one?

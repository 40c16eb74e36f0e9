# %% [markdown]
# # 15 · Losses that see outlines
#
# Two wrong masks of one disc, wrong in equally many pixels: BCE pays 0.142 for both. But one is moved by two pixels, and the other has a blob at the far end of the image. **What do pixels alone not see, and which losses do?**
#
# Below, an arrow leads from each point of the wrong outline (blue) to the nearest point of the true one (green). The longest is orange.
#
# *40 minutes: 16 to read and look, 5 to play, 11 to write code, 5 for the self-check. 35 s to run. No GPU, no downloads. You need units [13](13_a_mask_as_a_landscape.ipynb) and [14](14_losses_that_see_pixels.ipynb).*

# %%
import torch

from minseg import losses
from minseg.course import check, guess, hint, progress, reveal, solution
from minseg.draw import figure, show
from minseg.draw.outline_arrows import draw_arrows, nearest_points, ring_points

# %%
from minseg.experiments.loss_pair import outline_points
from minseg.experiments.same_pixels import true_disc, wrong_masks
from minseg.masks import signed_distance

truth = true_disc()  # .mask, .outline (n, 2), .distances
fig, axes = figure(columns=2, height=350)
longest = []
for ax, name in zip(axes, ("moved by 2 px", "a far blob"), strict=True):
    outline = outline_points(signed_distance(wrong_masks()[name]))  # (n, 2), a point each pixel
    draw_arrows(ax, outline, truth.outline, f"{name}: BCE 0.142")
    ax.set(xlim=(0, 64), ylim=(48, 0))
    longest.append((nearest_points(outline, truth.outline) - outline).norm(dim=1).max().item())
alt = "Left, short arrows between two shifted circles; right, long ones from a blob to the circle."
show(fig, alt=alt, facts=f"longest arrows: {longest[0]:.1f} and {longest[1]:.1f} px")

# %% [markdown]
# ## The board, with other losses
#
# The board of [unit 14](14_losses_that_see_pixels.ipynb) again. Of the losses in the table, **boundary** and **SDF L1** read how far each pixel is from the true outline; **Chamfer**, **Hausdorff** and **HD95** read two outlines, as points. All are explained below; play first.

# %%
from minseg.explore import LossBoard

names = ("BCE", "boundary", "SDF L1", "SDF L1, cut at 4", "Chamfer", "Hausdorff", "HD95")
LossBoard(losses=names, loss="boundary")

# %% [markdown]
# 1. **Set the mark, then switch on the far blob.** Which bar is longest? (A bar says how often the loss has doubled, counted from the lowest value that it can have.)
# 2. **Drag the blob nearer** to the disc. Which losses notice, and which does not?
# 3. **Put all back, put the disc exactly on the truth** (radius 12, at (28, 24)), and show the push of *boundary*. Is it at rest?
# 4. **Put all back, show SDF L1, then cut at 4.** Who is pushed?
#
# <details><summary>Answers</summary>
#
# 1. Those of Hausdorff and HD95, from 8 to 24 px, and then boundary's: they ask how far. BCE hardly changes, as the board's blob has only 32 pixels.
# 2. All but BCE: the nearer the blob, the less they ask. BCE counts its pixels.
# 3. No. It pushes the inside further up and the outside further down, for ever.
# 4. The first pushes nearly the whole image, the second a band around the two outlines.
#
# </details>
#
# ## How far is wrong?
#
# Let $d^*$ be the **signed distance** of the true mask ([unit 13](13_a_mask_as_a_landscape.ipynb)): how far a pixel is from the true outline, positive inside. Two losses read it:
#
# $$\text{boundary} = -\frac1n \sum d^*\, p, \qquad \text{SDF L1} = \frac1n \sum |d - d^*|.$$
#
# The **boundary loss** (Kervadec et al., *Boundary loss*, 2019) is for a network that puts out probabilities $p$: raising $p$ inside gains, outside it costs, by distance. By hand: a false pixel beside the outline has $d^* = -0.5$ and costs $0.5 / n$; a false pixel 20 pixels away costs $19.5 / n$, 39 times as much. Its push on $z$ is $\tfrac1n\, d^*\, p\,(1 - p)$: whatever $p$ is, its sign is that of $d^*$, so it never rests. Its value may be negative: the perfect mask has the lowest one, not 0. Use it beside Dice, not instead of it.
#
# In **SDF L1** the network puts out distances $d$ itself. Its push on $d$ is $\pm \tfrac1n$ on *every* pixel, however small the difference.
#
# **Predict.** A network puts out the right landscape, but 4 pixels too far to the right. How many percent of SDF L1's push fall on pixels within 3 pixels of the true outline?

# %%
guess("15.q_near", None)  # your number in place of None

# %%
from minseg.experiments.loss_pair import MaskTruth, share_near
from minseg.experiments.truncated_distances import six_shapes


def share_at_the_outline(mask, cut):
    """How much of the push on a mask's landscape, moved by 4 px, is within 3 px of the outline."""
    moved = signed_distance(mask.roll(4, dims=1))[None].requires_grad_()
    true = MaskTruth.of(mask)
    loss = losses.signed_distance_loss(moved, true.distances[None], truncate=cut)
    (gradient,) = torch.autograd.grad(loss.sum(), moved)
    return share_near(gradient[0], true, width=3)


cuts = (None, 8, 4, 1)
shares = {cut: [100 * share_at_the_outline(mask, cut) for mask in six_shapes()] for cut in cuts}
reveal("15.q_near", torch.tensor(shares[None]).mean(), "%", digits=2)

# %% [markdown]
# About as much as the band has of the image's area, a sixth: each pixel has one vote, and most pixels are far from the outline, where nobody needs $d$ to the digit. Hence the usual cut: both $d$ and $d^*$ are held within $\pm\tau$ before they are compared.
#
# **Exercise (warm-up): truncated L1 of distances.**
#
# - `predictions` and `targets` are floating-point tensors (N, H, W); a target may be infinite. `truncate` is $\tau > 0$.
# - Return (N,): of each mask the mean absolute difference, after both are cut off at $\pm\tau$. `check` compares the gradient that autograd finds, too.


# %%
def my_sdf_l1(predictions, targets, truncate):
    """(N,) mean absolute differences of distances, both cut off at ±truncate."""
    raise NotImplementedError


check("15.sdf_l1", my_sdf_l1)

# %% [markdown]
# `hint("15.sdf_l1")` and `solution("15.sdf_l1")` help.
#
# What does the cut do to a network? Let one that puts out 8 × 11 numbers, enlarged to 48 × 64, fit the distances of six shapes, 200 steps each. It cannot get every distance right and has to choose. It starts twice: from $d = 0$ everywhere, and from $d = 6$.

# %% tags=["nbval-ignore-output"]
from minseg.experiments.truncated_distances import fit_distances

print("   τ   push near the outline   IoU from d = 0   IoU from d = 6   (mean ± SD of six shapes)")
for cut in cuts:
    share = torch.tensor(shares[cut])
    from_0, from_6 = (fit_distances(six_shapes(), cut, start) for start in (0.0, 6.0))
    print(
        f"{cut or '∞':>4} {share.mean():16.0f} ± {share.std():.0f} %"
        f"{from_0.mean():12.3f} ± {from_0.std():.3f}{from_6.mean():10.3f} ± {from_6.std():.3f}"
    )

# %% [markdown]
# Two things to see.
#
# - Without a cut it works, and spends most of its push elsewhere. A cut at 1 pixel makes a mask that is better by one or two hundredths of IoU, for the network spends its few numbers where it matters.
# - But a cut kills whatever lies beyond $\tau$ *in the prediction*: the clamp is level there, and has no gradient. Started at 6 with a cut at 4, nothing ever moves, and IoU stays at 0.15: the mask is full.
#
# So start near 0, and take $\tau$ larger than the errors that you expect.
#
# ## How far apart are two outlines?
#
# Some networks put out an outline, as points. For two sets of points $A$ and $B$ let $d(a, B)$ be the distance from point $a$ to the *nearest* point of $B$: one arrow of the first picture. Then
#
# $$\text{Chamfer} = \operatorname*{mean}_{a \in A} d(a, B) + \operatorname*{mean}_{b \in B} d(b, A), \qquad \text{Hausdorff} = \max\Big(\max_{a \in A} d(a, B),\ \max_{b \in B} d(b, A)\Big).$$
#
# Chamfer averages the arrows, Hausdorff takes the longest; both go both ways. Why both ways? By hand: $A$ is a single point *on* the outline $B$. From $A$ to $B$ the only arrow has length 0, perfect. Only the arrows from $B$ to $A$ show that nearly everything is missing.

# %%
angle = torch.arange(40, dtype=torch.float64) * (2 * torch.pi / 40)
circle = torch.stack([24 + 10 * angle.cos(), 20 + 10 * angle.sin()], dim=1)  # (40, 2)
bulge = circle.clone()
bulge[[38, 39, 0, 1, 2]] += torch.tensor([9.0, 0.0])  # five points, pulled to the right
fig, axes = figure(columns=2, height=330)
draw_arrows(axes[0], bulge, circle, "From the prediction to the truth")
draw_arrows(axes[1], circle, bulge, "From the truth to the prediction", truth_first=True)
for ax in axes:
    ax.set(xlim=(10, 48), ylim=(34, 6))
there, back = (
    (nearest_points(a, b) - a).norm(dim=1) for a, b in ((bulge, circle), (circle, bulge))
)
alt = "A circle with a spike: long arrows from the spike to the circle, short ones the other way."
facts = f"there: mean {there.mean():.2f}, longest {there.max():.2f} px"
show(fig, alt=alt, facts=f"{facts}; back: mean {back.mean():.2f}, longest {back.max():.2f} px")

# %% [markdown]
# Five points stick out; the other 35 have arrows of length 0, where blue lies on green. Chamfer is the sum of the two means, Hausdorff the longest of all arrows.
#
# **Predict.** Two straight lines of 20 pixels cross in their middles at a right angle, with a point every quarter pixel. How many pixels is their Chamfer distance?

# %%
guess("15.q_cross", None)

# %%
s = torch.linspace(-10, 10, 81, dtype=torch.float64)
across, down = torch.stack([s, 0 * s], dim=1), torch.stack([0 * s, s], dim=1)
reveal("15.q_cross", losses.chamfer_distance(across, down), "px")

# %% [markdown]
# A point at $s$ on one line has its nearest point of the other where they cross, $|s|$ away. The mean of $|s|$ is 5 (5.06 with these points), and there are two directions. (The *smallest* distance between the two is 0, as soon as they touch anywhere: nothing to learn from.)
#
# **Exercise (core): Chamfer.**
#
# - `a` and `b` are floating-point tensors (n, 2) and (m, 2); n and m may differ, and may be 0.
# - Return one number, a tensor or a float: both mean distances, added, not squared. Two empty sets are at 0; an empty and another one at infinity.


# %%
def my_chamfer(a, b):
    """Chamfer distance of points (n, 2) and (m, 2): both directions, added."""
    raise NotImplementedError


check("15.chamfer", my_chamfer)

# %% [markdown]
# `solution("15.chamfer")` shows the package's code.
#
# ### One stray blob
#
# Hausdorff is decided by a single point. So people take the 95th percentile of the arrows instead of the longest, **HD95**: at most 5 % of the arrows may be longer.
#
# Take a rectangle of 30 × 50 pixels, and the same one with a stray blob of 3 × 3 pixels some way off. The outline of the first has 156 pixels, the blob's has 8. Their Hausdorff distance is 32.5 pixels, from the blob's far corner.
#
# **Predict.** What is their HD95, in pixels?

# %%
guess("15.q_stray", None)

# %%
rectangle = torch.zeros(96, 128, dtype=torch.bool)
rectangle[20:50, 20:70] = True


def with_blob(side):
    """The rectangle and a stray blob of side × side pixels."""
    mask = rectangle.clone()
    mask[70 : 70 + side, 90 : 90 + side] = True
    return mask


def hd(mask, percentile):
    """Hausdorff distance to the rectangle, or a percentile of each direction."""
    rims = ring_points(mask), ring_points(rectangle)  # centres of the outermost pixels
    return losses.hausdorff_of_points(*rims, percentile=percentile)


fig, axes = figure(columns=2, height=330)
for ax, side in zip(axes, (3, 4), strict=True):
    title = f"A blob of {side} × {side}: HD95 is {hd(with_blob(side), 95):.1f} px"
    draw_arrows(ax, ring_points(with_blob(side)), ring_points(rectangle), title)
    ax.set(xlim=(10, 106), ylim=(82, 12))
alt = "A rectangle and a stray blob, twice; arrows lead from the blob to the nearest corner."
show(
    fig, alt=alt, facts=f"Hausdorff {hd(with_blob(3), 100):.1f} and {hd(with_blob(4), 100):.1f} px"
)
reveal("15.q_stray", hd(with_blob(3), 95), "px")

# %% [markdown]
# 0: the blob has 8 of 164 arrows, 4.9 %, and HD95 does not see it. With 4 × 4 pixels it has 12 of 168, 7.1 %, and HD95 jumps to 30.9. A percentile does not fade in; it switches.
#
# And two things go by the name HD95: the percentile of each direction, then the larger one, as here; or of all arrows pooled, which for the larger blob are 12 of 324, so that it is 0 again. Say which one you report.
#
# ## The same 96 pixels, again
#
# The four wrong masks of [unit 14](14_losses_that_see_pixels.ipynb), each wrong in exactly 96 pixels, with the losses that see where:

# %%
from minseg.experiments.same_pixels import value_table

print(value_table(names))

# %%
from minseg.draw.push_table import push_table
from minseg.experiments.same_pixels import share_on_right_pixels

two = ("boundary", "SDF L1, cut at 4")
alt = "Boundary pushes the same everywhere, by distance; the cut SDF loss a band around each fault."
blob = wrong_masks()["a far blob"]
facts = ", ".join(f"{loss} {100 * share_on_right_pixels(loss, blob):.0f} %" for loss in two)
show(push_table(two), alt=alt, facts=f"on right pixels, far blob: {facts}")

# %% [markdown]
# Read the table row by row. **BCE** counts. **Boundary** ranks by distance: the blob is by far the worst, and a hole deep inside costs more than a rim. **SDF L1** compares whole landscapes, in which a thinner disc lowers nearly every distance; the cut takes most of that away. **Hausdorff** asks the farthest point; **Chamfer** spreads it over all.
#
# In the maps, blue is pushed up and orange down; under each, the bar says which part of the push falls on wrong pixels (dark). (White places inside a coloured disc are pixels on whose distance prediction and truth agree, or which both hold beyond the cut.)
#
# > **In practice: which one do I take?**
# >
# > - **Start with BCE plus Dice** ([unit 14](14_losses_that_see_pixels.ipynb)). Add the boundary loss with a small, growing weight if far specks are the trouble, as in medical images.
# > - A network that puts out distances: L1 with a cut of a few pixels, started near 0.
# > - A network that puts out outlines: Chamfer, or the distances of matched points.
# > - Hausdorff and HD95 are for *measuring*: one point has all of the gradient.
# > - *The calls.* `scipy.spatial.distance.directed_hausdorff` (one way!), `pytorch3d.loss.chamfer_distance` (which squares), `monai.losses.HausdorffDTLoss`.
# > - *The mistake.* A direction forgotten, or a square. The symptom: your Chamfer and the paper's differ by far more than your masks.
#
# <details><summary>For the curious: the IoU of the mask inside a curve</summary>
#
# Can a network that puts out a curve be trained on the IoU of the pixels inside of it? Not if each pixel is filled with yes or no: move the curve by a thousandth of a pixel, and no pixel changes, so the gradient is 0. Fill softly instead: with $d$ the distance of a pixel from the curve, positive inside, fill with $\sigma(d / \tau)$. That is a ramp some $4\tau$ wide, and every pixel on it passes a gradient on to the curve (Liu et al., *Soft Rasterizer*, 2019, do it in three dimensions).
#
# </details>
#
# ## Optional: ask the neighbours
#
# No loss so far that reads $p$ prefers one whole mask to a cloud of dots. One can clean up afterwards, by a price on disagreeing neighbours.
#
# - **Total variation**, TV: find the map near $p$ that has less outline. It never looks at the photograph.
# - A **CRF**, conditional random field: *each* pair of pixels that lie near each other pays if they disagree, and pays more the more alike they look *in the photograph*.
#
# Here is a noisy prediction of a disc with an arm that is 2 pixels wide, and two photographs. In the second, the arm has the background's colour.

# %%
from minseg.draw import draw_image
from minseg.experiments.thin_arm import cleaned, thin_arm, told

one = thin_arm(seed=0)
masks = cleaned(one)
fig, axes = figure(columns=3, rows=2, height=420)
draw_image(axes[0, 0], one.photo.clamp(0, 1), "A photograph")
draw_image(axes[0, 1], one.photo_without_arm.clamp(0, 1), "Another: the arm is not seen")
for ax, (name, mask) in zip(axes.flat[2:], masks.items(), strict=True):
    draw_image(ax, mask.double(), name, cmap="Greys", limits=(-0.15, 1.2))
alt = "A disc with an arm in snow; TV leaves a part of the arm, the CRF most of it, if it is in sight."
show(fig, alt=alt, facts=f"pixels: {[int(mask.sum()) for mask in masks.values()]}")

# %%
trials = [[told(one, mask) for mask in cleaned(one).values()] for one in map(thin_arm, range(3))]
for name, (iou, left), spread in zip(
    masks, torch.tensor(trials).mean(0), torch.tensor(trials).std(0), strict=True
):
    print(f"{name:18} IoU {iou:.2f} ± {spread[0]:.2f}, {100 * left:3.0f} % of the arm left")

# %% [markdown]
# Both clean up, and both have an opinion of their own: outlines should be short. A thin part has much outline for its area, so it is the first to go, unless the image speaks for it.
#
# <details><summary>For the curious: what the two minimise</summary>
#
# TV: $\min_u \tfrac12 \sum (u - p)^2 + w \sum |\text{steps between neighbours of } u|$. A rectangle of $a \times b$ pixels sinks by $w \cdot 2(a + b) / ab$: a large square hardly notices, a line of one pixel loses $2w$.
#
# The CRF (Krähenbühl and Koltun, 2011): each pair $i, j$ that disagrees pays
#
# $$w_a \exp\left(-\tfrac{|\Delta \text{place}|^2}{2\theta_\alpha^2} - \tfrac{|\Delta \text{colour}|^2}{2\theta_\beta^2}\right) + w_s \exp\left(-\tfrac{|\Delta \text{place}|^2}{2\theta_\gamma^2}\right).$$
#
# The best labelling is too dear to find, so **mean field** lets every pixel listen to the present opinions of all the others, a few rounds long: `mean_field_crf` in `minseg.masks`.
#
# </details>
#
# ## Recap
#
# - Pixel losses count; the boundary loss and distances weigh by how far.
# - L1 of distances gives every pixel one vote. A cut at $\tau$ gives the votes to the outline, and kills what is predicted beyond it.
# - Chamfer averages the arrows between two outlines, Hausdorff takes the longest, both in both directions; HD95 switches at 5 %.
# - TV and CRFs clean up, and thin parts pay.

# %%
progress("15")

# %% [markdown]
# ## Part 1 in one picture
#
# The upper row writes one mask down in four ways. In the lower row, a mask with a far blob is wrong, and four losses say so, each in its own way.

# %%
from minseg.draw.masks_in_one_picture import part_one

alt = "A coin as a grid, corners, circles and a landscape; a far blob as four losses see it."
show(part_one(), alt=alt, facts="units 11 to 13 above, 14 and 15 below")

# %% [markdown]
# **Five questions.** Answer aloud, then look.
#
# 1. Two cats of one class touch. What does a semantic map not tell you about them?
#
# <details><summary>Answer</summary>
#
# That they are two. A semantic map has a class for each pixel, and touching pixels of one class are one region ([unit 10](10_what_instance_segmentation_asks.ipynb)).
#
# </details>
#
# 2. All of your masks come back up and to the left, by more the larger the box is. What is wrong?
#
# <details><summary>Answer</summary>
#
# A half cell is missing where the grid is pasted: a cell's number belongs to the cell's *centre* ([unit 11](11_a_mask_on_a_grid.ipynb)). Half a cell is more pixels in a larger box.
#
# </details>
#
# 3. You count tyres, seen from the side, and want few numbers for each. Why not circles up to $K = 8$, and what else?
#
# <details><summary>Answer</summary>
#
# One closed outline has no hole, whatever $K$ is ([unit 12](12_a_mask_as_an_outline.ipynb)). Two outlines, or a coarse grid of distances, which needs the fewest bytes for the ring ([unit 13](13_a_mask_as_a_landscape.ipynb)).
#
# </details>
#
# 4. With BCE alone your network leaves all small objects out. Why, what helps, and what is the risk?
#
# <details><summary>Answer</summary>
#
# One pixel, one vote: the background outvotes them. Dice lets object and background pull as groups. But its push has the factor $p\,(1 - p)$: from an empty, certain prediction nothing starts, so keep BCE beside it ([unit 14](14_losses_that_see_pixels.ipynb)).
#
# </details>
#
# 5. Two models have the same mean IoU. One of them leaves specks far away. Which number tells them apart, and which may not?
#
# <details><summary>Answer</summary>
#
# The Hausdorff distance does, and the boundary loss. HD95 does not if the specks have less than 5 % of the outline, and BCE and IoU never do.
#
# </details>
#
# **Reading on.** Kervadec et al., *Boundary loss for highly unbalanced segmentation*, 2019; Huttenlocher et al., *Comparing Images Using the Hausdorff Distance*, 1993. In the package: `minseg/losses/contour.py`.
#
# The notes' claims on this: C20, C21, C30 to C32 and C36, measured in [91](91_masks_and_tasks.ipynb).
#
# **Next:** part 2 reads regions out of a feature map. [What rounding costs](20_what_rounding_costs.ipynb) begins with a box that does not fit its grid.
#
# > **When it does not work**
# >
# > - *A distance is infinite*: an empty or a full mask has no outline. Use `truncate=`.
# > - *The loss falls and the mask stays*: look at the push. A clamp or a threshold has no slope.

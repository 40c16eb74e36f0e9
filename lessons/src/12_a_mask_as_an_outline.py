# %% [markdown]
# # 12 · A mask as an outline
#
# A grid spends most of its numbers deep inside an object and far outside of it, where nothing happens. An outline spends them where the mask changes. **How few numbers describe a shape?**
#
# Below, circles that turn at whole speeds sit on one another's rims, and the tip of the last one draws a star.
#
# *40 minutes: 17 to read and look, 6 to play, 16 to write code. 25 s to run. No GPU, no downloads. You need [unit 11](11_a_mask_on_a_grid.ipynb).*

# %%
import torch

from minseg.course import check, guess, hint, progress, reveal, solution
from minseg.draw import figure, show
from minseg.draw.masks import draw_errors

# %%
from minseg.draw.moving import show_moving
from minseg.draw.outlines import turning_circles
from minseg.experiments.representations import ring_of, specimen
from minseg.masks import fourier_descriptor

star = specimen("star")  # (96, 96) bool
circles = fourier_descriptor(ring_of(star), 16)
frames = turning_circles(star, circles, 30, "32 circles draw a star")
alt = "Circles of falling size, each centred on the rim of the one before; the last draws a star."
facts = f"the three largest radii: {circles.abs().sort().values.flip(0)[1:4].numpy().round(1).tolist()} px"
show_moving(frames, alt=alt, facts=facts, seconds=7)

# %% [markdown]
# (It plays three times. Run the cell again to see it again.)
#
# ## A curve in your hands
#
# Circles are one way to write an outline down. A **B-spline** is another: a smooth closed curve that a few **control points** pull at. Two numbers a point, and you can hold them.
#
# In all pictures of this unit, pixels that come back are grey, lost ones blue and added ones orange. **Boundary IoU** is IoU of two thin bands along the outlines: it minds small errors there.

# %%
from minseg.explore import SplineEditor

SplineEditor(thing="star")

# %% [markdown]
# Drag the points, or focus one: arrow keys move it, Alt makes the steps finer, Delete removes it, + adds one behind it.
#
# 1. **Move one point.** How much of the curve follows?
# 2. **Press Fit.** Why are all the tips cut off?
# 3. **Add two points and fit again.** What is better?
# 4. **Beat the fit.** Pull the points at the tips further out. Why can you?
# 5. **Make a corner.** Put three neighbouring points in one place.
#
# <details><summary>Answers</summary>
#
# 1. Four segments around the point, and nothing else. With eight points that is half of the curve.
# 2. Each tip needs a point that pulls outwards and, on either side, one that pulls inwards again, which it shares with the next tip: five and five, ten in all. You have eight.
# 3. With ten points there is one for each tip and one for each notch: the IoU rises from 0.67 to 0.83.
# 4. Fit minimises the distances between points of the two curves, not the wrong area. What it minimises and what is measured are two things, as so often.
# 5. The curve runs through the place, with a kink. Three points in one place are a corner; two only make the bend sharper.
#
# </details>
#
# ## Corners
#
# The simplest outline is a **polygon**: corners $(x, y)$ in order, joined by straight sides. Which pixels does it cover? A pixel belongs to it if its *centre* does. To find out, walk from far left along a row of centres. At each crossing with a side you change from outside to inside, or back. This is the **even-odd rule**: inside is where you have crossed an odd number of sides.

# %%
from minseg.draw.outlines import crossings, draw_crossings

arrow = torch.tensor([[1.0, 1.0], [9.0, 4.0], [1.0, 7.0], [3.0, 4.0]])
fig, ax = figure(width=560, height=440)
draw_crossings(ax, arrow, height=8, width=10, row=2)
ax.set_title("Inside lies between the two crossings")
alt = "An arrowhead over a pixel grid; a dashed row of centres crosses its left and upper side."
show(fig, alt=alt, facts=f"row 2 is crossed at x = {[round(x, 2) for x in crossings(arrow, 2.5)]}")

# %% [markdown]
# Check the first crossing by hand. The left side leads from (1, 1) to (3, 4), down by 3 and right by 2. At the height of the centres, $y = 2.5$, half of it is done: $x = 1 + 0.5 \cdot 2 = 2$. In general a side from $(x_1, y_1)$ down to $(x_2, y_2)$ (take one that leads up the other way round) is crossed at
#
# $$x = x_1 + (y - y_1)\, \frac{x_2 - x_1}{y_2 - y_1}, \qquad \text{if } y_1 \le y < y_2.$$
#
# One $\le$ and one $<$: a corner at the height of a row belongs to one of its two sides, not to both, and a level side is never crossed. In the same way a centre that lies exactly on a left or top side counts as inside, on a right or bottom side as outside. So polygons that share a side share no pixel.
#
# **Exercise (core): fill polygons.**
#
# - `polygons` is a list of (n, 2) floating-point tensors, n ≥ 3, x first. The last point is joined to the first one, which is not repeated. Points may lie outside of the image. The list may be empty.
# - Within one polygon the even-odd rule holds, also where it crosses itself. Several polygons are united.
# - Return a bool tensor (height, width). A loop over sides is fast enough.
#
# `hint("12.from_polygons")` gives one hint at each call.


# %%
def my_from_polygons(polygons, height, width):
    """(height, width) bool: the pixels whose centre lies in one of the polygons."""
    raise NotImplementedError


check("12.from_polygons", my_from_polygons)

# %% [markdown]
# `solution("12.from_polygons")` shows the package's code, which handles all sides at once.
#
# ### Fewer corners
#
# The other way round, an outline traced along pixels has hundreds of corners, most of them on straight stretches. Douglas and Peucker (1973) thin it out. You say by how many pixels the outline may move, the **tolerance**. Take a stretch: which corner lies farthest from the straight line between its two ends? If it is within the tolerance, all corners between the ends can go. If not, it stays, and cuts the stretch in two; treat both alike.


# %%
def thin(points, tolerance):
    """The corners of a stretch (n, 2) that stay, its two ends included."""
    start, end = points[0], points[-1]
    along = (end - start) / (end - start).norm()
    away = points - start
    distance = (along[0] * away[:, 1] - along[1] * away[:, 0]).abs()  # from the straight line
    far = distance.argmax()
    if distance[far] <= tolerance:
        return points[[0, -1]]
    before, after = thin(points[: far + 1], tolerance), thin(points[far:], tolerance)
    return torch.cat([before[:-1], after])  # the corner between them once


def thin_ring(ring, tolerance):
    """A closed outline (n, 2): its two halves, thinned out."""
    half = (ring - ring[0]).norm(dim=1).argmax()  # cut where it is farthest from its start
    there, back = ring[: half + 1], torch.cat([ring[half:], ring[:1]])
    return torch.cat([thin(there, tolerance)[:-1], thin(back, tolerance)[:-1]])


# %% [markdown]
# **Predict.** A disc of 80 pixels across keeps 8 corners at a tolerance of 4 pixels. How many does it keep at 1 pixel?

# %%
guess("12.q_disc", None)  # your number in place of None

# %%
from minseg.masks import from_polygons
from minseg.metrics import mask_iou

tries = [("disc", 4), ("disc", 1), ("coin", 1), ("star", 2)]
fig, axes = figure(columns=4, height=260)
ious = []
for ax, (thing, tolerance) in zip(axes, tries, strict=True):
    mask = specimen(thing)
    corners = thin_ring(ring_of(mask), tolerance)
    back = from_polygons([corners], 96, 96)
    title = f"{thing}, {tolerance} px: {len(corners)} corners"
    draw_errors(ax, mask, back, [corners], corners, title)
    ious.append(round(mask_iou(mask[None], back[None]).item(), 3))
alt = "A disc as an octagon and with twice as many corners; a coin; a star with ten corners."
show(fig, alt=alt, facts=f"IoU {ious}")
reveal("12.q_disc", len(thin_ring(ring_of(specimen("disc")), 1)))

# %% [markdown]
# Twice as many, not four times. A side that spans an angle of $2\pi / n$ leaves the circle by $r\,(1 - \cos \frac{\pi}{n}) \approx r \pi^2 / 2n^2$ in its middle: a quarter of the error needs twice the corners. (17 and not 16, as stretches are cut at one of their own corners, which need not be the best place.)
#
# On straight sides a polygon is hard to beat: the star is ten corners, 20 numbers. On the coin, every part of the outline bends a little, so every part needs corners.
#
# ## Circles
#
# Now back to the star at the top. Walk along an outline once, at constant speed. Where you are at time $t$, from 0 to 1, is $(x(t), y(t))$; write it as *one* complex number $z(t) = x(t) + i\,y(t)$. Then any closed outline is a sum of circles:
#
# $$z(t) \approx \sum_{k=-K}^{K} c_k\, e^{2\pi i k t}.$$
#
# Circle $k$ turns $k$ times while you walk once, backwards if $k$ is negative. Its **Fourier coefficient** $c_k$ is a complex number: $|c_k|$ is the radius, its angle is where the circle starts. $c_0$ does not turn: it is the centre of the shape. $K$ is how many **harmonics** you keep; that takes $2K + 1$ coefficients, each of two numbers.
#
# By hand: with $c_0 = 5 + 3i$ and $c_1 = 2$ alone, $z(0) = 7 + 3i$, $z(\tfrac14) = 5 + 3i + 2i = 5 + 5i$: a circle of radius 2 around (5, 3).

# %%
from minseg.masks import from_fourier

fig, axes = figure(columns=4, height=260)
ious = []
for ax, harmonics in zip(axes, (1, 4, 8, 16), strict=True):
    outline = from_fourier(fourier_descriptor(ring_of(star), harmonics), 512)
    back = from_polygons([outline], 96, 96)
    ious.append(round(mask_iou(star[None], back[None]).item(), 3))
    draw_errors(ax, star, back, [outline], title=f"K = {harmonics}: IoU {ious[-1]:.2f}")
alt = "One harmonic is a circle, four a soft star with five bumps, sixteen a star with sharp tips."
show(fig, alt=alt, facts=f"IoU with K = 1, 4, 8, 16: {ious}")

# %% [markdown]
# One circle is all that a disc needs. The star's corners need ever more of them.
#
# **Predict.** A square with sides of 100 pixels, with $K = 4$: the worst point of the outline is 7.0 pixels off, at the corners. How many pixels is it off with $K = 8$?

# %%
guess("12.q_square", None)

# %%
from minseg.experiments.representation_limits import fourier_error, square_curve

off = {harmonics: fourier_error(square_curve(), harmonics) for harmonics in (4, 8, 16, 32)}
reveal("12.q_square", off[8], "px", digits=2)
print("off by", {harmonics: round(error, 1) for harmonics, error in off.items()}, "px")

# %% [markdown]
# Half. A corner is a jump in direction, and a jump's circles shrink slowly: their radii fall as $1/k^2$. What is left out is their sum beyond $K$, and $\sum_{k>K} 1/k^2 \approx 1/K$. Twice the numbers, half the error. (Of a smooth outline without corners the radii fall faster than any power, and a handful of circles will do.)
#
# **Exercise (core): turn the circles.**
#
# - `descriptor` is a complex tensor (2K + 1,), ordered from $c_{-K}$ to $c_K$; $K$ may be 0.
# - `samples` is a whole number $N \ge 1$. Return the points at $t = 0, \tfrac1N, \tfrac2N, \dots$ as a floating-point tensor (N, 2), x first. The first point is not repeated at the end.


# %%
def my_from_fourier(descriptor, samples):
    """(samples, 2): points x, y of the outline that the coefficients describe."""
    raise NotImplementedError


check("12.from_fourier", my_from_fourier)

# %% [markdown]
# `solution("12.from_fourier")` shows the package's code.
#
# ## Control points
#
# Change one circle, and the whole outline moves, for each circle takes part everywhere. That is why the B-spline in the editor feels so different: each point of its curve is a weighted mean of *four* neighbouring control points, and of no others. Here are the four weights along one segment, $t$ from 0 to 1.

# %%
from minseg.masks import bspline_basis

t = torch.linspace(0, 1, 101)
fig, ax = figure(width=620, height=330)
names = ("the one before", "the near one", "the next one", "the one after")
for weights, name in zip(bspline_basis(t).T, names, strict=True):
    ax.plot(t, weights, linewidth=2, label=name)
ax.set(xlabel="t along a segment", ylabel="weight", title="Four neighbours share each point")
ax.set_yticks([0, 1 / 6, 2 / 3, 1], labels=["0", "1/6", "4/6", "1"])
ax.legend(loc="upper center", ncols=4, fontsize=9)
alt = "Two weights fade out and two grow; at the start they are one, four, one and no sixths."
show(fig, alt=alt, facts=f"sixths at t = 0: {(6 * bspline_basis(0.0)).round().int().tolist()}")

# %% [markdown]
# At $t = 0$ the weights are $\tfrac16, \tfrac46, \tfrac16, 0$; they always sum to 1. The point before fades out until it has no weight left at $t = 1$, and there the next segment takes over with a new fourth neighbour whose weight is still 0. So nothing jumps where two segments meet, neither place nor slope nor curvature.
#
# <details><summary>For the curious: why sixths, and which curves these are</summary>
#
# The weights are $\tfrac16 (1-t)^3$, $\tfrac16 (3t^3 - 6t^2 + 4)$, $\tfrac16 (-3t^3 + 3t^2 + 3t + 1)$ and $\tfrac16 t^3$. Ask for cubic weights that sum to 1, such that each of them, followed from segment to segment, is *one* bump whose value, slope and curvature do not jump: these are the only ones. A cubic that starts with value, slope and curvature 0 is a multiple of $t^3$; the sum of 1 makes the multiple $\tfrac16$. (De Boor, *A Practical Guide to Splines*, 1978, chapter IX.)
#
# The curve is linear in its control points, so the best ones come from least squares, at once: `fit_bspline`.
#
# </details>
#
# How far does one number reach? Raise one of 16 corners, 17 coefficients or 16 control points of the coin by a pixel, and count what moves.

# %%
from minseg.experiments.representation_limits import reaches

for numbers, share in reaches(specimen("coin")).items():
    if not numbers.startswith("14"):  # grids wait for unit 13
        print(f"one of {numbers:24} moves {share:4.0%} of the outline")

# %% [markdown]
# Two sides of 16, everything, four segments of 16. A network that gets one coefficient wrong gets the whole outline wrong, a little; one that gets one corner wrong leaves a dent.
#
# ## What no budget buys
#
# **Predict.** Write this ring by circles, with $K = 64$: 258 numbers, plenty. What is the IoU of what comes back?

# %%
ring = specimen("ring")
guess("12.q_ring", None)

# %%
outline = from_fourier(fourier_descriptor(ring_of(ring), 64), 512)
back = from_polygons([outline], 96, 96)
fig, axes = figure(columns=2, width=640, height=330)
draw_errors(axes[0], ring, ring, title="The ring")
draw_errors(axes[1], ring, back, [outline], title="What one outline says")
alt = "A ring, and the disc that its outer outline encloses: the hole is filled."
show(fig, alt=alt, facts=f"{ring.sum()} pixels of the ring, {back.sum()} of the disc")
reveal("12.q_ring", mask_iou(ring[None], back[None]))

# %% [markdown]
# The ring is 3524 of the 5024 pixels that its outer outline encloses: 0.70, whatever $K$ is. How many parts and how many holes a mask has is its **topology**, and one closed curve has one part and no hole. Polygons have ways out. Several parts are a *list* of polygons. And a hole can be reached by a **bridge**: the outline walks in to it, around it, and back on the same line. A ray that crosses the bridge crosses it twice, which by the even-odd rule counts for nothing.

# %%
from minseg.masks import to_polygons

bridged = to_polygons(ring, tolerance=1)
back = from_polygons(bridged, 96, 96)
fig, ax = figure(width=400, height=380)
draw_errors(ax, ring, back, bridged, bridged[0], "One polygon, with a bridge to the hole")
alt = "An outer and an inner outline of a ring, joined by a line that is walked there and back."
found = mask_iou(ring[None], back[None]).item()
show(fig, alt=alt, facts=f"{len(bridged)} polygon of {len(bridged[0])} corners: IoU {found:.3f}")

# %% [markdown]
# > **In practice**
# >
# > - *What people use.* Annotators click polygons, so that is what data sets store: in COCO's files an object is a list of polygons, and only crowds are run lengths. Networks mostly predict grids; those that predict outlines fix the number of points (36 rays from a centre in PolarMask, say), as a layer has a fixed number of outputs.
# > - *How they are trained.* The curve has a gradient with respect to its numbers; the pixels inside do not, as a pixel is in or out. So one trains on distances between points ([unit 15](15_losses_that_see_outlines.ipynb)).
# > - *The call.* `skimage.measure.find_contours` and `approximate_polygon`, or `cv2.findContours` and `approxPolyDP`.
# > - *The mistake.* OpenCV's outline runs through the *centres* of the outermost pixels: a square of 10 × 10 pixels becomes a polygon with an area of 81. The symptom: every mask comes back thinner by half a pixel all around.
#
# ## Recap
#
# - A polygon is corners; even-odd turns it into pixels; Douglas and Peucker let you choose the error and give you the number of corners.
# - A sum of circles is exact for round shapes and slow at corners, where the error falls as $1/K$. Each number moves the whole outline.
# - A B-spline is smooth, and each control point moves four segments.
# - One outline has one part and no hole, whatever it costs.

# %%
progress("12")

# %% [markdown]
# **Reading on.** Douglas and Peucker, *Algorithms for the reduction of the number of points*, 1973; Granlund, *Fourier Preprocessing for Hand Print Character Recognition*, 1972; Xie et al., *PolarMask*, 2020.
#
# The notes' claims on this: C26 to C29, measured in [91](91_masks_and_tasks.ipynb).
#
# **Next:** [a mask as a landscape](13_a_mask_as_a_landscape.ipynb) writes into each pixel how far the outline is, and then puts all seven ways side by side.
#
# > **When it does not work**
# >
# > - *A filled polygon is moved by half a pixel*: ask at centres, $(j + \tfrac12, i + \tfrac12)$.
# > - *Your masks differ from pycocotools by a few pixels along the rim*: it rounds corners to a fifth of a pixel before it fills. To evaluate, use its masks (`load_coco` does).

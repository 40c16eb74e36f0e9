# %% [markdown]
# # 31 · What AP does not see
#
# One detector, one photograph, one list of masks, and yet five people report five numbers, from 0.44 to 0.76. All of them call it AP. Which protocol is a number, and what can none of them see?
#
# *30 minutes: 9 to read, 7 to look and guess, 6 to find bugs in other people's code, 8 to write code. 7 s to run. You need unit 30.*

# %%
import torch

from minseg.course import check, guess, hint, progress, reveal, solution
from minseg.data import coins_truth, photo
from minseg.draw import draw_image, figure, show
from minseg.experiments import flawed_coins

coins = coins_truth()  # 24 masks
detector = flawed_coins.sloppy_detector()  # 26 masks with scores

# %%
from minseg.draw.groups import draw_groups

fig, axes = figure(columns=2, height=385)
draw_image(axes[0], photo("coins"), "24 coins")
draw_groups(axes[1], photo("coins"), flawed_coins.sloppy_parts(), "26 detections, 3 misses")
show(
    fig,
    alt="A photograph of 24 coins in four rows, and the same with masks in four colours: 21 coins "
    "found, many masks too far right; three of them found again; two masks meant for no coin; "
    "three coins missed.",
    facts=f"{len(coins)} coins, {len(detector)} detections",
)

# %% [markdown]
# This is no network: the masks are the true ones, spoilt on purpose, so that we know each fault. Three coins are missed, three are reported twice, two masks are meant for no coin (one of them grazes the big coin at the right), and most masks are moved to the right, by up to 7 pixels, those with low scores further than others.
#
# ## Five numbers

# %%
from minseg.metrics import average_precision
from minseg.metrics.ap_curve import precision_at

masks, boxes, edges = (
    average_precision([detector], [coins], kind) for kind in ("mask", "box", "boundary")
)
curve = masks.per_class[9]  # class 9, coin
at_half = curve.precision[0].numpy(), curve.recall[0].numpy()  # at IoU 0.5
eleven = precision_at(torch.arange(11).numpy() / 10, *at_half).mean()
numbers = {
    "AP50 of masks": masks.ap50,
    "the same, 11 points": eleven,
    "AP of boxes": boxes.ap,
    "AP of masks": masks.ap,
    "AP of boundaries": edges.ap,
}

# %%
fig, ax = figure(width=640, height=230)
bars = ax.barh(list(numbers), list(numbers.values()))
ax.bar_label(bars, fmt="%.2f", padding=4)
ax.invert_yaxis()
ax.set(xlim=(0, 1), title="One detector, five numbers")
show(
    fig,
    alt="Five horizontal bars, the longest about twice as long as the shortest.",
    facts=", ".join(f"{name} {value:.2f}" for name, value in numbers.items()),
)

# %% [markdown]
# Read the names from the end. **Of masks, of boxes, of boundaries**: what must overlap. A mask moved by 7 pixels still has a fair box; its outline is far off (unit 32 has boundary IoU). **11 points**: the convention of unit 30. **AP50** asks for an IoU of 0.5; **AP** without a number is the mean over ten thresholds, 0.5, 0.55 … 0.95. **AP75** is another of the ten.
#
# `average_precision` takes a list of predictions and a list of truths, one `Instances` for each image. It matches within each image, then puts the detections of *all* images of a class into one list, sorts that by score, computes AP as in unit 30 for each class and each threshold, and averages. So a class that is rare counts as much as one that is common. Where a class has no truth, it takes no part.
#
# Now to what AP does not see. One fault at a time.
#
# ## It counts duplicates, and where they stand
#
# A network finds two objects perfectly, and reports each twice, the second time with a score just below the first. By decreasing score that is TP, FP, TP, FP: precision 1, ½, ⅔, ½. The envelope is 1 up to recall ½, that is at 51 points, and ⅔ at the other 50: AP is $(51 + 50 \cdot \tfrac23)/101 = 0.835$.
#
# **Predict.** The same with all 24 coins: every one found perfectly, every one reported twice, the second time with a score just below the first. What is AP?

# %%
guess("31.q_twice", None)

# %%
twice = flawed_coins.twice(coins.masks)  # 48 detections
reveal("31.q_twice", average_precision([twice], [coins]).ap)

# %% [markdown]
# When coin $k$ is found, the list is $2k - 1$ long, so precision is $k/(2k-1)$: 1, 0.67, 0.6 … 0.51, one half and a bit. The mean of these 24 is 0.554; the 101 points, which begin at recall 0, make it 0.557.
#
# And if the duplicates come last, with scores below all others?

# %%
quietly = flawed_coins.twice(coins.masks, later=0.499)
print(f"all duplicates at the end: {average_precision([quietly], [coins]).ap:.3f}")

# %% [markdown]
# A perfect detector that stutters has 0.557, and 1.000 if it stutters quietly. This is why detectors suppress duplicates before they answer. It also shows what a score is to AP: a place in a list. Halve all scores, and AP is the same. Whether 0.9 means nine times in ten AP cannot tell. Even the order of *equal* scores matters: they stay as they are in the file, and shuffling a file has changed AP (cocodataset/cocoapi, issue 650).
#
# ## One threshold sees finding, another sees drawing
#
# **Predict.** Another network finds every coin once, but draws each **3 pixels too small** all round. A typical coin is 40 pixels wide. What is its AP50?

# %%
guess("31.q_small", None)

# %%
flaws = {
    name: average_precision([one], [coins]) for name, one in flawed_coins.single_flaws().items()
}
small = flaws["3 px too small"]
reveal("31.q_small", small.ap50)
print(f"AP75 {small.ap75:.2f}, AP {small.ap:.2f}")

# %% [markdown]
# A disc of 40 pixels, drawn 34 wide, has IoU $(34/40)^2 = 0.72$: more than ½, and AP50 has nothing to complain about; less than ¾, and for AP75 nearly every coin is missed *and* invented. Here are four flaws at all ten thresholds:

# %%
from minseg.metrics.ap_matching import THRESHOLDS

fig, ax = figure(width=680, height=340)
for (name, result), mark in zip(flaws.items(), ("o-", "s--", "v-.", "X:"), strict=True):
    ax.plot(THRESHOLDS, result.per_threshold, mark, label=name)
ax.set(xlabel="IoU threshold", ylabel="AP at this threshold", ylim=(-0.03, 1.05))
ax.set_title("Finding shows at every threshold, drawing at the high ones")
ax.legend(loc="lower left")
show(
    fig,
    alt="Two flat lines, for missed and doubled coins; two that fall from 1 to 0, for masks moved "
    "or too small.",
    facts="; ".join(f"{name}: AP50 {r.ap50:.2f}, AP75 {r.ap75:.2f}" for name, r in flaws.items()),
)

# %% [markdown]
# That is how one reads a table of results. RoIAlign, which keeps features in their place (unit 21), raised Mask R-CNN's AP50 at stride 32 by 5.3 points and its AP75 by 10.5 (He et al., *Mask R-CNN*, 2017, table 2d): it helped drawing more than finding.
#
# ## Sizes
#
# A detector can be fine on cars and blind to traffic lights. So COCO also splits AP by the area of the truth: **small** up to $32^2 = 1024$ pixels, **medium** up to $96^2 = 9216$, **large** above. Truths out of the range are *ignored*, as crowds are; a detection that finds nothing is ignored if its own area is out of the range.
#
# An image has a small object and a large one, and both are found perfectly. With the highest score of all there is also a false alarm, 28 × 28 pixels.
#
# **Predict.** What is AP$_\text{small}$?

# %%
guess("31.q_alarm", None)


# %%
def squares(*corners):
    """Squares given as (x, y, side) in an image of 256 × 256, best score first."""
    masks = torch.zeros(len(corners), 256, 256, dtype=torch.bool)
    for mask, (x, y, side) in zip(masks, corners, strict=True):
        mask[y : y + side, x : x + side] = True
    return flawed_coins.as_coins(masks)


truth = squares((0, 0, 20), (30, 0, 97))  # small, large
by_side = {
    side: average_precision([squares((150, 150, side), (0, 0, 20), (30, 0, 97))], [truth])
    for side in (28, 60)
}
reveal("31.q_alarm", by_side[28].ap_small)
print(f"with a false alarm of 60 × 60: AP_small {by_side[60].ap_small:.2f}")

# %% [markdown]
# One small truth, and a false positive before it: precision ½ from recall 0 to 1. The same alarm of 60 × 60 is of medium size and costs AP$_\text{small}$ nothing. The large object and its detection count neither way.
#
# Both ends of a range belong to it, so a square of 32 × 32 is small *and* medium. And where there is no truth of a size, AP is not 0 but undefined: `nan` here, −1 in COCO's tool. Do not average it in.
#
# ## Limits
#
# COCO reads at most 100 detections of a class in an image, the best ones. Most photographs never notice.
#
# **Predict.** An aerial picture has 150 cars, and a perfect detector finds all of them. What is its AP? (The mean over 101 recalls, as always.)

# %%
guess("31.q_limit", None)

# %%
cars = squares(*[(17 * (k % 15), 17 * (k // 15), 9) for k in range(150)])
result = average_precision([cars], [cars])
reveal("31.q_limit", result.ap)
raised = average_precision([cars], [cars], most=150)
print(f"not read: {result.cut} detections; with a limit of 150, AP is {raised.ap:.0f}")

# %% [markdown]
# One hundred of 150 are read, recall ends at ⅔, and of the 101 points 0, 0.01 … 0.66 read 1: $67/101 = 0.663$. Where there are more objects than that, raise the limit and say so. `AveragePrecision.cut` tells how many were left out.
#
# ## The bug museum
#
# Metrics are code, and nothing tells you when they are wrong: the number looks like any other. Here are five mistakes, rebuilt in our own lines from public reports. A, C and E were found in code that evaluates; B in code that assigns targets in training; D is a user's own change of the official tool, made to see what happens. **Read each and look for what is wrong**; the report is named in its docstring. In C, `precision_recall` gives the two curves of unit 30, and `area_under` COCO's average of them.

# %%
from minseg.course import show_source
from minseg.course.exercises.lesson_31 import bug_museum as museum

show_source(museum.exhibit_a)
show_source(museum.exhibit_b)

# %%
show_source(museum.exhibit_c)
show_source(museum.exhibit_d)
show_source(museum.exhibit_e)

# %% [markdown]
# ### Exercise: be the witness (*core*)
#
# For each exhibit bring arguments on which it and the honest function disagree. That is what a test is: not an input on which code runs, but one on which wrong code is *caught*. Your function gets a letter and returns a tuple of arguments:
#
# | letter | arguments | what they are |
# |:--|:--|:--|
# | "A" | `(iou, threshold)` | a list of rows, a detection each; a number |
# | "B" | `(box, box)` | two tuples `(x1, y1, x2, y2)`, the last pixel inside |
# | "C" | `(images,)` | a list of `(scores, which are right, number of truths)`; note the comma |
# | "D" | `(iou, crowd, threshold)` | rows as in A; a list of bool, one for each truth |
# | "E" | `(threshold, ap)` | one of 0.5, 0.55 … 0.95; ten numbers |
#
# `museum.EXHIBITS["A"]` is the exhibit, `museum.HONEST["A"]` the honest function: call both and compare. For C remember that errors at the end of the list are free. For E print `np.linspace(0.5, 0.95, 10).tolist()`. `hint("31.witness")` helps.


# %%
def my_witness(exhibit):
    """Arguments, a tuple, for the exhibit "A" to "E"."""
    raise NotImplementedError


check("31.witness", my_witness)

# %% [markdown]
# `solution("31.witness")` shows one answer for each.
#
# <details><summary>The labels, for when you have looked</summary>
#
# - **A** drops duplicates: they count as nothing, so a detector that stutters looks perfect.
# - **B** adds 1 to the sides of both boxes, but not to those of what they share. A box no longer has IoU 1 with itself.
# - **C** skips images without truths, and with them all false alarms there.
# - **D** leaves crowds out, and so makes a false positive of every person detected in a crowd.
# - **E** asks whether two floating point numbers are equal: `linspace` has 0.8999999999999999.
#
# </details>
#
# > **In practice.** Report AP, AP50 and AP75, of masks, with the tool's name. For pictures with many objects check the limit; for detectors that you will *use*, choose a score threshold, since AP will not. *The typical mistake* is to trust one number for two purposes; its symptom, a model with a better AP whose pictures look worse, because it reports more at the end of its lists.
#
# > **When a number differs from pycocotools'.** Compare areas first: COCO's files annotate them, and a count of pixels may differ. For results that have a box *and* a mask, pycocotools sizes the masks by their boxes, `minseg` by their pixels. Then look at crowds, then at the order of equal scores.
#
# ## Recap
#
# - A number called AP has a **protocol**: what overlaps, at which thresholds, how many points, which sizes, how many detections.
# - **Duplicates** cost dearly if they stand early in the list and nothing if they come last. Scores are places, not probabilities.
# - **Finding** shows at every threshold, **drawing** at the high ones.
# - Sizes include both ends; **undefined** is not 0; the limit of 100 can cost a third.

# %%
progress("31")

# %% [markdown]
# The notes' claims on this: C115, C116 and C139, measured in [93](93_panoptic_and_metrics.ipynb).
#
# **Next:** [unit 32](32_boundaries_and_distances.ipynb) looks at the outline alone.

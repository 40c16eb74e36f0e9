# %% [markdown]
# # 30 · Average precision by hand
#
# A network has found ten objects where there are five. How good is that? Most contests of the field have been decided by one number, **average precision**. What does it count?
#
# *40 minutes: 11 to read, 13 to look, play and guess, 16 to write code. 7 s to run. You need unit 10.*

# %%
import numpy as np
import torch

from minseg.course import check, guess, hint, progress, reveal, solution
from minseg.draw import figure, show
from minseg.explore import APPlayground

playground = APPlayground()
playground

# %% [markdown]
# Left an image with five true objects, A to E, in green, and ten **detections** of a network, numbered by their **scores**: 1 is the one that the network is most sure of. They are boxes, because boxes can be checked on paper; everything is the same for masks. Blue detections are right, dashed orange ones wrong; in the live playground a thin line leads from each right one to the object it has found. The curve on the right grows out of these verdicts, and its number is the average precision, AP.
#
# Drag a box, or click it and use the arrow keys; Shift and arrows resize it. You need not understand the curve yet. **Try:**
#
# 1. **Drag detection 5 about**, anywhere you like, but do not resize it. What happens to AP?
# 2. **Drag detection 6 onto E.** And now? Then press **Put all back**.
#
# <details><summary>Answers</summary>
#
# 1. Nothing at all. It is much too small for the objects that are still to be found, and a wrong detection is wrong wherever it lies.
# 2. It turns blue, and AP rises: the fifth object has been found. Such a rise you will soon work out by hand.
#
# </details>

# %% [markdown]
# ## Who is right?
#
# How much two regions overlap is measured by **IoU**, intersection over union: what they share, divided by what they cover together, $|a \cap b| \,/\, |a \cup b|$. It is 1 for equal regions and 0 for separate ones. Here it is for the ten detections (rows) and the five true objects, the **truths** (columns).

# %%
from minseg.boxes import box_iou
from minseg.draw.ap import print_overlaps
from minseg.explore.ap_playground import DETECTIONS, SCORES, TRUTHS

truths, detections = torch.tensor(TRUTHS).double(), torch.tensor(DETECTIONS).double()
iou = box_iou(detections, truths)  # (10, 5)
print_overlaps(iou, SCORES)

# %% [markdown]
# Detections 1 and 2 both want A. Who gets it? The rule of COCO, the data set whose protocol everybody follows (Lin et al., *Microsoft COCO*, 2014), is greedy. Choose a threshold, say IoU 0.5. Then
#
# - the detections choose one after the other, **best score first**;
# - each takes, of the truths that are **free** and reach the threshold, the one with the highest IoU. What is taken is gone.
#
# A detection that gets a truth is a **true positive**, TP. One that gets none is a **false positive**, FP. A truth that nobody took is a **false negative**, FN.
#
# A small example: three detections by decreasing score, two truths, threshold 0.5.
#
# | | A | B |
# |--:|--:|--:|
# | first | 0.60 | 0.90 |
# | second | 0.55 | 0.80 |
# | third | 0.70 | 0.00 |
#
# The first takes B, its best. The second would like B as well, but B is gone; A is free and 0.55 is enough. The third overlaps A better than the second does, and comes too late: a false positive.
#
# In the playground 2 reaches 0.55 with A, and 8 reaches 0.69 with B, which is more than enough. But A and B were taken by 1 and 3. Second detections of one object are called **duplicates**, and they are false positives.
#
# **Predict.** Raise the threshold to 0.75. How many of the ten detections are true positives?

# %%
guess("30.q_strict", None)  # your number in place of None

# %%
from minseg.metrics.ap_matching import match_loop

nobody = np.zeros(5, dtype=bool)  # no truth is special; what that means follows
found = match_loop(iou.numpy(), ignored=nobody, crowd=nobody, threshold=0.75)
reveal("30.q_strict", sum(truth >= 0 for truth in found), "true positives")

# %% [markdown]
# Only 0.92, 0.84 and 0.79 reach 0.75. Detection 7, which has found D, misses the threshold by a hair, with 0.743, and so it is a false positive and D a false negative: a poor detection is punished twice.
#
# **Two kinds of truth that nobody has to find.** A truth can be **ignored**, because its size is not being asked for. And it can be a **crowd**: one region that the annotators drew around many objects they did not tell apart. Three rules follow:
#
# - a truth that counts is preferred to an ignored one, even where the ignored one has the higher IoU;
# - a crowd may be taken by any number of detections;
# - a detection that has taken an ignored truth counts neither as right nor as wrong.
#
# (All crowds are ignored too. And where $b$ is a crowd, its overlap with a detection $a$ is $|a \cap b| \,/\, |a|$, the share of the detection that lies in it: one person cannot fill a crowd of fifty.)
#
# ### Exercise: match (*core*)
#
# `iou` is a (D, G) float array, one row for each detection, best score first; `ignored` and `crowd` are (G,) bool arrays. Return a list of D whole numbers: the column of the truth that each detection takes, or −1. An IoU equal to the threshold is enough. D or G may be 0. No two IoUs of a row are equal where it would matter. `hint("30.match")` gives one hint at a time.


# %%
def my_match(iou, ignored, crowd, threshold):
    """A list of int: for each detection the number of the truth that it takes, or -1."""
    raise NotImplementedError


check("30.match", my_match)

# %% [markdown]
# `solution("30.match")` shows the package's code.
#
# ## From verdicts to a curve
#
# Back to threshold 0.5. How many of the ten should the network have reported? That depends on what a false alarm costs you. So judge all lists at once: the first detection alone, the first two, and so on. After the first $k$,
#
# $$\text{precision} = \frac{\mathrm{TP}}{\mathrm{TP} + \mathrm{FP}}, \qquad \text{recall} = \frac{\mathrm{TP}}{\text{number of truths}}.$$
#
# **Precision** says how much of what was reported is right, **recall** how much of what is there was reported. By hand, for the first four: the verdicts are TP, FP, TP, TP, so precision is $\tfrac11, \tfrac12, \tfrac23, \tfrac34$ and recall $\tfrac15, \tfrac15, \tfrac25, \tfrac35$.

# %%
found = match_loop(iou.numpy(), ignored=nobody, crowd=nobody, threshold=0.5)
right = np.array(found) >= 0  # (10,) TP or FP, by decreasing score
tp = np.cumsum(right)
precision, recall = tp / np.arange(1, 11), tp / 5  # (10,) after each detection

# %%
from minseg.draw.ap import draw_curve

verdicts = ["TP" if one else "FP" for one in right]
fig, ax = figure(width=680, height=370)
draw_curve(ax, precision, recall, range(1, 11), verdicts, "Blue falls and rises; black never rises")
show(
    fig,
    alt="Precision over recall, with a mark for each of ten detections: a saw-tooth from (0.2, 1) "
    "down to (0.8, 0.4). A black staircase above it falls from 1 to 0.75 to 0.57.",
    facts=f"precision {precision.round(2).tolist()}; the last recall is {recall[-1]:.1f}",
)

# %% [markdown]
# The blue line: each true positive moves right, and up unless precision is 1; each false positive moves straight down. AP is, roughly, the area under this curve; what to do between two marks is a convention.
#
# **Predict.** Take the blue marks as they are: wherever recall grows by 0.2, multiply by the precision that has just been reached. What is the area? (Pencil and paper; the numbers stand in the line under the figure.)

# %%
guess("30.q_raw", None)

# %%
raw = (precision * np.diff(recall, prepend=0)).sum()  # precision × growth of recall
reveal("30.q_raw", raw)

# %% [markdown]
# Recall grows four times, at detections 1, 3, 4 and 7: $0.2 \cdot (1 + \tfrac23 + \tfrac34 + \tfrac47) = 0.598$.
#
# ## The envelope
#
# Hardly anybody in detection publishes that area (it is what scikit-learn's `average_precision_score` gives). At detection 3, with recall 0.4, precision is 0.67; yet by going on to detection 4 one reaches recall 0.6 at precision 0.75, better in both. Nobody would stop at 3. So one takes the black line, the **envelope**: at each recall the best precision that is reached *there or at any higher recall*,
#
# $$\hat p(r) = \max_{r' \ge r} \, p(r').$$
#
# Beyond the last recall that was reached it is 0: what was never found has no precision.
#
# ### Exercise: read the envelope (*core*)
#
# `points` is a (P,) array of recalls, in any order. `precision` and `recall` are (n,) arrays as above, `recall` never falling, and n may be 0. Return a (P,) float array, $\hat p$ at these points.


# %%
def my_precision_at(points, precision, recall):
    """(P,) float array: the envelope at these recalls; 0 beyond the last one reached."""
    raise NotImplementedError


check("30.precision_at", my_precision_at)

# %% [markdown]
# `solution("30.precision_at")` shows the package's code.
#
# ## One list, four averages
#
# How to take the average is a convention, and four are in use:
#
# - **raw**: the area under the blue line's own steps, 0.598;
# - **all**: the area under the envelope (Pascal VOC since 2010);
# - **101**: the mean of $\hat p$ at recall 0, 0.01, 0.02 … 1 (COCO);
# - **11**: the mean of $\hat p$ at recall 0, 0.1 … 1 (Pascal VOC until 2009: Everingham et al., *The Pascal Visual Object Classes Challenge*, 2010, section 4.2).
#
# COCO's 101 points give 0.618 here; the playground says so. Work it out: $\hat p$ is 1 up to recall 0.2 (21 points), $\tfrac34$ up to 0.6 (40 points), $\tfrac47$ up to 0.8 (20 points), then 0. So $(21 \cdot 1 + 40 \cdot \tfrac34 + 20 \cdot \tfrac47) / 101 = 0.618$.
#
# **Predict.** And the mean over the 11 points?

# %%
guess("30.q_eleven", None)

# %%
from minseg.metrics.ap_curve import precision_at  # or use my_precision_at

eleven = np.arange(11) / 10
reveal("30.q_eleven", precision_at(eleven, precision, recall).mean())

# %% [markdown]
# Recall 0, 0.1, 0.2 read 1; 0.3 to 0.6 read $\tfrac34$; 0.7 and 0.8 read $\tfrac47$; 0.9 and 1 read 0: $(3 \cdot 1 + 4 \cdot \tfrac34 + 2 \cdot \tfrac47) / 11 = 0.649$.
#
# The same ten detections, the same verdicts, and the four numbers differ by 0.05, as much as many a published improvement.

# %%
from minseg.draw.ap import draw_area

hundred_and_one = np.linspace(0, 1, 101)
growth = np.diff(recall, prepend=0)
means = {
    "raw": raw,
    "all": (np.maximum.accumulate(precision[::-1])[::-1] * growth).sum(),
    "101": precision_at(hundred_and_one, precision, recall).mean(),
    "11": precision_at(eleven, precision, recall).mean(),
}
fig, axes = figure(columns=4, height=260)
points = [None, None, hundred_and_one, eleven]
for ax, rule, at in zip(axes, means, points, strict=True):
    title = f"{rule}: {means[rule]:.3f}"
    draw_area(ax, precision, recall, at, raw=rule == "raw", title=title)
axes[0].set_ylabel("precision")
show(
    fig,
    alt="Four panels: the area under the saw-tooth's steps, the area under its envelope, 101 thin "
    "lines up to the envelope, and 11 lines.",
    facts=", ".join(f"{rule} {mean:.3f}" for rule, mean in means.items()),
)

# %% [markdown]
# ## Where a detection stands in the list
#
# Suppose that detection 10, which lies near E, were better placed and found it. Then all five truths are found, the fifth by the detection with the *lowest* score.
#
# **Predict.** AP was 0.618 (101 points). What is it then?

# %%
guess("30.q_last", None)

# %%
reached = right.copy()
reached[9] = True  # detection 10, the last, is right now


def coco_ap(right, truths=5):
    """The mean of the envelope at 101 recalls."""
    tp = np.cumsum(right)
    curve = tp / np.arange(1, len(right) + 1), tp / truths
    return precision_at(np.linspace(0, 1, 101), *curve).mean()


reveal("30.q_last", coco_ap(reached))

# %% [markdown]
# Recall now goes on to 1, at precision $\tfrac5{10}$. The 20 points from 0.81 to 1, which read 0, read $\tfrac12$: $0.618 + \tfrac{20}{101} \cdot \tfrac12 = 0.717$. The envelope elsewhere is higher than that already.
#
# **Predict.** The same right box, but with the *highest* score of all?

# %%
guess("30.q_first", None)

# %%
first = np.concatenate([[True], right[:9]])  # 10 goes to the front, the others move down
reveal("30.q_first", coco_ap(first))

# %% [markdown]
# Verdicts: TP TP FP TP TP FP FP TP FP FP. The envelope is 1 up to recall 0.4 (41 points), $\tfrac45$ up to 0.8 (40) and $\tfrac58$ up to 1 (20): $(41 + 32 + 12.5)/101 = 0.847$. One and the same box is worth 0.10 at the end of the list and 0.23 at its head. AP judges a *ranking*.
#
# It also follows that errors after the last true positive cost nothing at all:

# %%
print(f"all ten: {coco_ap(right):.3f}; without 8, 9 and 10, all wrong: {coco_ap(right[:7]):.3f}")

# %% [markdown]
# **False positives at the end of the list are free.** That is why people report a hundred detections for each image, and why a detector with a fine AP can be unusable until you set a threshold for its scores.
#
# ## The playground again
#
# It is the same one, so press **Put all back** first.

# %%
playground

# %% [markdown]
# 1. **Raise the score of 2 above that of 1.** Which of them is right now, and what does AP do?
# 2. **Then raise the IoU threshold to 0.60.** What changes, and why?
# 3. Put all back. **Lower the score of 2 to 0.** Nothing was found or lost. Why does AP change?
# 4. Put all back. **Tick "E is a crowd".** What becomes of 6 and 10, and of recall?
# 5. Untick it. **Set the area to raw, then to 11 points.** Which of the four true positives no longer matters?
#
# <details><summary>Answers</summary>
#
# 1. Detection 2 takes A, and 1, the better box, is the duplicate. AP does not change: at threshold 0.5 it sees *that* there is a match, not how good it is.
# 2. Detection 2 reaches only 0.55, which is no longer enough. So 1 takes A and is right again, but 2, a false positive, now stands before it, and AP falls.
# 3. An error moves to the end of the list, where errors are free, and all precisions after it rise.
# 4. Both lie mostly inside E, turn grey, and count neither way. Only four truths are to be found, all four have been, and recall goes up to 1.
# 5. Detection 3: its mark lies below the envelope, since 4 is better in both directions.
#
# </details>
#
# > **In practice.** "AP" without more means COCO's: 101 points, averaged over ten IoU thresholds and over classes (the next unit). Do not write it yourself for a paper: use `pycocotools`, `torchmetrics.detection.MeanAveragePrecision`, or here `minseg.metrics.average_precision`, which gives pycocotools' numbers. *The typical mistake* is to compare two numbers of different conventions; its symptom, a gap of a few points that no change of the network explains. *Another*: `np.linspace(0, 1, 11)[6]` is 0.6000000000000001, so that a recall of exactly 3/5 does not reach it. Ten detections are enough to notice: 0.633 instead of 0.649.
#
# ## Recap
#
# - **Matching** is greedy: best score first, each truth once, the best one that is free. Duplicates are false positives; ignored truths and crowds count neither way.
# - **The curve**: precision over recall after each detection; the **envelope** takes the best precision at that recall or any higher one.
# - **AP** is an average of the envelope, by a convention that has to be named: 0.598, 0.614, 0.618 and 0.649 come from one list.
# - AP judges a ranking: what stands at the head counts most, and errors at the end are free.

# %%
progress("30")

# %% [markdown]
# The notes' claims on this: C111 to C114, measured in [93](93_panoptic_and_metrics.ipynb).
#
# **Next:** [unit 31](31_what_ap_does_not_see.ipynb) goes on from one image and one threshold to the protocol that is published, and to what it hides.

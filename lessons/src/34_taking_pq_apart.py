# %% [markdown]
# # 34 · Taking PQ apart
#
# Your model has a panoptic quality of 0.62. **Where did the rest go?** Into sloppy outlines, wrong names, things it did not see, or things that are not there? And might some of it not be your model's fault at all?
#
# *30 minutes: 9 to read, 6 to look and guess, 16 to write code. 5 s to run. You need [unit 33](33_panoptic_quality.ipynb); the questions at the end look back to unit 30.*

# %%
import torch

from minseg.course import check, guess, hint, progress, reveal, solution
from minseg.data import STUFF, THINGS
from minseg.draw import draw_panoptic, figure, show
from minseg.metrics import panoptic_errors, panoptic_quality

NAMES = {**THINGS, **STUFF}  # 1 disc, 2 box, 3 triangle, …; 6 sky, 7 ground, 8 water

# %%
from minseg.draw.panoptic_errors import draw_panoptic_errors
from minseg.experiments.five_mistakes import five_mistakes

truth, prediction = five_mistakes()
fig, axes = figure(columns=2, height=330)
draw_panoptic(axes[0], truth, names=NAMES, title="Truth")
draw_panoptic(axes[1], prediction, names=NAMES, title="Prediction: five mistakes")
alt = "A scene of discs and triangles on sky, ground and water; beside it a flawed prediction."
hunt = "one mistake of each of five kinds; compare names and outlines, a colour is only a number"
show(fig, alt=alt, facts=hunt)

errors = panoptic_errors([prediction], [truth], things=THINGS, stuff=STUFF)
fig, ax = figure(width=820, height=330)
draw_panoptic_errors(ax, errors, names=NAMES, title="Where the panoptic quality went")
alt = "A bar for all classes and one for each: PQ, then the shares lost to five causes."
lost = f"missed {errors.missed:.2f}, invented {errors.invented:.2f}"
show(fig, alt=alt, facts=f"PQ {errors.pq:.2f}; {lost}, confused {errors.confused_class:.2f}")

# %% [markdown]
# Each bar is 1 long. Green is what was kept, the PQ; the rest is taken apart by cause, and nothing is left over. (Sky and water lose a little as well, where misplaced things cover them.)
#
# ## Five causes, and their rules
#
# With $D = \mathrm{TP} + \tfrac12\mathrm{FP} + \tfrac12\mathrm{FN}$, a class loses
#
# $$1 - \mathrm{PQ} = \underbrace{\frac{\sum (1 - \mathrm{IoU})}{D}}_{\text{matched, not perfectly}} + \underbrace{\frac{\tfrac12 \mathrm{FP}}{D}}_{\text{false positives}} + \underbrace{\frac{\tfrac12 \mathrm{FN}}{D}}_{\text{false negatives}},$$
#
# and each piece gets a cause:
#
# | cause | rule |
# |:--|:--|
# | **boundary only** | wrong pixels of a *matched* pair that lie close to the true outline (within 2 % of the image's diagonal, here 3 pixels) |
# | **poor mask** | a matched pair's other wrong pixels; and an FP with an FN of the *same class* that overlap with an IoU from 0.1 to ½: found, but drawn too badly to count |
# | **confused class** | an FP and an FN of *different* classes that overlap by more than ½: found, and misnamed |
# | **missed** | each FN that is still left |
# | **invented** | each FP that is still left |
#
# Take the discs. The truth has three: 1, 3 and 5. Disc 1 is perfect, disc 3 is drawn a pixel too small, disc 5 is missing, and disc 9 is invented. So TP = 2, FP = 1, FN = 1, and $D = 2 + ½ + ½ = 3$. Missing a disc costs ½ / 3 = 0.17, inventing one the same, and the outline of disc 3 costs what its IoU lacks, divided by 3:

# %%
disc = panoptic_quality([prediction], [truth], things=THINGS, stuff=STUFF).per_class[1]
outline = (disc.tp - disc.sq * disc.tp) / 3  # SQ · TP is the sum of the IoUs
print(f"by hand: missed {0.5 / 3:.3f}, invented {0.5 / 3:.3f}, boundary {outline:.3f}")
one = errors.per_class[1]
print(f"package: missed {one.missed:.3f}, invented {one.invented:.3f}, ", end="")
print(f"boundary {one.boundary_only:.3f}")

# %% [markdown]
# The names of the causes follow TIDE (Bolya et al., 2020), which does this for AP, where the parts do not add up.
#
# The causes are not as separate as their names. A square of 16 × 16 pixels is drawn too small, by one pixel all around, then by two, and so on. That is an error of the boundary, and its IoU sinks. And then?
#
# **Predict.** Peeled by how many pixels does it have PQ 0?

# %%
guess("34.q_peel", None)

# %%
from minseg.experiments import panoptic_edits

square = torch.full((40, 60), 6000)  # sky
square[12:28, 22:38] = 2001  # a box
small, pqs = square, []
while not pqs or pqs[-1] > 0:
    small = panoptic_edits.shrink(small, 2001)
    result = panoptic_quality([small], [square], things=THINGS, stuff=STUFF)
    pqs.append(result.per_class[2].pq)
print("PQ of the box, a pixel at a time:", *(f"{pq:.2f}" for pq in pqs))
reveal("34.q_peel", len(pqs), "pixels")

# %% [markdown]
# $14^2/16^2 = 0.77$, then $12^2/16^2 = 0.56$, then $10^2/16^2 = 0.39$: below ½, no match. An outline that is bad enough becomes a miss *and* an invention. For a box of 4 × 4 pixels a single pixel of halo does it: $4^2/6^2 = 0.44$. So a low RQ does not say that a model fails to find things; it may draw small ones badly.
#
# ## What judges nobody: void and crowds
#
# Some pixels of the truth are nobody's: the annotators left them out, or could not tell one object from the next. Three rules deal with them.
#
# 1. **Void in the truth** (id 0) judges nobody. Its pixels leave the union. And a prediction without a partner that lies *by more than half* on void is ignored: no FP.
# 2. A **crowd** is a true segment around many objects that nobody told apart. It is never matched and never missed, and a prediction *of its class* without a partner that lies by more than half on void and crowds together is ignored.
# 3. **Void in the prediction** is nothing special: pixels that were not claimed.
#
# **Predict.** Below is a map one pixel high and 100 pixels long. The truth: 40 pixels disc, 30 void, 30 sky. The prediction calls all 100 a disc. What is the IoU of the disc?

# %%
guess("34.q_void", None)


# %%
def row(*runs):
    """A map one pixel high, from (id, length) pairs."""
    return torch.cat([torch.full((length,), segment) for segment, length in runs])[None]


def score(prediction, truth, crowd=()):
    """The quality of one map; `crowd` lists the true segments that are crowds."""
    options = {"things": THINGS, "stuff": STUFF, "crowd": [crowd]}
    return panoptic_quality([prediction], [truth], **options)


DISC, BOX, SKY = 1001, 2001, 6000
void_within = score(row((DISC, 100)), row((DISC, 40), (0, 30), (SKY, 30)))
reveal("34.q_void", void_within.per_class[1].sq)

# %% [markdown]
# Void leaves the union: 40 / (100 − 30) = 0.571, a match. Counting void as wrong it would have been 40 / 100, and no match.
#
# ### Exercise: a bug that was real (*core*)
#
# The rules in code: which predictions are false positives? The function below had the mistake of a published evaluation (VSainteuf/utae-paps, issue 11), told in our terms. With one prediction on void all was well. With two, both were counted as false positives, and after the repair (pull request 12) its numbers were about two points higher. Run it, read what `check` says, and mend it. `hint("34.forgiven")` helps.
#
# - `pixels`, (P, T) int64: how many pixels each prediction shares with each true segment. A row's sum is the prediction's size.
# - `p_category` (P,), `t_category` (T,): classes; a `t_category` of 0 is void.
# - `crowd` (T,) bool and `unmatched` (P,) bool.
# - Return (P,) bool: what counts as a false positive. P may be 0.


# %%
def my_false_positives(pixels, p_category, t_category, crowd, unmatched):
    forgiving = (t_category == 0) | (crowd & (p_category[:, None] == t_category))  # (P, T)
    shared = (pixels * forgiving).sum(dim=1)
    union = pixels.sum(dim=1) + (pixels * forgiving).sum() - shared
    return unmatched & ~(shared / union > 0.5)


check("34.forgiven", my_false_positives)

# %% [markdown]
# `solution("34.forgiven")` shows the package's code.
#
# With the rules at hand you can predict every line of this table. Cover the right column.

# %%
crowded = row((DISC, 60), (SKY, 40))
disc_inside = row((SKY, 40), (1007, 30), (SKY, 30))
box_inside = row((SKY, 40), (BOX, 30), (SKY, 30))
cases = {
    "disc, 51 % of it on void": score(row((DISC, 100)), row((0, 51), (SKY, 49))),
    "disc, 50 % of it on void": score(row((DISC, 100)), row((0, 50), (SKY, 50))),
    "crowd of discs, not found": score(row((SKY, 100)), crowded, [DISC]),
    "disc, 20 of 30 pixels in it": score(disc_inside, crowded, [DISC]),
    "box, 20 of 30 pixels in it": score(box_inside, crowded, [DISC]),
}
for name, result in cases.items():
    classes = [result.per_class[c] for c in (1, 2)]  # discs and boxes
    numbers = [sum(getattr(one, kind) for one in classes) for kind in ("tp", "fp", "fn")]
    print(f"{name:28} TP, FP, FN = {numbers}")

# %% [markdown]
# Void makes PQ lopsided: exchange truth and prediction, and another number may come out. And tools differ in what they do with crowds, so compare numbers of *one* tool only.
#
# ## When is a segment worth keeping?
#
# A network is sure of some segments and doubtful of others. Which should it put into the map? Write $\mathrm{PQ} = 2S/n$, where $S$ is the sum of the matched IoUs and $n$ the number of segments, predicted and true. One more segment, which matches with probability $P$ and then with IoU $q$, makes it $2(S + Pq)/(n + 1)$ on average. That is more than $2S/n$ if
#
# $$P \cdot q > \frac{\mathrm{PQ}}{2}.$$
#
# Half the PQ that the class has already: the lower it is, the more you should dare. (The new segment must take no pixels from others.)
#
# **Predict.** A network's scores are honest: of the segments with score 0.3, 30 % match. Scores are spread evenly from 0 to 1, every match has IoU 0.8, and the best threshold gives a PQ of 0.54. From which score on is a segment kept?

# %%
guess("34.q_keep", None)

# %%
best, pq_at = [], []
for seed in range(8):
    generator = torch.Generator().manual_seed(seed)
    scores, chance = torch.rand(2, 100_000, generator=generator)
    annotated = 65_000  # some 50 000 of which were proposed
    thresholds = torch.linspace(0, 0.95, 96)
    matches = torch.stack([((chance < scores) & (t <= scores)).sum() for t in thresholds])
    proposed = torch.stack([(t <= scores).sum() for t in thresholds])
    pqs = 2 * 0.8 * matches / (proposed + annotated)
    best.append(thresholds[pqs.argmax()].item())
    pq_at.append(pqs[[int(pqs.argmax()), 50, 85]])
best, pq_at = torch.tensor(best), torch.stack(pq_at).mean(dim=0)
spread = "below" if best.std() < 0.05 else "at least"
print(f"best threshold over 8 seeds: mean {best.mean():.2f}, SD {spread} 0.05")
print(f"PQ there {pq_at[0]:.2f}, at a threshold of 0.5 {pq_at[1]:.2f}, at 0.85 {pq_at[2]:.2f}")
reveal("34.q_keep", best.mean(), digits=2)

# %% [markdown]
# $P \cdot 0.8 > 0.54 / 2$ gives $P > 0.34$. A threshold of 0.5 costs little, one of 0.85 half of it all. (Networks' scores are rarely honest; measure yours before you trust the rule.)
#
# ## Averages
#
# ### Exercise: a misreading (*core*)
#
# Readers ask why a paper's PQ, SQ and RQ do not multiply (VSainteuf/utae-paps, issue 24, is one; its code is right). Below, somebody makes them multiply. `counts` is (C, 4) float: Σ IoU, TP, FP, FN of each class. Return the averages of PQ, SQ and RQ over the classes that occur (TP + FP + FN > 0), as three floats. A class that occurs without a match has SQ 0. If no class occurs, all three are NaN.


# %%
def my_average_quality(counts):
    seen = counts[counts[:, 1:].sum(dim=1) > 0].double()  # classes that occur
    iou, tp, fp, fn = seen.T
    sq = (iou / tp.clamp(min=1)).mean().item()
    rq = (tp / (tp + fp / 2 + fn / 2)).mean().item()
    return sq * rq, sq, rq


check("34.average", my_average_quality)

# %% [markdown]
# > **In practice**
# >
# > - Before you improve a model, take its PQ apart: `minseg.metrics.panoptic_errors`. A large *boundary only* share asks for a finer mask, *confused class* for a better classifier, *missed* for a lower threshold.
# > - Thresholds of 0.5 to 0.85 on a segment's score are common defaults. They suit people who look at the picture; for PQ, try lower ones on your validation set.
# > - The typical mistake is to count void as an error. Its symptom: on images with much void, a perfect prediction does not reach 1.
#
# ## Recap
#
# - $1 - \mathrm{PQ}$ splits into boundary only, poor mask, confused class, missed and invented, and the parts add up.
# - An outline that is bad enough turns into a miss and an invention; small things get there first.
# - Void and crowds forgive by *more than half*, and void leaves the union.
# - Keep a segment if $P \cdot q > \mathrm{PQ}/2$. Average within classes first, then over them.

# %%
progress("34")

# %% [markdown]
# ## Part 3 in one picture
#
# One detector, three questions. *Is each thing found, and how surely?* AP (units 30 and 31) ranks by score and asks at ten IoUs. *How good is the edge?* Boundary metrics (unit 32) look at a band around the outline only. *Whose is each pixel?* PQ (units 33 and 34) takes one map, no scores, and an IoU of ½. Here is how each of them falls as all things of the scene are peeled, a pixel at a time.

# %%
from minseg.experiments.peeled import metrics_of_peeled

curves = metrics_of_peeled(truth)
fig, ax = figure(width=640, height=330)
for (name, values), style in zip(curves.items(), ("o-", "s--", "^:"), strict=True):
    ax.plot(values, style, label=name)
ax.set(xlabel="pixels peeled off every thing", ylabel="value", xticks=range(5), ylim=(0, 1.05))
ax.set_title("Three metrics, one fault: each minds it differently")
ax.legend()
alt = "Three falling curves over 0 to 4 peeled pixels."
after = ", ".join(f"{name} {values[1]:.2f}" for name, values in curves.items())
show(fig, alt=alt, facts=f"after one pixel: {after}")

# %% [markdown]
# AP is the lowest after one pixel, since most of its ten thresholds ask for much more than ½. PQ keeps a thing until its IoU drops to ½, and then loses it whole. The mean of boundary IoUs has no threshold, and sinks at every pixel.
#
# **Five questions.** Answer each in a sentence before you open it.
#
# **1.** You add 50 detections of score 0.01 that are all wrong. What happens to AP, and to PQ if they enter the map?
#
# <details><summary>Answer</summary>
#
# AP stays: they rank below everything, and precision is read at the recall that was reached before them. PQ falls, for each is an FP and adds ½ to the denominator.
#
# </details>
#
# **2.** Why can two predictions not match one true segment in PQ?
#
# <details><summary>Answer</summary>
#
# Segments of a map share no pixels, and each partner would have to cover more than half of the true segment.
#
# </details>
#
# **3.** Mean mask IoU is 0.95 and boundary IoU 0.6. What kind of objects are these?
#
# <details><summary>Answer</summary>
#
# Large ones. Their inside is easy and dominates mask IoU; the band around the outline tells of the edge.
#
# </details>
#
# **4.** SQ rises while the model gets worse. How?
#
# <details><summary>Answer</summary>
#
# A badly drawn match fell below ½. It left the average of matched IoUs, and became an FP and an FN, which RQ counts.
#
# </details>
#
# **5.** Two papers report AP on one dataset, 37.1 and 38.0. What do you ask before you believe the order?
#
# <details><summary>Answer</summary>
#
# Which protocol: box or mask, which IoUs, how many detections for each image, which split, which tool; and how far seeds differ.
#
# </details>
#
# The notes' claims on this: C122 to C126, measured in [93](93_panoptic_and_metrics.ipynb).
#
# **Next:** part 4, [40 · Mask R-CNN, seen whole](40_mask_rcnn_seen_whole.ipynb).

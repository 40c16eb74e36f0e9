# %% [markdown]
# # 44 · Who gets to teach
#
# A detector proposes a thousand boxes for each image, and a handful of them holds an object. **Which of them should it learn from?** All? A few at random? Those it gets most wrong? The last one sounds best. Look at what it does:
#
# *20 minutes: 7 to read, 3 to look and guess, 11 to write code. 8 s to run. You need [unit 41](41_what_each_part_is_taught.ipynb).*

# %%
import torch

from minseg.course import check, guess, hint, progress, reveal, solution
from minseg.draw import figure, show
from minseg.experiments.wrong_labels import error, learn, scatter
from minseg.losses import ohem

# %% [markdown]
# 2000 points in a square are positive inside a circle and negative outside. A small classifier learns from 64 of them at each step: drawn at **random**, or the 64 of largest loss, which is called **OHEM**, online hard example mining (Shrivastava et al., 2016). Once all labels are right, and once **2 %** are wrong, which is little for data that people have drawn. In black the border that it has learnt; + and − are the points of the last step; a ring marks a wrong label.

# %%
from minseg.draw.strategies import draw_picks

lottery = torch.Generator().manual_seed(3)
picks = {
    "random": lambda each: torch.randperm(2000, generator=lottery)[:64],
    "OHEM": lambda each: ohem(each, 64),
}
fig, axes = figure(columns=4, height=290)
failed = {}
for ax, (name, percent) in zip(axes, [(n, p) for n in picks for p in (0, 2)], strict=True):
    x, true, written = scatter(2000, percent / 100)
    w, _, chosen = learn(x, written, picks[name])
    pick, failed[name, percent] = chosen[-1], 100 * error(w)
    title = f"{name}, {percent} % wrong:\nerror {failed[name, percent]:.1f} %"
    draw_picks(ax, w, x[pick], written[pick], (written != true)[pick], title)
alt = "Random picks lie anywhere; clean OHEM's on the circle; with wrong labels it goes to pieces."
show(fig, alt=alt, facts=f"error of OHEM: {failed['OHEM', 0]:.1f} % with right labels")

# %% [markdown]
# With right labels OHEM looks where there is something to learn, at the circle's edge, and is the best of the four. With 2 % of them wrong it is by far the worst. By the end of this unit you can say why, and what detectors do instead.
#
# ## A quarter, at most
#
# In Mask R-CNN a proposal is **positive** if its box has an IoU of at least ½ with some true box, otherwise **negative**. Of all proposals, 512 are drawn at random for each image, and at most a quarter of these may be positive; negatives fill up the rest. The true boxes themselves are added to the proposals, so that there is something to learn from on the first day.
#
# **Predict.** We draw 32 for each image, at most 8 of them positive, from the proposals of a network with *random weights*, on 16 scenes with 30 coins in all, whose true boxes join the proposals. How many percent of all that is drawn is positive?

# %%
guess("44.q_positive", None)

# %%
from minseg.data import SceneDataset
from minseg.experiments.positive_proposals import positive_proposals
from minseg.models import MaskRCNN, load_coins

coins = load_coins()
few = list(SceneDataset("val", style="coins", size=128, count=(1, 3), length=16))
many = list(SceneDataset("val", style="coins", size=128, length=16))
share = {}
for seed in range(3):
    torch.manual_seed(seed)
    untrained = MaskRCNN(**coins.options)
    for name, network in (("untrained", untrained), ("trained", coins)):
        for amount, scenes in (("few", few), ("many", many)):
            hits, objects = positive_proposals(network, scenes)
            positive = (hits + objects).clamp(max=8).sum().item()
            share.setdefault((name, amount), []).append(100 * positive / (32 * len(scenes)))
for (name, amount), values in share.items():
    print(f"{name:9} network, {amount:4} coins: {round(sum(values) / 3):2} % positive")
reveal("44.q_positive", round(sum(share["untrained", "few"]) / 3), "%")

# %% [markdown]
# Nearly all positives of an untrained network are the true boxes themselves: 30 of 16 · 32 drawn is 6 %, and a few proposals hit by luck. Where coins are many, the true boxes alone fill the quarter; and a trained RPN puts several proposals on each coin. So "a quarter positive" is a cap, and only some batches reach it.
#
# ### Exercise 44.sample (*core*, 8 minutes)
#
# Draw them. `positive` and `negative` are (…, R) bool, a row for each image; some candidates are neither. `priorities` is (…, R) float, random numbers: the largest win. Return two (…, R) bool tensors: the drawn positives, at most `int(count * fraction)`; and the drawn negatives, which fill up to `count` in all, or fewer where negatives are few. A row may have no positive, or nothing at all. `hint("44.sample")` helps.


# %%
def my_sample(positive, negative, priorities, *, count, fraction):
    """Two (…, R) bool: the drawn positives, and the negatives that fill up to `count`."""
    raise NotImplementedError


check("44.sample", my_sample)

# %% [markdown]
# `solution("44.sample")` shows the package's code.
#
# ## The hardest first
#
# Drawing at random wastes most of a batch on candidates that the network has long got right. **Hard negative mining** ranks the negatives by their loss and keeps the top ones; SSD takes three for each positive (Liu et al., 2016, section 2.2). **OHEM** ranks all candidates and has no quota.
#
# What else has a large loss? Train the classifier on *all* 2000 points, about 40 of them with a wrong label. Then rank the points by loss, and take as many from the top as there are wrong labels.
#
# **Predict.** How many percent of these have a wrong label?

# %%
guess("44.q_wrong", None)

# %%
x, true, written = scatter(2000, 0.02)
wrong = true != written
_, each, _ = learn(x, written, lambda each: slice(None))
hardest = ohem(each, int(wrong.sum()))
reveal("44.q_wrong", 100 * wrong[hardest].double().mean(), "%", digits=2)

# %% [markdown]
# A network that has understood the circle is surprised by exactly those points that contradict it. That is useful for *finding* wrong labels. As a training set it is a poor one, and that is what you saw above: about 28 % of what OHEM picks is wrong, from 2 % in the data. Here are eight seeds:

# %%
from minseg.ledger.results import result

runs = result("mining")
for labels in ("right labels", "2 % wrong"):
    for way in ("at random", "by OHEM", "on all points"):
        values = torch.tensor(runs[labels][way])
        print(f"{labels:12} {way:13} error {values.mean():5.2f} ± {values.std():.2f} %")
picked = torch.tensor(runs["wrong among OHEM's picks"])
print(f"wrong labels among OHEM's picks: {picked.mean():.1f} ± {picked.std():.1f} %")

# %% [markdown]
# (Recorded by `python benchmarks/ledger.py --write`; mean ± SD over seeds.) Three things to see. With right labels OHEM more than halves the error of random drawing. With 2 % wrong ones its error is some 18 %, and differs wildly from seed to seed. And training on *all* points, where that can be afforded, comes more than half of the way from random drawing to OHEM on clean labels, and is best on dirty ones. The paper's gain was real, 67.2 to 69.9 mAP on Pascal VOC 2007, with careful labels; in the same table, training on all RoIs comes part of the way, too.
#
# ## Near-duplicates
#
# Proposals come in bunches: thirty boxes around one object have about the same loss. If that object is the hardest, it takes the whole batch.
#
# **Predict.** 20 objects with 30 boxes around each. OHEM takes the 16 boxes of largest loss. On how many different objects do they lie?

# %%
guess("44.q_objects", None)

# %%
from minseg.experiments.positive_proposals import bunches

boxes, of_box = bunches(things=20, each=30)
plain, suppressed = ohem(of_box, 16), ohem(of_box, 16, boxes=boxes)
objects = [len((rows // 30).unique()) for rows in (plain, suppressed)]
print(f"with suppression first: on {objects[1]} objects")
reveal("44.q_objects", objects[0], digits=1)

# %% [markdown]
# So the recipe has a step between ranking and cutting: **non-maximum suppression by loss**. Of boxes that overlap, only the one of largest loss stays.
#
# ### Exercise 44.ohem (*warm-up*, 3 minutes)
#
# `losses` is (R,) float, `boxes` (R, 4) float. Suppress with `nms(boxes, scores, iou_threshold)` of `minseg.boxes`, which returns the (k,) int64 rows that stay, by falling score; here the score is the loss. Return the first `count` of them, or fewer if fewer stay. R may be 0.


# %%
from minseg.boxes import nms


def my_ohem(losses, count, *, boxes, iou_threshold):
    """(k,) int64: the `count` hardest of (R,), hardest first, near-duplicates removed before."""
    raise NotImplementedError


check("44.ohem", my_ohem)

# %% [markdown]
# > **In practice**
# >
# > - Draw at random with a cap on positives, as Mask R-CNN does, or keep all candidates and lower the weight of easy ones, as focal loss does ([unit 14](14_losses_that_see_pixels.ipynb)). Detectron2 and torchvision draw at random.
# > - If you mine, look at the picks of the first epochs. The typical symptom of dirty labels is a training loss that stays high on the picked examples while the validation error rises.
# > - The same ranking is a tool for *cleaning* data: the largest losses of a trained network are a list of labels to check.
#
# ## Recap
#
# - A cap on positives is no quota: before training, positives are the true boxes.
# - Mining by loss finds what is hard, and wrong labels are the hardest of all.
# - Suppress by loss first, or one object takes the batch.

# %%
progress("44")

# %% [markdown]
# The notes' claims on this: C58 to C62, measured in [92](92_regions_and_mask_rcnn.ipynb).
#
# **Next:** [45 · Schedules, optimisers, memory](45_schedules_optimisers_memory.ipynb): why it trains at all, and fits.

# %% [markdown]
# # 41 · What each part is taught
#
# The truth of a scene is a few masks with classes. But the network has to answer for 4032 anchors, dozens of RoIs and thousands of mask cells. On which of them is it judged, and towards what?
#
# *35 minutes: 12 to read, 3 to look at pictures, 3 to play, 17 to write code. 20 s to run, no GPU. You need [unit 40](40_mask_rcnn_seen_whole.ipynb).*

# %%
import torch

from minseg.data import SceneDataset
from minseg.draw import show, targets
from minseg.experiments.teaching import positive_deltas, teaching
from minseg.models import load_coins

model = load_coins()
scene = SceneDataset("val", size=128, count=(5, 7), style="coins")[2]
taught = teaching(model, [scene])  # all that this scene would teach the network
show(
    targets.draw_targets(scene, taught, level=1, roi=4),  # level 1 has stride 8
    alt="Left: a mark for each cell of stride 8, one blue dot in each of seven coins, grey squares "
    "near some of them, orange dots elsewhere. Middle: eight blue boxes on coins, 24 orange ones, "
    "most of them beside coins or on parts of one. Right: a disc on a grid of 28 by 28, cut off on "
    "one side.",
    facts=f"{len(taught.masks)} of {len(taught.sample.rois)} RoIs teach the class coin",
)

# %% [markdown]
# Three kinds of example, three kinds of target:
#
# - an **anchor** is asked whether there is a thing: yes, no, or it is not asked at all;
# - a **RoI** is asked for its class, background included;
# - a RoI that is **positive**, that is, of a thing, is also asked for its box and its mask.
#
# (On the left each mark stands for the three anchors of a cell. In the middle the coin on the far right has no box: no lot fell on it.)
#
# Which example gets which target is decided by IoU with the true boxes, and by lot. It sounds like bookkeeping. It is what the network becomes: below you can see a rule of its training in its behaviour.
#
# ## A score that jumps
#
# The viewer of [unit 40](40_mask_rcnn_seen_whole.ipynb), at the stage that belongs to training. (It lists 100 proposals and no true boxes, so its counts differ a little from the picture's.)

# %%
from minseg.explore import StageViewer

StageViewer(model, scene, stage="samples")

# %% [markdown]
# 1. Blue boxes would train as coins, orange ones as background. Find an orange box that holds most of a coin. Why is it background?
# 2. Choose RoI 1 and move it to the left with the arrow key, pixel by pixel, up to 9 px. Watch the line **Class and box**: what does the *score* do, and what does the box?
# 3. Where does the score jump? Look at the IoU in the line **Sampled RoIs**.
#
# <details><summary>Answers</summary>
#
# 1. Its IoU with the coin is below ½: it holds the coin, but is too large, or it holds only a part.
# 2. Up to 6 px the score stays at 0.97 or more. At 7 px it is 0.41, at 8 px 0.02. The box head meanwhile pulls the box back as well as before: at 8 px to an IoU of 0.84 with the coin, and the mask drawn there would have an IoU of 0.93.
# 3. Around an IoU of ½: at 7 px it is 0.55, at 8 px just under 0.50. In training, RoIs from ½ on were of class coin, those below were background. So this is what the score says: not "is a coin near?" but *"is the box that I was given, as it is, IoU ½ or better?"*
#
# </details>
#
# ## 1 · Anchors: yes, no, not asked
#
# An anchor that overlaps some thing with an IoU of at least `positive` = 0.6 should say yes; one that overlaps all things with less than `negative` = 0.3 should say no. Those in between are not asked: neither answer would be clearly right.
#
# Is that enough? There are 4032 anchors for seven coins, so it seems generous.
#
# **Predict.** For how many of the seven coins is there an anchor with an IoU of at least 0.6?

# %%
from minseg.course import check, guess, hint, progress, reveal, solution

guess("41.q_reach", None)

# %%
best = taught.overlaps[0].amax(dim=0)  # (7,) of each coin, over all anchors
print("best IoU of any anchor:", " ".join(f"{iou:.2f}" for iou in best))
reveal("41.q_reach", (best >= 0.6).sum(), "coins")

# %% [markdown]
# Only four. Anchors stand on a grid: the centre of a coin is up to 4 px in $x$ and $y$ from the nearest cell of stride 8, and 4 px of 20 along one axis cost a third of the IoU, along both more than half. By that rule alone three of the coins would teach the RPN nothing.
#
# So there is a second rule. **No thing may go without**: the anchor that overlaps it most says yes too, however small the overlap; if several overlap it equally, all of them. A tiny example, three anchors and two things, with each thing's best overlap in bold:
#
# | | thing 0 | thing 1 | says |
# |:--|--:|--:|:--|
# | anchor 0 | **0.70** | 0.10 | yes: 0.70 ≥ 0.6 |
# | anchor 1 | 0.40 | 0.00 | not asked: between 0.3 and 0.6 |
# | anchor 2 | 0.25 | **0.20** | yes: the best that thing 1 has, though 0.20 < 0.3 |
#
# And to which thing does anchor 2 belong? To thing 0, which it overlaps more. Its box will be taught towards that one.
#
# **Exercise 41.anchor_targets** · *core, 8 minutes.* `overlaps` is (B, A, G), floating point: IoU of each image's anchors and things. Return `yes` (B, A) bool, `no` (B, A) bool, and `thing` (B, A) int64, the thing of largest overlap (the first of several).
#
# - *At* `positive` it is yes; *at* `negative` it is not no.
# - A thing's best anchors say yes, all that are equally good. No anchor says both: a forced yes wins.
# - Images have different numbers of things, so they are padded, G ≥ 1. A thing that is padding has overlap 0 with all anchors, and forces none. An image without things is all padding: all its anchors say no.
#
# `hint("41.anchor_targets")` helps.


# %%
def my_anchor_targets(overlaps, positive, negative):
    """yes (B, A) bool, no (B, A) bool, thing (B, A) int64."""
    raise NotImplementedError


check("41.anchor_targets", my_anchor_targets)

# %% [markdown]
# Once it passes, `solution("41.anchor_targets")` shows the package's code.
#
# In this scene 7 anchors say yes and 3871 no. If all of them counted, the loss would be about background. So a sample is drawn by lot: 64 anchors of each image, half of them positive if there are as many. (Ren et al., 2015, take 0.7, 0.3 and 256 anchors.)
#
# ## 2 · RoIs: which class, and where?
#
# The heads are taught on proposals, since proposals are what they will get at test. There is a catch at the start.
#
# **Predict.** A network with random weights proposes 60 boxes in each image; on average 6.5 coins are there. How many of the 60 have an IoU of ½ or more with a coin?

# %%
guess("41.q_positives", None)

# %%
from minseg.experiments.positive_proposals import positive_proposals
from minseg.models import MaskRCNN

dataset = SceneDataset("train", size=128, count=(4, 8), style="coins")
scenes = [dataset[k] for k in range(16)]
means = []
for seed in range(5):
    torch.manual_seed(seed)
    untrained = MaskRCNN(classes=(9,))  # category 9 is "coin"
    hits, _ = positive_proposals(untrained, scenes)  # (16,) of each image
    means.append(hits.float().mean())
means = torch.stack(means)
reveal("41.q_positives", means.mean(), "boxes", digits=1)
trained, _ = positive_proposals(model, scenes)
print(f"untrained: {means.mean():.1f} ± {means.std():.1f}, mean and SD over 5 networks")
print(f"trained: {trained.float().mean():.0f} ± {trained.float().std():.0f}, over 16 images")

# %% [markdown]
# Half a box in each image. Untrained scores are noise, so the 60 are little better than drawn by lot: of all anchors only 4 in 1000 overlap a coin by half, which would make 0.24 of 60. On such proposals the box and mask heads would get one example from two images. Hence a trick that every implementation has: in training **the true boxes join the proposals**.
#
# Then 32 RoIs of each image are drawn, at most a quarter of them positive: 8 and 24 in the picture at the top. (With a feature pyramid the paper draws 512.)
#
# ### Why deltas, and why times ten
#
# A positive RoI is also taught its box: the deltas of [unit 40](40_mask_rcnn_seen_whole.ipynb) that lead from the RoI to the true box, judged by **smooth L1**, which is a square near zero and straight beyond. Take an error of a tenth of the size. On a coin of 16 px it is 1.6 px, on one of 96 px it is 9.6 px. Judged in *pixels*, the large coin's loss would be more than six times the small one's; in deltas both are $dx = 0.1$. And how large are deltas?

# %%
many = teaching(model, [dataset[k] for k in range(40)])
spread = positive_deltas(many).std(dim=0)  # (4,) of dx, dy, dw, dh
print(f"SD of {int(many.positive.sum())} positives' dx, dy, dw, dh:", *(f"{s:.2f}" for s in spread))
print("times 10, 10, 5, 5:", *(f"{s:.1f}" for s in spread * torch.tensor([10, 10, 5, 5])))

# %% [markdown]
# Proposals are off by a tenth of their size, so the second stage's targets are multiplied by (10, 10, 5, 5), and vary by about 1, as class logits do. Without it the box loss would be a whisper beside the others.
#
# ## 3 · Masks: what lies in the proposal
#
# A positive RoI's mask target is a grid of 28 × 28. A grid of what? The head sees only what is in the *proposal*. So its target is the true mask **cropped with the proposal**, not with the thing's own box: off-centre, cut off, or surrounded by ground, as the proposal has it.

# %%
from minseg.draw.mask_rcnn import draw_mask_targets

five, masks = taught.sample.rois[taught.positive][:5], taught.masks[:5]
with torch.no_grad():
    answers = model.read_masks(taught.pyramid, five)[:, 0].sigmoid()  # (5, 28, 28)
show(
    draw_mask_targets(scene.image, five[:, 1:], masks, answers),
    alt="Five boxes on coins; for each a target, a disc that is cut off or off-centre as its box is, "
    "and below it the network's answer, which looks the same.",
    facts=f"cells on the wrong side of ½: {100 * ((answers > 0.5) != (masks > 0.5)).float().mean():.0f} %",
)

# %% [markdown]
# Targets above, the trained head's answers below. At the outline cells are grey: a target here is the *share* of the cell that the thing covers. (The paper's target is binary. torchvision's is a share, too, and so is this package's; [unit 11](11_a_mask_on_a_grid.ipynb) measures what shares gain.)
#
# **Exercise 41.mask_targets** · *core, 8 minutes.* Crop each RoI's thing with the RoI. You get:
#
# - `rois` (P, 5), floating point, rows (number of the image, $x_1, y_1, x_2, y_2$). Boxes may have fractions, and may reach beyond the image, where all is background; P may be 0;
# - `things` (P,) int64: which thing of its image each RoI is of;
# - `truth.masks` (B, G, H, W) bool and `truth.boxes` (B, G, 4), of all things of the batch;
# - `size`, the number of cells along a side.
#
# `to_grid(masks, boxes, size)` computes shares: from (P, H, W) bool and (P, 4) to (P, size, size); beyond the image it counts background.

# %%
from minseg.masks import to_grid


def my_mask_targets(rois, things, truth, size):
    """(P, size, size) float: the share of each cell of the proposal that its thing covers."""
    raise NotImplementedError


check("41.mask_targets", my_mask_targets)

# %% [markdown]
# `solution("41.mask_targets")` shows the package's code.
#
# ### On whose channel?
#
# The head draws a mask for each of $C$ classes. Which of them is judged? That of the **true** class, by binary cross-entropy with a sigmoid at each cell. The other channels are left alone. Compare with a softmax over the classes at each cell, as semantic segmentation has it. Three classes, the thing is of class 1:

# %%
import torch.nn.functional as F

from minseg.losses import mask_bce

logits = torch.zeros(1, 3, 28, 28, requires_grad=True)  # one RoI, three classes
thing = masks[:1]  # (1, 28, 28)

by_sigmoid = mask_bce(logits[:, 1], thing).sum()
scores = F.log_softmax(logits, dim=1)[:, 1]  # (1, 28, 28) log-probability of class 1
by_softmax = -(thing * scores).mean()
for name, loss in (("sigmoid", by_sigmoid), ("softmax", by_softmax)):
    (gradient,) = torch.autograd.grad(loss, logits)
    pushes = gradient[0].abs().sum(dim=(1, 2))  # (3,) of each channel
    print(name, "pushes channels 0, 1, 2 by", *(f"{push:.2f}" for push in pushes))

# %% [markdown]
# With sigmoids the other channels feel nothing: classes do not compete for pixels. Deciding *which* class it is, is the box head's business. In the paper softmax instead of sigmoid costs 5.5 points of mask AP (30.3 to 24.8, table 2b).
#
# > **A misbelief.** "The mask of the *predicted* class is trained." At test it is the predicted class's mask that is shown, since no other class is known. But in training an early network's prediction is mostly wrong, and the wrong channel would learn the shape.
#
# ## 4 · Five losses
#
# | loss | which examples | target | kind |
# |:--|:--|:--|:--|
# | objectness | 64 anchors of each image, ≤ half positive | yes or no | binary cross-entropy |
# | RPN box | the positive ones of these | four deltas | smooth L1 |
# | class | 32 RoIs of each image, ≤ a quarter positive | one of $C + 1$ | cross-entropy |
# | box | the positive ones of these | four deltas, of the true class | smooth L1 |
# | mask | the same | 28 × 28 shares, channel of the true class | binary cross-entropy |
#
# Training minimises their plain sum. Before you train anything, know where it starts.
#
# **Predict.** A network that knows nothing gives all classes the same probability. With three classes and background, what is the class loss before training?

# %%
guess("41.q_class", None)

# %%
shapes = [SceneDataset("train")[k] for k in range(8)]  # discs, boxes and triangles
images, instances = [s.image for s in shapes], [s.instances for s in shapes]
starts = []
for seed in range(5):
    torch.manual_seed(seed)
    losses = MaskRCNN(classes=3).losses(images, instances, seeds=range(8))
    starts.append(torch.stack(list(losses.values())).detach())
starts = torch.stack(starts)  # (5 networks, 5 losses)
reveal("41.q_class", starts[:, 2].mean())
for k, name in enumerate(losses):
    print(f"{name:14} {starts[:, k].mean():.2f} ± {starts[:, k].std():.2f}")

# %% [markdown]
# $-\ln \tfrac14 = \ln 4 = 1.39$. And objectness and mask start at $\ln 2 = 0.69$, since each is one yes-or-no question. (± is the SD over five networks.) If your own network starts far from these, look for the bug before you train.
#
# <details><summary>For the curious: what the losses are divided by</summary>
#
# The box loss sums over positives and is divided by *all* sampled RoIs, positive or not: a positive weighs the same in an image of few things as in one of many. The RPN's box loss likewise is divided by all sampled anchors. So it is in torchvision and detectron2. In the paper of Faster R-CNN it is divided by the number of anchor *places*, about 2400, and multiplied by λ = 10, which for 256 anchors comes to nearly the same.
#
# The mask loss is the *mean* over 28 × 28 cells. Whoever sums instead has a loss 784 times as large, and needs another weight.
#
# </details>
#
# > **In practice**
# >
# > - *Defaults*: anchors 0.7 and 0.3, RoIs ½, 256 anchors and 512 RoIs of each image (torchvision, detectron2).
# > - *Typical mistake*: anchors that fit no thing. Symptom: objectness falls nicely, since "no" is nearly always right, and nothing is ever found. Print the best IoU of each true box with any anchor, as above, before training.
# > - *Another*: labels from 0 where the library counts background as class 0, as torchvision does. Symptom: the first class is never found.
# > - *The library's calls*: `torchvision.models.detection.rpn.RegionProposalNetwork.assign_targets_to_anchors` and `roi_heads.project_masks_on_boxes` are your two exercises.
#
# ## Recap
#
# - IoU decides who is asked what: anchors at 0.6 and 0.3, RoIs at ½; each thing has at least one anchor.
# - Samples keep background from drowning the rest; true boxes join the proposals, since an untrained network proposes next to nothing.
# - Boxes are taught as deltas, which are the same for small and large, times weights that bring them to about 1.
# - A mask is taught in its proposal, on the channel of its true class.
# - Five losses, of which you know three starting values.

# %%
progress("41")

# %% [markdown]
# The notes' claims on this: C10 to C13, C50, C51 and C57, measured in [92](92_regions_and_mask_rcnn.ipynb).
#
# **Next**: [unit 42, train your own](42_train_your_own.ipynb). All that was prepared here happens 200 times, in about a minute.

# %% [markdown]
# # 07 · Measuring instances: AP and boundaries
#
# A network has found ten objects where there are five. How good is that? One number, average precision, has decided most contests of the field. This lesson builds it by hand, measures what it does not see, and adds the metrics that look at outlines.
#
# **After this lesson you can**
#
# 1. match detections to truths by COCO's rules, and compute average precision on paper;
# 2. say which convention a published AP follows, and by how much another would differ;
# 3. read AP50, AP75 and the size ranges for what they tell, and for what they hide;
# 4. measure outlines by boundary IoU, trimap and surface distance, and name the blind spot of each;
# 5. find the input that betrays a wrong metric.
#
# *55 minutes to read, 10 s to run, 370 MiB of memory, no GPU, no downloads. You need lesson 00.*

# %%
import numpy as np
import torch

from minseg.boxes import box_iou
from minseg.course import check, claim, guess, progress, reveal, show_source
from minseg.course.exercises.lesson_07 import bug_museum as museum
from minseg.data import coins_truth
from minseg.draw import ALIGN_COLOUR, POOL_COLOUR, figure, show
from minseg.draw.ap import draw_curve, draw_scene
from minseg.explore import APPlayground, BoundaryBand
from minseg.explore.ap_playground import DETECTIONS, SCORES, TRUTHS
from minseg.instances import Instances
from minseg.metrics import average_precision, boundary_iou, boundary_of, mask_iou
from minseg.metrics.ap_curve import area_under, precision_recall
from minseg.metrics.ap_matching import THRESHOLDS, match_loop
from minseg.metrics.boundary import band_width, erode

# %% [markdown]
# ## Ten detections
#
# The smallest case that shows everything: one image, five **truths** A to E, ten **detections**, each with a **score** that says how sure the network is. They are boxes, because boxes can be checked on paper. Everything is the same for masks, once you know how much two of them overlap.
#
# That is **IoU**, intersection over union: what two regions share, divided by what they cover together, $|a \cap b| \,/\, |a \cup b|$. It is 1 for equal regions and 0 for separate ones.

# %%
truths, detections = (torch.tensor(boxes, dtype=torch.float64) for boxes in (TRUTHS, DETECTIONS))
iou = box_iou(detections, truths)  # (10, 5)
print("detection  score     A     B     C     D     E")
for k, row in enumerate(iou.tolist()):
    shown = "".join(f"{v:6.2f}" if v else "     ·" for v in row)
    print(f"{k + 1:9} {SCORES[k]:6.2f}{shown}")

# %% [markdown]
# Which detections are right? One needs a threshold, say IoU 0.5, and a rule for the case that two detections want the same truth. COCO's rule (Lin et al., *Microsoft COCO*, 2014, and its evaluation code) is greedy: the detections choose one after the other, **best score first**. Each takes, of the truths that are still *free* and reach the threshold, the one with the highest IoU. A detection that gets one is a **true positive**, TP; one that gets none is a **false positive**, FP; a truth that nobody took is a **false negative**, FN.
#
# **Predict.** With threshold 0.5, how many of the ten are true positives? The table is all you need.

# %%
guess("07.1", None)

# %%
nobody = np.zeros(5, dtype=bool)
found = match_loop(iou.numpy(), ignored=nobody, crowd=nobody, threshold=0.5)
right = np.array(found) >= 0
verdicts = ["TP" if one else "FP" for one in right]
fig, ax = figure(width=560, height=400)
ax.set(xlim=(0, 320), ylim=(240, 0))
draw_scene(ax, truths, detections, verdicts, "Wide: truths. Solid: right. Dashed: wrong")
alt = "Five boxes A to E and ten detections; 1, 3, 4, 7 match A, B, C, D, and nobody matches E."
show(fig, alt=alt, facts=f"by decreasing score: {' '.join(verdicts)}")
reveal("07.1", right.sum(), "true positives")

# %% [markdown]
# Detection 2 overlaps A by 0.55 and 8 overlaps B by 0.69, more than enough. But A and B had been taken, so both are **duplicates**, and duplicates are false positives. Detections 6 and 10 lie near E and reach 0.36 and 0.44: not enough, so E is missed *and* both are wrong. A poor detection is punished twice.
#
# Now the rule as the package has it. It knows a third kind of truth, the **ignored** one, which nobody has to find. There are two reasons to ignore a truth: its area is outside of the range that is being measured, or it is a **crowd**, one region drawn around many objects that nobody told apart. A detection that takes an ignored truth counts neither as right nor as wrong; a truth that counts is always preferred; and a crowd may be taken again and again. IoU with a crowd is $|a \cap b| \,/\, |a|$, for a detection $a$ of one person cannot fill a crowd $b$ of fifty.

# %%
show_source(match_loop)

# %% [markdown]
# **Exercise: match.** Write it yourself. `iou` is a (D, G) array whose rows are detections by decreasing score, `ignored` and `crowd` are (G,) bool. `hint("07.match")` helps, one hint a call, and `solution("07.match")` shows the package's code; both are in `minseg.course`.


# %%
def my_match(iou, ignored, crowd, threshold):
    """A list of int: for each detection the number of the truth that it takes, or -1."""
    raise NotImplementedError


check("07.match", my_match)

# %% [markdown]
# ## From verdicts to one number
#
# How many of these ten should the network have reported? That depends on what a false alarm costs. So judge all lists at once: the first detection alone, the first two, and so on. After the first $k$,
#
# $$\text{precision} = \frac{\mathrm{TP}}{\mathrm{TP} + \mathrm{FP}}, \qquad \text{recall} = \frac{\mathrm{TP}}{\text{number of truths}}.$$
#
# Precision says how much of what was reported is right, recall how much of what is there was reported. Each TP moves right, and up unless precision is 1; each FP moves straight down.

# %%
precision, recall = precision_recall(right, truths=5)
rules = {rule: area_under(precision, recall, rule) for rule in ("raw", "all", "101", "11")}
fig, ax = figure(width=560, height=350)
draw_curve(ax, precision, recall, range(1, 11), verdicts, "A saw-tooth, its envelope in black")
alt = "Precision over recall falls and rises from 1 to 0.4; the envelope is a falling staircase."
show(fig, alt=alt, facts=f"precision {precision.round(2).tolist()}; last recall {recall[-1]:.1f}")

# %% [markdown]
# **Average precision**, AP, is the area under this curve. Do it on paper: recall grows by 0.2 four times, at precisions $1$, $\tfrac23$, $\tfrac34$ and $\tfrac47$, so the raw area is $0.2\,(1 + 0.667 + 0.75 + 0.571) = 0.598$.
#
# Hardly anybody publishes that. At recall 0.4 precision is 0.667, and yet by going on one reaches recall 0.6 at 0.75. Nobody would stop at 0.4, so one takes the **envelope**, $\hat p(r) = \max_{r' \ge r} p(r')$, the best precision at this recall *or any higher one*. And one samples it: Pascal VOC until 2009 at 11 recalls (Everingham et al., *The Pascal Visual Object Classes Challenge*, 2010, section 4.2), COCO at 101 (its evaluation code, pycocotools), Pascal VOC since 2010 everywhere.

# %%
show_source(area_under, docstring=False)
shorter = area_under(*precision_recall(right[:7], truths=5))
said = ", ".join(f"{rule} {value:.3f}" for rule, value in rules.items())
said += f". Without the last three detections, all wrong: {shorter:.3f} (101)."
exact = np.allclose(list(rules.values()), [0.598, 0.614, 0.618, 0.633], atol=5e-4)
claim("C113", measured=said, supports=exact and shorter == rules["101"])

# %% [markdown]
# The conventions differ in the second digit, as much as many a published improvement. Say which one you use.
#
# The card ends with a surprise: without detections 8, 9 and 10, three errors, AP is *exactly* the same. They come after the last true positive, where no recall is left to gain. **False positives at the end of the list are free**; so people report 100 detections an image, and a detector with a fine AP can be unusable without a score threshold.
#
# **Exercise: read the envelope** at any recalls. `points` is (P,), `precision` and `recall` are (n,) arrays, recall never falling.


# %%
def my_precision_at(points, precision, recall):
    """(P,) float array: the envelope at these recalls; 0 beyond the last one reached."""
    raise NotImplementedError


check("07.precision_at", my_precision_at)

# %% [markdown]
# ## The playground
#
# The same ten detections, to drag. Blue ones are right, dashed orange ones wrong; a thin line leads to the truth that each has taken. The table follows the scores.

# %%
playground = APPlayground()
playground

# %% [markdown]
# Drag a detection, or click it and use the arrow keys (Shift resizes, Alt makes the steps finer); the small circle is its corner. Try, one at a time:
#
# 1. **Raise the score of 2** above that of 1. Now 2 takes A and 1, the better box, is the duplicate. At threshold 0.5 AP does not change at all: it does not see how good a match is, only that there is one.
# 2. **Then raise the threshold** to 0.60. Detection 2 no longer reaches A, and 1 is right again. Put all back, and go on to 0.95: one after the other turns orange.
# 3. **Drag 10 onto E.** The fifth truth is found, with the lowest score. AP goes from 0.618 to 0.717. How much is the same box worth if 10 has the *highest* score? 0.847.
# 4. **Lower the score of 2 to 0.** An error moves to the end of the list, and AP rises although nothing else has changed.
# 5. **Tick "E is a crowd".** 6 and 10 turn grey: they cost nothing, and there are four truths to find.
# 6. **Put all back, and switch the area** from raw to 11 points, and back. Which of the ten points of the curve matter? For the raw area the four true positives, where recall grows; under the envelope, that is at 11 points, only 1, 4 and 7, for 3 lies below it.
#
# ## Duplicates
#
# On to masks: the 24 Greek coins, and a network that finds every one of them, perfectly, with different scores. Its AP is 1. Now it reports every coin **twice**: the same mask again, with a score a little below the first.
#
# **Predict.** What is AP, if half of the detections are duplicates, each just behind its original?

# %%
guess("07.2", None)

# %%
coins = coins_truth()
scores = torch.linspace(0.99, 0.5, 24)


def coins_as(masks, scores=scores):  # detections, all labelled "coin"
    return Instances(masks, torch.full((len(masks),), 9), scores)


both = torch.cat([coins.masks, coins.masks])
twice = coins_as(both, torch.cat([scores, scores - 0.001]))  # each just behind its original
at_last = coins_as(both, torch.cat([scores, scores - 0.499]))  # all of them at the end
duplicated, at_the_end = (average_precision([p], [coins]).ap for p in (twice, at_last))
reveal("07.2", duplicated)
print(f"with all duplicates at the end of the list: {at_the_end:.3f}")

# %% [markdown]
# `average_precision` takes a list of `Instances`, one an image, for predictions and for truths, and follows COCO's protocol in full: detections of all images in one list for each class, at most 100 of a class and image, ten thresholds, the mean over classes that have truths. Its numbers equal those of pycocotools, the official tool.
#
# So a perfect detector that stutters has AP 0.557, or 1.000 if it stutters quietly. This is why detectors suppress duplicates (lesson 08), and why scores matter so much. Even equal scores do: they keep their order in the file, so that shuffling a file can change AP (reported as cocodataset/cocoapi, issue 650, 2023).

# %%
masks = torch.zeros(3, 8, 8, dtype=torch.bool)  # a small one, one that holds it, an empty one
masks[0, 2:4, 2:4], masks[1, :4, :4] = True, True
pairs = mask_iou(masks, masks)
in_crowd = mask_iou(masks[:1], masks[1:2], torch.tensor([True])).item()
claim(
    "C111",
    measured=f"4 pixels inside 16: IoU {pairs[0, 1]}, with a crowd {in_crowd:.0f}; two empty "
    f"masks {pairs[2, 2]:.0f}, an empty one and another {pairs[2, 0]:.0f}.",
    supports=pairs[0, 1] == 0.25 and in_crowd == 1 and pairs[2, 2] == 0 and pairs[0, 0] == 1,
)
claim(
    "C112",
    measured=f"24 perfect masks reported twice: AP {duplicated:.3f}, though all 48 reach every "
    f"threshold; {at_the_end:.3f} if the duplicates come last.",
    supports=duplicated < 0.6 and at_the_end == 1,
)

# %% [markdown]
# ## Ten thresholds
#
# At IoU 0.5 a mask may have missed half of its object. So COCO computes AP at ten thresholds, 0.50, 0.55 … 0.95, and averages; AP50 and AP75 are two of the ten. What does each see? Give the coins four flaws, one at a time.

# %%
flawed = {
    "6 of 24 missed": coins_as(coins.masks[6:], scores[6:]),
    "every coin twice": twice,
    "6 px too far right": coins_as(torch.roll(coins.masks, 6, dims=2)),
    "3 px too small": coins_as(erode(coins.masks, 3)),
}
fig, ax = figure(width=640, height=330)
curves = {name: average_precision([p], [coins]).per_threshold for name, p in flawed.items()}
for (name, curve), mark in zip(curves.items(), "osvX", strict=True):
    ax.plot(THRESHOLDS, curve, mark + "-", label=name)
ax.set(xlabel="IoU threshold", ylabel="AP at this threshold", ylim=(-0.03, 1.05))
ax.set_title("Finding shows at every threshold, outlines at the high ones")
ax.legend(loc="lower left")
alt = "Two flat lines, for missed and doubled coins; two that fall from 1 to 0, for poor masks."
facts = "; ".join(f"{name}: {c[0]:.2f} at 0.5, {c[5]:.2f} at 0.75" for name, c in curves.items())
show(fig, alt=alt, facts=facts)

# %% [markdown]
# Missing and doubling cost the same everywhere. Poor masks cost *nothing* at 0.5 and nearly everything at 0.75. This is how one reads a table: RoIAlign, which keeps masks in their place (lesson 05), raised Mask R-CNN's AP50 at stride 32 by 5.3 and its AP75 by 10.5 (He et al., *Mask R-CNN*, 2017, table 2d).
#
# The thresholds themselves hide a trap. Take a truth of five pixels and a detection of three of them: IoU exactly 0.6.

# %%
five = torch.zeros(1, 4, 8, dtype=torch.bool)
three = five.clone()
five[:, 1, 1:6], three[:, 1, 1:4] = True, True
at = average_precision([coins_as(three, scores[:1])], [coins_as(five, scores[:1])]).ap
drifted = np.arange(0.5, 1, 0.05)  # the obvious way to write them
by_arange = (mask_iou(three, five).item() >= drifted).mean()
claim(
    "C114",
    measured=f"an IoU of 0.6 reaches three of the ten, AP {at:.1f}. With arange, whose third "
    f"number is {float(drifted[2])}, it reaches two, AP {by_arange:.1f}.",
    supports=np.allclose([at, by_arange], [0.3, 0.2]),
)
claim(
    "C116",
    measured=f"AP50, AP75: {facts.replace(' at 0.75', '').replace(' at 0.5', '')}.",
    supports=curves["6 of 24 missed"].std() < 1e-9 and bool(curves["3 px too small"][5] < 0.1),
)

# %% [markdown]
# ## Small, medium, large
#
# A detector can be fine on cars and blind to traffic lights, so COCO splits AP by the area of the truth: up to $32^2 = 1024$ pixels, up to $96^2 = 9216$, above. Other truths are *ignored*, as crowds are. What happens at exactly 1024?


# %%
def squares(*corners):
    """One image of 256 × 256 with squares given as (x, y, side), best score first."""
    masks = torch.zeros(len(corners), 256, 256, dtype=torch.bool)
    for mask, (x, y, side) in zip(masks, corners, strict=True):
        mask[y : y + side, x : x + side] = True
    return coins_as(masks, scores[: len(corners)])


print("truth of    small  medium   large")
for side in (31, 32, 33, 97):
    r = average_precision([squares((0, 0, side))], [squares((0, 0, side))])
    print(f"{side:3}² px {r.ap_small:9.0f}{r.ap_medium:8.0f}{r.ap_large:8.0f}")
    if side == 32:
        in_both = r.ap_small == 1 and r.ap_medium == 1
truth_of_two = squares((0, 0, 20), (30, 0, 97))  # a small one and a large one
alarms = [squares((150, 150, side), (0, 0, 20), (30, 0, 97)) for side in (28, 60)]
first, second = (average_precision([p], [truth_of_two]).ap_small for p in alarms)
claim(
    "C115",
    measured=f"a square of 32² px is small and medium. A false alarm with the highest score "
    f"makes AP small {first:.1f} if it is small itself, and leaves {second:.1f} if it is medium; "
    f"the large truth and its detection count neither way.",
    supports=in_both and abs(first - 0.5) < 1e-9 and second == 1,
)

# %% [markdown]
# `nan` stands where there is no such truth (COCO's tool prints −1).
#
# ## Boundaries
#
# The inside of an object grows with the square of its size, the outline only with the size. So a large object can have a poor outline and an excellent mask IoU, and AP75 passes it. **Boundary IoU** (Cheng et al., *Boundary IoU*, 2021) leaves the inside out. With $G_d$ the pixels within distance $d$ of the contour of mask $G$,
#
# $$\text{boundary IoU} = \frac{|(G_d \cap G) \cap (P_d \cap P)|}{|(G_d \cap G) \cup (P_d \cap P)|},$$
#
# the IoU of the two *inner bands*, of the truth $G$ and the prediction $P$. In the code a mask's band is `boundary_of(masks)`, and $d$ is a share of the image's diagonal, `dilation_ratio`.

# %%
show_source(boundary_of, docstring=False)

# %% [markdown]
# The notes compare the boundaries alone, and name no width. Suppose that the band is one pixel wide, and the prediction is perfect but for a shift to the right by one pixel.
#
# **Predict.** A square of any size, shifted by one pixel, its band one pixel wide. Boundary IoU?

# %%
guess("07.3", None)


# %%
def large_square(side, x=20):
    mask = torch.zeros(1, 480, 640, dtype=torch.bool)  # where COCO's band is 16 pixels wide
    mask[:, 20 : 20 + side, x : x + side] = True
    return mask


thin = [boundary_iou(large_square(s), large_square(s, 21), dilation_ratio=0.001) for s in (40, 400)]
wide = [boundary_iou(large_square(s), large_square(s, 21)).item() for s in (40, 400)]
reveal("07.3", thin[0])
full = large_square(400)
hollow = full & ~erode(full, 16)
hollow_iou, hollow_boundary = mask_iou(full, hollow).item(), boundary_iou(full, hollow).item()
claim(
    "C117",
    measured=f"shift by 1 px: {thin[0].item():.3f} for a square of 40 or 400 px with d = 1, "
    f"{wide[1]:.3f} with d = {band_width((480, 640), 0.02)}, COCO's width here. A hollow square: "
    f"boundary IoU {hollow_boundary:.0f}, mask IoU {hollow_iou:.2f}.",
    supports=thin[0] == thin[1] and abs(thin[0].item() - 1 / 3) < 1e-9
    and hollow_boundary == 1 and hollow_iou < 0.2 and wide[1] > 0.9,
)  # fmt: skip

# %% [markdown]
# Two sides of the square keep their band, two lose it altogether, and a third is left. Nobody annotates to the pixel, so such a metric would measure annotators' hands. With $d$ = 2 % of the diagonal it asks what a person can see.
#
# The hollow square shows the opposite danger: a prediction that draws a rim and leaves the inside empty scores a perfect 1. Hence the **min rule**: boundary AP and boundary PQ use the smaller of mask IoU and boundary IoU. Try both on coin 10:

# %%
BoundaryBand(coins.masks[9, 98:150, 178:232], width=3)

# %% [markdown]
# 1. **Move the band** from 1 to 24 px. Mask IoU has no band and stays; boundary IoU starts far below and ends at mask IoU, when the bands have filled the coin.
# 2. **Choose "hollow"** and go through 5, 6 and 7 px. With a band *narrower* than the rim the inner edge is seen, at exactly 6 px nothing is, and wider bands see the hole. Which of the two numbers counts?
#
# A coin is 40 pixels wide and COCO's band in its photograph 10. On objects this small, boundary IoU is not far below mask IoU, though AP may differ more (the last table of this lesson). (Somebody whose objects were about 60 × 60 found all boundary numbers *equal* to the mask numbers, and asked why: bowenc0221/boundary-iou-api, issue 11, 2022.)

# %%
sides = [8, 16, 24, 32, 40, 48, 64, 100, 200, 300, 400]
of_mask = [mask_iou(large_square(s), erode(large_square(s), 2)).item() for s in sides]
of_band = [boundary_iou(large_square(s), erode(large_square(s), 2)).item() for s in sides]
fig, ax = figure(width=640, height=320)
ax.semilogx(sides, of_mask, "s-", color=POOL_COLOUR, label="mask IoU")
ax.semilogx(sides, of_band, "o-", color=ALIGN_COLOUR, label="boundary IoU")
ax.set(xlabel="side of the square, px (the band is 16 px wide)", ylabel="IoU", ylim=(0, 1))
ax.set_xticks(sides[::2], sides[::2])
ax.set_title("Two pixels eroded all round: the larger, the less mask IoU cares")
ax.legend(loc="lower right")
alt = "Both rise together from 0.25 to 0.77; then mask IoU goes on to 0.98, boundary IoU stays."
show(fig, alt=alt, facts=f"side 400 px: mask IoU {of_mask[-1]:.2f}, boundary IoU {of_band[-1]:.2f}")
claim(
    "C118",
    measured=f"2 px eroded: equal up to 32 px, {of_mask[3]:.2f}; at 400 px mask IoU is "
    f"{of_mask[-1]:.2f}, boundary IoU {of_band[-1]:.2f}, as at 48 px.",
    supports=of_mask[:4] == of_band[:4] and abs(of_band[-1] - of_band[5]) < 0.01
    and of_mask[-1] - of_band[-1] > 0.15,
)  # fmt: skip

# %% [markdown]
# In the paper's figure 1 three predictions of one horse have mask IoU 89, 92 and 97, hard to tell apart, and boundary IoU 69, 78 and 91.
#
# **Exercise: the inner band** for COCO's width, 2 % of the diagonal as Python rounds it, and at least one pixel. `torch.nn.functional` has what it takes. The image's frame counts as an edge.


# %%
def my_boundary_of(masks):
    """(N, H, W) bool: each mask's pixels within d of a pixel that is not its own."""
    raise NotImplementedError


check("07.boundary_of", my_boundary_of)

# %% [markdown]
# ## The trimap
#
# An older idea (Kohli et al., *Robust Higher Order Potentials*, 2009): draw a band around the *true* contour, on both sides, and count the share of correct pixels in it. The notes give $\mathrm{dilate}(b, w) - \mathrm{erode}(b, w)$ of the boundary $b$. Try it on a square of 60 × 60.

# %%
from minseg.metrics import trimap, trimap_accuracy

target = torch.zeros(100, 100, dtype=torch.bool)
target[20:80, 20:80] = True
eroded = erode(target & ~erode(target, 1), 2).sum()
areas = [trimap(target, 2, contour_first=flag).sum().item() for flag in (True, False)]
alarm = target.clone()
alarm[:12, :12] = True  # far from the square
blind, swept = trimap_accuracy(alarm, target), trimap_accuracy(erode(target, 2), target)
print("2 px eroded, at widths 1, 2, 3, 5, 8, 12, 20:", *(f"{v:.2f}" for v in swept))
claim(
    "C119",
    measured=f"the eroded contour has {eroded} px, so the formula gives {areas[0]} px and the one "
    f"that is meant {areas[1]}. A false alarm of 144 px, far away: accuracy "
    f"{blind[:5].min():.0f} at all widths up to 8.",
    supports=eroded == 0 and areas == [1180, 960] and blind[:5].min().item() == 1,
)

# %% [markdown]
# One and the same error, two pixels all round, is an accuracy between 0.51 and 0.95, depending on the width. So never compare two trimap numbers of different width, and report a sweep.
#
# ## Distances
#
# Overlap says how much is wrong, not how far away it is. In medicine one measures in millimetres: from each pixel of one surface to the nearest of the other. With $d(A \to B)$ the mean of these distances, ASSD, the **average symmetric surface distance**, is $\tfrac12 (d(A \to B) + d(B \to A))$. Two means, one of few pixels and one of many, count alike. Others pool all distances into one mean. Take a prediction that has found only one corner of the square:

# %%
from minseg.metrics import average_symmetric_surface_distance, surface_distances

corner = torch.zeros_like(target)
corner[20:26, 20:26] = True
there, back = surface_distances(corner, target)
averaged = average_symmetric_surface_distance(corner, target)
pooled = average_symmetric_surface_distance(corner, target, pooled=True)
claim(
    "C120",
    measured=f"{len(there)} pixels at {there.mean():.2f} px on average, {len(back)} at "
    f"{back.mean():.1f}: ASSD {averaged:.1f} by averaging the means, {pooled:.1f} pooled.",
    supports=abs(averaged - 22.1) < 0.1 and abs(pooled - 39.7) < 0.1,
)
a, b = coins.masks[9], torch.roll(coins.masks[9], 3, dims=1)
surfaces = [(mask & ~erode(mask, 1)).nonzero().double() for mask in (a, b)]  # 8 neighbours
brute = torch.cdist(*surfaces).amin(dim=1)  # all pairs
fast = surface_distances(a, b, connectivity=2)[0]
four = surface_distances(a, b)[0]
claim(
    "C121",
    measured=f"a coin moved by 3 px: distance transform and all {len(fast)} × {len(surfaces[1])} "
    f"pairs agree to 1e-9. With 4 neighbours the surface has {len(four)} pixels.",
    supports=torch.allclose(brute, fast, atol=1e-9) and len(four) < len(fast),
)

# %% [markdown]
# The medpy library changed from the first definition to the second (loli/medpy, issue 108, 2022), so that papers report both under one name. DeepMind's tool returns both directions and leaves it to you. And an empty mask has no surface: `minseg` says infinite, two empty ones 0.
#
# ## Which one is best?
#
# Five flawed predictors of the same coins, each with one fault, judged by five metrics. **PQ**, panoptic quality (lesson 13), judges a map in which each pixel belongs to one segment, so overlaps cannot occur, and once the map is made scores play no part.

# %%
from minseg.metrics import panoptic_quality

invented = torch.zeros(6, 303, 384, dtype=torch.bool)
for k in range(6):
    invented[k, 1:11, 20 + 60 * k : 50 + 60 * k] = True  # the margin above the coins
predictors = {
    "2 px too small": coins_as(erode(coins.masks, 2)),
    "a hole in each": coins_as(coins.masks & ~erode(coins.masks, 10)),
    "every coin twice": twice,
    "6 of 24 missed": flawed["6 of 24 missed"],
    "6 invented": coins_as(
        torch.cat([invented, coins.masks]), torch.cat([torch.full((6,), 0.999), scores])
    ),
}


def as_map(instances):  # panoptic ids: coins are category 9, best score on top; background 1
    ids = torch.full((303, 384), 1000)
    for k in instances.scores.argsort(stable=True).tolist():
        ids[instances.masks[k]] = 9000 + k + 1
    return ids


# %%
def judge(p):  # mask AP, boundary AP, PQ, ASSD of matched pairs, trimap accuracy
    mask, edge = (average_precision([p], [coins], kind) for kind in ("mask", "boundary"))
    pq = panoptic_quality([as_map(p)], [as_map(coins)], things=[9], stuff=[1]).per_class[9].pq
    match = mask.matches[0]
    pairs = zip(match.detection.tolist(), match.truth[0, 0].tolist(), strict=True)  # at IoU 0.5
    pairs = [(p.masks[d], coins.masks[g]) for d, g in pairs if g >= 0]
    assd = np.mean([average_symmetric_surface_distance(*pair) for pair in pairs])
    near = trimap_accuracy(p.masks.any(dim=0), coins.masks.any(dim=0), [3]).item()
    return mask.ap, edge.ap, pq, assd, near


# %%
table = {name: judge(p) for name, p in predictors.items()}
print("                    mask AP  boundary AP     PQ   ASSD, px  trimap 3 px")
for name, (ap, bap, pq, assd, near) in table.items():
    print(f"{name:18} {ap:8.3f} {bap:12.3f} {pq:6.3f} {assd:10.1f} {near:12.3f}")
columns = np.array(list(table.values())).T
orders = {tuple(np.argsort(-columns[k], kind="stable").tolist()) for k in (0, 1, 2, 4)}
claim(
    "C139",
    measured=f"mask AP, boundary AP, PQ and trimap: {len(orders)} different orders, and ASSD "
    f"cannot tell three of the five apart. Every coin twice is last for AP, {columns[0, 2]:.3f}, "
    f"and perfect for PQ; a hole in each is perfect for the trimap, {columns[0, 1]:.3f} for AP.",
    supports=len(orders) == 4 and columns[2, 2] == 1 and columns[0].argmin() == 2,
)

# %% [markdown]
# Each column has a reason. AP, of masks or of boundaries, is alone in minding duplicates, and how much depends on scores. PQ minds every false positive alike. ASSD is the mean over *matched* pairs, so what is missed or invented does not exist for it. The trimap sees neither holes nor inventions. Boundary AP is the strictest about outlines and, by the min rule, never above mask AP. None of them is best; pick the one whose blind spot you can afford, and report two.
#
# ## The bug museum
#
# Metrics are code, and nothing tells you when they are wrong: the number looks like any other. Here are five mistakes that real evaluation code has made, rebuilt in our own lines; each report is named. **Find what is wrong before you read the report.**

# %%
for exhibit in museum.EXHIBITS.values():
    show_source(exhibit)

# %% [markdown]
# **Exercise: be the witness.** For each exhibit bring arguments on which it and the honest function disagree, as a tuple. That is what a test is: not an input on which code runs, but one on which wrong code is *caught*. `museum.HONEST["A"]` and so on answer honestly.


# %%
def my_witness(exhibit):
    """Arguments for the exhibit "A" to "E": A (iou, threshold), B (box, box), C (images,) …"""
    raise NotImplementedError


check("07.witness", my_witness)

# %% [markdown]
# The labels, for when you have looked:
#
# - **A** drops duplicates: they count as nothing. A detector that stutters looks perfect.
# - **B** takes the ends as inside, as Pascal VOC did, for two of its three areas. A box no longer has IoU 1 with itself.
# - **C** skips images without truths, and all false alarms in them.
# - **D** leaves crowds out, and so turns every detection of a person in a crowd into a false positive.
# - **E** asks whether two floating point numbers are equal.
#
# ## Recap
#
# You can now
#
# 1. **match by COCO's rules** and compute AP on paper: greedy by score, each truth once, crowds and areas out of range ignored, the area under the envelope;
# 2. **name the convention**: 0.598, 0.614, 0.618 or 0.633 from the same ten verdicts; errors at the end of the list are free;
# 3. **read a table**: finding shows at every threshold, outlines at the high ones; 1024 pixels are small and medium;
# 4. **measure outlines**: boundary IoU with its width and its min rule, trimaps as a sweep, ASSD with its variant; and say what each does not see;
# 5. **betray a wrong metric** with an input that is rare: twice, equal, empty, crowded, on the edge.
#
# Your predictions beside what was measured, and your exercises:

# %%
progress("07")

# %% [markdown]
# **Reading on.** Lin et al., *Microsoft COCO*, 2014, for the data and the protocol; Everingham et al., 2010, section 4.2, for AP at 11 points; Cheng et al., *Boundary IoU*, 2021, sections 3 to 5, which tests metrics as this lesson does, by known errors. In the package: `minseg/metrics/ap_matching.py`, `ap_curve.py`, `boundary.py` and `surface.py`, a few minutes each.
#
# **Next**, lesson 08 builds the detector whose answers these numbers judge.
#
# > **When it does not work**
# >
# > - *A number differs from pycocotools'*: compare the areas first (COCO's files annotate them, a count of pixels may differ), then crowds, then the order of equal scores.
# > - *AP is NaN*: no truth of any class lies in that range. It is not 0, and must not be averaged as 0.
# > - *The playground shows as a still picture*: run its cell again, or reload the page; `python -m minseg doctor` says what is missing.
# > - *`07.witness` says that an exhibit is right on your input*: call both functions with it yourself, say `museum.exhibit_c` and `museum.HONEST["C"]`, and compare.

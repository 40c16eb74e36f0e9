# %% [markdown]
# # 13 · Panoptic quality
#
# A panoptic map says of every pixel which segment it belongs to. Panoptic quality, PQ, says in one number how good such a map is. The number is easy to compute and easy to get wrong: several published evaluations did, and you will mend three of their mistakes here.
#
# **After this lesson you can**
#
# 1. write a panoptic map as one number a pixel, and name the traps of doing so;
# 2. match segments, and prove why the threshold ½ makes the matching unique;
# 3. compute PQ, SQ and RQ by hand, with void, crowds and averages as the official tool has them;
# 4. say what PQ asks of things and what of stuff, and why that is not what mean IoU asks;
# 5. take a lost PQ apart by cause, and decide when a doubtful segment is worth keeping.
#
# *50 minutes to read, 11 s to run, 400 MiB of memory, no GPU, no downloads. You need lesson 00.*

# %%
import torch
from scipy.ndimage import label

from minseg.course import check, claim, guess, progress, reveal, show_source
from minseg.data import STUFF, THINGS, make_scene
from minseg.draw import draw_grid, draw_panoptic, figure, show
from minseg.draw.panoptic_errors import draw_panoptic_errors
from minseg.experiments import panoptic_edits
from minseg.explore import PQPlayground
from minseg.metrics import panoptic_errors, panoptic_quality, pq_matching
from minseg.panoptic import decode, encode

NAMES = {**THINGS, **STUFF}  # 1 disc, 2 box, 3 triangle, …; 6 sky, 7 ground, 8 water
SKY, DISC = 6000, 1001


def score(prediction, truth, crowd=()):
    return panoptic_quality([prediction], [truth], things=THINGS, stuff=STUFF, crowd=[crowd])


# %% [markdown]
# ## Two maps you can hold
#
# A **segment** is a set of pixels with a class. **Things** are counted: each disc is a segment of its own. **Stuff** is not: all the sky of an image is one segment, even in several pieces. A pixel that belongs to nothing is **void**. To hold all that in one number a pixel, class and instance are packed together:
#
# $$\text{id} = \text{category} \cdot M + \text{instance}, \qquad M = 1000,$$
#
# with instances from 1 for things, 0 for stuff, and id 0 for void. In the package $M$ is `max_instances`. So 1002 is the second disc, and 6000 the sky.

# %%
truth = torch.full((6, 9), SKY)
truth[1:4, 1:4], truth[2:5, 5:7], truth[0, 7:] = 1001, 1002, 0
predicted = torch.full((6, 9), SKY)
predicted[1:4, 1:4], predicted[1, 1], predicted[3:6, 5:7] = 1001, SKY, 1002
fig, axes = figure(columns=2, height=270)
draw_panoptic(axes[0], truth, names=NAMES, title="Truth: two discs, sky, two void pixels")
draw_panoptic(axes[1], predicted, names=NAMES, title="Prediction: disc 1 lacks a pixel, 2 is low")
for ax in axes:
    draw_grid(ax, 6, 9)
alt = (
    "Two grids of 6 by 9 pixels with two discs on sky; the second disc is a row lower on the right."
)
show(
    fig,
    alt=alt,
    facts=f"true ids {truth.unique().tolist()}, predicted {predicted.unique().tolist()}",
)

# %% [markdown]
# The encoding has traps. The instance must stay below $M$, or disc 1000 becomes the first number of the next class. The id must fit its type: at $M = 1000$, sixteen bits end within class 65. And id 0 must be void: a tool that numbers its segments from 0 loses the first one, as was reported of DETR's evaluation (facebookresearch/detr, issue 442). `encode` refuses what does not fit, instead of wrapping round.

# %%
print("1 · 1000 + 1000 reads as", tuple(v.item() for v in decode(torch.tensor(1 * 1000 + 1000))))
try:
    encode(torch.tensor([66]), torch.tensor([0]), dtype=torch.uint16)
except ValueError as error:
    refusal = str(error)
print("encode:", refusal)

# %% [markdown]
# Other houses, other divisors: DeepLab2 takes 256 for COCO and 1000 for Cityscapes. COCO's own files do without one: a PNG, whose colour is a segment's number, and a table beside it that says of each number what it is.
#
# Three statements of the notes are settled by what we have.

# %%
whole, void_too = (score(p, truth).per_class for p in (predicted, predicted * (predicted != DISC)))
claim("C63", "the true ids decode and encode back", torch.equal(encode(*decode(truth)), truth))
said = f"void in place of disc 1 is scored: {void_too[1].fn} misses; sky's IoU is {whole[6].sq:.3f}"
claim("C65", said + " = 35/40, without the two void pixels", abs(whole[6].sq - 35 / 40) < 1e-9)
said = f"unguarded, disc 1000 reads as class {2000 // 1000}; encode: {refusal.split(':')[0]}"
claim("C68", said, "does not fit" in refusal)

# %% [markdown]
# ## Matching
#
# Which predicted segment is which true one? Kirillov et al. (*Panoptic Segmentation*, 2019, section 4) match a prediction $p$ with a truth $g$ if they have the same class and
#
# $$\mathrm{IoU}(p, g) = \frac{|p \cap g|}{|p \cup g|} > \tfrac12, \quad \text{strictly.}$$
#
# A match is a **true positive**, TP. A prediction without a match is a **false positive**, FP, and a truth without one a **false negative**, FN. Then
#
# $$\mathrm{PQ} = \frac{\sum_{\mathrm{TP}} \mathrm{IoU}}{\mathrm{TP} + \frac12 \mathrm{FP} + \frac12 \mathrm{FN}}.$$
#
# Count in the picture. Disc 1 has 9 true pixels, of which 8 are predicted, and none beside them: $\mathrm{IoU} = 8/9$. Disc 2 is a row too low: 4 of its 6 pixels are shared, 8 are covered by either.
#
# **Predict.** What is the PQ of the class "disc"?

# %%
guess("13.1", None)

# %%
pairs = pq_matching.match_segments(predicted, truth, pq_matching.Categories(THINGS, STUFF, 1000))
for (p, t), iou in zip(pairs.pairs.tolist(), pairs.pair_iou, strict=True):
    if p // 1000 == t // 1000:
        print(f"predicted {p}, true {t}: IoU {iou:.3f}", "matched" if iou > 0.5 else "no match")
reveal("13.1", whole[1].pq)

# %% [markdown]
# An IoU of exactly ½ is no match, and counts as two errors: disc 2 is missed *and* invented. So $\mathrm{PQ} = \frac{8/9}{1 + \frac12 + \frac12} = 0.444$.
#
# **Why ½?** Suppose that $p$ matched two truths, $g$ and $g'$. Then $|p \cap g| > \frac12 |p \cup g| \ge \frac12 |p|$, and likewise $|p \cap g'| > \frac12 |p|$. But segments of one map share no pixel, so the two parts of $p$ together hold at most $|p|$ pixels, not more. The same with the roles exchanged. So nobody has to solve an assignment problem, and the order of segments does not matter. Below ½ that ends. Here are 300 pairs of maps of twelve cells whose centres were jolted:


# %%
def cells(centres):  # each pixel belongs to the nearest centre
    grid = torch.cartesian_prod(torch.arange(40.0), torch.arange(40.0))
    return (torch.cdist(grid, centres).argmin(dim=1) + DISC).view(40, 40)


generator, twice = torch.Generator().manual_seed(0), {0.3: 0, 0.4: 0, 0.5: 0}
for _ in range(300):
    centres = 40 * torch.rand(12, 2, generator=generator)
    maps = cells(centres + 8 * torch.randn(12, 2, generator=generator)), cells(centres)
    met = pq_matching.match_segments(*maps, pq_matching.Categories(THINGS, STUFF, 1000))
    for threshold in twice:
        some = met.pairs[met.pair_iou > threshold]
        twice[threshold] += 2 * len(some) - sum(len(set(column)) for column in some.T)
print("segments with a second partner, by threshold:", twice)
assert twice[0.5] == 0 < twice[0.4]

# %% [markdown]
# ## Two factors
#
# Multiply and divide PQ by TP, and it falls apart into two questions:
#
# $$\mathrm{PQ} = \underbrace{\frac{\sum_{\mathrm{TP}} \mathrm{IoU}}{\mathrm{TP}}}_{\text{SQ: how well drawn?}} \cdot \underbrace{\frac{\mathrm{TP}}{\mathrm{TP} + \frac12 \mathrm{FP} + \frac12 \mathrm{FN}}}_{\text{RQ: how well found?}}$$
#
# **Segmentation quality** SQ is the mean IoU of matches, so it lies above ½ (or is 0 if nothing matches). **Recognition quality** RQ is an F1 score. As every match uses up one predicted and one true segment, the denominator is half of all segments: $\mathrm{PQ} = 2 \sum \mathrm{IoU} / (\#\text{predicted} + \#\text{true})$. Keep that form in mind, it is the handy one.
#
# **Exercise: one class.** `ious` are the IoUs of all overlapping pairs of a class, matched or not; `predicted` and `annotated` count its segments. `hint("13.class_pq")` helps, and `solution` shows the code; both are in `minseg.course`.


# %%
def my_class_pq(ious, predicted, annotated):
    """(PQ, SQ, RQ), a tuple of three floats; 0 where there is nothing to divide by."""
    ...


check("13.class_pq", my_class_pq)

# %% [markdown]
# All three are computed for each class, over all images together, and then averaged over the classes that occur. $\mathrm{PQ^{Th}}$ and $\mathrm{PQ^{St}}$ are averages over thing and over stuff classes only. The mean of products is not the product of means, so the identity ends where averaging begins. Published rows (COCO val: UPSNet's README; DETR's README and table 5) show it:

# %%
missed_by = []
for name, pq, sq, rq, th, st in (
    ("UPSNet-50", 42.5, 78.0, 52.4, 48.5, 33.4),
    ("DETR-R50 ", 43.4, 79.3, 53.8, 48.2, 36.3),
):
    product, weighted = sq * rq / 100, (80 * th + 53 * st) / 133
    missed_by.append((pq - product, abs(pq - weighted)))
    print(f"{name} PQ {pq}: SQ · RQ {product:.1f}; (80 Th + 53 St)/133 {weighted:.1f}", end="; ")
    print(f"(Th + St)/2 {(th + st) / 2:.1f}")

# %%
sq, rq = torch.tensor([0.9, 0.6]), torch.tensor([1.0, 0.1])  # an easy class and a hard one
mean, product = (sq * rq).mean(), sq.mean() * rq.mean()
said = f"for SQ 0.9, 0.6 and RQ 1, 0.1 mean PQ is {mean:.2f}, SQ · RQ of the means {product:.2f}; "
said += f"the published rows differ by {missed_by[0][0]:.1f} and {missed_by[1][0]:.1f} points"
claim("C70", said, mean > product and min(missed_by)[0] > 0.5)
worst = max(points for _, points in missed_by)
said = f"weighted 80 to 53, the published PQ is met within {worst:.2f} points"
claim("C71", said, worst < 0.1 and score(truth, truth).pq == 1)

# %% [markdown]
# ## Void and crowds
#
# Three rules stand in the official code and in few descriptions.
#
# 1. Pixels that are **void in the truth** judge nobody: they leave the union. An unmatched prediction that lies on void by more than half is ignored.
# 2. A **crowd** is a true segment around objects that nobody told apart. It is never matched and never missed, and an unmatched prediction *of its class* that lies on void and crowd by more than half is ignored.
# 3. **Void in the prediction** is nothing special: pixels that were not claimed.
#
# Below, the heart of the package's matching. It works on a table of shared pixels, in which row $k$ is a predicted segment `p[k]` and a true one `t[k]`; `judged` keeps void and crowds out of the matching, `excused` counts the pixels that let a prediction be ignored, and `shared.iou()` has taken void out of the union. Maps one pixel high are enough to try the rules.


# %%
show_source(pq_matching._match, docstring=False)


def row(*runs):
    return torch.cat([torch.full((n,), segment) for segment, n in runs])[None]


def counts(prediction, target, crowd=()):
    classes = [score(prediction, target, crowd).per_class[c] for c in (1, 2)]
    return tuple(sum(getattr(one, k) for one in classes) for k in ("tp", "fp", "fn"))


crowded, inside = row((DISC, 60), (SKY, 40)), row((SKY, 40), (1007, 30), (SKY, 30))
cases = {
    "IoU exactly ½": counts(row((SKY, 2), (DISC, 6)), row((DISC, 6), (SKY, 2))),
    "51 % on void": counts(row((DISC, 100)), row((0, 51), (SKY, 49))),
    "50 % on void": counts(row((DISC, 100)), row((0, 50), (SKY, 50))),
    "void within a match": counts(row((DISC, 100)), row((DISC, 40), (0, 30), (SKY, 30))),
    "crowd, not found": counts(row((SKY, 100)), crowded, [DISC]),
    "disc in the crowd": counts(inside, crowded, [DISC]),
    "box in the crowd": counts(inside + 1000 * (inside == 1007), crowded, [DISC]),
    "the same, no crowd": counts(inside, crowded),
}
for name, result in cases.items():
    print(f"{name:20} TP, FP, FN = {result}")
due = [(0, 1, 1), (0, 0, 0), (0, 1, 0), (1, 0, 0), (0, 0, 0), (0, 0, 0), (0, 1, 0), (0, 1, 1)]
said = "(TP, FP, FN) " + "; ".join(f"{name} {cases[name]}" for name in list(cases)[:5])
claim("C69", said, list(cases.values()) == due)

# %% [markdown]
# In the fourth case the disc shares 40 pixels with its truth, 30 with void and 30 with sky. Without rule 1 its IoU would be 40/100, with it 40/70. The true sky, 30 pixels, is missed all the same: void excuses what lies on it, nothing else.
#
# Void makes PQ lopsided: exchange truth and prediction, and another number may come out (cocodataset/panopticapi, issue 16). And tools differ here: DeepLab2's own evaluator, which by default is given crowds as void, reads about 0.5 points more than the official one (its document on MaX-DeepLab names no cause). Compare numbers of one tool only.
#
# ## Pieces
#
# The notes say that things are connected components. Put a fence in front of a disc, and it is in two pieces; so is the sky.
#
# **Predict.** The prediction below is perfect, except that each connected piece got an id of its own. The fence cuts the disc into halves. What is the PQ of the class "disc"?

# %%
guess("13.2", None)


# %%
def components(ids):
    """Every connected piece of every segment as an instance of its own."""
    pieces, used = torch.zeros_like(ids), 0
    for segment in ids[ids > 0].unique():
        numbers = torch.from_numpy(label((ids == segment).numpy())[0])
        pieces += (numbers > 0) * (segment // 1000 * 1000 + used + numbers)
        used += int(numbers.max())
    return pieces


y, x = torch.meshgrid(torch.arange(40) + 0.5, torch.arange(60) + 0.5, indexing="ij")
round_one = (x - 30) ** 2 + (y - 20) ** 2 < 15**2
fence = torch.where((x > 26) & (x < 34), 2001, torch.where(round_one, DISC, SKY))
pieces = components(fence)
fig, axes = figure(columns=2, height=280)
draw_panoptic(axes[0], fence, names=NAMES, title="Truth: one disc, one sky")
draw_panoptic(axes[1], pieces, names=NAMES, title="By connected components: two of each")
alt = "A disc behind an upright bar. Right, the two halves of disc and sky count as segments each."
show(fig, alt=alt, facts=f"{len(fence.unique())} segments, {len(pieces.unique())} components")
cut = score(pieces, fence).per_class
reveal("13.2", cut[1].pq)

# %% [markdown]
# Each half has an IoU of exactly ½. So neither matches: two inventions and a miss for a map whose every pixel is right. An id map has no such trouble, since pixels with one id are one segment wherever they lie. And whether a class is things or stuff is a decision of the dataset, not of nature. Below, two discs of a scene are predicted as one. That is a mistake if discs are things, and none if they are stuff.

# %%
one_id = score(fence, fence).per_class[1]
said = f"a disc in two pieces: PQ {one_id.pq:.0f} as one id, {cut[1].pq:.0f} as two"
claim("C66", said, (cut[1].pq, one_id.pq) == (0, 1))
said = f"a sky in two pieces, counted as two segments: FP {cut[6].fp}, FN {cut[6].fn}"
claim("C67", said, (cut[6].fp, cut[6].fn) == (2, 1))

# %%
scene = make_scene(9, (96, 128), count=(5, 6)).panoptic
maps = panoptic_edits.merge(scene, 1001, 1003), scene
things = score(*maps).per_class[1].pq
flat = ([torch.where(ids // 1000 == 1, 1000, ids)] for ids in maps)
stuff = panoptic_quality(*flat, things=[2, 3], stuff=[1, *STUFF]).per_class[1].pq
claim("C64", f"two discs as one: PQ {things:.2f} as things, {stuff:.0f} as stuff", things < stuff)

# %% [markdown]
# ## Stuff is matched, too
#
# PQ of stuff is not semantic segmentation's **mean IoU**, which pools pixels over all images. It asks of each image whether the class was found. A lake fills half of one image. A puddle in another is overlooked.

# %%
lake, yard = torch.full((2, 40, 60), 7000)
lake[20:], yard[30:33, 20:24] = 8000, 8000
images, answers = torch.stack([lake, yard]), torch.stack([lake, torch.full_like(yard, 7000)])
sets = [(images == c, answers == c) for c in (7000, 8000)]
mean_iou = sum((a & b).sum() / (a | b).sum() for a, b in sets) / 2
quality = panoptic_quality(answers, images, things=THINGS, stuff=STUFF)
said = f"12 of 4800 pixels wrong: mean IoU {mean_iou:.3f}, PQ^St {quality.stuff.pq:.3f}"
claim("C124", said, bool(mean_iou > 0.99 and quality.stuff.pq < 0.85))

# %% [markdown]
# Is stuff easier, as the notes say? Take one predictor, which draws each segment a pixel too small all around, and give it two worlds: our scene, with small things before broad stuff, and one large disc before thin stripes of stuff. Below them, what has been published.


# %%
def peel(ids):
    """Every segment loses one pixel all around."""
    for segment in ids[ids > 0].unique().tolist():
        ids = panoptic_edits.shrink(ids, segment)
    return ids


stripes = torch.where(round_one, DISC, (y.long() // 4 % 3 + 6) * 1000)
worlds = {"small things, broad stuff": scene, "large thing, thin stuff": stripes}
gap = []
for name, ids in worlds.items():
    one = score(peel(ids), ids)
    gap.append(one.stuff.pq - one.things.pq)
    print(f"{name:26} PQ^Th {one.things.pq:.2f}  PQ^St {one.stuff.pq:.2f}")
for name, th, st in (("kMaX-R50, COCO", 0.583, 0.449), ("kMaX-R50, Cityscapes", 0.577, 0.691)):
    print(f"{name:26} PQ^Th {th:.2f}  PQ^St {st:.2f}")

# %%
said = f"PQ^St - PQ^Th is {gap[0]:+.2f} in one world and {gap[1]:+.2f} in the other"
claim("C125", said, gap[0] > 0.1 and gap[1] < -0.1)
sq, rq = 78.5 / 79.8, 45.3 / 59.5  # stuff over things, DETR-R50 on COCO val
claim("C126", f"DETR, stuff relative to things: SQ {sq:.2f}, RQ {rq:.2f}", rq < 0.8 < 0.95 < sq)

# %% [markdown]
# (Sources: DeepLab2's document on kMaX-DeepLab; Carion et al., *End-to-End Object Detection with Transformers*, 2020, table 5.) COCO's 53 stuff classes often go without a match; where they have one, they are drawn about as well as things are. On Cityscapes, with 11 stuff and 8 thing classes, the order is reversed.
#
# ## What an error costs
#
# A square of 16 × 16 pixels is drawn too small: by one pixel all around, by two, and so on. SQ sinks. And then?
#
# **Predict.** At how many pixels does its PQ drop to 0?

# %%
guess("13.3", None)

# %%
square, steps, halo = torch.full((40, 60), SKY), [], {}
square[12:28, 22:38] = 2001
small = square
while not steps or steps[-1] > 0:
    small = panoptic_edits.shrink(small, 2001)
    steps.append(score(small, square).per_class[2].pq)
reveal("13.3", len(steps), "px")
for side in (4, 5, 8, 16):
    box = torch.full((40, 60), SKY)
    box[10 : 10 + side, 10 : 10 + side] = 2001
    halo[side] = score(panoptic_edits.grow(box, 2001), box).per_class[2].pq
print("PQ, peeled a pixel at a time:", *(f"{pq:.2f}" for pq in steps))
print("PQ with a halo of one pixel:", *(f"side {side} {pq:.2f}," for side, pq in halo.items()))
said = f"one pixel of halo costs a side of 16 px {1 - halo[16]:.2f}, one of 4 px its match"
claim("C122", said, halo[4] == 0 and abs(halo[16] - (16 / 18) ** 2) < 1e-9)

# %% [markdown]
# $14^2/16^2 = 0.77$, $12^2/16^2 = 0.56$, and $10^2/16^2 = 0.39$ is no match. The second line is $s^2/(s+2)^2$: a single pixel of halo turns a 4 × 4 object into a miss *and* an invention. So the notes' three error types, recognition, segmentation and boundary, are not three separate things: a boundary error is a segmentation error, and a large one is a recognition error.
#
# Three corruptions of the scene's things show how SQ and RQ hang together: peel them, delete them one by one, split them one by one.

# %%
ids, ends = [segment for segment in scene.unique().tolist() if segment % 1000], {}
spoil = {
    "peel": lambda ids_now, segment: peel(ids_now),
    "delete": panoptic_edits.delete,
    "split": panoptic_edits.split,
}
fig, ax = figure(width=560, height=330)
for (name, edit), style in zip(spoil.items(), ("o-", "s--", "^:"), strict=True):
    maps = [scene]
    for segment in ids[:4]:
        maps.append(edit(maps[-1], segment))
    things = [panoptic_quality([m], [scene], things=[1, 3], stuff=STUFF).things for m in maps]
    ax.plot([q.sq for q in things], [q.rq for q in things], style, label=name)
    ends[name] = round(things[2].sq, 2), round(things[2].rq, 2)
ax.set(title="Each path begins top right, perfect", xlabel="SQ of things", ylabel="RQ of things")
ax.legend()
alt = "Deleting and splitting lower RQ first, peeling lowers SQ and RQ together, down to (0, 0)."
show(fig, alt=alt, facts=f"(SQ, RQ) after two steps: {ends}")
said = f"after two steps (SQ, RQ) is {ends['delete']} by deleting, {ends['peel']} by peeling alone"
claim("C123", said, ends["delete"][0] > 0.99 and max(ends["peel"]) < 0.7)

# %% [markdown]
# Deleting goes straight down, RQ alone, until a class has lost its last match. Then its SQ of 0 enters the mean, which has been called an underestimate (panopticapi, issue 14), and is the rule. Splitting spares a segment as long as one part is more than half of it. Peeling runs down the diagonal: nothing was overlooked, and RQ sinks to 0 with SQ. A low RQ does not say that a model fails to find.
#
# Causes can be told apart all the same. `panoptic_errors` puts every half point of FP and FN, and every wrong pixel of a match, down to one cause, so that the parts add up to $1 - \mathrm{PQ}$: errors near the boundary, poor masks further in, a confused class, segments missed, segments invented. Here is a prediction with one mistake of each kind.

# %%
worse = panoptic_edits.delete(panoptic_edits.shrink(scene, 1003), 1005)  # drawn small; missed
worse = panoptic_edits.relabel(worse, 3006, 2)  # a box
worse = panoptic_edits.move(worse, 3004, -9, 3)  # drawn in the wrong place
worse[70:82, 8:20] = 2009  # invented
errors = panoptic_errors([worse], [scene], things=THINGS, stuff=STUFF)
fig, ax = figure(width=820, height=330)
draw_panoptic_errors(ax, errors, names=NAMES, title="Where the panoptic quality went")
lost = f"poor masks {errors.poor_mask:.2f}, confusion {errors.confused_class:.2f}"
alt = "A bar for all classes and one for each: PQ, then the shares lost to five causes."
show(fig, alt=alt, facts=f"PQ {errors.pq:.2f}; lost to {lost}, misses {errors.missed:.2f}")

# %% [markdown]
# ## The playground
#
# Left the truth, right a prediction that starts out perfect. Click a segment and use the buttons, or drag it; or choose with the arrow keys, move with Shift and arrows, and use the letters of the buttons' tips. The number under a name is the IoU of its match. A dashed red outline is a segment without one: on the right invented, on the left missed. What a segment gives up becomes void.

# %%
playground = PQPlayground(scene)
playground

# %% [markdown]
# 1. **Drag disc 1 slowly to the right.** Five pixels are forgiven: its IoU sinks to 0.53, the PQ of discs to 0.84. At the sixth, the PQ of discs is 0.67: a miss and an invention. And what did SQ do? It rose to 1.000, for the badly drawn disc is no longer among those that are counted.
# 2. **Erode disc 5, undo, and delete it.** Eroding leaves less than half of it: no match, PQ 0.933. Deleting costs less, 0.960. A segment without a match counts as two errors, a miss and an invention; leaving it out counts as one.
# 3. **Erode disc 3 instead**, which is eight times as large. The same pixel costs next to nothing.
# 4. **Split the sky.** It has an odd number of pixels, so one part is larger by one, and that one still matches. Merge the parts again.
# 5. **Merge disc 1 with disc 3.** The union is more than half disc 3 (0.53), so only one of the two is missed.
# 6. **Relabel triangle 6**: it becomes a disc, and PQ falls to 0.931. Undo, and **relabel disc 1**: it becomes a box, and PQ falls to 0.800. No box is in the truth, so the mistake adds a class to the mean, with PQ 0.
#
# ## When is a segment worth keeping?
#
# A model is sure of some segments and doubtful of others. Take the handy form, $\mathrm{PQ} = 2S/n$, where $S$ is the sum of matched IoUs and $n$ the number of segments, predicted and true. One more segment, which matches with probability $P$ and then with IoU $q$, makes it $2(S + Pq)/(n + 1)$ on average. That is more than $2S/n$ if
#
# $$P \cdot q > \frac{\mathrm{PQ}}{2}.$$
#
# Half of the PQ that the class has already. The lower your PQ, the more you should dare.
#
# **Predict.** A detector's probabilities are honest and even, from 0 to 1; every match has IoU 0.8, and the best threshold gives a PQ of 0.54. From which probability on is a segment kept?

# %%
guess("13.4", None)

# %%
generator = torch.Generator().manual_seed(3)
P, chance = torch.rand(2, 400_000, generator=generator)
annotated = 260_000  # about 200 000 that were proposed, and others
thresholds = torch.linspace(0, 0.95, 96)
matches = torch.stack([((chance < P) & (t <= P)).sum() for t in thresholds])
pqs = 2 * 0.8 * matches / (torch.stack([(t <= P).sum() for t in thresholds]) + annotated)
best = thresholds[pqs.argmax()]
reveal("13.4", best, digits=2)
print(f"best PQ {pqs.max():.2f}, at a threshold of 0.5 {pqs[50]:.2f}, of 0.85 {pqs[85]:.2f}")
print(f"the rule says {pqs.max() / 2 / 0.8:.2f}")
assert abs(best - pqs.max() / 2 / 0.8) < 0.03

# %% [markdown]
# Scores have to be honest for that, $P$ neither boastful nor shy, and many networks' scores are not. Thresholds of 0.5 to 0.85, which are common, suit someone who looks at the result. They do not suit PQ.
#
# ## More than one threshold
#
# PQ counts a mask of IoU 0.51 as found. AP, of lesson 07, asks at ten thresholds; the same can be done here. Above ½ the matching stays unique, so nothing else has to change. Two models with nearly the same PQ: one finds everything and draws loosely, the other finds less and draws tightly.

# %%
models = {
    "finds all, loosely": 0.55 + 0.35 * torch.rand(100, generator=generator),
    "finds 65 %, tightly": 0.85 + 0.13 * torch.rand(65, generator=generator),
}
at_least, facts = torch.arange(0.5, 0.96, 0.05), []
fig, ax = figure(width=560, height=320)
for (name, ious), style in zip(models.items(), ("o-", "s--"), strict=True):
    pqs = torch.stack([2 * ious[ious > t].sum() / (len(ious) + 100) for t in at_least])
    ax.plot(at_least, pqs, style, label=name)
    facts.append(f"{name}: {pqs[0]:.2f} at 0.5, {pqs.mean():.2f} on average")
ax.set(title="Alike at ½, and not beyond", xlabel="IoU that a match needs", ylabel="PQ")
ax.set_ylim(0, 1)
ax.legend()
alt = "Two curves begin at 0.72; one falls from 0.6 on, the other only beyond 0.85."
show(fig, alt=alt, facts="; ".join(facts))

# %% [markdown]
# ## The bug museum
#
# Each exhibit is a mistake that somebody published, rebuilt in this project's code. The cell holds it as it was found. Run it, read what `check` says, mend it, and run it again; `hint` works here as well.
#
# **Exhibit 1: void that forgives one at a time** (VSainteuf/utae-paps, issue 11). Predictions on void are to be ignored. With one such prediction in the image all was well; with two, both counted as false positives. Corrected numbers were about two points of PQ higher (pull request 12). `pixels` is (P, T): how many pixels each prediction shares with each true segment. A `t_category` of 0 is void; `crowd` (T,) and `unmatched` (P,) are masks. The rule is the first two of *Void and crowds*, above.


# %%
def my_false_positives(pixels, p_category, t_category, crowd, unmatched):
    forgiving = (t_category == 0) | (crowd & (p_category[:, None] == t_category))  # (P, T)
    shared = (pixels * forgiving).sum(dim=1)
    union = pixels.sum(dim=1) + (pixels * forgiving).sum() - shared
    return unmatched & ~(shared / union > 0.5)  # (P,) bool: what counts as a false positive


check("13.forgiven", my_false_positives)

# %% [markdown]
# **Exhibit 2: the product of averages** (a reader asks in VSainteuf/utae-paps, issue 24, why the code's three numbers do not multiply; they should not). `counts` is (C, 4): Σ IoU, TP, FP, FN of each class. Return the three averages over classes that occur as floats, NaN if none does.


# %%
def my_average_quality(counts):
    iou, tp, fp, fn = counts[counts[:, 1:].sum(dim=1) > 0].double().T  # of classes that occur
    sq = (iou / tp.clamp(min=1)).mean().item()
    rq = (tp / (tp + fp / 2 + fn / 2)).mean().item()
    return sq * rq, sq, rq


check("13.average", my_average_quality)

# %% [markdown]
# **Exhibit 3: a formula in a comment** (cocodataset/panopticapi, issues 25 and 34). The reference tool's code reads its colours rightly, but a comment beside it gave the formula below, and people follow comments. `colours` is (H, W, 3) uint8.


# %%
def my_ids_from_colours(colours):
    """(H, W) int64: the segment number that each colour stands for."""
    red, green, blue = colours.long().unbind(dim=-1)
    return red * 256 * green + 256 * 256 + blue


check("13.colours", my_ids_from_colours)

# %% [markdown]
# ## Recap
#
# You can now
#
# 1. **write a panoptic map**: category · 1000 + instance, 0 for void, refused where it does not fit;
# 2. **match**: same class, IoU above ½, at most one partner, because segments share no pixels. At 0.4 some had two;
# 3. **compute PQ, SQ and RQ**: 0.444 for our two discs. The product holds within a class; void leaves the union, and void and crowds forgive by more than half;
# 4. **say what is asked of stuff**: one segment a class and image, matched like a thing. A puddle cost $\mathrm{PQ^{St}}$ dearly, and mean IoU next to nothing;
# 5. **take a loss apart**: the five parts add up; a halo of one pixel kills what is 4 × 4. **Keep** a segment if $P q > \mathrm{PQ}/2$.
#
# Your predictions beside what was measured, and your exercises:

# %%
progress("13")

# %% [markdown]
# **Reading on.** Kirillov et al., *Panoptic Segmentation*, 2019, section 4 for the metric, section 6 for how far two people agree. Cheng et al., *Boundary IoU*, 2021, for Boundary PQ, `dilation_ratio` in `panoptic_quality`. Bolya et al., *TIDE*, 2020, for the naming of causes. In the package: `minseg/metrics/pq_overlaps.py`, `pq_matching.py`, `pq.py` and `pq_errors.py`.
#
# **Next**, lesson 14 makes panoptic maps out of instances and stuff.
#
# > **When it does not work**
# >
# > - *Your PQ and another tool's differ*: compare TP, FP and FN of each class first. Then look at void, at crowds, at the averages, in this order.
# > - *"its instance …" or "category … is neither in things nor in stuff"*: the map has an id that the lists do not know. Look at `decode(ids.unique())`.
# > - *All segments are missed though they look right*: the divisors differ. 1001 is disc 1 at 1000, and class 3 at 256.
# > - *The playground shows as a still picture*: run its cell again; `python -m minseg doctor` says what is missing.

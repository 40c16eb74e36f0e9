# %% [markdown]
# # 33 · Panoptic quality
#
# In a **panoptic map** every pixel belongs to one segment: a disc, another disc, the sky. How good is such a map, compared with the true one? **Panoptic quality**, PQ, answers with one number.
#
# *30 minutes: 10 to read, 9 to play and guess, 11 to write code. 8 s to run. You need unit 10.*

# %%
import torch

from minseg.course import check, guess, hint, progress, reveal, solution
from minseg.data import STUFF, THINGS
from minseg.draw import draw_grid, draw_panoptic, figure, show
from minseg.explore import PQPlayground

NAMES = {**THINGS, **STUFF}  # 1 disc, 2 box, 3 triangle, …; 6 sky, 7 ground, 8 water
playground = PQPlayground()
playground

# %% [markdown]
# Left the truth, right a prediction that starts out perfect. Click a segment of the prediction and use the buttons, or drag it; or choose with the arrow keys, and move with Shift and arrows. The number under a name is the IoU of that segment with its partner in the truth. A dashed red outline is a segment *without* a partner. What a segment leaves behind belongs to nobody.
#
# (There are three discs, 1, 3 and 5: the numbers run over all things of the scene.)
#
# **Drag disc 1 slowly to the right**, or choose it and press Shift and the right arrow, and watch its IoU and the PQ of "disc" in the table. What happens at the sixth pixel? And what does the column SQ of "disc" do there?
#
# <details><summary>Answer</summary>
#
# For five pixels its IoU sinks, to 0.53, and the PQ of discs with it, to 0.84. At the sixth pixel the disc loses its partner: PQ jumps down to 0.67. But SQ jumps *up*, to 1.000! Why, you will see below.
#
# </details>
#
# ## A map you can hold
#
# **Things** are counted: each disc is a segment of its own. **Stuff** is not: all the sky of an image is one segment, even in several pieces. To keep that in one number for each pixel, class and instance are packed together:
#
# $$\text{id} = 1000 \cdot \text{class} + \text{instance},$$
#
# with instances from 1 for things, and 0 for stuff. So 1002 is the second disc, and 6000 the sky. Id 0 is **void**, a pixel that belongs to nothing; the next unit is about void.

# %%
truth = torch.full((6, 9), 6000)
truth[1:4, 1:4] = 1001
truth[2:5, 5:7] = 1002
predicted = torch.full((6, 9), 6000)
predicted[1:4, 1:4] = 1001
predicted[1, 1] = 6000
predicted[3:6, 5:7] = 1002
fig, axes = figure(columns=2, height=290)
draw_panoptic(axes[0], truth, names=NAMES, title="Truth")
draw_panoptic(axes[1], predicted, names=NAMES, title="Prediction: a pixel less, a row lower")
for ax in axes:
    draw_grid(ax, 6, 9)
show(
    fig,
    alt="Two grids of 6 by 9 pixels with two discs on sky. In the prediction the first disc lacks "
    "its upper left pixel, and the second lies a row lower.",
    facts=f"true ids {truth.unique().tolist()}, predicted {predicted.unique().tolist()}",
)

# %% [markdown]
# ## Who is whose partner?
#
# A predicted segment $p$ **matches** a true one $g$ if they have the same class and
#
# $$\mathrm{IoU}(p, g) = \frac{|p \cap g|}{|p \cup g|} > \tfrac12,$$
#
# strictly (Kirillov et al., *Panoptic Segmentation*, 2019, section 4). The names are those of unit 30: a match is a true positive, TP, a prediction without a match a false positive, FP, a truth without one a false negative, FN. For each class
#
# $$\mathrm{PQ} = \frac{\text{sum of the IoUs of all matches}}{\mathrm{TP} + \frac12 \mathrm{FP} + \frac12 \mathrm{FN}}.$$
#
# Count in the picture. Disc 1 has 9 true pixels; 8 of them are predicted, and none beside them.
#
# **Predict.** What is the PQ of the class "disc"?

# %%
guess("33.q_half", None)

# %%
from minseg.metrics import panoptic_quality

quality = panoptic_quality([predicted], [truth], things=THINGS, stuff=STUFF)
disc = quality.per_class[1]
reveal("33.q_half", disc.pq)
print(f"TP {disc.tp}, FP {disc.fp}, FN {disc.fn}")

# %% [markdown]
# Disc 1 has IoU 8/9 and matches. Disc 2 shares 4 pixels of the 8 that are covered by either: exactly ½, which is no match. It counts as two errors, missed *and* invented: $\frac{8/9}{1 + \frac12 + \frac12} = 0.444$.
#
# **Why more than ½?** Because then nobody has to be asked twice. Suppose that $p$ matched two truths, $g$ and $g'$. Then
#
# $$|p \cap g| > \tfrac12 |p \cup g| \ge \tfrac12 |p| \quad\text{and likewise}\quad |p \cap g'| > \tfrac12 |p|.$$
#
# But segments of one map share no pixel, so both parts together cannot exceed $|p|$. The same holds with the roles exchanged: each segment has one partner at most. No sorting by score, no greedy choice, as AP needs; a panoptic map has no scores at all.
#
# And at exactly ½? Let $p$ be ten pixels, and $g$ and $g'$ its left and its right five. Both have IoU 5/10 with $p$. Which one would it be?
#
# ## Drawn well, found at all
#
# Multiply and divide PQ by TP, and it falls apart into two questions:
#
# $$\mathrm{PQ} = \underbrace{\frac{\text{sum of IoUs}}{\mathrm{TP}}}_{\text{SQ: how well drawn?}} \cdot \underbrace{\frac{\mathrm{TP}}{\mathrm{TP} + \frac12 \mathrm{FP} + \frac12 \mathrm{FN}}}_{\text{RQ: how well found?}}$$
#
# **Segmentation quality**, SQ, is the mean IoU of the matches: above ½ wherever a class has a match, and set to 0 where it has none. **Recognition quality**, RQ, is an F1 score. Here $\mathrm{SQ} = 8/9$ and $\mathrm{RQ} = \tfrac12$.
#
# Now the jump in the playground explains itself. At the sixth pixel the badly drawn disc is no match any more, so it leaves SQ, where two perfect discs remain, and it burdens RQ: $2/(2 + \tfrac12 + \tfrac12) = 0.67$.
#
# Every match uses up one predicted and one true segment, so $\mathrm{TP} + \frac12\mathrm{FP} + \frac12\mathrm{FN}$ is half the number of all segments, predicted and true. That is the handy form:
#
# $$\mathrm{PQ} = \frac{2 \cdot \text{sum of IoUs}}{\text{predicted segments} + \text{true segments}}.$$
#
# ### Exercise: one class (*core*)
#
# `ious` is a 1-D float tensor: the IoUs of *all* pairs of a predicted and a true segment of one class that overlap, whether they match or not; it may be empty. `predicted` and `annotated` are the numbers of segments, whole numbers from 0 on. Return the tuple (PQ, SQ, RQ) of three Python floats. Where there is nothing to divide by, the value is 0.


# %%
def my_class_pq(ious, predicted, annotated):
    """(PQ, SQ, RQ) of one class, three floats; 0 where there is nothing to divide by."""
    raise NotImplementedError


check("33.class_pq", my_class_pq)

# %% [markdown]
# `hint("33.class_pq")` helps, and `solution("33.class_pq")` shows the code.
#
# **From classes to one number.** The counts of a class are added up over *all images*, and make its PQ, SQ and RQ. Then each is averaged over the classes that occur, a rare class counting as much as a common one. $\mathrm{PQ^{Th}}$ and $\mathrm{PQ^{St}}$ are the averages over thing and over stuff classes alone. Beware: the mean of products is not the product of means. UPSNet's row for COCO reads PQ 42.5, SQ 78.0, RQ 52.4, and $0.780 \cdot 0.524$ is 0.409. Nothing is wrong with it.
#
# ## One id, not one piece
#
# A post stands before a triangle and cuts it into two equal halves. The prediction below has every pixel's class right, but each *connected piece* of the triangle got an id of its own.

# %%
y, x = torch.meshgrid(torch.arange(40) + 0.5, torch.arange(60) + 0.5, indexing="ij")
tent = (y > 4) & (y < 36) & ((x - 30).abs() < 0.7 * (y - 4))
behind = torch.where(tent, 3002, 6000)
behind[:, 26:34] = 2001  # the post, a box
pieces = behind.clone()
pieces[(behind == 3002) & (x > 30)] = 3003
fig, axes = figure(columns=2, height=290)
draw_panoptic(axes[0], behind, names=NAMES, title="Truth: one triangle behind a box")
draw_panoptic(axes[1], pieces, names=NAMES, title="Prediction: two triangles")
show(
    fig,
    alt="A triangle behind an upright bar. Right, its halves are called triangle 2 and triangle 3.",
    facts=f"{len(behind.unique())} true segments, {len(pieces.unique())} predicted ones",
)

# %% [markdown]
# **Predict.** What is the PQ of the class "triangle"?

# %%
guess("33.q_pieces", None)

# %%
cut = panoptic_quality([pieces], [behind], things=THINGS, stuff=STUFF).per_class[3]
reveal("33.q_pieces", cut.pq)
print(f"TP {cut.tp}, FP {cut.fp}, FN {cut.fn}")

# %% [markdown]
# Each half has IoU exactly ½ with the triangle. No match, two inventions and a miss: 0, for a map whose every pixel has the right class. Whoever makes instances from connected components pays this price. Pixels with one id are one segment, wherever they lie.
#
# If "triangle" were stuff, both halves would have had the id 3000, and all would be right. Whether a class is things or stuff is decided by the data set, not by nature.
#
# ## Stuff is matched, too
#
# **Mean IoU**, the usual number of semantic segmentation, pools the pixels of a class over all images. PQ asks of *each image* whether the class was found. Two images: in one a lake fills half of the picture, and is predicted perfectly. In the other there is a puddle of 12 pixels, and the prediction has overlooked it.

# %%
lake = torch.full((40, 60), 7000)  # ground
lake[20:] = 8000  # water
yard = torch.full((40, 60), 7000)
yard[30:33, 20:24] = 8000  # a puddle
truths = torch.stack([lake, yard])
answers = torch.stack([lake, torch.full_like(yard, 7000)])


def pooled_iou(segment):
    """IoU of one class over the pixels of both images."""
    a, b = answers == segment, truths == segment
    return ((a & b).sum() / (a | b).sum()).item()


print(f"IoU of ground {pooled_iou(7000):.3f}, of water {pooled_iou(8000):.3f}")

# %% [markdown]
# Mean IoU is above 0.99: 12 of 4800 pixels are wrong.
#
# **Predict.** What is $\mathrm{PQ^{St}}$, the mean of the PQ of ground and that of water?

# %%
guess("33.q_puddle", None)

# %%
result = panoptic_quality(list(answers), list(truths), things=THINGS, stuff=STUFF)
reveal("33.q_puddle", result.stuff.pq)
for category in (7, 8):
    one = result.per_class[category]
    print(f"{NAMES[category]}: PQ {one.pq:.3f}, TP {one.tp}, FP {one.fp}, FN {one.fn}")

# %% [markdown]
# Ground matches twice, with IoU 1 and 2388/2400, so its PQ is 0.9975. Water matches once and is missed once: $1/(1 + \tfrac12) = 0.667$. The mean is 0.832. A puddle weighs as much as a lake.
#
# ## Maps in files
#
# COCO stores panoptic maps as PNG pictures: the colour of a pixel *is* the number of its segment, written to the base 256, the red channel counting ones, the green one 256s, and the blue one 65,536s. A table beside the picture says what each number is. Black is void.
#
# ### Exercise: numbers from colours (*warm-up*)
#
# `colours` is (H, W, 3) uint8, red, green, blue; H or W may be 0. Return (H, W) int64, the segment numbers.


# %%
def my_ids_from_colours(colours):
    """(H, W) int64: the segment number that each colour stands for."""
    raise NotImplementedError


check("33.colours", my_ids_from_colours)

# %% [markdown]
# `solution("33.colours")` shows the code. (In the reference tool the code is right, but a comment beside it once had two operators of the formula in the wrong place, and people followed the comment: cocodataset/panopticapi, issues 25 and 34.)
#
# Numbers have to fit. With 1000 for each class, instance 1000 of class 1 reads as class 2, and sixteen bits end within class 65. `minseg.panoptic.encode` refuses what does not fit, instead of wrapping round; `decode` reads a map back.

# %%
from minseg.panoptic import decode, encode

classes, instances = decode(predicted)
print("row 3 of the prediction:", predicted[3].tolist())
print("its classes:            ", classes[3].tolist())
print("its instances:          ", instances[3].tolist())
try:
    encode(torch.tensor([1]), torch.tensor([1000]))
except ValueError as error:
    print("encode:", error)

# %% [markdown]
# ## The playground again
#
# It is the same one: press **Reset**, and Undo after each edit.

# %%
playground

# %% [markdown]
# 1. **Erode disc 5**, undo, and **delete it** instead. Which costs more, and why?
# 2. **Erode disc 3.** It is eight times as large. What does the same pixel cost here?
# 3. **Split the sky.** One of the two parts still matches. How can that be?
# 4. **Merge disc 1 with disc 3.** Why is only one of the two missed?
# 5. **Relabel disc 1**: it becomes a box. Why does PQ fall so far, to 0.800?
#
# <details><summary>Answers</summary>
#
# 1. Eroding: it takes more than half of the small disc, so there is no match, and the segment is both missed and invented: PQ 0.933. Deleting leaves a miss only: 0.960. (Two matches among three predicted and three true discs make 0.667, among two and three 0.8; four other classes are perfect, and the mean is over five.)
# 2. PQ 0.990: IoU 0.86, still a match.
# 3. The sky has an odd number of pixels, 3139. The larger part has 1570, which is just more than half.
# 4. The union of both is more than half disc 3: it matches, with IoU 0.53.
# 5. Disc 1 is missed, so the discs fall to 0.8. And the truth has no box: the false one adds a class to the mean, with PQ 0. $(4 \cdot 1 + 0.8 + 0)/6 = 0.8$.
#
# </details>
#
# > **In practice.** Use `panopticapi` for COCO, its own scripts for Cityscapes, `torchmetrics.detection.PanopticQuality`, or here `minseg.metrics.panoptic_quality`. *The typical mistake* is to compute PQ for each batch and average: counts belong to the whole set. Its symptom is a number that changes with the number of images in a batch. *Another* is the divisor: 1001 is disc 1 at 1000, and class 3 at 256, and then all segments are missed though they look right.
#
# ## Recap
#
# - A **panoptic map** is one number for each pixel: 1000 · class + instance; 0 is void.
# - **A match** needs the same class and an IoU above ½. Segments share no pixels, so a partner is unique.
# - **PQ = SQ · RQ** within a class; averages over classes do not multiply. A segment below ½ counts as two errors.
# - **Stuff** is one segment for each image and class, and is matched like a thing.

# %%
progress("33")

# %% [markdown]
# The notes' claims on this: C63 to C71, measured in [93](93_panoptic_and_metrics.ipynb).
#
# **Next:** [unit 34](34_taking_pq_apart.ipynb) asks where a lost PQ went, and what void and crowds do to it.

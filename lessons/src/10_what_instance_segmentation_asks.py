# %% [markdown]
# # 10 · What instance segmentation asks
#
# Four tasks look at one image and answer in four ways. What exactly is the answer of instance segmentation made of, and what does it tell that the other three do not?
#
# *40 minutes: 17 to read and look, 7 to play, 16 to write code; two stretch exercises are extra. 10 s to run. You need [unit 00](00_start_here.ipynb).*

# %%
import torch

from minseg.data import STUFF, THINGS, coins_truth, make_scene, photo
from minseg.draw import figure, show
from minseg.draw.tasks import draw_four_truths, sorted_things
from minseg.instances import Instances

rows, columns = slice(20, 150), slice(120, 300)  # of the photograph: six coins, none of them cut
six = coins_truth()[[2, 3, 4, 8, 9, 10]]
coins = Instances(six.masks[:, rows, columns], six.labels)
cloth = torch.full(coins.masks.shape[1:], 7)  # class 7 at each pixel: what the coins lie on

scene = make_scene(33, (96, 128), things=("disc", "triangle", "star", "ring"), count=(6, 6))
things = sorted_things(scene.instances)

fig, axes = figure(columns=4, rows=2, height=430)
draw_four_truths(
    axes[0], photo("coins")[:, rows, columns], coins, cloth, {9: "coin", 7: "cloth"}, titles=True
)
draw_four_truths(axes[1], scene.image, things, scene.semantic, {**THINGS, **STUFF})
alt = "A photograph of six coins and a drawn beach with six things, each with its four truths."
show(fig, alt=alt, facts=f"{len(coins)} coins; {len(things)} things and 3 kinds of stuff")

# %% [markdown]
# Above, a part of the photograph of coins; below, a **scene**, drawn by the course, whose truth is known exactly. What people have written down about an image is its **truth** (also: annotation). Each column is the truth of one task:
#
# - **Detection**: a box and a class for each thing.
# - **Semantic segmentation**: a class for each pixel. Two coins that touch would be one region.
# - **Instance segmentation**: a mask and a class for each thing.
# - **Panoptic segmentation**: each pixel belongs to exactly one **segment**, a thing or a kind of stuff.
#
# **Things** can be counted: coins, stars. **Stuff** cannot: sky, water, cloth. An *answer* to detection and instance segmentation adds a **score** to each thing, from 0 to 1, how sure it is; a truth has the score 1.
#
# ## The painter
#
# Three masks to play with, two cats and a dog. Paint into the large panel, and the other answers follow.

# %%
from minseg.explore import MaskPainter

painter = MaskPainter()
painter

# %% [markdown]
# Choose a mask in the table, and drag. With the keyboard: arrows move the brush, Space paints, Shift and arrows paint on the way, digits choose the mask, E is the eraser. "Comes back" tells whether the panoptic map still holds the whole mask.
#
# 1. **Look first.** How many of the three masks come back, and where is the dog, mask 3?
# 2. **Raise the score of mask 3** above 0.90. What has changed in the masks?
# 3. **Let the last in the list win** the pixels that are claimed twice. Which masks come back now?
# 4. **Erase from mask 2** what it shares with cat 1, and clear mask 3. Which come back, and by which rule? What does the semantic map say?
# 5. **Make mask 2 a dog.** What does the semantic map tell now?
# 6. **Press "Put all back"**, and find "100 %" in the table. What can be read from the box of that mask alone?
#
# <details><summary>Answers</summary>
#
# 1. One, cat 1. Each pixel of the dog is also claimed by cat 1, whose score is higher: in the panoptic map there is no dog. In the semantic map its pixels are cat, by the same rule.
# 2. Nothing. The dog is back whole and cat 1 has a hole, because a *number* has changed.
# 3. Masks 2 and 3, whatever the scores are. The rule decides, not the image.
# 4. Both cats, by either rule: masks that share no pixel always come back. The semantic map has one region of cat where the two touch.
# 5. It tells the two apart, but by their class. Of two cats it never could.
# 6. The whole mask: the dog fills its box, so both are the same set of pixels.
#
# </details>
#
# ## Three masks as tensors
#
# The answer of instance segmentation to an image is a *set* of triples,
#
# $$\{(M_i, c_i, s_i)\}_{i=1}^{N}, \qquad M_i \in \{0, 1\}^{H \times W},$$
#
# a mask, a class and a score for each of $N$ instances, on $H$ rows and $W$ columns. In the package the three are `masks`, `labels` (a class as a number) and `scores`. Here is a smaller set of pets; class 1 is "cat", class 2 is "dog".

# %%
masks = torch.zeros(3, 6, 9, dtype=torch.bool)  # (N, H, W)
masks[0, 1:5, 1:5] = True  # a cat: rows 1 to 4, columns 1 to 4
masks[1, 3:6, 3:8] = True  # another cat: rows 3 to 5, columns 3 to 7
masks[2, 3:5, 1:3] = True  # a dog
pets = Instances(masks, labels=torch.tensor([1, 1, 2]), scores=torch.tensor([0.9, 0.8, 0.7]))
pets

# %%
from minseg.draw.tasks import draw_mask

fig, axes = figure(columns=3, height=245)
draw_mask(axes[0], pets.masks[0], "a cat, score 0.9")
draw_mask(axes[1], pets.masks[1], "another cat, score 0.8")
draw_mask(axes[2], pets.masks[2], "a dog, score 0.7")
alt = "Three small masks, 6 rows by 9 columns. The dog lies inside the first cat."
show(fig, alt=alt, facts=f"pixels of each: {pets.areas.long().tolist()}")

# %% [markdown]
# Three things that surprise people:
#
# - **Masks may overlap.** All four pixels of the dog are pixels of the first cat as well, and nothing complains. `Instances` checks shapes and types, and has no rule about overlap.
# - **Nothing says who is in front.** Three boolean arrays have no depth. Whoever needs an order has to choose one, and usually takes the scores.
# - **N = 0 is legal**: an image without any instance has masks of shape (0, H, W).
#
# ## Where does a box end?
#
# A **box** is $(x_1, y_1, x_2, y_2)$: its left, top, right and bottom edge. Pixel $(i, j)$, in row $i$ and column $j$, is no point. It covers the square from $x = j$ to $j + 1$ and from $y = i$ to $i + 1$. The **tight box** of a mask is the smallest box that holds its pixels whole.
#
# **Predict.** The second cat occupies columns 3 to 7. What is $x_2$ of its tight box?

# %%
from minseg.course import guess, reveal

guess("10.q_x2", None)

# %%
from minseg.instances import tight_boxes

box = tight_boxes(pets.masks)[1]
reveal("10.q_x2", box[2])

# %%
fig, axis = figure(width=420, height=270)
draw_mask(axis, pets.masks[1], "Edges lie between pixels", box=box)
show(fig, alt="The second cat in its tight box.", facts=f"x1, y1, x2, y2: {box.long().tolist()}")

# %% [markdown]
# Column 7 covers $7 \le x \le 8$, so the box ends at 8, and its width is $x_2 - x_1 = 8 - 3 = 5$: the number of columns. With edges between pixels, widths and areas need no "plus one".
#
# **Exercise (*core*): tight boxes.** `masks` is (N, H, W) bool; the answer is an (N, 4) tensor of x1, y1, x2, y2, of any numeric type. An empty mask gets four zeros, and N = 0 gives a tensor of shape (0, 4). A loop over masks is fine. Stuck? `hint("10.boxes")`, as often as you like.


# %%
from minseg.course import check, hint, solution


def my_boxes(masks):
    """(N, 4) tight boxes (x1, y1, x2, y2) of (N, H, W) bool masks."""
    raise NotImplementedError


check("10.boxes", my_boxes)

# %% [markdown]
# `solution("10.boxes")` shows the package's code, which needs no loop.
#
# ## One pixel, one owner
#
# A panoptic map is one number for each pixel, its **panoptic id**,
#
# $$\text{id} = \text{class} \cdot 1000 + \text{instance},$$
#
# with instances numbered from 1 for things, by their place in the list over all classes, 0 for stuff, and the id 0 for **void**, a pixel that belongs to nothing. The second cat is 1002, and water, class 8, is 8000. There is no room for a second owner. So whoever makes a panoptic map of a set of masks has to give each pixel that is claimed twice to *one* of them. The usual rule: the best score wins.
#
# **Predict.** The second cat has 3 × 5 = 15 pixels. How many are left to it in the panoptic map?

# %%
guess("10.q_left", None)

# %%
from minseg.panoptic import from_instances

ids = from_instances(pets)
reveal("10.q_left", (ids == 1002).sum())
ids

# %% [markdown]
# The cats share rows 3 and 4 of columns 3 and 4, four pixels, and the first cat has the better score: 15 − 4 = 11. And there is no 2003, class 2 and third instance: the dog is gone. No later step brings it back, since the map is the same as that of the two cats alone.
#
# **Exercise (*core*): who owns a pixel?** `masks` is (N, H, W) bool, and `priority` is (N,), any numbers: negative ones and zero too. The answer is (H, W) int64: for each pixel the number of the mask, from 0, that claims it and has the highest priority; the first in the list where two are equal; −1 where no mask claims it. With N = 0, every pixel is −1.


# %%
def my_owner_map(masks, priority):
    """(H, W) int64: the number of the mask that owns each pixel, or -1."""
    raise NotImplementedError


check("10.owner", my_owner_map)

# %% [markdown]
# `solution("10.owner")` shows the package's code; it works like a painter. From owners to ids is one more step: look up the class of each owner, and write both as one number. Here is all that becomes of the pets:

# %%
from minseg.draw.answers import draw_answers

notes = {
    "boxes": "both cats, and the dog",
    "semantic": "one region of cat",
    "panoptic": "two of three masks",
}
fig = draw_answers(pets, notes, names={1: "cat", 2: "dog"})
alt = "Three overlapping masks; their three boxes; one region of cat; two cats without the dog."
left = [int((ids == segment).sum()) for segment in (1001, 1002, 2003)]
show(fig, alt=alt, facts=f"pixels before {pets.areas.long().tolist()}, in the panoptic map {left}")

# %% [markdown]
# So a rule that is often told of instance segmentation, that each pixel belongs to one instance at most, is a rule of *panoptic* segmentation (Kirillov et al., *Panoptic Segmentation*, 2019, section 3), and its format enforces it. Instance segmentation has none. The truths of most datasets hold what is *visible* of each object and so overlap little, but networks do overlap: Mask R-CNN draws one mask in each box and does not know of its neighbours ([unit 40](40_mask_rcnn_seen_whole.ipynb)).
#
# ## What follows from what?
#
# Suppose that somebody gives you one of the four answers. Which others can you compute? If $A$ can be computed from $B$, then $A$ is a **function** of $B$. To show that it is not, find two cases with the same $B$ and different $A$. Decide for yourself, then unfold:
#
# 1. boxes from instances;
# 2. the semantic map from the panoptic map;
# 3. instances from the panoptic map;
# 4. the panoptic map from instances;
# 5. instances from the semantic map.
#
# <details><summary>Answers</summary>
#
# 1. **Yes**: tight boxes. (Not so if boxes were drawn around whole objects and masks around what is visible of them. Such boxes are called **amodal**.)
# 2. **Yes**: the class of each id, id // 1000.
# 3. **No.** The pets with and without the dog have the same map. It can be done if masks are disjoint, and even then the scores are lost.
# 4. **No.** The stuff is missing.
# 5. **No.** One region of cat may be one cat or two.
#
# Neither of instance and panoptic segmentation tells more than the other: one keeps what overlaps, the other adds stuff.
#
# </details>
#
# ## A set has no order
#
# A network's answer arrives as a list, and so does the truth. A **loss** is the number that training makes small. Suppose that it compares the $k$-th prediction with the $k$-th truth. Take a network that finds all six things of the scene and draws each mask one pixel too large all around. The loss of a pair shall be 1 − IoU. **IoU**, intersection over union, is what two masks share, divided by what they cover together: 1 for equal masks, 0 for separate ones.

# %%
from minseg.metrics import mask_iou

grown = torch.nn.functional.max_pool2d(things.masks.float(), 3, stride=1, padding=1) > 0
cost = 1 - mask_iou(grown, things.masks)  # (6, 6): row p, column t: prediction p with truth t
print(f"prediction k with truth k, on average: {cost.diagonal().mean():.2f}")

# %% [markdown]
# Not 0, although each mask is only one pixel too large: on small things, one pixel is much. Now somebody shuffles the file of truths, all $6! = 720$ orders being equally likely. The network's answer stays as it is.
#
# **Predict.** What is the loss then, on average over the orders?

# %%
guess("10.q_shuffle", None)

# %%
from itertools import permutations

orders = torch.tensor(list(permutations(range(6))))  # (720, 6)
losses = cost[torch.arange(6), orders].mean(dim=1)  # prediction k with the k-th truth of each order
reveal("10.q_shuffle", losses.mean(), digits=2)

# %% [markdown]
# Over all orders each prediction meets each truth equally often, one time in six. So the average is that of all 36 pairs, and 30 of them are strangers: (6 · 0.36 + 30 · 1.00) / 36 = 0.89. How good the masks are hardly matters.

# %%
from minseg.draw.tasks import draw_orders

fig, axis = figure(width=620, height=280)
draw_orders(axis, losses, losses[0])
alt = "A histogram of 720 losses. Nearly all are above 0.6; one, far to the left, fits."
show(fig, alt=alt, facts=f"least {losses.min():.2f}, largest {losses.max():.2f}")

# %% [markdown]
# A loss for sets gives each truth a prediction of its own, in the best way there is:
#
# $$L = \min_\pi \frac{1}{T} \sum_{t=1}^{T} \mathrm{cost}\big(\pi(t), t\big),$$
#
# where $T$ is the number of truths, and $\pi$ runs over all ways to choose a different prediction $\pi(t)$ for each truth. Predictions that nobody has chosen are left over; a network is taught to call them "nothing".
#
# **Exercise (*stretch*): a loss for sets.** `cost` is (P, T), floating point, with P ≥ T. The answer is a number: the least mean cost, and 0 if there are no truths. Trying all ways is allowed, `itertools.permutations(range(P), T)` lists them.


# %%
def my_set_loss(cost):
    """The least mean cost of giving each truth a prediction of its own."""
    raise NotImplementedError


check("10.set_loss", my_set_loss)

# %% [markdown]
# 720 ways are quickly tried, $100!$ are not. The **Hungarian algorithm** finds the best way all the same, in a time that grows with the cube of the number. SciPy has it, and no shuffle changes what it finds:

# %%
from scipy.optimize import linear_sum_assignment

for order in (orders[0], orders[100], orders[719]):
    shuffled = cost[:, order]
    p, t = linear_sum_assignment(shuffled)
    print(f"by index {shuffled.diagonal().mean():.2f}, as a set {shuffled[p, t].mean():.2f}")

# %% [markdown]
# Networks that answer with a set, such as DETR (Carion et al., *End-to-End Object Detection with Transformers*, 2020, section 3.1), train with such a loss. Others, Mask R-CNN among them, never see the question: before a loss is computed, overlap decides which prediction answers for which truth ([unit 41](41_what_each_part_is_taught.ipynb)).
#
# > **In practice**
# >
# > - *What people hand to a network.* torchvision's Mask R-CNN takes for each image a dictionary with `boxes` (N, 4) as x1, y1, x2, y2, `labels` (N,) int64 and `masks` (N, H, W). COCO's files hold boxes as x, y, *width, height*, and those of single objects enclose annotated polygons, so they have fractions.
# > - *The typical mistake* is a box that ends at the last pixel instead of behind it. `torchvision.ops.masks_to_boxes` does that: 7 for our cat, and a mask of one pixel gets a box of area 0. Mixing the two moves edges by a pixel, which nobody sees on large objects and everybody on small ones.
# > - *An object has vanished from a panoptic map?* Something with a better score covers it. `instances.overlaps()` says what.
#
# ## Recap
#
# - An answer is a *set* of masks, labels and scores, in no order; N = 0 and overlap are legal.
# - Pixel $j$ covers $[j, j + 1)$, and a tight box ends at the last column plus one.
# - In a panoptic map a pixel has one owner. A rule decides who, and what it takes away is lost.
# - $A$ is a function of $B$ unless two cases with the same $B$ have different $A$.
# - Lists are compared by the best pairing, not by index.

# %%
from minseg.course import progress

progress("10")

# %% [markdown]
# <details><summary>For the curious: how many bits? With an exercise (<em>stretch</em>)</summary>
#
# "Tells more" can be measured. If all worlds are equally likely, an annotation that takes the value $a$ in a share $p(a)$ of them tells, on average, $H = -\sum_a p(a) \log_2 p(a)$ bits, its **entropy**. A coin has 1 bit, one of eight cards 3, and a coin that always shows heads has 0. What is computed from $B$ never has more bits than $B$.
#
# `values` is (W,) int64, what the annotation looks like in each of W ≥ 1 equally likely worlds, as any whole numbers; the answer is a float, in bits. Write it in the cell below this fold. [Notebook 91](91_masks_and_tasks.ipynb) then goes through all worlds of 3 × 3 pixels.
#
# </details>


# %%
# Optional: the fold above says what to write.
def my_entropy(values):
    """Bits, a float: the entropy of the values, each world being equally likely."""
    raise NotImplementedError


check("10.entropy", my_entropy)

# %% [markdown]
# The notes' claims on this: C01 to C07, measured in [91](91_masks_and_tasks.ipynb).
#
# **Next**, [unit 11](11_a_mask_on_a_grid.ipynb): a network cannot predict a set of pixels. It predicts numbers on a grid. How fine must that grid be?

# %% [markdown]
# # 01 · What instance segmentation asks
#
# Four tasks look at one image and answer in four ways. Which answer follows from which? Before anything is trained, this lesson makes the question exact: as tensors, as functions of one another, and in bits. On the way, one rule that is often quoted turns out to belong to another task.
#
# **After this lesson you can**
#
# 1. hold the instances of an image as tensors, and say what is legal;
# 2. derive boxes, a semantic map and a panoptic map from them;
# 3. tell a rule of panoptic segmentation from a rule of instance segmentation;
# 4. decide whether one answer is a function of another, and count the bits it loses;
# 5. compare two sets in a way that does not depend on their order.
#
# *50 minutes to read, 6 s to run, 380 MiB of memory, no GPU, no downloads. You need lesson 00.*

# %%
from itertools import permutations

import torch

from minseg.course import check, claim, guess, progress, reveal, show_source
from minseg.data import STUFF, THINGS, make_scene
from minseg.draw import draw_boxes, draw_image, draw_instances, draw_panoptic, figure, show
from minseg.draw.answers import draw_answers
from minseg.explore import MaskPainter
from minseg.instances import Instances, tight_boxes
from minseg.metrics import average_precision, mask_iou
from minseg.panoptic import decode, from_instances, owner_map, to_instances

# %% [markdown]
# ## Three masks you can hold
#
# An **instance** is one object, told apart from others of its kind. Instance segmentation answers an image with a set of triples, one for each instance:
#
# $$\{(M_i, c_i, s_i)\}_{i=1}^{N}, \qquad M_i \in \{0, 1\}^{H \times W}.$$
#
# The **mask** $M_i$, of $H$ rows and $W$ columns, says of every pixel whether it belongs to instance $i$. The **class** $c_i$ is a number that stands for a name, and the **score** $s_i$ says how sure the answer is, from 0 to 1. What a person has annotated is called the **truth**, and its scores are 1. In the package the three are `masks`, `labels` and `scores`, of $N$ instances. Here is an answer of two cats and a dog, class 1 and class 2, on 6 × 9 pixels.

# %%
masks = torch.zeros(3, 6, 9, dtype=torch.bool)  # (N, H, W)
masks[0, 1:5, 1:5] = True  # rows 1 to 4, columns 1 to 4
masks[1, 3:6, 3:8] = True
masks[2, 3, 2] = True
pets = Instances(masks, labels=torch.tensor([1, 1, 2]), scores=torch.tensor([0.9, 0.8, 0.7]))
print(pets)
for row in range(6):
    print("   ".join("".join(".1"[int(v)] for v in mask[row]) for mask in pets.masks))

# %% [markdown]
# Cat 2 sits partly behind cat 1, and the dog wholly: its one pixel is claimed by cat 1 as well. So these masks are whole shapes, hidden parts included. Nothing complains. `Instances` checks shapes, types and numbers, and has no rule about overlap.
#
# It is a *set*: the order of the three means nothing. Whatever judges an answer must not see it. **Average precision**, AP, is the judge in most contests; it is 1 for a perfect answer (lesson 07 builds it). `average_precision` takes answers, then truths, one `Instances` an image; here the pets are both. Does it see the order? And is an image without any instance legal?

# %%
one_order, another = (average_precision([pets[k]], [pets]).ap for k in ([0, 1, 2], [2, 0, 1]))
nothing = Instances(torch.zeros(0, 6, 9, dtype=torch.bool), torch.zeros(0, dtype=torch.int64))
with_empty = average_precision([pets, nothing], [pets, nothing]).ap
claim(
    "C01",
    measured=f"masks {tuple(pets.masks.shape)}, labels {tuple(pets.labels.shape)}, scores "
    f"{tuple(pets.scores.shape)}; AP {one_order:.0f} and {another:.0f} in two orders; an image "
    f"with N = {len(nothing)} beside it: AP {with_empty:.0f}.",
    supports=one_order == another == with_empty == 1 and nothing.boxes.shape == (0, 4),
)

# %% [markdown]
# ## One scene, four truths
#
# A synthetic scene, because its truth is known exactly. The four tasks ask for four things:
#
# - **Detection**: a box, a class and a score for each object.
# - **Semantic segmentation**: a class $c(x, y)$ for each pixel. It covers **stuff** too, such as sky and ground, which nobody counts, while **things** are counted. Two discs that touch would be one region of "disc".
# - **Instance segmentation**: a mask, a class and a score for each thing.
# - **Panoptic segmentation**: for each pixel a class, and for things also which one. Each pixel belongs to exactly one **segment**, a thing or stuff.

# %%
scene = make_scene(33, (96, 128), count=(6, 6))
names = {**THINGS, **STUFF}
classes = torch.arange(1, 9)
regions = Instances(scene.semantic == classes[:, None, None], classes)  # one mask a class
fig, axes = figure(columns=2, rows=2, width=760, height=600)
draw_image(axes[0, 0], scene.image, "Detection: a box for each thing")
draw_boxes(axes[0, 0], scene.instances.boxes, "#ffffff", width=4)
draw_boxes(axes[0, 0], scene.instances.boxes)
draw_instances(axes[0, 1], scene.image, regions, "Semantic: a class for each pixel", alpha=0.9)
draw_instances(axes[1, 0], scene.image, scene.instances, "Instances: a mask for each thing")
draw_panoptic(axes[1, 1], scene.panoptic, names=STUFF, title="Panoptic: every pixel once")
alt = "One scene four times: six boxes; regions of six classes; six masks; things and stuff."
seen = [f"{c} {names[c]}" for c in scene.semantic.unique().tolist()]
show(fig, alt=alt, facts=f"classes {', '.join(seen)}; {len(scene.panoptic.unique())} segments")

# %% [markdown]
# In the upper right panel a colour is a class, numbered once: the three boxes, class 2, share it. In the lower panels the numbers count things. (A scene's masks are what can be *seen* of each thing, so they are disjoint: no pixel has two. Our pets show that this need not be.)
#
# The four truths are not independent. Begin with boxes. A **box** is $(x_1, y_1, x_2, y_2)$: left, top, right and bottom edge. Pixel $(i, j)$, in row $i$ and column $j$, covers the square $[j, j+1) \times [i, i+1)$. The **tight box** of a mask is the smallest box that holds all of its pixels.
#
# **Predict.** Cat 2 occupies columns 3 to 7. What is $x_2$ of its tight box?

# %%
guess("01.1", None)  # your number in place of None

# %%
boxes = tight_boxes(pets.masks)
reveal("01.1", boxes[1, 2])

# %%
cuts = [(slice(y1, y2), slice(x1, x2)) for x1, y1, x2, y2 in boxes.long().tolist()]
inside = [mask[cut] for mask, cut in zip(pets.masks, cuts, strict=True)]
whole = [part.sum() for part in inside] == pets.areas.tolist()
sides = all(part[[0, -1]].any(dim=1).all() and part[:, [0, -1]].any(dim=0).all() for part in inside)
claim(
    "C05",
    measured=f"boxes {boxes.long().tolist()} hold all pixels of their masks, and each of their "
    f"sides touches one; the scene has 6 of them, and a class for each of "
    f"{scene.semantic.numel()} pixels.",
    supports=whole and sides and len(scene.instances.boxes) == 6,
)

# %% [markdown]
# Column 7 ends at $x = 8$. An edge is a place between pixels, not a pixel; then width is $x_2 - x_1$, and a single pixel has a box of area 1. Not everybody counts so: COCO's files give $(x, y, \text{width}, \text{height})$, and torchvision's `masks_to_boxes` gives 7, the last column, so that the box of one pixel has area 0. Mixing the two shifts edges by a pixel, which hurts small objects (lesson 04). Here `_extent` finds the first occupied index, and one past the last:

# %%
show_source(tight_boxes, docstring=False)

# %% [markdown]
# **Exercise: boxes.** Write it yourself. A loop over masks is fine, and an empty mask gets four zeros. `hint("01.boxes")` helps, one hint a call, and `solution("01.boxes")` shows the package's code; both are in `minseg.course`.


# %%
def my_boxes(masks):
    """(N, 4) tensor of tight boxes (x1, y1, x2, y2) of (N, H, W) bool masks."""
    raise NotImplementedError


check("01.boxes", my_boxes)

# %% [markdown]
# ## May masks overlap?
#
# The notes give two constraints: $M_i \cap M_j = \emptyset$ for $i \ne j$, and background where $\sum_i M_i(x, y) = 0$. Take a network that finds everything in the scene, and draws each mask one pixel too large all around. How often is each pixel claimed? (The truth of the scene is disjoint. "Flattened" is the prediction after a pixel that several masks claim has been given to one of them; how, comes next.)

# %%
truth = scene.instances
grown = torch.nn.functional.max_pool2d(truth.masks.float(), 3, 1, 1) > 0
predicted = Instances(grown, truth.labels, torch.linspace(0.95, 0.7, 6))
flat = to_instances(from_instances(predicted))
histogram = {
    name: [int((one.masks.sum(dim=0) == k).sum()) for k in range(4)]
    for name, one in (("truth", truth), ("predicted", predicted), ("flattened", flat))
}
print("pixels claimed    0 times   once  twice  3 times")
for name, row in histogram.items():
    print(f"{name:15}", "".join(f"{v:8}" for v in row))

# %%
claim(
    "C03",
    measured=f"the sum of the masks is 0 at {histogram['predicted'][0]} pixels, 2 at "
    f"{histogram['predicted'][2]} and 3 at {histogram['predicted'][3]}; once each pixel has one "
    f"owner, 0 at {histogram['flattened'][0]} and 1 at all others.",
    supports=histogram["predicted"][0] == histogram["flattened"][0]
    and histogram["predicted"][2] > 0 == histogram["flattened"][2],
)
flat_pets = to_instances(from_instances(pets))
kept, lost = (average_precision([answer], [pets]).ap for answer in (pets, flat_pets))
ap, flat_ap = (average_precision([answer], [truth]).ap for answer in (predicted, flat))
claim(
    "C02",
    measured=f"the pets overlap, and as an answer to themselves they have AP {kept:.0f}; flattened "
    f"first, {lost:.3f}. The network's overlapping masks are judged without complaint: AP "
    f"{ap:.3f}, and {flat_ap:.3f} flattened.",
    supports=not pets.is_disjoint() and kept == 1 and lost < 0.7,
)

# %% [markdown]
# Overlap is legal in instance segmentation. AP compares answers with truths, and never asks whether two answers overlap. If truths overlap, as those of COCO may, an answer that is forced to be disjoint cannot be perfect. And networks do overlap: Mask R-CNN cuts out one box after the other and draws a mask in each, without knowing of its neighbours (lesson 08).
#
# Being disjoint is a rule of *panoptic* segmentation (Kirillov et al., *Panoptic Segmentation*, 2019, section 3), and it is enforced by the format: a map with one number a pixel has no room for a second owner. That number is the **panoptic id**,
#
# $$\text{id} = \text{category} \cdot 1000 + \text{instance},$$
#
# with instances from 1 for things, 0 for stuff, and id 0 for **void**, a pixel that belongs to nothing. (**Category** is another word for class; lesson 13 lives on these maps.) To **flatten** a set into such a map needs a rule for pixels that are claimed twice. The usual one is: the best score wins.

# %%
show_source(owner_map, docstring=False)

# %% [markdown]
# A painter does it, with the scores as `priority`: paint the lowest first, and what comes later covers it. `from_instances` then looks up the class of each owner and writes both as an id; `to_instances` reads a map back, one mask for each id of a thing.
#
# **Exercise: the owner.** Write it from memory, or in a better way. Of equal priorities the first in the list wins, and $-1$ stands for nobody.


# %%
def my_owner_map(masks, priority):
    """(H, W) int64: the number of the mask that owns each pixel, or -1."""
    raise NotImplementedError


check("01.owner", my_owner_map)

# %% [markdown]
# Here is what flattening does to the pets.

# %%
ids = from_instances(pets)
notes = {"boxes": "both cats, and the dog", "semantic": "one region of cat"}
notes["panoptic"] = "two segments"
fig = draw_answers(pets, notes, names={1: "cat", 2: "dog"})
alt = "Three overlapping masks; three boxes; one region of cat; two cats, without the dog."
sizes = {segment: int((ids == segment).sum()) for segment in ids.unique().tolist() if segment}
show(fig, alt=alt, facts=f"areas {pets.areas.long().tolist()}; pixels by id {sizes}")

# %% [markdown]
# Cat 2 had 15 pixels and is left with 11. The dog is gone: its only pixel went to a better score.
#
# ## The painter
#
# Now with your own hand. Paint into the large panel; the three answers follow.

# %%
painter = MaskPainter()
painter

# %% [markdown]
# Choose a mask in the table, and drag. With the keyboard: arrows move the brush, Space paints, Shift and arrows paint on the way, digits choose the mask, E is the eraser. The column "comes back" says whether the panoptic map still holds the whole mask.
#
# 1. **Look first.** One mask of three comes back. The dog, mask 3, owns no pixel.
# 2. **Raise the score of mask 3** above 0.90. The dog is back, whole, and cat 1 has a hole. The masks have not changed, only a number.
# 3. **Let the last in the list win** instead. Now masks 2 and 3 come back, whatever the scores are: a rule has decided, not the image.
# 4. **Erase the overlap** of cats 1 and 2 from mask 2, and clear mask 3. Disjoint masks all come back, by either rule. The semantic map cannot tell two cats that touch: it has one region.
# 5. **Make mask 2 a dog.** Now the semantic map tells the two apart: by class, not by instance.
# 6. **Fill a rectangle.** A mask that fills its box, "100 %", can be read back from the box alone.
#
# ## What is a function of what?
#
# The notes write detection ⊂ instance ⊂ panoptic. But a list of boxes is no subset of a list of masks. A better question is: *given B, can A be computed?* If so, A is a **function** of B. To show that it is not, find two cases with the same B and different A. Boxes from masks, yes: `tight_boxes`. The semantic map from the panoptic one, yes: the category of each id. Instances from the panoptic map? Without the dog, the pets' map is the same.

# %%
without_dog = pets[[0, 1]]
same_map = torch.equal(from_instances(pets), from_instances(without_dog))
category = decode(scene.panoptic)[0]
back = to_instances(scene.panoptic)
disjoint_again = all((back.masks == mask).flatten(1).all(dim=1).any() for mask in truth.masks)
claim(
    "C06",
    measured=f"sets of {len(pets)} and of {len(without_dog)} masks have the same panoptic map; the "
    f"scene's {len(truth)} disjoint masks are all read back, with scores "
    f"{back.scores.unique().tolist()} instead of their own; the semantic map is the panoptic "
    f"map's category.",
    supports=same_map and len(pets) != len(without_dog) and disjoint_again
    and torch.equal(category, scene.semantic),
)  # fmt: skip

# %% [markdown]
# | from | boxes | semantic map | instances | panoptic map |
# |:--|:--|:--|:--|:--|
# | **instances** | yes | no: stuff is missing | | no: stuff is missing |
# | **panoptic map** | of what is visible | yes | only if disjoint, and without scores | |
# | **semantic map** | no | | no: which pixels go together? | no |
# | **boxes** | | no | no, unless masks fill their boxes | no |
#
# One more "no" hides in the first row. Some datasets annotate boxes around whole objects, hidden parts included, and masks of what is visible. Such **amodal** boxes are not a function of those masks.
#
# ## Counting bits
#
# The notes go on: $I(\text{detection}) < I(\text{instance}) < I(\text{panoptic})$, where $I$ is information. To measure that, one needs to know how likely each annotation is. Then the **entropy** of an annotation $A$ is the number of bits that it tells on average:
#
# $$H(A) = -\sum_a p(a) \log_2 p(a).$$
#
# A fair coin has 1 bit, one of eight equally likely cards has 3, and a coin that always shows heads has 0. If $A = f(B)$, then $H(A) \le H(B)$: what is computed from $B$ cannot tell more than $B$. The two are equal exactly if no two values of $B$, of those that occur, have the same $f$.
#
# **Exercise: entropy.** `values` is (W,): what an annotation looks like, as a whole number, in each of $W$ equally likely worlds.


# %%
def my_entropy(values):
    """Bits, a float: the entropy of the values, each world being equally likely."""
    raise NotImplementedError


check("01.entropy", my_entropy)

# %% [markdown]
# For real images nobody knows $p$. So take worlds so small that all can be listed: 3 × 3 pixels, two objects of one class. A mask is any set of pixels but the empty one. So there are $2^9 - 1 = 511$, and the bits of a number from 1 to 511 say which pixels belong to it. One object is in front, the other behind, and they differ: $511 \cdot 510 = 260\,610$ worlds, all equally likely. Each annotation becomes a whole number:

# %%
from minseg.course.exercises.lesson_01 import entropy, set_loss

mask = torch.arange(1, 512)
pixels = (mask[:, None] >> torch.arange(9) & 1).view(-1, 3, 3).bool()
corners = tight_boxes(pixels).long()  # (511, 4), each 0 to 3: four digits to the base 4
box = corners @ torch.tensor([64, 16, 4, 1])


def pair(a, b):  # a set of two: the order is forgotten
    return torch.minimum(a, b) * 512 + torch.maximum(a, b)


def bits(front, back, stuff):
    stuff = stuff * ((front | back) < 511)  # no stuff is seen where objects cover everything
    return {
        "detection": entropy(pair(box[front - 1], box[back - 1])),
        "semantic": entropy((front | back) * 2 + stuff),
        "instance": entropy(pair(front, back)),
        "panoptic": entropy(pair(front, back & ~front) * 2 + stuff),
    }


# %% [markdown]
# `front | back` are the pixels of either, and `back & ~front` those of the second object that can be seen; `stuff` is 0 or 1, for worlds in which sky or ground lies behind. The instance annotation holds both masks in full, and has about 17 bits: $\log_2(260\,610 / 2)$.
#
# **Predict.** How many bits has the panoptic map, if there is one kind of stuff only?

# %%
guess("01.2", None)

# %%
front, back = torch.cartesian_prod(mask, mask).T
apart = (front & back) == 0
rectangle = pixels.flatten(1).sum(dim=1) == (corners[:, 2:] - corners[:, :2]).prod(dim=1)
both = apart & rectangle[front - 1] & rectangle[back - 1]
sky = torch.arange(2).repeat(int(apart.sum()))
worlds = {
    "any two masks": bits(front[front != back], back[front != back], 0),
    "disjoint": bits(front[apart], back[apart], 0),
    "disjoint, sky or ground": bits(
        front[apart].repeat_interleave(2), back[apart].repeat_interleave(2), sky),
    "disjoint rectangles": bits(front[both], back[both], 0),
}  # fmt: skip

# %%
panoptic = worlds["any two masks"]["panoptic"]
reveal("01.2", panoptic, "bits")
lost = torch.tensor(260_610).log2().item() - panoptic
print(f"a world has {lost + panoptic:.1f} bits; the map loses {lost:.1f} of them")

# %% [markdown]
# Four bits fewer than the set of masks. The map is a function not of that set, which does not say who is in front, but of the world: both masks *and* who is in front, 18.0 bits. The 5.1 bits that it loses are as much as a choice among 34 equally likely worlds that look the same. And in the other kinds of worlds, where masks never overlap, or where, besides, sky or ground lies behind them, or all are rectangles?

# %%
fig, ax = figure(width=760, height=330)
tasks = ("detection", "semantic", "instance", "panoptic")
for k, (task, hatch) in enumerate(zip(tasks, ("", "//", "..", "xx"), strict=True)):
    heights = [h[task] for h in worlds.values()]
    ax.bar(torch.arange(4) + 0.2 * k - 0.3, heights, 0.19, label=task, hatch=hatch, ec="white")
ax.set_xticks(range(4), worlds)
ax.set(ylabel="entropy, bits", title="Instances and panoptic maps: either may tell more")
ax.set_ylim(0, 21)
ax.legend(ncols=4, loc="upper right")
alt = "Four groups of bars. Instance exceeds panoptic in the first, is below it in the third only."
facts = [f"{task} {[round(h[task], 1) for h in worlds.values()]}" for task in tasks[2:]]
show(fig, alt=alt, facts=f"bits: {', '.join(facts)}")

# %%
any_two, disjoint, with_sky, rectangles = worlds.values()
claim(
    "C07",
    measured=f"H(detection), H(instance), H(panoptic), in bits: any masks "
    f"{any_two['detection']:.1f}, {any_two['instance']:.1f}, {any_two['panoptic']:.1f}; disjoint, "
    f"two kinds of stuff {with_sky['detection']:.1f}, {with_sky['instance']:.1f}, "
    f"{with_sky['panoptic']:.1f}; disjoint rectangles {rectangles['detection']:.1f} for all three.",
    supports=any_two["instance"] > any_two["panoptic"] + 4
    and with_sky["instance"] + 0.9 < with_sky["panoptic"]
    and abs(disjoint["instance"] - disjoint["panoptic"]) < 1e-9
    and abs(rectangles["detection"] - rectangles["panoptic"]) < 1e-9
    and all(h["detection"] < h["instance"] + 1e-9 for h in worlds.values())
    and all(h["semantic"] < h["panoptic"] + 1e-9 for h in worlds.values()),
)

# %% [markdown]
# In every kind of world detection has at most the bits of instances, and semantic at most those of panoptic: one is a function of the other. Between instances and panoptic maps nothing is certain. One kind of stuff and no overlap makes them equal, overlap puts instances ahead, and a second kind of stuff the panoptic map. Where objects *are* rectangles, boxes tell all.
#
# ## A set has no order
#
# A network's answer arrives as a list, and so does the truth. Suppose that a **loss**, the number that training makes small, compares the $k$-th prediction with the $k$-th truth. The notes do that when they maximise $\prod_i p(M_i, c_i, s_i)$: it takes a list of truths to say which one is the $i$-th. Take the network that draws a pixel too large, and let the loss of a pair be 1 − IoU. **IoU**, intersection over union, is what two masks share, over what they cover together: 1 for equal masks, 0 for separate ones.

# %%
cost = 1 - mask_iou(predicted.masks, truth.masks)  # (6, 6): prediction p for truth t
by_index = cost.diagonal().mean().item()
print(f"prediction k with truth k, on average: {by_index:.3f}")

# %% [markdown]
# **Predict.** Somebody shuffles the file of truths, all $6! = 720$ orders being equally likely. The network's answer stays as it is. What is the loss on average?

# %%
guess("01.3", None)

# %%
orders = torch.tensor(list(permutations(range(6))))  # (720, 6)
losses = cost[torch.arange(6), orders].mean(dim=1)
reveal("01.3", losses.mean())
print(f"the mean over all 36 pairs: {cost.mean():.3f}")

# %%
fig, ax = figure(width=620, height=300)
ax.hist(losses, bins=30, range=(0.2, 1.05), color="#94a4a2", ec="white")
ax.axvline(by_index, color="#0050c8", lw=2)
ax.text(by_index + 0.01, 150, "the one order\nof 720 that fits", color="#0050c8", va="top")
ax.set(xlabel="loss by index, mean of 1 − IoU", ylabel="orders")
ax.set_title("The same answer, the same truths, 720 orders")
alt = "A histogram: nearly all orders lie between 0.7 and 1; one lies far left, near 0.3."
show(fig, alt=alt, facts=f"least {losses.min():.3f}, largest {losses.max():.2f}")

# %% [markdown]
# Each prediction meets each truth equally often, so the average is that of all 36 pairs, and it hardly depends on how good the masks are. A loss for sets gives every truth a prediction of its own, and takes the best way to do so:
#
# $$L = \min_\pi \frac{1}{T} \sum_{t=1}^{T} \mathrm{cost}\big(\pi(t), t\big),$$
#
# where $T$ is the number of truths and $\pi$ runs over all ways to choose $T$ different predictions. With more predictions than truths, some are chosen by nobody; a network such as DETR is trained to call those "nothing" (Carion et al., *End-to-End Object Detection with Transformers*, 2020, section 3.1), and lesson 12 builds it.
#
# **Exercise: a loss for sets.** `cost` is (P, T) with P ≥ T. Trying all ways is allowed: `itertools.permutations(range(P), T)` lists them.


# %%
def my_set_loss(cost):
    """The least mean cost, a float; 0.0 if there are no truths."""
    raise NotImplementedError


check("01.set_loss", my_set_loss)

# %%
shuffled = [cost[:, order] for order in orders[5::36]]  # 20 of the 720
as_sets = [set_loss(one) for one in shuffled]
aligned = [one.diagonal().mean().item() for one in shuffled]
claim(
    "C04",
    measured=f"20 orders of the truths: by index the loss runs from {min(aligned):.2f} to "
    f"{max(aligned):.2f}, as a set it is {min(as_sets):.3f} every time.",
    supports=max(as_sets) - min(as_sets) < 1e-9 and max(aligned) - min(aligned) > 0.1
    and abs(as_sets[0] - by_index) < 1e-9,
)  # fmt: skip

# %% [markdown]
# The notes' product has two more troubles. $N$ is not known, so nobody can say how many factors there are. And no one annotates a score: it is a number that a network computes, trained through the class, and not a quantity whose probability could be maximised.
#
# Going through $6!$ orders is still quick. With 100 predictions nobody could list them, and the **Hungarian algorithm** finds the best all the same, in a time that grows with the cube of their number (lesson 12). Networks of the other kind, such as Mask R-CNN (lesson 08) and SOLO (lesson 10), never see the question: before the loss is computed they decide, by overlap or by place, which answer is responsible for which object.
#
# ## Recap
#
# You can now
#
# 1. **hold instances as tensors**: masks, labels, scores, in any order; N = 0 is legal, and so is overlap;
# 2. **derive the other answers**: $x_2$ is one past the last column; the best score owns a pixel; the category of an id is the semantic map;
# 3. **tell the rules apart**: disjoint masks are panoptic segmentation's rule. Made disjoint, a perfect answer to our pets fell from AP 1 to 0.38;
# 4. **decide what is a function of what**, by two cases that differ in the one and not in the other, and count the bits: 17.0 bits for the masks, 12.9 for the map, and a second kind of stuff turned the order round;
# 5. **compare sets**: by the best pairing, which no shuffle changes.
#
# Your predictions beside what was measured, and your exercises:

# %%
progress("01")

# %% [markdown]
# **Reading on.** Kirillov et al., *Panoptic Segmentation*, 2019, sections 2 and 3, for the task and its neighbours; Lin et al., *Microsoft COCO*, 2014, for what an annotation is; Carion et al., 2020, section 3.1, for the loss on sets. In the package: `minseg/instances.py`, `minseg/panoptic/flatten.py` and `ids.py`.
#
# **Next**, lesson 02 asks how a mask can be written down, and what each way loses.
#
# > **When it does not work**
# >
# > - *`masks must be bool`*: a network gives probabilities. Threshold them, `masks > 0.5`, and remember that the choice is yours.
# > - *Boxes are a pixel too small*: they come from a tool that ends boxes at the last pixel. Add 1 to $x_2$ and $y_2$.
# > - *An object has vanished from a panoptic map*: something with a better score covers it. Look at `instances.overlaps()`.
# > - *The painter does not paint*: run its cell again, or reload the page. With the keyboard, click into the large panel first.

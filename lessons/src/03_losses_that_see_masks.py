# %% [markdown]
# # 03 · Losses that see masks
#
# A network learns what its loss can see. Two masks may be wrong in equally many pixels; one measure calls them equal, a second finds one of them thirteen times worse, and a third has no advice on how to mend either. This lesson puts twelve such measures side by side and shows, pixel by pixel, what each of them asks a network to do.
#
# **After this lesson you can**
#
# 1. work out the gradient that each pixel gets from BCE, focal and Dice loss;
# 2. predict which loss sees which error: too small, moved, a hole, a blob far away;
# 3. choose a form of Dice for soft targets, and say what the other form does to them;
# 4. measure outlines by Chamfer, Hausdorff and HD95, and name your variant;
# 5. say what TV and a CRF add to a mask, and what they destroy.
#
# *55 minutes to read, 10 s to run, 590 MiB of memory, no GPU, no downloads. You need lesson 00; 01 and 02 help.*

# %%
import torch

from minseg import losses
from minseg.course import check, claim, guess, progress, reveal, show_source
from minseg.draw import ALIGN_COLOUR, POOL_COLOUR, draw_image, figure, show
from minseg.draw.losses import draw_push
from minseg.experiments import loss_pair as scene
from minseg.explore import LossBoard
from minseg.masks import from_polygons, mean_field_crf, signed_distance, total_variation, tv_flow
from minseg.metrics import hausdorff_distance, mask_iou


def seeded(seed):
    return torch.Generator().manual_seed(seed)


# %% [markdown]
# ## Six pixels
#
# A **mask** says for each pixel whether it belongs to an object. A network does not put out yes or no but a number $z$ for each pixel, the **logit**, which may be anything. The sigmoid $\sigma(z) = 1 / (1 + e^{-z})$ turns it into a **probability** $p$ between 0 and 1; $z = 0$ is $p = \tfrac12$. The **target** $t$ is what $p$ should be: 1 inside, 0 outside.
#
# A **loss** is one number that says how wrong all of it is. The usual one for masks is **binary cross-entropy**, BCE (He et al., *Mask R-CNN*, 2017, section 3); over $n$ pixels,
#
# $$\mathrm{BCE} = \frac1n \sum_{\text{pixels}} -\,t \log p - (1 - t) \log(1 - p).$$
#
# Training needs its **gradient**, how fast the loss grows with each $z$, and takes a small step the other way. So call *minus* the gradient the **push**: positive where a step raises $z$, negative where it lowers $z$. Six pixels, the middle two of which are the object:

# %%
z = torch.tensor([[-3.0, 1.0, 3.0, -3.0, 0.0, -3.0]], requires_grad=True)  # (1, 6): one mask
t = torch.tensor([[0.0, 0.0, 1.0, 1.0, 0.0, 0.0]])
(gradient,) = torch.autograd.grad(losses.mask_bce(z, t).sum(), z)
for name, row in {"p": z.sigmoid(), "t": t, "6 · push": -6 * gradient}.items():
    print(f"{name:9}", *(f"{v:6.2f}" for v in row[0]))

# %% [markdown]
# Add up the first and the third line: you get the second. The push is $(t - p) / n$, nothing else. BCE's logarithms are made for that: where the sigmoid is flat and hardly moves, the logarithm is steep, and the two cancel exactly. A pixel that is confidently wrong, the fourth, is pushed hardest; one that is nearly right gets little.
#
# **Predict.** Before training $p$ is about $\tfrac12$ everywhere. A mask of 48 × 64 pixels holds a disc. How many percent of its pixels does BCE push, at the start?

# %%
guess("03.1", None)


# %%
def descend(start, loss, steps=100, rate=0.3):
    """Gradient descent in Adam's form, in which each number has its own step length."""
    w = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([w], lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        loss(w).sum().backward()
        optimiser.step()
    return w.detach()


def enlarge(coarse, height, width):  # (1, h, w), read between its pixels
    return torch.nn.functional.interpolate(coarse[None], size=(height, width), mode="bilinear")[0]


truth = scene.MaskTruth.of(scene.disc(28, 24, 12) > 0)  # a mask, its outline and its distances
flat = torch.zeros(1, 6, 8)
trained = descend(flat, lambda w: losses.mask_bce(enlarge(w, 48, 64), truth.mask[None]))
pushes = [truth.mask.float() - enlarge(w, 48, 64).sigmoid()[0] for w in (flat, trained)]
reveal("03.1", 100 * (pushes[0] != 0).double().mean(), "%")

# %%
fig, axes = figure(columns=2, width=760, height=300)
for ax, push, when in zip(axes, pushes, ("At the start", "After 100 steps"), strict=True):
    draw_push(ax, push, scene.disc(28, 24, 12), f"{when}: + up, − down")
shares = [100 * scene.share_near(push, truth, width=2) for push in pushes]
alt = "At first plus all over the disc and minus all around it; then only along its outline."
show(fig, alt=alt, facts=f"within 2 px of the outline: {shares[0]:.0f} %, then {shares[1]:.0f} %")

# %% [markdown]
# All of them, and all equally: $0.5 / n$. (The darkest colour is each picture's own largest push.) The notes say, in their answer on mask representations, that binary masks give sparse gradients, at boundaries only. They do not. It is *training* that makes the push sparse, once the easy pixels are right, because a network's output is smooth (here: a grid of 6 × 8 numbers, enlarged) and the outline is the last thing that it gets right. What lies within 2 pixels of it has at the start exactly its share of the area, and after 100 steps nearly nine tenths.
#
# **Exercise: BCE's gradient by hand**, without autograd, PyTorch's automatic derivatives. Mind what is averaged: `mask_bce` gives one loss for each mask.


# %%
def my_bce_gradient(logits, targets):
    """(N, H, W): the gradient of each mask's own `mask_bce` with respect to its logits."""
    raise NotImplementedError


check("03.bce_gradient", my_bce_gradient)

# %% [markdown]
# ## Each pixel alone
#
# BCE is a sum over pixels, and no term knows which pixel is next to which. Take a predicted and a true disc, and shuffle the pixels of both in the same way. Beside it, something that does know: **total variation**, TV, adds up all steps between neighbours, $\sum |p_{i+1,j} - p_{i,j}| + |p_{i,j+1} - p_{i,j}|$. Of a mask of zeros and ones that is the length of its outline, in pixel edges.

# %%
logits = 2 * scene.disc(30, 24, 12)[None]
order = torch.randperm(48 * 64, generator=seeded(0))
shuffled = [x.flatten()[order].view(1, 48, 64) for x in (logits, truth.mask)]
before, after = losses.mask_bce(logits, truth.mask[None]).item(), losses.mask_bce(*shuffled).item()
edges = [total_variation(mask.float()).sum().item() for mask in (logits > 0, shuffled[0] > 0)]
claim(
    "C19",
    measured=f"shuffled, BCE stays {after:.3f}; the outline grows from {edges[0]:.0f} to "
    f"{edges[1]:.0f} pixel edges.",
    supports=abs(before - after) < 1e-6 and edges[1] > 10 * edges[0],
)

# %% [markdown]
# That the loss treats pixels as independent does not make *predictions* independent. A network computes neighbouring pixels from nearly the same part of the image, so they tend to agree. Nor does a sigmoid make a number a probability you can rely on: whether 80 % of the pixels with $p = 0.8$ are right must be measured.
#
# **Focal loss** (Lin et al., *Focal Loss*, 2017, section 3) is still a sum over pixels, but multiplies each term by $(1 - p_t)^\gamma$, where $p_t$ is the probability given to the right answer and $\gamma$ is 2, say. A pixel with $p_t = 0.95$ counts $0.05^2 = 0.0025$ as much. In a picture with little object, the many easy pixels then no longer outvote the few hard ones.

# %%
shown, ones = torch.tensor([[0.5, 0.7, 0.9, 0.95, 0.99]]).double(), torch.ones(1, 5)
plain, focal = (losses.focal_loss(shown.logit(), ones, alpha=None, gamma=k)[0] for k in (0, 2))
print("given to the right answer", *(f"{v:9.2f}" for v in shown[0]))
print("BCE, which is γ = 0      ", *(f"{v:9.6f}" for v in plain))
print("focal loss, γ = 2        ", *(f"{v:9.6f}" for v in focal))

# %% [markdown]
# (The published loss has a second weight, `alpha`: 0.25 for object pixels and 0.75 for the rest. `None` leaves it out.)
#
# ## Overlap
#
# Instead of pixels one can judge how well two regions agree. With $J$ the **IoU**, what two masks share divided by what they cover together, and **Dice** twice what they share divided by the sum of their areas, one has $\mathrm{Dice} = 2J / (1 + J)$ for masks of yes and no: the same order, another scale. Neither has a gradient as long as masks are thresholded (*hard* IoU), for a small change of $z$ changes no pixel's answer. So one puts $p$ in the place of yes and no and a product in the place of "both". The two losses are
#
# $$\text{soft IoU} = 1 - \frac{\sum p\,t}{\sum (p + t - p\,t)}, \qquad \text{Dice} = 1 - \frac{2 \sum p\,t}{\sum p^2 + \sum t^2} \ \text{ or }\ 1 - \frac{2 \sum p\,t}{\sum p + \sum t}.$$
#
# The squared form comes from V-Net (Milletari et al., 2016, section 3) and is that of SOLO (lesson 10), the linear one that of DETR's code (lesson 12). For zeros and ones they agree.

# %%
show_source(losses.dice_loss, docstring=False)
a, b = torch.rand(2, 50, 48, 64, generator=seeded(1)) < 0.4
iou, dice = mask_iou(a, b).diagonal(), 1 - losses.dice_loss(a.double(), b, smooth=1e-9)
hard, soft = (scene.push(name, scene.of_mask(a[0]), truth) for name in ("hard IoU", "soft IoU"))
claim(
    "C104",
    measured=f"50 pairs: Dice = 2J/(1 + J) to 1e-6. Pixels with a gradient: {(hard != 0).sum()} from "
    f"IoU of thresholded masks, {(soft != 0).sum()} of 3072 from soft IoU.",
    supports=torch.allclose(dice, 2 * iou.double() / (1 + iou), atol=1e-6)
    and bool((hard == 0).all() and (soft != 0).all()),
)

# %% [markdown]
# `smooth` keeps empty masks from dividing by zero. What overlap is good for shows in the smallest object there is, one pixel of 3072, before training, with $p = \tfrac12$ everywhere.
#
# **Predict.** Add up the sizes of all pixels' pushes. How many percent of the sum does the one object pixel get from BCE?

# %%
guess("03.2", None)

# %%
dot = scene.nearest(30.5, 20.5, torch.ones(48, 64, dtype=torch.bool), 1)
start, tiny = scene.Prediction(*torch.zeros(2, 48, 64)), scene.MaskTruth.of(dot)
pushes = {name: scene.push(name, start, tiny).abs() for name in scene.OF_LOGITS}
share = {name: 100 * (push[dot].sum() / push.sum()).item() for name, push in pushes.items()}
reveal("03.2", share["BCE"], "%")
print(*(f"{name} {share[name]:.2g} %" for name in list(share)[:5]), sep=", ")

# %% [markdown]
# One pixel, one vote: BCE's push is nearly all background, and so is that of focal loss as long as no pixel is easy. Squared Dice gives a third to the object, soft IoU a half, however small it is. (So would linear Dice; but its usual `smooth`, 1, weighs as much as this object.) This is why detectors of many sizes like overlap losses. The price: each pixel's push depends on all the others, and it carries a factor $p(1 - p)$, so that what is confidently wrong hardly moves.
#
# **Exercise: Dice in both forms.** One loss for each mask; `smooth` goes where the package's code above has it, and as often.


# %%
def my_dice(probabilities, targets, *, squared=True, smooth=1e-3):
    """(N,) Dice losses of (N, H, W) probabilities and targets."""
    raise NotImplementedError


check("03.dice", my_dice)

# %% [markdown]
# ### Soft targets
#
# Targets are not always 0 and 1. Crop a mask and shrink it to 28 × 28 cells, and a cell on the outline is covered in part: a **soft target**, say 0.3. Let every cell's logit be free and minimise. Where does $p$ go?

# %%
fine = (torch.arange(28 * 8) + 0.5) / 8  # eight rows, and columns, a cell
oval = torch.hypot(fine[:, None] - 13.7, (fine - 14.2) / 1.3) < 6.3
target = torch.nn.functional.avg_pool2d(oval.double()[None], 8)  # (1, 28, 28)
partly = (target > 0) & (target < 1)


def fitted(squared, smooth):  # free logits, started at 0
    form = {"squared": squared, "smooth": smooth}
    z = descend(0 * target, lambda z: losses.dice_loss(z.sigmoid(), target, **form), 400)
    return z.sigmoid(), 1 - losses.dice_loss(z.sigmoid(), target, **form).item()


(squares, _), (sums, reached) = fitted(True, 1e-3), fitted(False, 1)

# %%
fig, ax = figure(width=480, height=330)
ax.plot(target[partly], squares[partly], "o", color=ALIGN_COLOUR, label="squared Dice")
ax.plot(target[partly], sums[partly], "^", color=POOL_COLOUR, label="linear Dice")
ax.set(
    xlabel="target: covered share of the cell", ylabel="fitted p", title="Squares keep, sums cut"
)
ax.legend()
ends = [100 * ((p < 0.05) | (p > 0.95))[partly].double().mean() for p in (sums, squares)]
alt = "Blue dots on a diagonal; orange triangles at 0 left of about a half, at 1 right of it."
facts = f"p < 0.05 or > 0.95: linear {ends[0]:.0f} % of these cells, squared {ends[1]:.0f} %"
show(fig, alt=alt, facts=facts)
off = (squares - target).abs().max()
claim(
    "C93",
    measured=f"squared Dice: p within 0.01 of the target in every cell. Linear: {ends[0]:.0f} % of "
    f"partly covered cells end at 0 or 1, cut at {reached / 2:.2f}. The object of one pixel: "
    f"{share['Dice, squared']:.0f} % of Dice's push, {share['BCE']:.2f} % of BCE's.",
    supports=bool(off < 0.01 and ends[0] > 95 and ((sums > 0.5) == (target > reached / 2)).all()),
)

# %% [markdown]
# The linear form's derivative with respect to one $p$ is negative exactly where $t$ is larger than *half the Dice coefficient* reached by all cells together, whatever $p$ is there. So it pushes on until $p$ is 0 or 1. If you want soft edges to be kept, use squares; if you want decisions, either will do. (Some cells end near 0 or 1 with squares too: those whose targets are.)
#
# ## How far is wrong?
#
# A false pixel beside the outline and one at the other end of the image cost the same so far. To tell them apart one needs the **signed distance** $d^*$: how far a pixel is from the true outline, positive inside, negative outside. Two losses read it:
#
# $$\text{boundary} = -\frac1n \sum d^* p, \qquad \text{SDF L1} = \frac1n \sum |d - d^*|.$$
#
# The boundary loss (Kervadec et al., *Boundary loss*, 2019) is for a network that puts out probabilities: raising $p$ inside gains, outside it costs, by distance. Its smallest value is not 0 but negative. In the second the network puts out distances $d$ itself (SDF: signed distance function). The notes' integral of $|d - d^*|$ is that, written for a continuous image.
#
# Mind its gradient: $\pm 1/n$, on *every* pixel, however small the difference. (The notes promise smooth gradients; these have two values, and jump.) Most pixels are far from the outline, where nobody needs $d$ to the digit, and they have most of the votes. Hence the usual cut: both $d$ and $d^*$ are held within $\pm\tau$, `truncate=τ`. What does $\tau$ do? Below, first the share of the gradient that falls near the outline, for a prediction that is right but for 4 pixels to the side. Then a network that puts out 8 × 11 numbers, enlarged to 48 × 64, and so cannot get everything right. It starts twice, from $d = 0$ and from $d = 6$ everywhere.

# %%
shape = torch.maximum(scene.disc(24, 24, 11), scene.disc(40, 18, 7)) > 0
shape = scene.MaskTruth.of(shape & ~(scene.disc(30, 34, 6) > 0))  # a body, an arm and a bay
moved = scene.of_mask(torch.roll(shape.mask, 4, dims=1)).distances[None].requires_grad_()
taus, shares, ious = (0.5, 1, 2, 4, 8, None), [], []
for tau in taus:
    loss = losses.signed_distance_loss(moved, shape.distances[None], truncate=tau).sum()
    shares.append(100 * scene.share_near(torch.autograd.grad(loss, moved)[0][0], shape, 3))
    for begin in (0.0, 6.0):
        fit = descend(torch.full((1, 8, 11), begin), lambda w, tau=tau: losses.signed_distance_loss(
            enlarge(w, 48, 64), shape.distances[None], truncate=tau), 200)  # fmt: skip
        ious.append(mask_iou(enlarge(fit, 48, 64) > 0, shape.mask[None]).item())
ious = torch.tensor(ious).view(-1, 2)  # (τ, start)
cut_is_better = bool(ious[1:3, 0].min() > ious[-1, 0] + 0.005)
dead = bool((ious[:4, 1] == ious[0, 1]).all() and ious[-1, 1] > 0.9)

# %% tags=["nbval-ignore-output"]
print("   τ   push within 3 px, %   IoU from d = 0   IoU from d = 6")
for tau, near_by, (from_0, from_6) in zip(taus, shares, ious.tolist(), strict=True):
    print(f"{tau or '∞':>4} {near_by:21.0f} {from_0:16.3f} {from_6:16.3f}")

# %%
claim(
    "C36",
    measured=f"near the outline {shares[1]:.0f} % of the gradient for τ = 1, {shares[-1]:.0f} % "
    f"uncut, and a better mask for it. Started at 6 and cut at 4, IoU stays {ious[3, 1]:.2f}.",
    supports=shares[1] > 60 > 25 > shares[-1] and cut_is_better and dead,
)

# %% [markdown]
# A cut of 1 or 2 pixels gives the best mask here. Without one the outline gets a fifth of the votes. With a cut, whatever lies beyond $\tau$ *in the prediction* is dead, for the clamp has no slope there: started at 6, a cut at 4 leaves the mask full for ever. Start near 0, and take $\tau$ a little larger than the errors that you expect.
#
# **Exercise: truncated L1 of distances.** Return the losses; `check` also asks autograd for their gradient.


# %%
def my_sdf_l1(predictions, targets, truncate):
    """(N,) mean absolute differences of (N, H, W) distances, both cut off at ±truncate."""
    raise NotImplementedError


check("03.sdf_l1", my_sdf_l1)

# %% [markdown]
# ## Outlines
#
# Some networks put out the outline itself, as points or as a curve through them. For two sets of points $A$ and $B$, with $d(a, B)$ the distance from point $a$ to the nearest point of $B$,
#
# $$\text{Chamfer} = \operatorname*{mean}_{a \in A} d(a, B) + \operatorname*{mean}_{b \in B} d(b, A), \qquad \text{Hausdorff} = \max\Big(\max_{a \in A} d(a, B),\ \max_{b \in B} d(b, A)\Big).$$
#
# The notes call the first the "min-distance between point sets". Take that at its word, with two lines that cross:

# %%
s = torch.linspace(-10, 10, 81, dtype=torch.float64)  # a point every quarter pixel
across, down = torch.stack([s, 0 * s], dim=1), torch.stack([0 * s, s], dim=1)
smallest, chamfer = (
    torch.cdist(across, down).min().item(),
    losses.chamfer_distance(across, down).item(),
)
claim(
    "C30",
    measured=f"two lines of 20 px that cross: smallest distance {smallest:.0f}, Chamfer "
    f"{chamfer:.1f} px, the mean of |s| twice.",
    supports=smallest == 0 and abs(chamfer - 2 * s.abs().mean().item()) < 1e-9 and chamfer > 10,
)

# %% [markdown]
# A smallest distance is 0 as soon as two curves touch anywhere; there would be nothing left to learn. Say of your Chamfer whether it squares, whether it averages or adds, and that it goes both ways: one way only, a prediction of a single point on the outline is perfect.
#
# Hausdorff's distance is the *largest* one, so a single stray pixel decides it. Now a rectangle of 30 × 50 pixels, and a stray blob of 3 × 3 some way off.
#
# **Predict.** What is the IoU of the rectangle with and without the blob?

# %%
guess("03.3", None)

# %%
alone = torch.zeros(96, 128, dtype=torch.bool)
alone[20:50, 20:70] = True
stray = alone.clone()
stray[70:73, 90:93] = True
iou = mask_iou(alone[None], stray[None]).item()
reveal("03.3", iou)


def rim(mask):  # its outermost pixels, as points
    return (mask & (signed_distance(mask) < 1)).nonzero().double()


rims = rim(stray), rim(alone)
largest, hd95 = (losses.hausdorff_of_points(*rims, percentile=k).item() for k in (100, 95))
one_way = losses.contour.directed_distances_loop(*rims[::-1]).max().item()
claim(
    "C31",
    measured=f"IoU {iou:.3f}, Hausdorff {largest:.1f} px, HD95 {hd95:.0f}, one way {one_way:.0f}.",
    supports=iou > 0.99 and abs(largest - 32.53) < 0.01 and hd95 == 0 and one_way == 0,
)
alone[:, 40:] = stray[:50, 40:] = False  # 30 × 20: less outline, so the blob weighs more
larger = losses.hausdorff_of_points(rim(stray), rim(alone), percentile=95).item()
pooled = hausdorff_distance(stray, alone, percentile=95)
print(f"a smaller rectangle: HD95 {larger:.1f} px; pooled over both directions {pooled:.0f}")

# %% [markdown]
# Two things to learn. The notes' "max min-distance" leaves out the direction: from the rectangle to the mask with the blob the maximum is 0, and only the other way shows the blob. And **HD95**, which takes the 95th percentile of each direction in place of the maximum, ignores the blob as long as it has less than 5 % of the outline. For the smaller rectangle it has more. There the variants part: percentile of each direction, then the larger one, as in `hausdorff_of_points` here; or of all distances pooled, as in `minseg.metrics.hausdorff_distance`. Both go by the name HD95.
#
# **Exercise: Chamfer**, for sets of different sizes, and for empty ones: 0 if both are empty, infinite if one is.


# %%
def my_chamfer(a, b):
    """Chamfer distance of points (n, 2) and (m, 2): both directions, added."""
    raise NotImplementedError


check("03.chamfer", my_chamfer)

# %% [markdown]
# ### The area inside a curve
#
# The notes also propose to draw the mask that a curve encloses, and to use its IoU as the loss. Drawing is a yes or no for each pixel centre. Move the curve by a thousandth of a pixel, and no answer changes. The way out is to draw softly: with $d(x)$ the distance of a pixel from the curve, positive inside, fill with $\sigma(d(x) / \tau)$, a ramp some $4\tau$ wide.

# %%
angle = torch.arange(64, dtype=torch.float64) * (2 * torch.pi / 64)


def drawn(x, y, r):  # a polygon of 64 corners, filled: yes or no
    corners = torch.stack([x + r * angle.cos(), y + r * angle.sin()], dim=1)
    return from_polygons([corners], 48, 64)


def area_loss(parameters):  # the same disc, filled softly, τ = 1 px
    return losses.soft_iou_loss((scene.disc(*parameters) / 1.0).sigmoid()[None], truth.mask[None])


first = torch.tensor([36.1, 18.2, 7.03])  # x, y, radius of a poor guess
nudged = (drawn(*first.tolist()) != drawn(*(first + 0.001).tolist())).sum().item()
slope = torch.autograd.functional.jacobian(area_loss, first)[0]
last = descend(first, area_loss, steps=100)
found = [mask_iou(drawn(*v.tolist())[None], truth.mask[None]).item() for v in (first, last)]
claim(
    "C32",
    measured=f"drawn hard, a nudge of 0.001 px changes {nudged} pixels. Drawn softly the loss has a "
    f"slope of {slope[0]:.3f} a px along x; 100 steps take IoU {found[0]:.2f} to {found[1]:.2f}.",
    supports=nudged == 0 and bool((slope != 0).all()) and found[1] > 0.95 > found[0],
)

# %% [markdown]
# ## The same 96 pixels
#
# Now all of them together. Four wrong masks of one disc: a rim is missing, it is moved by 2 pixels, it has a hole, or there is a blob far away. Each is wrong in **exactly 96 pixels**, and equally sure of all: $p = 0.95$ inside, 0.05 outside.
#
# **Predict.** The mask that is too small has a BCE of 0.142. What is the BCE of the one with the far blob?

# %%
guess("03.4", None)

# %%
disc = truth.mask
wrong = {
    "too small": scene.nearest(28, 24, disc, int(disc.sum()) - 96),
    "moved by 2 px": scene.disc(30, 24, 12) > 0,
    "a hole": disc & ~scene.nearest(28, 24, disc, 96),
    "a far blob": disc | scene.nearest(57, 40, ~disc, 96),
}
print("pixels that are wrong:", *((mask != disc).sum().item() for mask in wrong.values()))
values = {name: scene.evaluate(scene.of_mask(mask), truth) for name, mask in wrong.items()}
reveal("03.4", values["a far blob"]["BCE"])
print(f"{'':18}", *(f"{name:>14}" for name in wrong))
for loss in scene.LOSSES:
    print(f"{loss:18}", *(f"{of_mask[loss]:14.3f}" for of_mask in values.values()))

# %% [markdown]
# Read it row by row. **BCE and focal** see no difference at all: they count. **Overlap** does not know where a pixel is either; it is a little kinder to a blob than to a hole, since what is added also enlarges the sum below the line. **Boundary** ranks by distance: the blob is by far the worst, and the hole, whose pixels are deep inside, costs more than a rim. **SDF L1** reads whole landscapes, in which the blob bends every distance near it, and a thinner disc lowers nearly all of them; the cut takes most of that away. Of the **outlines**, Hausdorff is decided by the farthest point; Chamfer spreads it over all.
#
# And the pushes. What would one step do to each of the four?

# %%
rows, quiet = ("BCE", "focal", "Dice, squared", "boundary", "SDF L1, cut at 4"), {}
fig, axes = figure(columns=4, rows=len(rows), height=930)
for line, loss in zip(axes, rows, strict=True):
    for ax, (name, mask) in zip(line, wrong.items(), strict=True):
        push = scene.push(loss, scene.of_mask(mask), truth)
        draw_push(ax, push, scene.disc(28, 24, 12), name if loss == "BCE" else "")
        quiet[loss] = 100 * (push.abs()[mask == disc].sum() / push.abs().sum()).item()
    line[0].set_ylabel(loss)
alt = "Twenty maps. BCE, focal and Dice push what is wrong, wherever; boundary pushes by distance."
facts = ", ".join(f"{loss} {share:.0f} %" for loss, share in quiet.items())
show(fig, alt=alt, facts=f"share of the push on pixels that are right, far blob: {facts}")

# %% [markdown]
# BCE spends more than half of its push on pixels that are right already; each gets little, but they are 2976. Focal loss leaves those in peace. Dice wants the whole object surer of itself, wherever the error lies. SDF L1 moves a band, for distances around an error are wrong too. The boundary loss never rests: its gradient is $-d^*/n$ times $p(1-p)$, whatever $p$ is, so a perfect mask is pushed as well, towards more certainty. Use it beside an overlap loss, not instead of one.
#
# ## The board
#
# Drag the blue disc (its small circle changes the radius), or click it and use the arrow keys: Shift changes the radius, Alt makes the steps finer.

# %%
board = LossBoard()
board

# %% [markdown]
# 1. **Put the disc exactly on the truth**, radius 12 at (28, 24); the last line says where it is. No pixel is wrong then, yet only hard IoU is 0. Make the edge harder: which losses fall, and which stay? (The truth is made of pixels, the disc is not: outlines and distances keep a fraction of a pixel.)
# 2. **Set the mark, then switch on the far blob.** Which bar is longest? Drag the blob nearer: which losses notice?
# 3. **Show the push of hard IoU.** There is none, wherever you go.
# 4. **Pull the disc away until it no longer touches the truth**, and make the edge 0.25 px. Compare the pushes of BCE and of Dice: on the truth BCE pushes at full strength; of Dice's push a pixel or two is left, and the scale below the map says how little it is. Both $p$ and $1 - p$ must be there for Dice to see a pixel.
# 5. **Show SDF L1, then cut at 4.** The first pushes the whole image, the second a band.
#
# ## Neighbours
#
# No loss above that reads $p$ prefers one connected mask to a cloud of dots. One can ask for that afterwards. **Total variation** as a price: find the map $u$ near $p$ with less outline, $\min_u \tfrac12 \sum (u - p)^2 + w\,\mathrm{TV}(u)$. A **CRF**, conditional random field, asks the image as well: each pair of pixels that lie near each other pays if they disagree, with a weight $w_s$ in any case (smoothness) and a weight $w_a$ the more alike they look (Krähenbühl and Koltun, *Efficient inference in fully connected CRFs*, 2011). The package solves it for small images by **mean field**: every pixel listens to the present opinion of all others, a few rounds long.
#
# Here is a noisy prediction of a disc with an arm that is 2 pixels wide. For the CRF there are two photos of it; in the second, the arm looks like the background.

# %%
body, arm, noisy = scene.disc_with_an_arm()
thing = body | arm
grain = 0.1 * torch.randn(3, 48, 64, generator=seeded(1))
photo, hidden = (torch.where(mask, 0.7, 0.3) + grain for mask in (thing, body))  # arm not in sight


def tell(p):  # IoU, share of the arm that is left, length of the outline
    mask = p > 0.5
    iou = mask_iou(mask[None], thing[None]).item()
    return iou, (mask & arm).sum().item() / arm.sum().item(), total_variation(mask.float()).item()


weights = (0.0, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6)
swept = [tell(tv_flow(noisy, weight=w)) for w in weights]
print("weight of TV " + "".join(f"{w:7.2f}" for w in weights))
for k, name in enumerate(("IoU", "arm left", "outline")):
    print(f"{name:13}" + "".join(f"{row[k]:7.{0 if k == 2 else 2}f}" for row in swept))
claim(
    "C21",
    measured=f"IoU {swept[0][0]:.2f} without, {swept[2][0]:.2f} at w = 0.15. The arm: "
    f"{100 * swept[2][1]:.0f} %, {100 * swept[3][1]:.0f} % at 0.2, none at 0.4. The outline falls "
    f"from {swept[0][2]:.0f} to {swept[5][2]:.0f} edges (true: {total_variation(thing.float()):.0f}).",
    supports=swept[2][0] > 0.85 > 0.5 > swept[0][0] and swept[5][1] == 0
    and swept[5][2] < 100 < 2000 < swept[0][2],
)  # fmt: skip

# %%
results = {
    "noisy": noisy,
    "TV, w = 0.2": tv_flow(noisy, weight=0.2),
    "CRF": mean_field_crf(noisy, photo, theta_beta=0.2),  # colours 0.2 apart are still alike
    "CRF, arm unseen": mean_field_crf(noisy, hidden, theta_beta=0.2),
    "CRF, w_s only": mean_field_crf(noisy, photo, appearance=0, smoothness=5),
}
told = {name: tell(p) for name, p in results.items()}
fig, axes = figure(columns=5, height=170)
for ax, (name, p) in zip(axes, results.items(), strict=True):
    draw_image(ax, (p > 0.5).double(), name, cmap="Greys", limits=(-0.15, 1.2))
alt = "A disc with an arm, in snow; cleaned by TV, which cuts the arm; by CRFs, with it or without."
facts = "; ".join(f"{name}: IoU {v[0]:.2f}, arm {100 * v[1]:.0f} %" for name, v in told.items())
show(fig, alt=alt, facts=facts)
before, _, crf, unseen, smooth = told.values()
claim(
    "C20",
    measured=f"IoU {before[0]:.2f} before, {crf[0]:.2f} after, with {100 * crf[1]:.0f} % of the "
    f"arm. If the arm looks like the background, {100 * unseen[1]:.0f} % are left; with too much "
    f"smoothness, and no look at the photo, {100 * smooth[1]:.0f} %.",
    supports=crf[0] > 0.95 and crf[1] > 0.8 and unseen[1] < 0.1 and smooth[1] < 0.2,
)

# %% [markdown]
# Both clean up, and both have an opinion of their own: outlines should be short. A thin part has much outline and little area, so it is the first to go, unless the image speaks for it. For two labels and neighbours only, the best mask under such a price can be found exactly, by a graph cut; mean field is an approximation. The third thing that the notes name, structured prediction, is the general idea: to choose the whole mask at once rather than each pixel.
#
# ## Recap
#
# You can now
#
# 1. **work out gradients**: BCE pushes every pixel by $(t - p)/n$, focal forgets the easy ones, Dice weighs by overlap and fades where $p$ is certain;
# 2. **predict what a loss sees**: pixel losses count, overlap forgives additions a little, the boundary loss and distances weigh by how far, Hausdorff asks the farthest point;
# 3. **choose a form of Dice**: squared keeps soft targets, linear cuts them at half the coefficient reached;
# 4. **measure outlines**: Chamfer in both directions; Hausdorff; HD95, by direction or pooled; softly drawn areas have a gradient;
# 5. **clean up** with TV or a CRF, and know that thin parts pay.
#
# Your predictions beside what was measured, and your exercises:

# %%
progress("03")

# %% [markdown]
# **Reading on.** Lin et al., *Focal Loss for Dense Object Detection*, 2017, section 3. Milletari et al., *V-Net*, 2016, section 3, for Dice. Kervadec et al., *Boundary loss for highly unbalanced segmentation*, 2019. Huttenlocher et al., *Comparing Images Using the Hausdorff Distance*, 1993, for the directions. In the package: `minseg/losses/mask.py` and `contour.py`, `minseg/masks/smooth.py` and `crf.py`.
#
# **Next**, [lesson 04](04_what_rounding_costs.ipynb) asks what a detector loses by rounding, before any loss is computed.
#
# > **When it does not work**
# >
# > - *A loss is NaN*: a logarithm of 0, or 0/0. Pass logits, not probabilities, to `mask_bce`; keep `smooth` above 0 in Dice.
# > - *"probabilities must lie in [0, 1]"*: you passed logits to Dice; take `.sigmoid()` first.
# > - *A distance is infinite*: an empty or a full mask has no outline; use `truncate=`.
# > - *The loss falls and the mask stays*: look at the push. A clamp, a threshold or a certain $p$ has no slope.
# > - *The board shows as a still picture*: run its cell again, or reload the page; `python -m minseg doctor` says what is missing.

# %% [markdown]
# # 14 · Losses that see pixels
#
# A network learns what its loss tells it, and a loss speaks to each pixel by its gradient. **What does the gradient do to each pixel?**
#
# Here is one prediction for six pixels: their probabilities of "object" are 0.05, 0.73, 0.95, 0.05, 0.50 and 0.05. Pixels 3 and 4, in bold, are the object. So pixel 4 is quite wrong, pixel 2 wrong, pixel 5 undecided, and the others are right. Four losses push the six up or down, each by its own idea of what matters.
#
# *40 minutes: 15 to read and look, 6 to play, 16 to write code. 25 s to run. No GPU, no downloads. You need [unit 10](10_what_instance_segmentation_asks.ipynb).*

# %%
import torch

from minseg import losses
from minseg.course import check, guess, hint, progress, reveal, solution
from minseg.draw import figure, show
from minseg.draw.push_table import draw_six

# %%
z = torch.tensor([[-3.0, 1.0, 3.0, -3.0, 0.0, -3.0]], requires_grad=True)  # (1, 6): one mask
t = torch.tensor([[0.0, 0.0, 1.0, 1.0, 0.0, 0.0]])
values = {
    "BCE": losses.mask_bce(z, t),
    "focal": losses.focal_loss(z, t, alpha=None).mean(1),
    "Dice": losses.dice_loss(z.sigmoid(), t, squared=False, smooth=0),
    "soft IoU": losses.soft_iou_loss(z.sigmoid(), t, smooth=0),
}
pushes = {name: -torch.autograd.grad(value.sum(), z)[0][0] for name, value in values.items()}
fig, axes = figure(columns=4, height=240)
draw_six(axes, pushes, t[0])
alt = "BCE and focal loss push pixel 4 hard and pixel 3 hardly; Dice and IoU push both alike, a little."
facts = ", ".join(f"{name} {6 * push[3]:.2f}" for name, push in pushes.items())
show(fig, alt=alt, facts=f"6 times the push on pixel 4: {facts}")

# %% [markdown]
# ## What a push is
#
# A mask network puts out a number $z$ for each pixel, the **logit**, which may be anything. The sigmoid $\sigma(z) = 1 / (1 + e^{-z})$ turns it into a **probability** $p$ between 0 and 1; $z = 0$ is $p = \tfrac12$. The **target** $t$ is what $p$ should be, 1 inside of the object and 0 outside.
#
# A loss is one number for the whole mask. Its gradient says how fast it grows with each $z$, and training takes a small step the other way. So call *minus* the gradient the **push**: positive where a step raises $z$, negative where it lowers $z$.
#
# ## The board
#
# Drag the blue disc, the prediction; its small circle changes the radius. Or click it and use the arrow keys: Shift changes the radius, Alt makes the steps finer. The table has the four losses, and beside them *hard IoU*, one minus the IoU of the mask that you get by cutting at $p = \tfrac12$.

# %%
from minseg.explore import LossBoard

LossBoard(losses=("BCE", "focal", "Dice, linear", "soft IoU", "hard IoU"))

# %% [markdown]
# 1. **Put the disc exactly on the truth**, radius 12 at (28, 24); the last line says where it is. Which losses are 0? Make the edge harder, down to 0.25 px: what do they do?
# 2. **Show the push of hard IoU.** Move the disc about. What do you see, and what would a network learn from it?
# 3. **Set the mark, then switch on the far blob.** A bar to the right says how often the loss has doubled. Drag the blob nearer: which losses notice?
# 4. **Pull the disc away until it no longer touches the truth**, and make the edge 0.25 px. Compare what BCE and Dice push on the truth; look at the scale below the map.
#
# <details><summary>Answers</summary>
#
# 1. Only hard IoU. The others ask for certainty too: they fall as the edge gets harder.
# 2. Nothing, anywhere. Moving a logit by a little changes no pixel's yes or no, so the gradient is 0 and a network would learn nothing.
# 3. All four rise, and hard IoU too. But none of them notices that the blob comes nearer, as long as it touches neither the disc nor the truth.
# 4. On the truth BCE pushes at full strength. Of Dice's push next to nothing is left, and on the truth none: you are about to see why.
#
# </details>
#
# ## Each pixel alone: BCE
#
# The usual loss of masks is **binary cross-entropy**, BCE: each pixel pays $-\log$ of the probability that it gave to the right answer, and over $n$ pixels
#
# $$\mathrm{BCE} = \frac1n \sum -\,t \log p - (1 - t) \log(1 - p).$$
#
# Here are the six pixels again, in numbers:

# %%
for name, row in {"z": z, "p": z.sigmoid(), "t": t, "6 · push": 6 * pushes["BCE"][None]}.items():
    print(f"{name:9}", *(f"{value:6.2f}" for value in row[0].tolist()))

# %% [markdown]
# **Exercise (core): BCE's gradient by hand**, without autograd. Find the rule in the table, or derive it: $\sigma'(z) = p\,(1 - p)$.
#
# - `logits` and `targets` are floating-point tensors (N, H, W); targets lie between 0 and 1, and need not be whole. N may be 0.
# - Each mask has a loss of its own, the mean over *its* pixels. Return the gradient (not the push) of each mask's loss with respect to its logits, (N, H, W).


# %%
def my_bce_gradient(logits, targets):
    """(N, H, W): the gradient of each mask's own BCE with respect to its logits."""
    raise NotImplementedError


check("14.bce_gradient", my_bce_gradient)

# %% [markdown]
# `hint("14.bce_gradient")` and `solution("14.bce_gradient")` help.
#
# The push is $(t - p) / n$, nothing else: in the table, the third line minus the second is the fourth. BCE's logarithm is made for that: where the sigmoid is flat, the logarithm is steep, and the two cancel. Pixel 4, confidently wrong, is pushed hardest; pixel 3, nearly right, hardly at all.
#
# **Predict.** Before training, $p$ is about ½ everywhere. A mask of 48 × 64 pixels holds a disc. How many percent of its pixels does BCE push, at the start?

# %%
guess("14.q_start", None)  # your number in place of None

# %%
from minseg.draw.losses import draw_push
from minseg.experiments.loss_pair import disc, share_near
from minseg.experiments.same_pixels import true_disc


def descend(start, loss, steps, rate=0.3):
    """The numbers w that Adam reaches from a start by minimising loss(w)."""
    w = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([w], lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        loss(w).sum().backward()
        optimiser.step()
    return w.detach()


def enlarge(coarse):
    """(1, 48, 64), read between the pixels of (1, 6, 8): a network's output is as smooth."""
    return torch.nn.functional.interpolate(coarse[None], size=(48, 64), mode="bilinear")[0]


truth = true_disc()  # its mask, its outline and its distances
flat = torch.zeros(1, 6, 8)
trained = descend(flat, lambda w: losses.mask_bce(enlarge(w), truth.mask[None]), steps=100)
start, end = (truth.mask.float() - enlarge(w)[0].sigmoid() for w in (flat, trained))  # n · push
reveal("14.q_start", 100 * (start != 0).double().mean(), "%")

# %%
fig, axes = figure(columns=2, width=760, height=300)
draw_push(axes[0], start, disc(28, 24, 12), "At the start: + up, − down")
draw_push(axes[1], end, disc(28, 24, 12), "After 100 steps")
shares = [100 * share_near(push, truth, width=2) for push in (start, end)]
alt = "At first plus all over the disc and minus all around it; then only along its outline."
show(fig, alt=alt, facts=f"within 2 px of the outline: {shares[0]:.0f} %, then {shares[1]:.0f} %")

# %% [markdown]
# All of them, and all equally: $|t - \tfrac12| / n$. It is *training* that makes the push sparse, once the easy pixels are right: the outline is the last thing that a smooth output gets right. (The darkest colour is each map's own largest push, here and below.)
#
# ### Focal loss: forget the easy ones
#
# BCE's weakness is in the sum: in a picture with little object, many easy pixels outvote the few hard ones, each by a little. **Focal loss** multiplies each pixel's term by $(1 - p_t)^\gamma$, where $p_t$ is the probability given to the right answer, and $\gamma$ is 2, say (Lin et al., *Focal Loss*, 2017). The product rule gives the size of its push, for each pixel:
#
# $$(1 - p_t)^\gamma \left[ (1 - p_t) - \gamma\, p_t \log p_t \right] \quad \text{in place of BCE's} \quad (1 - p_t).$$
#
# By hand, for a pixel with $p_t = 0.95$: $0.05^2 \cdot [0.05 + 2 \cdot 0.95 \cdot 0.051] = 0.00037$, where BCE has $0.05$. That pixel is pushed some 136 times less. Look back at pixels 1 and 6 in the first picture: gone.
#
# (The published loss has a second weight, `alpha`: 0.25 for object pixels, 0.75 for the rest. `alpha=None` leaves it out.)
#
# ## All pixels together: Dice and IoU
#
# Instead of pixels one can judge how well two regions agree: **IoU**, what they share divided by what they cover together, or **Dice**, twice what they share divided by the sum of their areas. Cut masks give no gradient, as the board has shown. So put $p$ in the place of yes and no, and a product in the place of *both*:
#
# $$\text{soft IoU loss} = 1 - \frac{\sum p\,t}{\sum (p + t - p\,t)}, \qquad \text{Dice loss} = 1 - D, \quad D = \frac{2 \sum p\,t}{\sum p + \sum t}.$$
#
# For masks of yes and no, with IoU $J$, $D = 2J / (1 + J)$: the same order, another scale. In code a small number `smooth` is added above and below the line, so that two empty masks do not give 0/0.
#
# By hand, on the six pixels: $\sum p\,t = 0.95 + 0.05 = 1$, $\sum p = 2.33$, $\sum t = 2$. So $D = 2 / 4.33 = 0.46$, and the loss is 0.54.
#
# **Predict.** The smallest object there is: one pixel of 48 × 64 = 3072. Before training, $p = \tfrac12$ everywhere. Add up the sizes of all pixels' pushes. How many percent of the sum does the one object pixel get from BCE?

# %%
guess("14.q_dot", None)

# %%
from minseg.experiments.loss_pair import MaskTruth, Prediction, push

dot = torch.zeros(48, 64, dtype=torch.bool)
dot[20, 30] = True
unsure = Prediction(logits=torch.zeros(48, 64), distances=torch.zeros(48, 64))
share = {}
for loss in ("BCE", "focal", "Dice, linear", "soft IoU"):
    size = push(loss, unsure, MaskTruth.of(dot)).abs()
    share[loss] = 100 * (size[dot].sum() / size.sum()).item()
reveal("14.q_dot", share["BCE"], "%", digits=2)
print("the object's share:", ", ".join(f"{loss} {of:.2g} %" for loss, of in share.items()))

# %% [markdown]
# One pixel, one vote: $1 / 3072$. Focal loss is no better as long as no pixel is easy. But Dice gives a third to the object and soft IoU a half, however small it is. That is why people like overlap losses for small things. To see where a third comes from, you need Dice's gradient.
#
# **Exercise (core): Dice's gradient by hand.** The loss of each mask is $1 - D$ with $D = \dfrac{2 \sum p\,t + s}{\sum p + \sum t + s}$, where $s$ is `smooth`, a number of 0 or more.
#
# - `logits` and `targets` are as before, (N, H, W); each mask has sums of its own, and N may be 0.
# - Return the gradient with respect to the logits, (N, H, W). Take it in two steps: with respect to one $p$ (it stands above *and* below the line), then from $p$ to $z$.
#
# To check yourself on the six pixels, with `smooth=0`: six times the push is −0.03, −0.13, 0.10, 0.10, −0.16, −0.03.


# %%
def my_dice_gradient(logits, targets, smooth):
    """(N, H, W): the gradient of each mask's linear Dice loss with respect to its logits."""
    raise NotImplementedError


check("14.dice_gradient", my_dice_gradient)

# %% [markdown]
# `solution("14.dice_gradient")` shows the package's code. With $S$ the sum below the line, the quotient rule gives
#
# $$\text{push on } p = \frac{2t - D}{S}, \qquad \text{push on } z = \frac{2t - D}{S}\; p\,(1 - p).$$
#
# Three things follow.
#
# - **All object pixels have one push on $p$**, $(2 - D) / S$, and all others another one, $-D / S$. The two groups pull against each other as groups, whatever their sizes. For the one pixel, with $s = 1$, as on the board and in the shares above (the first picture has $s = 0$): $S = 1538$ and $D = 2 / 1538$, so the object pulls with $2 / S$, and each of the 3071 others with $D / S$, which adds up to nearly $4 / S$. A third. (With $s = 0$ the groups would balance, a half each, as they do for soft IoU.)
# - **What is confidently wrong hardly moves**: the factor $p\,(1 - p)$ is left. Pixel 4 gets no more than pixel 3, though one is wrong and the other right. That is what you saw when you pulled the disc off the truth.
# - **The sign asks whether $t > D/2$**, and nothing about $p$. What does that do to a target that is not 0 or 1?
#
# ### Soft targets
#
# Shrink a mask to 28 × 28 cells, and a cell on the outline is covered in part: its target is a share, 0.3 say. Let every cell have a logit of its own, and minimise the linear Dice loss. All cells together soon reach a $D$ of 0.9 and more.
#
# **Predict.** Where does $p$ go in a cell whose target is 0.3?

# %%
guess("14.q_cell", None)

# %%
from minseg.masks import to_grid

shape = (disc(31, 24, 17) > 0)[None]  # (1, 48, 64)
target = to_grid(shape, torch.tensor([[10.2, 3.1, 52.4, 45.7]]), 28)  # (1, 28, 28) shares
partly = (target > 0) & (target < 1)
ended = {}
for name, squared, smooth in (("linear", False, 1.0), ("squared", True, 1e-3)):

    def dice(z, squared=squared, smooth=smooth):
        return losses.dice_loss(z.sigmoid(), target, squared=squared, smooth=smooth)

    ended[name] = descend(torch.zeros_like(target), dice, steps=400).sigmoid()
near = (target - 0.3).abs().argmin()
reveal("14.q_cell", round(ended["linear"].flatten()[near].item(), 2))

# %%
fig, ax = figure(width=520, height=340)
ax.plot(target[partly], ended["squared"][partly], "o", color="#0050c8", label="squared Dice")
ax.plot(target[partly], ended["linear"][partly], "^", color="#d55e00", label="linear Dice")
ax.set(xlabel="target: covered share of the cell", ylabel="where p ends")
ax.set_title("Linear Dice decides, squared Dice keeps shares")
ax.legend(loc="upper left", fontsize=9)
decided = ((ended["linear"] - 0.5).abs() > 0.45)[partly].double().mean()
alt = "Blue dots on a diagonal; orange triangles at 0 left of about a half, at 1 right of it."
show(
    fig, alt=alt, facts=f"linear Dice: {100 * decided:.0f} % of partly covered cells end at 0 or 1"
)

# %% [markdown]
# To 0: $2 \cdot 0.3$ is less than $D$, whatever $p$ is, so the push never turns. A target above $D/2$ goes to 1. The other published form has squares below the line, $\sum p^2 + \sum t^2$; there the push on $p$ is proportional to $t - D p$, which does turn. With it, soft edges are kept. (Squares come from V-Net, Milletari et al., 2016; the linear form is the one in DETR's code.)
#
# ## The same 96 pixels
#
# Now four wrong masks of one disc: a rim is missing, it is moved by 2 pixels, it has a hole, or there is a blob far away. Each is wrong in **exactly 96 pixels**, and equally sure of all of them: $p = 0.953$ inside, 0.047 outside.
#
# **Predict.** The mask that is too small has a BCE of 0.142 and a Dice loss of 0.255. What is the *Dice loss* of the one with the far blob?

# %%
guess("14.q_blob", None)

# %%
from minseg.experiments.loss_pair import evaluate, of_mask
from minseg.experiments.same_pixels import value_table, wrong_masks

four = ("BCE", "focal", "Dice, linear", "soft IoU")
reveal("14.q_blob", evaluate(of_mask(wrong_masks()["a far blob"]), truth)["Dice, linear"])
print(value_table(four))

# %% [markdown]
# A little less: the blob adds 96 pixels to $p$ and takes nothing from what is shared, $D = 2 \cdot 427 / (638 + 448) = 0.79$; the missing rim takes from both, $D = 2 \cdot 340 / (464 + 448) = 0.75$. That is all that Dice and IoU see: additions cost a little less than losses, wherever they are.
#
# **BCE and focal count**: 96 pixels pay $-\log 0.047$ each, and 2976 pay $-\log 0.953$, in all four masks.
#
# And what would one step do? Under each map, the bar says which part of the push falls on pixels that are wrong (dark), and which on those that are right already (pale).

# %%
from minseg.draw.push_table import push_table
from minseg.experiments.same_pixels import share_on_right_pixels

blob = wrong_masks()["a far blob"]
facts = ", ".join(f"{loss} {100 * share_on_right_pixels(loss, blob):.0f} %" for loss in four)
alt = "Sixteen maps. BCE and focal push the wrong pixels; Dice and IoU push the whole object up."
show(push_table(four), alt=alt, facts=f"on right pixels, far blob: {facts}")

# %% [markdown]
# BCE spends more than half of its push on pixels that are right: each gets so little that it looks white, but they are 2976. Focal loss leaves those in peace. Dice and IoU give right and wrong pixels nearly the same push, as $p\,(1-p)$ is the same at 0.95 and at 0.05: they ask for the object as a whole to be surer.
#
# No loss of this unit says *bring the blob nearer*, or *mend the hole first*. Shuffle all pixels of prediction and truth in the same way, and none of the four changes. That is what the next unit is about.
#
# > **In practice: which one do I take?**
# >
# > - **BCE plus Dice**, one to one, is the default of most mask networks today: BCE gives every pixel a steady push, Dice keeps small objects from being outvoted. BCE alone will do where masks are cropped to their boxes, as in Mask R-CNN, for there every object is large.
# > - Focal loss where the object is a tiny share of all that is judged.
# > - *The calls.* `F.binary_cross_entropy_with_logits`, `torchvision.ops.sigmoid_focal_loss`, `DiceLoss` in MONAI or segmentation_models_pytorch. Ask of any Dice: squares or not, `smooth`, sums over one mask or over the batch.
# > - *The mistake.* Dice alone from a bad start. The symptom: an empty prediction that stays empty, since $p\,(1-p)$ is nearly 0.
#
# ## Recap
#
# - The push of BCE is $(t - p) / n$: each pixel alone, the wrongest hardest.
# - Focal loss forgets the easy pixels.
# - Dice's push is $(2t - D) / S \cdot p(1-p)$: object and background pull as groups, certain pixels hardly move, and soft targets are cut at $D/2$. Squared Dice keeps them.
# - None of them knows where a pixel is.

# %%
progress("14")

# %% [markdown]
# **Reading on.** Lin et al., *Focal Loss for Dense Object Detection*, 2017, section 3; Milletari et al., *V-Net*, 2016, section 3. In the package: `minseg/losses/mask.py`.
#
# The notes' claims on this: C19, measured in [91](91_masks_and_tasks.ipynb), C93 and C104 in [94](94_without_boxes.ipynb).
#
# **Next:** [losses that see outlines](15_losses_that_see_outlines.ipynb) ask how far off a wrong pixel is.
#
# > **When it does not work**
# >
# > - *A loss is NaN*: a logarithm of 0, or 0/0. Give logits, not probabilities, to `mask_bce`; keep `smooth` above 0 in Dice.
# > - *"probabilities must lie in [0, 1]"*: you gave logits to Dice. Take `.sigmoid()` first.

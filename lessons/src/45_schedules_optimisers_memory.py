# %% [markdown]
# # 45 · Schedules, optimisers, memory
#
# Two things go wrong before a loss is ever to blame: the first steps spoil the network, or it does not fit into memory. Who decides how far a weight moves, and what fills the memory?
#
# *40 minutes: 15 to read, 6 to look at pictures, 3 to predict and wait, 16 to write code. 45 s to run, no GPU. You need [unit 42](42_train_your_own.ipynb).*

# %%
import torch

from minseg.draw import figure, show
from minseg.draw.training_costs import draw_rates
from minseg.train import schedule

rates = {}
for name, warm_up in (("with warm-up", 0.2), ("without", 0.0)):
    plan = schedule.plan(60, warm_up)  # 60 steps, the first fifth of them to warm up
    rates[name] = [0.01 * plan.rate(step) for step in range(60)]
fig, ax = figure(width=720, height=290)
draw_rates(ax, rates, "A short climb, then half a cosine down to nothing")
show(
    fig,
    alt="Learning rate over 60 steps. One line climbs to 0.01 in 12 steps and falls along half a "
    "cosine to 0; the other begins at 0.01 and falls at once.",
    facts=f"rates of the first step: {rates['with warm-up'][0]:.5f} and {rates['without'][0]:.2f}",
)

# %% [markdown]
# A step moves the weights against the gradient, and the **learning rate** says how far. A **schedule** says what the rate is at each step. Most networks are trained with some form of the solid line: **warm-up**, then **decay**.
#
# The decay is easy to understand. Each batch has a gradient of its own, and at a high rate the weights jump about with the batches; as the rate falls, they settle. That is why a run that is stopped halfway is worth less than a run planned at half the length.
#
# The warm-up needs a look at who takes the step.
#
# ## Who takes the step
#
# Plain gradient descent moves a weight by rate × gradient. **Adam** divides by the gradient's usual size first. It keeps two running means for each weight, $m$ of the gradient $g$ and $v$ of $g^2$, corrected so that a mean over few steps is not too small, and moves the weight by rate $\cdot\; m / \sqrt v$.
#
# **Predict.** A weight's very first gradient is 0.002. The learning rate is 0.01. By how much does Adam move the weight in that step?

# %%
from minseg.course import check, guess, progress, reveal

guess("45.q_first", None)  # your number in place of None

# %%
weight = torch.nn.Parameter(torch.tensor([1.0]))
weight.grad = torch.tensor([0.002])
torch.optim.Adam([weight], lr=0.01).step()
reveal("45.q_first", 1 - weight.item())

# %% [markdown]
# After one step both means are means of one number: $m / \sqrt v = g / \sqrt{g^2} = \pm 1$. So the first step of *every* weight is one whole learning rate long, whether its gradient was 0.002 or 2000, and its direction is the sign that one batch happened to give. Gradients that were small, and mostly noise, count as much as the large ones. Warm-up makes these blind steps short, until $m$ and $v$ are means over something. (Kingma and Ba, *Adam*, 2015, algorithm 1.)
#
# **Muon** goes one step further. The gradient of a layer is a matrix; a kernel (16, 16, 3, 3) is read as 16 × 144. (What is no matrix, a bias say, is left to Adam: hence a list of optimisers below.) A matrix has **singular values**: how much it does in its strongest direction, in the second strongest, and so on. In a gradient a few of these are large. Muon keeps the directions and makes all their singular values about equal, so that the layer learns in its weak directions too. (Jordan et al., 2024. `minseg.train` uses it, since [unit 42](42_train_your_own.ipynb)'s 200 steps are few.)

# %% tags=["nbval-ignore-output"]
import torch.nn.functional as F

from minseg.draw.training_costs import draw_runs, draw_singular_values
from minseg.experiments import warming_up as task

images, covered = task.covered_pixels("train", 48)  # (48, 3, 64, 64), (48, 1, 64, 64)
unseen = task.covered_pixels("val", 16)


def first_step(optimiser):
    """The gradient of a kernel (16, 16, 3, 3), and what the optimiser's first step makes of it."""
    network = task.plain_network(seed=0)
    kernel = network[6].weight
    before = kernel.detach().clone()
    F.binary_cross_entropy_with_logits(network(images), covered).backward()
    for each in task.optimisers_of(network, optimiser):
        each.step()
    return kernel.grad, before - kernel.detach()


values = {}
for optimiser in ("Adam", "Muon"):
    of_gradient, of_step = task.spread_of_step(*first_step(optimiser))
    values["the gradient"], values[f"{optimiser}'s step"] = of_gradient, of_step
fig, ax = figure(width=720, height=290)
draw_singular_values(ax, values, "Muon lifts the weak directions")
half = {name: int((v > 0.5).sum()) for name, v in values.items()}
show(
    fig,
    alt="Singular values of a layer as shares of the largest, in 16 directions. Those of the "
    "gradient drop to nothing at the second, those of Adam's step to a fifth; those of Muon's "
    "step fall slowly, below a half at the sixth.",
    facts=f"directions above half of the strongest, of 16: {half}",
)

# %% [markdown]
# This is the first step of an untrained network. Its gradient has one direction, more or less: the second is a hundred times weaker. Adam's step still has one. In Muon's, five are above half of the strongest. (The weakest stay weak: Muon makes values equal by five rounds of a polynomial, and what is below about a five-hundredth of the strongest is not lifted all the way.)
#
# ## Four ways to train one network
#
# The task is tiny on purpose: which pixels of a 64 px scene does a thing cover? The network has seven convolutions in a row and *no normalisation*, so that bad first steps have consequences. The whole of training:


# %% tags=["nbval-ignore-output"]
def train_small(optimiser, warm_up, seed, steps=60, highest=0.01):
    """The loss on unseen scenes before training, and after every ten steps."""
    network, plan = task.plain_network(seed), schedule.plan(steps, warm_up)
    optimisers = task.optimisers_of(network, optimiser)
    draw = torch.Generator().manual_seed(seed)
    curve = [task.loss_on(network, *unseen)]
    for step in range(steps):
        batch = torch.randint(0, 48, (4,), generator=draw)  # four scenes
        network.zero_grad()
        F.binary_cross_entropy_with_logits(network(images[batch]), covered[batch]).backward()
        for each in optimisers:
            each.param_groups[0]["lr"] = highest * plan.rate(step)
            each.step()
        if (step + 1) % 10 == 0:
            curve.append(task.loss_on(network, *unseen))
    return curve


share = unseen[1].mean()  # of the pixels that are covered
blind = -(share * share.log() + (1 - share) * (1 - share).log()).item()
fig, axes = figure(columns=2, height=340)
for ax, optimiser in zip(axes, ("Adam", "Muon"), strict=True):
    runs = {}
    for name, warm_up in (("without warm-up", 0.0), ("with warm-up", 0.2)):
        runs[name] = [train_small(optimiser, warm_up, seed) for seed in range(3)]
        last = torch.tensor(runs[name])[:, -1]
        print(f"{optimiser} {name:15} ends at {last.mean():.3f} ± {last.std():.3f}")
    draw_runs(ax, runs, 10, blind, f"{optimiser}, three seeds each")
show(
    fig,
    alt="Loss on unseen scenes over 60 steps, Adam on the left, Muon on the right, three runs with "
    "and three without warm-up in each.",
    facts="mean ± SD over three seeds, printed above; 60 steps, highest rate 0.01",
)

# %% [markdown]
# The dotted line is the loss of a network that has learnt a single number: one pixel in seven is covered, whichever it is. Adam without warm-up ends there. The likely reason: whole steps in all weights at once push many ReLUs to 0, where no gradient gets through. With warm-up some seeds get away and some do not. Eight seeds (not run here) say the same: $0.413 \pm 0.012$ without, $0.378 \pm 0.049$ with. Warm-up is no cure; it makes a rate usable that was too high. At a rate of 0.006 the same network got on equally well or badly with and without it.
#
# Muon does not care: over eight seeds, $0.243 \pm 0.030$ without, $0.240 \pm 0.020$ with. It also learns most in 60 steps, in this network and at this rate. Do not make a law of it: each optimiser has a best rate of its own, and nobody searched for them here. And it is a network built to fail. With normalisation and the usual first weights, as in Mask R-CNN, warm-up matters most at the start of fine-tuning, for large batches and for transformers.
#
# > **In practice**
# >
# > - *Default*: AdamW (Adam with weight decay), warm-up over the first 1 to 10 % of the steps (500 to 1000 in detectors), a cosine down to 0 or two drops to a tenth. Muon for matrices where steps are dear.
# > - *The library calls*: `torch.optim.lr_scheduler.OneCycleLR`, or `SequentialLR` of a `LinearLR` and a `CosineAnnealingLR`; `torch.optim.Muon` (PyTorch 2.9 or newer; 2-D parameters only, so it refuses kernels of convolutions).
# > - *Typical mistake*: the scheduler counts steps and is called once an epoch, so the run ends before warm-up does. Symptom: a loss that falls very slowly. Print the rate.
#
# **Exercise 45.cosine** · *core, 8 minutes.* The solid line of the first picture, as a number. You get the `step`, from 0 to `steps - 1`; `steps`, 1 or more; `warm_up`, how many of the steps climb (a number here, not a share), from 0 to `steps - 1`; and the `highest` rate.
#
# - During warm-up the rate climbs in a straight line. Step 0 is not wasted: with `warm_up = 4` the first four steps have ¼, ½, ¾ and all of the highest rate. The step after them has all of it, too.
# - From then on it follows half a cosine, that reaches 0 at step `steps`, which is no longer taken.
# - With `warm_up = 0` the cosine begins at once.
#
# Return a float.

# %%
import math


def my_cosine(step, steps, warm_up, highest):
    """The learning rate at a step."""
    raise NotImplementedError


check("45.cosine", my_cosine)

# %% [markdown]
# `hint("45.cosine")`, from `minseg.course`, helps; `solution("45.cosine")` shows an answer, and `minseg/train/schedule.py` has the package's own.
#
# ## What fills the memory
#
# A step needs the weights, their gradients, and what the optimiser keeps. It also needs **activations**: what the forward pass leaves behind because the backward pass will want it. The gradient of a convolution's weight is computed from the convolution's *input*, so that input must be held until then.
#
# **Predict.** The Mask R-CNN of unit 42 has 1.9 million weights of 4 bytes, 7.2 MiB. It trains on four images of 128 × 128 pixels. How many MiB of activations does it hold between the forward and the backward pass?

# %%
guess("45.q_activations", None)

# %%
from minseg.data import SceneDataset
from minseg.draw.training_costs import draw_bytes
from minseg.experiments.activation_memory import kept
from minseg.experiments.activations_by_part import kept_by_part
from minseg.models import load_coins

model = load_coins()
scenes = SceneDataset("train", size=128, count=(4, 8), style="coins")
four = [scenes[k].image for k in range(4)], [scenes[k].instances for k in range(4)]


def forward():
    return sum(model.losses(*four, seeds=range(4)).values())


parts = {f"stage {k + 1}": [stage] for k, stage in enumerate(model.backbone.resnet.stages)}
fpn = model.backbone.fpn
parts.update({"FPN": [*fpn.lateral, *fpn.output], "RPN": [model.rpn]})
parts.update({"box head": [model.box_head], "mask head": [model.mask_head]})
activations = kept_by_part(forward, model, parts)
reveal("45.q_activations", sum(activations.values()), "MiB", digits=2)

# %%
weights = sum(parameter.nbytes for parameter in model.parameters()) / 2**20
fixed = {"weights": weights, "gradients": weights, "optimiser": weights}
fig, ax = figure(width=800, height=380)
draw_bytes(ax, fixed | activations, "More activations than weights, even for small images")
show(
    fig,
    alt="Bars of MiB: weights, gradients and optimiser 7 each; below them the activations of nine "
    "parts, of which the mask head has most, 14, and stage 4 least, 1.",
    facts=f"activations: {sum(activations.values()):.0f} MiB in all",
)

# %% [markdown]
# The optimiser's bar is Muon's, which keeps one number for each weight; Adam's $m$ and $v$ would make it twice as long. Check one bar by hand. Stage 1 is a convolution, a norm and a ReLU, from 3 channels to 24 at half the resolution. It holds the images, $4 \cdot 3 \cdot 128 \cdot 128$ numbers of 4 bytes, 0.75 MiB; what goes into the norm, $4 \cdot 24 \cdot 64 \cdot 64$ of them, 1.5 MiB; and what comes out of the ReLU, 1.5 MiB again (its backward pass asks only where that is 0). 3.75 MiB in all, for a layer with 3 KiB of weights.
#
# Stage 4 is the other way round: most weights of the ResNet, 1.9 MiB, and few activations, since its maps are small. The heads hold a fixed amount for each RoI, whatever the image; 28 × 28 cells with 64 channels make the mask head the largest here. *The rest* is held between the parts, in RoIAlign and the losses. Take images of 1024 px, and the blue bars are 64 times as long: then it is the backbone, FPN included, and the RPN that fill the memory.
#
# ## Forgetting on purpose
#
# What can be computed again need not be kept. **Gradient checkpointing** cuts the network into **segments**, keeps the *input* of each segment, and forgets the rest. When the backward pass reaches a segment, its forward pass is run a second time, and for that moment all that its layers keep is there. (Chen et al., *Training Deep Nets with Sublinear Memory Cost*, 2016.)
#
# Take 16 equal blocks. Each keeps 4 maps, its own input among them: 64 maps in the plain network. Now cut it into 4 segments of 4 blocks. The worst moment is when the last segment is at work, since all inputs before it are still waiting.
#
# **Predict.** How many maps are held at that moment?

# %%
guess("45.q_maps", None)

# %%
from minseg.draw.training_costs import draw_peaks
from minseg.experiments.activation_memory import in_segments, peak
from minseg.models.backbone import Residual

torch.manual_seed(0)
blocks = torch.nn.Sequential(*(Residual(16) for _ in range(16)))
x = torch.randn(2, 16, 64, 64)
one_map = x.nbytes / 2**20  # 0.5 MiB
output = one_map  # what comes out of block 16 is held too; leave it out
reveal("45.q_maps", (peak(blocks, x, 4) - output) / one_map, "maps", digits=2)

# %% [markdown]
# The inputs of three segments wait, and four blocks keep 4 maps each: $3 + 16 = 19$ of 64. In general $s$ segments of $n/s$ blocks hold $(s - 1) + 4n/s$. More segments make the second term smaller and the first one larger; the sum is least near $s = 2\sqrt n$, 8 here, and it grows with $\sqrt n$ where the plain network grows with $n$. In MiB, with the network's output, which makes it 20 of 65 maps:

# %%
plain, y = kept(lambda: blocks(x), blocks)
peaks = {s: peak(blocks, x, s) for s in (1, 2, 4, 8, 16)}
fig, ax = figure(width=600, height=320)
draw_peaks(ax, peaks, plain, "Sixteen blocks: eight segments hold least")
show(
    fig,
    alt="MiB at the peak over the number of segments: it falls steeply from 1 to 4 segments, is "
    "least at 8 and a little higher at 16.",
    facts=", ".join(f"{s} segments {100 * v / plain:.0f} %" for s, v in peaks.items()),
)
gradients = torch.autograd.grad(y.square().mean(), list(blocks.parameters()))
again = torch.autograd.grad(in_segments(blocks, x, 4).square().mean(), list(blocks.parameters()))
print("same gradients:", all(torch.equal(a, b) for a, b in zip(gradients, again, strict=True)))

# %% [markdown]
# The price is one more forward pass. The gradients are not merely close: on this processor they are the same to the last bit, for the same numbers are computed in the same order. (A GPU need not: some of its kernels add in no fixed order.)
#
# Real layers are not equal. The first ones of a detector work on large maps and keep most.
#
# **Exercise 45.peak_memory** · *core, 8 minutes.* You get three lists of whole numbers:
#
# - `kept`, bytes that each layer keeps when it runs as usual, *its own input among them*;
# - `inputs`, bytes of each layer's input;
# - `lengths`, how many layers each segment has, 1 or more, from the first layer on. They add up to all layers.
#
# The backward pass begins with the *last* segment. While a segment is at work, all that its layers keep is held, and the inputs of the segments *before* it wait (a segment's input is that of its first layer). Segments behind it are done, and nothing of them is held. Return the bytes at the worst moment; 0 for a network without layers. (Leave out the network's output, and what is held while the forward pass runs.)
#
# An example: `my_peak_memory([8, 4, 2], [3, 2, 1], [1, 2])`. The last segment at work: $4 + 2$, and an input of 3 waits, 9 in all. The first one: 8. The answer is 9.

# %%


def my_peak_memory(kept, inputs, lengths):
    """Bytes at the worst moment of the backward pass."""
    raise NotImplementedError


check("45.peak_memory", my_peak_memory)

# %% [markdown]
# `solution("45.peak_memory")` shows an answer. The library call is `torch.utils.checkpoint.checkpoint(segment, x, use_reentrant=False)`; in this package, `minseg.train.train(…, checkpointing=True)`.
#
# <details><summary>For the curious: blocks with a memory</summary>
#
# A segment that runs twice does everything twice. BatchNorm updates its running averages a second time; dropout must draw the same random numbers again, for which PyTorch keeps the state of its generator. GroupNorm, which this package uses, has no such memory.
#
# </details>
#
# ## Fewer bits
#
# The other way is to keep the same numbers in fewer bytes. A float32 spends 1 bit on the sign, 8 on its range and 23 on its precision. Two formats have 16 bits: **fp16**, 5 and 10, and **bf16**, 8 and 7.

# %%
for kind in (torch.float32, torch.float16, torch.bfloat16):
    limits = torch.finfo(kind)
    print(f"{kind!s:15} largest {limits.max:8.3g}   next after 1: 1 + {limits.eps:.2g}")

# %% [markdown]
# **Predict.** A weight in bf16 is 1. A hundred steps of training add 0.001 to it, one after the other. Where does it end?

# %%
guess("45.q_hundred", None)

# %%
weight = torch.tensor(1.0, dtype=torch.bfloat16)
for _ in range(100):
    weight += 0.001
reveal("45.q_hundred", weight.item())
pixels = torch.ones(300, 300)
print("the sum of 90,000 ones: fp16", pixels.half().sum().item(), end=", ")
print("bf16", pixels.bfloat16().sum().item())

# %% [markdown]
# It has not moved. The next number after 1 is 1.0078, and $1.001$ is nearer to 1, so each step is rounded away. (The sum of ones in bf16 does better, since PyTorch adds it up in float32 and rounds once, at the end, to a multiple of 512.) fp16 has another weakness, its range: the sum in a Dice loss over 300 × 300 pixels can be beyond 65,504, and gradients below $3 \cdot 10^{-8}$ become 0. So training is *mixed*: convolutions in 16 bits; weights, sums, losses, softmax and boxes in 32. With fp16 one also multiplies the loss by a large number, and divides the gradients again. bf16 has the range of float32 and needs no such thing. (Micikevicius et al., *Mixed Precision Training*, 2018, section 3.)
#
# What does it save here? This counts the bytes between the passes, without training:

# %%
counted = {}
for checkpointing in (False, True):
    for bf16 in (False, True):
        model.checkpointing = checkpointing
        with torch.autocast("cpu", torch.bfloat16, bf16):
            counted[checkpointing, bf16], _ = kept(forward, model)
model.checkpointing = False
everything = counted[False, False]
for (checkpointing, bf16), size in counted.items():
    name = f"{'checkpointing' if checkpointing else 'all kept':14}{'bf16' if bf16 else 'fp32'}"
    print(f"{name}: about {5 * round(20 * size / everything)} %")

# %% [markdown]
# Less than half is saved by either. bf16 touches what convolutions keep, and RoIAlign, losses and boxes stay in 32 bits. Checkpointing covers the ResNet only, stage by stage, and this table does not show the segment that is computed again; for images of this size the heads hold more than the ResNet does.
#
# Is it faster? That depends on the processor. On one without instructions for bf16 (two cores of an AMD EPYC with AVX2), a training step in bf16 took 7.6 times as long as in fp32. Measure before you switch it on. On a GPU 16 bits are the usual way to train, and they save memory: MMDetection's Mask R-CNN went from 4.4 to 3.6 GB in fp16, with the same mask AP.
#
# > **When it does not work**
# >
# > - *The loss sticks at the answer "nothing anywhere"*: the first steps were too long. Warm up, or lower the rate; then look for the bug.
# > - *A loss is nan after switching to fp16*: look for sums over many pixels and for exponentials, and compute them in fp32. Or use bf16.
# > - *Out of memory*: a smaller batch first, then bf16 on a GPU, then checkpointing; each of them touches activations only.
#
# ## Recap
#
# - Adam's first step is one learning rate long for every weight, whatever its gradient. Warm-up makes such steps short.
# - Half a cosine lets the weights settle. Muon lifts the weak directions of a step towards the strongest.
# - A step holds weights, gradients, the optimiser's state and activations. Of these only activations grow with image, batch and RoIs.
# - Checkpointing holds $(s - 1) + 4n/s$ maps in place of $4n$, with the same gradients, for one more forward pass.
# - bf16 halves what convolutions keep; weights and sums stay in 32 bits.

# %%
progress("45")

# %% [markdown]
# ## Part 4 in one picture
#
# Once more the network of [unit 40](40_mask_rcnn_seen_whole.ipynb), now with the numbers of the units that take each part up.

# %%
from minseg.draw.training_costs import draw_part_four
from minseg.experiments.mask_rcnn_trace import MaskRCNNTrace

scene = SceneDataset("val", size=128, count=(5, 7), style="coins")[2]
trace = MaskRCNNTrace(model, scene.image, scene.instances)
show(
    draw_part_four(trace),
    alt="The network of unit 40: image, features, scores and proposals above; a proposal read, boxes, "
    "a box read, a mask and all masks below. Below each black arrow are numbers of units.",
    facts="two losses at the RPN, two at the box head, one at the mask head",
)

# %% [markdown]
# | unit | its answer in a sentence |
# |:--|:--|
# | [40](40_mask_rcnn_seen_whole.ipynb) | Thousands of anchors become a hundred proposals, and a handful of them masks. |
# | [41](41_what_each_part_is_taught.ipynb) | Every part has its own targets, made anew in every step. |
# | [42](42_train_your_own.ipynb) | Judge by AP on unseen scenes; a mask cannot leave its box. |
# | [43](43_balancing_five_losses.ipynb) | A weight decides where tasks share parameters and disagree. |
# | [44](44_who_gets_to_teach.ipynb) | Which examples train is a choice, and wrong labels come first where the hardest are chosen. |
# | 45 | Short first steps, a rate that falls to 0, and activations that need not all be kept. |
#
# **Five questions.** Answer each before you open it.
#
# **1.** Why does the mask head have one mask for each class, and still no competition between classes?
#
# <details><summary>Answer</summary>
#
# Each mask has a sigmoid of its own, and only that of the right class gets a loss. Which class it is, the box head decides.
#
# </details>
#
# **2.** A proposal has an IoU of 0.4 with the nearest thing. What does it teach the box head, and what the mask head?
#
# <details><summary>Answer</summary>
#
# The box head: "background", for it is below ½; it has no box loss. The mask head learns nothing from it, as it sees positives only.
#
# </details>
#
# **3.** Box AP is good and mask AP is poor at strict thresholds. Where do you look first?
#
# <details><summary>Answer</summary>
#
# At how RoIs are read and masks are pasted: a rounded box or a half cell that is missing costs a fixed distance along the whole outline. Then at the boxes, for a mask cannot leave its box.
#
# </details>
#
# **4.** You double the weight of the mask loss and nothing changes in the mask head's own layers. Which optimiser is it?
#
# <details><summary>Answer</summary>
#
# Adam, Muon or another one whose step does not depend on the gradient's size: there a constant factor cancels, in parameters that only this loss reaches. With SGD the steps would double.
#
# </details>
#
# **5.** Training runs out of memory with twice the image side. What grew, by how much, and what did not grow?
#
# <details><summary>Answer</summary>
#
# Activations of backbone, FPN and RPN grew fourfold, with the pixels. Weights, gradients and the optimiser's state did not grow, nor did the heads: they see a fixed number of RoIs of a fixed size.
#
# </details>
#
# The notes' claims on this: C86 and C87, measured in [95](95_costs.ipynb).
#
# **Next:** part 5 does without boxes and proposals. It comes later.

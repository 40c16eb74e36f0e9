# %% [markdown]
# # 43 · Balancing five losses
#
# Mask R-CNN learns five things at once, and adds up five losses. Each has its own unit and its own size, and they all pull at the same backbone. **Who pulls where, and who should decide how hard?**
#
# *35 minutes: 11 to read, 2 to look at pictures, 7 to play and guess, 15 to write code. 35 s to run. You need [unit 41](41_what_each_part_is_taught.ipynb).*

# %%
import torch

from minseg.course import check, guess, hint, lesson_steps, progress, reveal, solution
from minseg.data import SceneDataset
from minseg.explore import BalanceBoard
from minseg.models import MaskRCNN, load_coins

# %% [markdown]
# ## Five handles
#
# Here are the five losses of a Mask R-CNN with random weights, on four scenes of coins. Each handle stands at the weighted length of a gradient: how hard that loss pulls at the backbone. Drag the handles, and watch who gets which share of the pull. Beside the pulls stand *cosines* of gradients: 1 where two losses want the same step, 0 where they do not mind each other, below 0 where a step for one makes the other rise.

# %%
coins = load_coins()
torch.manual_seed(0)
untrained = MaskRCNN(**coins.options)  # the same network, with random weights
scenes = list(SceneDataset("val", style="coins", size=128, length=4))
board = BalanceBoard(untrained, scenes)
board

# %% [markdown]
# **1.** With all weights 1: which loss has the largest share of the pull, and which one hardly any?
#
# <details><summary>Answer</summary>
#
# Mask has about a third, box next to nothing: the last layer of the box head starts near 0, so hardly any gradient gets through it.
#
# </details>
#
# **2.** Drag *mask* to the right. At what weight does its share pass 90 %?
#
# <details><summary>Answer</summary>
#
# At about 20. Go on to 100, and the losses whose cosine with mask is negative are about to *rise*: the step is mask's alone.
#
# </details>
#
# **3.** Choose *equal gradients*, then *uncertainty*, two rules for weights that are explained below (the first as "equal pulls"). Which loss gets the largest weight, and does it pull hardest?
#
# <details><summary>Answer</summary>
#
# Equal gradients gives each loss a fifth; box needs a weight of about 36. Uncertainty gives the largest weight to the smallest loss, which is box, too, and box still has 1 or 2 % of the pull. The *value* of a loss says nothing of its gradient.
#
# </details>
#
# ## Two tasks and a dial
#
# To see what a rule for weights does, take the smallest network that has to share. It sees two independent numbers $x_1, x_2$, of mean 0 and variance 1, and may pass on only *one*, $h = x_1 \cos\theta + x_2 \sin\theta$. So the shared layer is a dial, with one angle to learn. Task a wants $x_1$, the direction 0°; task b wants the direction 60°. Each multiplies $h$ by its own best factor $c$. What is left of task a is $\min_c E(x_1 - c h)^2 = 1 - \cos^2\theta = \sin^2\theta$, plus some noise that nobody can predict:
#
# $$L_a = 0.1 + \sin^2 \theta, \qquad L_b = 0.1 + \sin^2(\theta - 60°).$$
#
# No angle serves both. One minimises a **weighted sum**, $L_a + \lambda L_b$, and with $\lambda = 1$ the dial comes to rest in the middle, at 30°. Now somebody hands in the data of task b in millimetres instead of centimetres. Nothing about the task has changed, but its numbers are 10 times as large, and its squared error 100 times.
#
# **Predict.** The weight stays 1. At how many degrees does the dial come to rest?

# %%
guess("43.q_millimetres", None)

# %%
from minseg.draw import figure, show
from minseg.draw import strategies as picture
from minseg.experiments.two_tasks import resting_place

places = resting_place(torch.logspace(-2, 2, 5, dtype=torch.float64)).rad2deg()
fig, ax = figure(width=640, height=360)
picture.draw_decades(ax, "Two decades in the middle decide; the outer ones change little")
facts = "λ = 0.01, 0.1, 1, 10, 100: " + ", ".join(f"{p:.1f}°" for p in places)
show(fig, alt="As λ grows, loss a rises and b falls, both steeply near 1 only.", facts=facts)
reveal("43.q_millimetres", places[-1], "°")

# %% [markdown]
# A loss 100 times as large is a weight of 100: the dial goes to 59.8°, and task a is forgotten. So a weight has a *unit*: it must undo the unit of its loss. Losses in pixels beside losses in log-probabilities need weights, and somebody has to choose them. Could a formula?
#
# ## Uncertainty
#
# Say that a task's answers scatter around the truth with variance $\sigma^2$. The likelihood of a Gaussian then gives the squared error the weight $1/2\sigma^2$ and adds a price, $\log\sigma$, without which the best $\sigma$ would be infinite (Kendall et al., *Multi-Task Learning Using Uncertainty*, 2018, section 3). For classification the same reasoning gives another factor:
#
# $$\text{regression} \quad \frac{L}{2\sigma^2} + \log \sigma, \qquad\qquad \text{classification} \quad \frac{L}{\sigma^2} + \log \sigma.$$
#
# One learns $s = \log \sigma^2$, which may be any number: $1/\sigma^2$ is $e^{-s}$, and $\log\sigma$ is $s/2$.
#
# ### Exercise 43.uncertainty (*warm-up*, 3 minutes)
#
# `losses` and `s` are (K,) float, one of each for each of K losses; `regression` is (K,) bool, true where the loss is a regression. Return the (K,) weighted losses, each with its price. `hint("43.uncertainty")` helps.


# %%
def my_uncertainty(losses, s, regression):
    """(K,) weighted losses, each with its price."""
    raise NotImplementedError


check("43.uncertainty", my_uncertainty)

# %% [markdown]
# Where the derivative by $s$ is 0, the weight is $1/(2L)$, for both forms. That undoes every unit. But look at what is minimised then. Put the best $\sigma^2 = L$ back into the regression, and the task contributes $\tfrac12 \log L$ and a constant; and a sum of logarithms is the logarithm of the **product** of all losses. Halving one loss counts as much as halving another, even if the first was nearly perfect.
#
# ## Equal pulls
#
# Another rule looks at gradients. Let $g_i$ be the gradient of loss $i$ by the **shared** parameters. Weigh each loss so that all pull as hard as one of them, the **primary**: $w_i = \lVert g_\text{primary} \rVert / \lVert g_i \rVert$. (GradNorm, Chen et al., 2018, *learns* such weights.)
#
# ### Exercise 43.balance (*core*, 8 minutes)
#
# `gradients` is (K, P) float, a row for each loss; `primary` is the number of a row. Return (K,) weights: the length of the primary's row, divided by the sum of each row's length and `eps`. The primary's own weight is exactly 1. Rows of zeros occur.


# %%
def my_balance(gradients, primary, eps=1e-8):
    """(K,) weights: the primary row's length / (each row's length + eps)."""
    raise NotImplementedError


check("43.balance", my_balance)

# %% [markdown]
# `solution("43.balance")` shows our version.
#
# ## Four rules, two fates
#
# A fourth idea is **rates**: dynamic weight averaging, DWA, raises the weight of a loss that falls slowly (Liu et al., *End-to-End Multi-Task Learning with Attention*, 2019). Let all of them turn the dial, from two starts; and once more with task b in the unit that makes its loss 100 times as large.

# %%
from minseg.experiments.two_tasks import RULES, turn_dial

ends = {name: [round(turn_dial(name, *run), 1) for run in picture.RUNS] for name in RULES}
fig, ax = figure(width=700, height=320)
picture.draw_ends(ax, ends, "Two rules follow the unit, two their start")
show(fig, alt="All 1 and DWA end by unit, the two others by start.", facts=f"in degrees: {ends}")

# %% [markdown]
# - **All 1** goes by the unit, and by nothing else.
# - **Uncertainty** does not see the unit. But for the *product* of the losses the middle is the worst place: it runs to the nearer task and neglects the other. (With much noise it does stop in the middle: try `turn_dial("uncertainty", 20, noise=1.0)`.)
# - **Equal pulls** does not move at all. Between 0° and 60° the two pull against each other, equally hard by construction. How long gradients are cannot say where to go.
# - **DWA** ends as "all 1" does: in the end no loss falls any more, all rates are 1, and so are the weights.
#
# And each of these places is also the place of some fixed $\lambda$. On the dial, formulas choose a compromise; they do not find a better one. Large comparisons came to the same: the plain sum, well tuned, was as good as the special rules (Kurin et al., 2022; Xin et al., 2022).
#
# ## Do the five losses disagree?
#
# On the dial the two tasks are opposed. Are the five losses of Mask R-CNN? The **cosine** of two gradients is 1 where two losses want the same, 0 where they do not mind each other, −1 where one's gain is the other's loss. One batch tells little, since another batch has other signs. So here are 24 batches of four scenes: a bar is the mean, a line the standard deviation over batches, and a ring the cosine of gradients that were *added up* over all batches first.

# %%
from minseg.ledger.results import result

fig, axes = figure(columns=2, height=330)
for ax, name in zip(axes, ("random", "trained"), strict=True):
    found = result("gradients")[name]
    picture.draw_cosines(ax, found, f"{name} weights")
pooled = result("gradients")["trained"]["cosine, pooled"]
alt = (
    "Ten bars for each network: near 0 with random weights; 0.1 to 0.4 when trained, pooled higher."
)
facts = f"trained, gradients added up over all batches: cosines {min(pooled)} to {max(pooled)}"
show(fig, alt=alt, facts=facts)

# %% [markdown]
# With random weights the losses do not mind each other. In the trained network the means are positive, 0.1 to 0.4, and a single batch strays by 0.2 or more, so that its signs mean nothing. Added up over 96 scenes *all ten* are positive: the five losses want similar backbones. (`python benchmarks/ledger.py --write` made these figures.)
#
# ## Does Mask R-CNN need balancing?
#
# The paper sums its losses with weight 1 (He et al., 2017), and so do Detectron2 and torchvision. Try: train a small one for 60 steps on tiny scenes with Adam, with a weight of 1 on the mask loss and with 0.01.
#
# **Predict.** Of the fall of the mask loss that weight 1 brings, how many percent does a *hundredth* of that weight bring?

# %%
guess("43.q_hundredth", None)

# %% tags=["nbval-ignore-output"]
from minseg.experiments.loss_weight_and_optimiser import train_weighted

some = list(SceneDataset("train", size=64, count=(1, 4), length=160))
falls = {}
for name in ("Adam", "SGD"):
    for weight in (1, 0.01):
        rows = train_weighted(weight, name, some, steps=lesson_steps(60))
        end = sum(row["mask"] for row in rows[-20:]) / 20
        falls[name, weight] = rows[0]["mask"] - end
        print(f"{name:4} weight {weight:4g}: mask loss {rows[0]['mask']:.3f} → {end:.3f}")
left = {name: 100 * falls[name, 0.01] / falls[name, 1] for name in ("Adam", "SGD")}
reveal("43.q_hundredth", left["Adam"], "%", digits=2)

# %% [markdown]
# Over three seeds it was 79 to 90 % with Adam, and 4 to 14 % with SGD. Adam divides each parameter's step by the usual size of *its own* gradient. The mask head belongs to one loss alone, so there a constant weight cancels. Only shared parameters notice. Plain gradient descent, SGD, forgives nothing: there a weight of 0.01 is a learning rate of a hundredth.
#
# > **In practice**
# >
# > - Begin with weights of 1 and losses that are means, not sums. Change a weight when you know the unit that it undoes: Panoptic-DeepLab multiplies its offset loss, in pixels, by 0.01.
# > - Log each loss on its own. The typical symptom of a lost task is one curve that stays at the value of guessing while the total falls.
# > - Before you blame weights, look at gradients: `shared_gradients(model, scenes).cosines`, from `minseg.experiments.shared_gradients`.
#
# ## Recap
#
# - A weight has a unit, and the unit of a loss decides a compromise.
# - Uncertainty minimises a product and may neglect a task; equal pulls know no direction; rates end where "all 1" ends.
# - Adam forgives a constant weight where nothing is shared, SGD does not.
# - One batch of gradients is an anecdote. Added up, the five losses of Mask R-CNN agree.

# %% tags=["full-length"]
progress("43")

# %% [markdown]
# The notes' claims on this: C14, C17, C53 to C56 and C136, measured in [92](92_regions_and_mask_rcnn.ipynb).
#
# **Next:** [44 · Who gets to teach](44_who_gets_to_teach.ipynb), for not every box is a good teacher.

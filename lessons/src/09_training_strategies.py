# %% [markdown]
# # 09 · Training strategies
#
# Mask R-CNN learns five things at once, from a handful of objects among thousands of boxes, in the memory that there is. Who decides how much each loss counts, and each box? This lesson measures what the usual recipes do.
#
# **After this lesson you can**
#
# 1. measure where losses meet: the length of each gradient on shared weights, and the angle between two;
# 2. weigh losses by uncertainty, by gradients or by difficulty, and predict where each of these ends;
# 3. say what a cap of 25 % positives yields, with few objects and with many, before training and after;
# 4. mine hard examples three ways, and foresee what a few wrong labels do to them;
# 5. nearly halve the activations that training keeps, and say which numbers stay the same to the last bit.
#
# *50 minutes to read, 30 s to run, 1000 MiB of memory, no GPU, no downloads. You need lessons 00 and 08.*

# %%
from time import perf_counter

import numpy as np
import torch

from minseg import losses
from minseg.course import check, claim, guess, lesson_steps, progress, reveal, show_source
from minseg.data import SceneDataset
from minseg.draw import figure, show
from minseg.draw import strategies as picture
from minseg.experiments.activation_memory import in_segments, kept, peak
from minseg.experiments.loss_weight_and_optimiser import train_weighted
from minseg.experiments.positive_proposals import bunches, positive_proposals
from minseg.experiments.shared_gradients import balance, preset, shared_gradients
from minseg.experiments.two_tasks import RULES, dial, resting_place, turn_dial, weigh
from minseg.experiments.wrong_labels import error, learn, scatter
from minseg.explore import BalanceBoard
from minseg.models import MaskRCNN, load_coins
from minseg.models.backbone import Residual

# %% [markdown]
# ## Two tasks and a dial
#
# The smallest network that has to share: it sees two numbers $x_1, x_2$, independent and of spread 1, and may pass on only *one*, $h = x_1 \cos\theta + x_2 \sin\theta$. So the shared layer is a dial, with one angle $\theta$ to learn. Task a wants $x_1$, the direction 0°. Task b wants the direction 60°. Each multiplies $h$ by its own best factor, and what is then left of its mean squared error is the squared sine of the angle between what it wants and what it gets, plus a noise that nobody can predict:
#
# $$L_a = 0.1 + \sin^2 \theta, \qquad L_b = 0.1 + \sin^2(\theta - 60°).$$

# %%
show_source(dial, docstring=False)
for angle in torch.arange(0, 75, 15):
    print(f"θ {angle:2}°   L_a {{:.3f}}   L_b {{:.3f}}".format(*dial(angle.deg2rad())))

# %% [markdown]
# No angle serves both. One minimises a **weighted sum**, $L_a + \lambda L_b$, and with $\lambda = 1$ the dial comes to rest in the middle, at 30°. Now somebody hands in the data of task b in millimetres instead of centimetres. Nothing about the task has changed, but all its numbers are 10 times as large, and its squared error 100 times.
#
# **Predict.** The weight stays 1. At how many degrees does the dial come to rest?

# %%
guess("09.1", None)

# %%
places = resting_place(torch.logspace(-2, 2, 5, dtype=torch.float64)).rad2deg()
fig, ax = figure(width=640, height=360)
picture.draw_decades(ax, "Two decades in the middle decide; the outer ones change little")
facts = "λ = 0.01, 0.1, 1, 10, 100: " + ", ".join(f"{p:.1f}°" for p in places)
show(fig, alt="As λ grows, loss a rises and b falls, both steeply near 1 only.", facts=facts)
reveal("09.1", places[-1], "°")

# %% [markdown]
# So a weight has a unit: it must undo the unit of its loss. Where several losses have natural units of their own, pixels beside probabilities, somebody has to choose weights. The rest of this half is about letting a formula do it.
#
# ## Uncertainty
#
# Say that a task's answers scatter around the truth with a variance $\sigma^2$. The likelihood of a Gaussian then gives the squared error the weight $1 / 2\sigma^2$, and adds a price $\log \sigma$, without which the best $\sigma$ would be infinite (Kendall et al., *Multi-Task Learning Using Uncertainty*, 2018, section 3). For classification the same reasoning leads to another factor:
#
# $$\text{regression} \quad \frac{L}{2\sigma^2} + \log \sigma, \qquad\qquad \text{classification} \quad \frac{L}{\sigma^2} + \log \sigma.$$
#
# The notes give the first form for all tasks. In code one learns $s = \log \sigma^2$, which may be any number, so that $1/\sigma^2$ is $e^{-s}$ and $\log\sigma$ is $s / 2$.

# %%
show_source(losses.UncertaintyWeights.forward, docstring=False)
fixed, settled = {"a": torch.tensor(4.0), "b": torch.tensor(0.01)}, []
for kind in ("regression", "classification"):
    learnt = losses.UncertaintyWeights(dict.fromkeys(fixed, kind))
    optimiser = torch.optim.Adam(learnt.parameters(), lr=0.1)
    for _ in range(300):
        optimiser.zero_grad()
        sum(learnt(fixed).values()).backward()
        optimiser.step()
    settled.append([w.item() for w in learnt.weights().values()])
claim(
    "C53",
    measured=f"losses 4 and 0.01 settle at weights {settled[0][0]:.3f} and {settled[0][1]:.1f} as "
    f"regression, {settled[1][0]:.3f} and {settled[1][1]:.1f} as classification: w · L is always ½.",
    supports=bool(np.allclose(np.array(settled) * [4, 0.01], 0.5, rtol=1e-3)),
)

# %% [markdown]
# Whatever the form, it ends at $w = 1 / (2L)$; the two differ in what they call $\sigma$. That cancels units. But look at what is being minimised then. Put the best $\sigma^2 = L$ back in, and each task contributes $\tfrac12 \log L$ and a constant. A sum of logarithms is the logarithm of the **product** of all losses. It rewards halving one loss as much as halving another, even if the first was nearly perfect.
#
# **Exercise: both forms.** `losses` and `s`, which is $\log \sigma^2$, are (K,), one of each for each of $K$ losses; `regression` is (K,) bool. `hint("09.uncertainty")` helps, one hint a call; it is in `minseg.course`.


# %%
def my_uncertainty(losses, s, regression):
    """(K,) weighted losses, each with its price."""
    raise NotImplementedError


check("09.uncertainty", my_uncertainty)

# %% [markdown]
# ## Equal pulls
#
# Another idea: look at gradients. With $\theta$ the parameters that all tasks **share**, weigh each loss by $\lambda_i = \lVert \nabla_\theta L_\text{primary} \rVert \,/\, \lVert \nabla_\theta L_i \rVert$, so that all pull as hard as one of them, which is called the **primary**. (GradNorm, Chen et al., 2018, *learns* weights so that tasks train at equal rates; with its $\alpha = 0$ it aims at equal lengths, too.)
#
# A third idea is **rates**. Dynamic weight averaging, DWA, raises the weight of a loss that falls slowly. Of $K$ losses, the $i$-th gets $w_i = K\, \operatorname{softmax}_i(r_i / T)$, where $r_i = L_i(t-1) / L_i(t-2)$ and $T = 2$ (Liu et al., *End-to-End Multi-Task Learning with Attention*, 2019, section 3.3).
#
# Let all of them turn the dial, step by step, from two different starts; and once more with task b in the unit that makes its loss 100 times as large. Uncertainty has its best weight, $1/(2L)$, at every step, and for DWA a step stands for an epoch.

# %%
show_source(weigh, docstring=False)
show_source(turn_dial, docstring=False)
ends = {name: [round(turn_dial(name, *run), 1) for run in picture.RUNS] for name in RULES}
fig, ax = figure(width=700, height=320)
picture.draw_ends(ax, ends, "Two rules follow the unit, two their start")
show(fig, alt="All 1 and DWA end by unit, the two others by start.", facts=f"in degrees: {ends}")

# %% [markdown]
# Read it row by row.
#
# - **All 1** goes by the unit, and by nothing else.
# - **Uncertainty** does not see the unit. But of the product of losses the middle is the *worst* place between the two tasks: it runs to the one that is nearer, and leaves the other with a loss of 0.80 where 0.35 would have been fair. (Where the noise is large and no loss can get small, it does stop in the middle. Try `turn_dial("uncertainty", 20, noise=1.0)`.)
# - **Equal pulls** does not move at all. Between 0° and 60° the two pull against each other, equally hard by construction, and the sum is 0 everywhere. The ratio of lengths cannot say where to go. With many parameters it is less bad: two gradients are seldom exactly opposed, until no direction is left that helps both.
# - **DWA** ends as "all 1" does. Rates forget the unit, but the weights multiply losses that have one, and in the end no loss falls any more, all rates are 1, and so are the weights.
#
# And every one of these places is also that of some fixed $\lambda$: the first figure's upper axis goes through all of them. On the dial, formulas choose a compromise; they do not find a better one. (Kurin et al., *In Defense of the Unitary Scalarization*, 2022, found the plain sum, well regularised, as good as the special optimisers that they tried; Xin et al., *Do Current Multi-Task Optimization Methods in Deep Learning Even Help?*, 2022, found the same for fixed weights that are tuned.)
#
# The notes have a fourth rule, $\lambda_i(t) = \lambda_i(0)\, e^{-\text{difficulty ratio}}$, to "reduce weight for easier tasks". What the ratio is of, they do not say. Read it as DWA's rate, and take a task whose loss falls by half each epoch, and one that falls by 1 %.

# %%
show_source(losses.difficulty_weights, docstring=False)
rate = torch.tensor([0.5, 0.99], dtype=torch.float64)  # L(t-1) / L(t-2): the easy task, the hard
notes, dwa = losses.difficulty_weights(rate), losses.dynamic_weight_average(rate, 0 * rate + 1)
claim(
    "C55",
    measured=f"the ratio read as a rate, weights of the easy and the hard task: {notes[0]:.2f} and "
    f"{notes[1]:.2f} by the formula, {dwa[0]:.2f} and {dwa[1]:.2f} by DWA.",
    supports=bool(notes[0] > notes[1] and dwa[0] < dwa[1]),
)
neglected = dial(torch.tensor(ends["uncertainty"][0]).double().deg2rad())
claim(
    "C56",
    measured=f"uncertainty, from 20°: losses {neglected[0]:.2f} and {neglected[1]:.2f}, whatever the "
    "unit, and the other way round from 45°. DWA followed the unit, as fixed weights of 1 do.",
    supports=np.allclose(ends["DWA"], ends["all 1"], atol=0.1)
    and bool(neglected[1] > 5 * neglected[0]),
)

# %% [markdown]
# **Exercise: equal pulls.** `gradients` is (K, P), one row for each loss, and `primary` the number of a row. The primary keeps a weight of exactly 1.


# %%
def my_balance(gradients, primary, eps=1e-8):
    """(K,) weights: the primary gradient's length over each row's length plus eps."""
    raise NotImplementedError


check("09.balance", my_balance)

# %% [markdown]
# ## Five losses in one backbone
#
# Now the real thing. A Mask R-CNN has five losses: objectness and box of the RPN, the region proposal network, then class, box and mask of the heads. They meet in the backbone. Below are their gradients there, on four scenes of coins: in a network with random weights, and in the one that comes with the package, trained for some minutes. The number behind each name is the **length**. The squares hold **cosines**: 1 where two losses want the same, 0 where they do not mind each other, negative where one's gain is the other's loss.

# %%
coins = load_coins()
torch.manual_seed(0)
networks = {"Random weights": MaskRCNN(**coins.options), "Trained": coins}
scenes = list(SceneDataset("val", style="coins", size=128, length=4))
found = {name: shared_gradients(network, scenes) for name, network in networks.items()}
fig, axes = figure(columns=2, height=400)
for ax, (name, gradients) in zip(axes, found.items(), strict=True):
    picture.draw_angles(ax, gradients, f"{name}: lengths, and cosines")
alt = "Two 5 × 5 tables of cosines. The trained network's are mostly larger, of either sign."
early, late = (dict(zip(g.names, g.norms.tolist(), strict=True)) for g in found.values())
first, then = (length["mask"] / length["box"] for length in (early, late))
show(fig, alt=alt, facts=f"length of mask over box: about {round(first, -1):.0f}, then {then:.1f}")

# %% [markdown]
# Two things to see. The lengths differ, and they *change*: at first the box head hardly reaches the backbone (its last layer starts near 0), later it pulls harder than the mask. A weight that is right for the beginning is wrong for the end. And angles lie between 60° and 110°. That is far more than chance: two random directions among 900,000 parameters have a cosine of about 0.001. But it is far from the 180° of the dial: some pairs pull together, some against each other, and none is opposed. (On other scenes some signs differ.)
#
# Here is the board for the network with random weights, on the same four scenes. Five handles, each at the weighted length of its gradient, are dragged over four decades; who gets which share of the pull, and what one step would do to each loss, follows at once. Difficulty takes the loss over the mean of all five as the notes' ratio. `BalanceBoard(coins, scenes)` shows the trained network.

# %%
board = BalanceBoard(networks["Random weights"], scenes)
board

# %% [markdown]
# 1. **All 1**, to begin with. Which loss has the largest share of the pull, and which the smallest? Which one should a step raise?
# 2. **Drag the pull of mask to the right.** At what weight does its share pass 90 %? Go on to 100: which losses does the step raise now?
# 3. **Choose equal gradients.** All shares are a fifth. What has become of the cosines of every two, and what of the weight of box?
# 4. **Choose uncertainty**, then **difficulty.** Which loss is the smallest, and which gets the largest weight? What has that to do with how hard it *pulls*?
# 5. **All 1 again: take the step and measure.** Make it longer: from which length on does RPN box fall by less than half of what its slope promises?

# %%
show_source(losses.gradient_balance, docstring=False)
start = found["Random weights"]
for name in ("all 1", "equal gradients", "uncertainty", "difficulty"):
    shares = zip(start.names, balance(start, preset(name, start)).shares, strict=True)
    print(f"{name:15}", ", ".join(f"{loss} {100 * share:.0f} %" for loss, share in shares))
images, truths = [s.image for s in scenes], [s.instances for s in scenes]
five = networks["Random weights"].losses(images, truths, seeds=range(4))
shared = list(networks["Random weights"].backbone.parameters())
weighed = [w * early[name] for name, w in losses.gradient_balance(five, shared, "class").items()]
claim(
    "C54",
    measured="with random weights the longest of five gradients is over 30 times the shortest; "
    "weighed, all are as long as that of class. On the dial equal pulls moved nothing.",
    supports=max(early.values()) > 30 * min(early.values())
    and np.allclose(weighed, early["class"], rtol=1e-3)
    and np.allclose(ends["equal pulls"], [20, 20, 45, 45]),
)

# %% [markdown]
# 1. Mask has a third of the pull, box next to nothing. Box alone has a negative cosine with the sum, so it should rise, a little. Measured, it moves far more, *down*: a step moves the proposals, and other proposals are other questions.
# 2. At about 20. At 100, those with a negative cosine to mask rise: objectness, class and box.
# 3. The cosines are those of before. Box needs a weight of 36.
# 4. Box is the smallest, and both give it the largest weight. It still has 1 or 2 % of the pull, and RPN box, nearly as small, has most. The *value* of a loss says nothing of its gradient.
# 5. At 0.01 RPN box keeps 90 % of the promise, at 0.1 less than half.
#
# ## Does Mask R-CNN need balancing?
#
# The paper sums its three head losses with weight 1 (He et al., 2017, section 3); Detectron2 and torchvision train all five with weight 1. The notes say that careful balancing is required. Try: train a small one for 60 steps on scenes of 64 × 64 pixels, by Adam, with mask weights of 1, 0.01 and 100. (In a bare loop: `train` also clips gradients to a length of 5, which with a weight of 100 would scale all five losses down.)
#
# **Predict.** Before training the mask loss is 0.72, as by guessing. Of the fall that weight 1 brings, how many percent does a *hundredth* of that weight bring?

# %%
show_source(train_weighted, docstring=False)
guess("09.2", None)

# %% tags=["nbval-ignore-output"]
some = list(SceneDataset("train", size=64, count=(1, 4), length=160))
falls, line = {}, "{:13}" + "{:>16}" * len(early)
print(line.format("", *early))
for name, weight in (("Adam", 1), ("Adam", 0.01), ("Adam", 100), ("SGD", 1), ("SGD", 0.01)):
    rows = train_weighted(weight, name, some, steps=lesson_steps(60))
    last = {k: np.mean([row[k] for row in rows[-20:]]) for k in early}
    falls[name, weight] = rows[0]["mask"] - last["mask"]
    if len(falls) == 1:
        print(line.format("before", *(f"{v:.3f}" for v in rows[0].values())))
    print(line.format(f"{name}, {weight:g}", *(f"{v:.3f}" for v in last.values())))
left = {name: 100 * falls[name, 0.01] / falls[name, 1] for name in ("Adam", "SGD")}
reveal("09.2", left["Adam"], "%", digits=2)

# %% [markdown]
# With Adam, a hundredth of the weight brings most of the fall, and a hundredfold weight brings no more. Adam divides each parameter's step by the usual size of *its own* gradient, so that in a part that belongs to one loss alone, such as the mask head, a constant weight cancels. Only what is shared notices: with weight 100 class and box end elsewhere. Gradient descent, SGD, forgives nothing: there a weight of 0.01 is a learning rate of a hundredth, and the mask head has learnt next to nothing.
#
# On the dial, where everything is shared, no optimiser forgives. And Detectron2 and torchvision *do* train with SGD: that weights of 1 serve there must have another reason, not looked for here. 60 steps tell nothing of the last point of AP.
#
# Others have reasons for weights far from 1: Panoptic-DeepLab (lesson 16) multiplies its offset loss by 0.01, for offsets are in pixels, and its centre loss by 200, for that is a mean over a map that is nearly all 0 (Cheng et al., 2020, section 3).

# %% tags=["full-length"]
claim(
    "C136",
    measured="of the fall of the mask loss that weight 1 brings in 60 steps, weight 0.01 leaves over "
    "50 % with Adam and under 30 % with SGD. On the dial, λ = 0.1 and 10 rest at 3° and 57°.",
    supports=left["SGD"] < 30 and left["Adam"] > 50 and places[1] < 3 and places[3] > 57,
)

# %% [markdown]
# ## Who gets to teach
#
# The RPN proposes 60 boxes an image here, 1000 or 2000 at full size. A proposal is **positive** if its box has an IoU of at least ½ with some true box, otherwise **negative**; only positives teach box and mask. Of all proposals 32 are drawn (512 in Mask R-CNN with a pyramid), of which at most a quarter may be positive.
#
# The proposals of an untrained RPN lie anywhere. Hardly any is positive, so the true boxes themselves are added to the list.
#
# **Predict.** Take 16 scenes of 1 to 3 coins, 30 in all, and the network with random weights. From each image 32 proposals are drawn, at most 8 of them positive. How many percent of all that are drawn are positive?

# %%
show_source(losses.sample_rois, docstring=False)
guess("09.3", None)

# %%
few, drawn = list(SceneDataset("val", style="coins", size=128, count=(1, 3), length=16)), {}
for name, network in networks.items():
    for amount, samples in (("few", few), ("many", scenes)):
        hits, objects = positive_proposals(network, samples)
        positives = (hits + objects).clamp(max=8).sum().item()
        drawn[name, amount] = 100 * positives / (32 * len(samples))
reveal("09.3", round(drawn["Random weights", "few"]), "%")
claim(
    "C57",
    measured="positives among the drawn, untrained and trained: "
    f"{drawn['Random weights', 'few']:.0f} and {drawn['Trained', 'few']:.0f} % with few objects, "
    f"{drawn['Random weights', 'many']:.0f} and {drawn['Trained', 'many']:.0f} % with many.",
    supports=drawn["Random weights", "few"] < 10 < 15 < drawn["Trained", "few"]
    and drawn["Random weights", "many"] == drawn["Trained", "many"] == 25,
)

# %% [markdown]
# Before training, nearly all positives are the true boxes themselves. The cap is reached where objects are many: the four scenes from before have at least 8 each, so that true boxes alone fill it, in any network. It is nearly reached where the RPN is good, for that puts several proposals on each coin. Otherwise negatives fill up. So "25 % positive, 75 % negative" describes some batches, not all.
#
# How much does the *number* drawn matter? Of 1000 proposals in a crowded image let 600 be positive, with large losses. Draw 16 of them, or 64, 400 times each, and see how far the mean loss scatters.

# %%
crowded = torch.arange(1000) < 600
price = torch.where(crowded, 2.0, 0.1) * torch.linspace(0, 1, 1000)
priorities = torch.rand(400, 1000, generator=torch.Generator().manual_seed(0))
crowded, spread, most = crowded.expand(400, -1), {}, 0.0
for count in (16, 64):
    keep, rest = losses.sample_rois(crowded, ~crowded, priorities, count=count)
    most = max(most, (keep.sum(dim=1) / count).max().item())
    spread[count] = (((keep | rest) * price).sum(dim=1) / count).std().item()
claim(
    "C58",
    measured=f"600 of 1000 positive, 400 draws: {100 * most:.0f} % of the drawn, as the cap has it. "
    f"The mean loss of 16 drawn scatters {spread[16] / spread[64]:.1f} times as much as that of 64.",
    supports=most == 0.25 and 1.7 < spread[16] / spread[64] < 2.4,
)

# %% [markdown]
# **Exercise: draw them.** `positive`, `negative` and `priorities` are (…, R), one row for each image; `priorities` are random numbers, and the largest win. At most `int(count * fraction)` positives; and fewer than `count` in all where negatives are few. Some candidates are neither.


# %%
def my_sample(positive, negative, priorities, *, count, fraction):
    """Two (…, R) bool: the drawn positives, and the negatives that fill up to `count`."""
    raise NotImplementedError


check("09.sample", my_sample)

# %% [markdown]
# ## Hard examples
#
# Drawing at random wastes most of the batch on candidates that the network has long got right. Why not take those with the largest loss? **Hard negative mining** ranks the negatives and keeps the top $k$; SSD takes three for every positive (Liu et al., 2016, section 2.2). **OHEM**, online hard example mining, ranks all candidates and has no quota (Shrivastava et al., 2016).
#
# The question is what else has a large loss. Take 2000 points in a square, positive inside a circle; and let each label be wrong with a probability of **2 %**, which is little for a data set drawn by hand. It makes 46 wrong labels here. The classifier is logistic regression on 64 waves of random direction, so that it can bend its border. First train on all 2000, wrong labels and all. Then rank.
#
# **Predict.** Take the 46 points of largest loss. How many percent of these have a wrong label?

# %%
show_source(learn, docstring=False)
guess("09.4", None)

# %%
x, true, written = scatter(2000, 0.02)
wrong = true != written
_, each, _ = learn(x, written, lambda each: slice(None))
hardest = losses.ohem(each, int(wrong.sum()))
reveal("09.4", 100 * wrong[hardest].double().mean(), "%", digits=2)
negatives = (~written).nonzero()[:, 0]
top = negatives[losses.ohem(each[negatives], int(wrong[negatives].sum()))]
caught = wrong[top].sum().item()
claim(
    "C59",
    measured=f"{len(negatives)} negatives, {len(top)} of them mislabelled: of the {len(top)} "
    f"hardest negatives, {caught} are mislabelled.",
    supports=caught > 0.8 * len(top),
)

# %% [markdown]
# A network that has understood the circle is surprised by exactly those points that contradict it. That is useful for *finding* wrong labels. As a training set it is a poor one. Now train four times on 64 points a step: drawn at random or picked by OHEM, with all labels right or 2 % of them wrong. Each panel shows the 64 points of the last step, + labelled positive and − negative, with a ring where the label is wrong, and in black the border that was learnt. The *error* is the share of 5000 fresh points, with true labels, that come out wrong.

# %%
lottery, learnt, failed = torch.Generator().manual_seed(3), {}, {}
picks = {
    "random": lambda each: torch.randperm(2000, generator=lottery)[:64],
    "OHEM": lambda each: losses.ohem(each, 64),
}
fig, axes = figure(columns=4, height=290)
for ax, key in zip(axes, [(name, k) for name in picks for k in (0, 2)], strict=True):
    x, true, written = scatter(2000, key[1] / 100)
    w, _, chosen = learn(x, written, picks[key[0]])
    pick, failed[key] = chosen[-1], 100 * error(w)
    learnt[key] = (written != true)[torch.stack(chosen)].double().mean().item()
    title = f"{key[0]}, {key[1]} % wrong:\nerror {failed[key]:.1f} %"
    picture.draw_picks(ax, w, x[pick], written[pick], (written != true)[pick], title)
alt = "Random picks lie anywhere; clean OHEM's on the circle; with wrong labels it goes to pieces."
facts = f"wrong labels in what OHEM picked, 200 steps: {round(100 * learnt['OHEM', 2], -1):.0f} %"
show(fig, alt=alt, facts=facts)
claim(
    "C62",
    measured=f"error with right labels: {failed['random', 0]:.1f} % at random, "
    f"{failed['OHEM', 0]:.1f} % by OHEM; with 2 % wrong ones {failed['random', 2]:.1f} and "
    f"{failed['OHEM', 2]:.0f} %.",
    supports=failed["OHEM", 0] < 0.67 * failed["random", 0]
    and failed["OHEM", 2] > 3 * failed["random", 2],
)

# %% [markdown]
# With right labels OHEM looks at the circle's edge, where there is something to learn, and its error is a fraction of what random drawing reaches. With 2 % wrong ones, about 30 % of what it picks is wrong, more than ten times their share. Random drawing gets more than twice as bad, OHEM thirty times. Where the classifier gives in to a batch of them its losses elsewhere rise, the next batch comes from there (hence the clumps in the last panel), and after 200 steps it has not settled.
#
# The paper's gain is real: 67.2 to 69.9 mAP on Pascal VOC 2007 (Shrivastava et al., 2016, table 1), with careful labels. Not all of it is mining's: in the same table, training on *all* RoIs at a larger learning rate comes part of the way. That OHEM reduces overfitting, as the notes add, is not shown there.
#
# Now for the details of the recipe. The notes: forward, losses, sort, top $k$, backward. One step is missing: non-maximum suppression by loss, before the top $k$. Proposals come in bunches; below there are 20 objects, each with 30 boxes around it. And the notes' formula, $S = \{i : L(i) \ge \operatorname{percentile}(L, 1 - k/n)\}$, is tried for $k = 128$ of $n = 512$.

# %%
boxes, of_box = bunches(things=20, each=30)
chosen = losses.ohem(of_box, 16), losses.ohem(of_box, 16, boxes=boxes)
kinds = [len((rows // 30).unique()) for rows in chosen]
claim(
    "C60",
    measured=f"600 boxes on 20 objects: the 16 of largest loss lie on {kinds[0]} object; after "
    f"suppression by loss, on {kinds[1]}.",
    supports=kinds[0] <= 2 and kinds[1] >= 14,
)
values = torch.rand(512, generator=torch.Generator().manual_seed(7)).double()
sizes = {m: int(losses.above_quantile(values, 128, method=m).sum()) for m in ("linear", "lower")}
tied = int(losses.above_quantile((8 * values).round(), 128).sum())
literal = int((values.numpy() >= np.percentile(values.numpy(), 1 - 128 / 512)).sum())
claim(
    "C61",
    measured=f"interpolated: {sizes['linear']}; taking the next lower loss as threshold: {sizes['lower']}; "
    f"losses rounded to 9 values: {tied}; NumPy's percentile, at its word: {literal} of 512.",
    supports=sizes["linear"] == 128 and sizes["lower"] == 129 and tied > 128 and literal > 500,
)

# %% [markdown]
# A threshold chooses by value, so it cannot promise a number. `ohem` sorts and counts.
#
# **Exercise: OHEM**, with `minseg.boxes.nms` for the suppression.


# %%
def my_ohem(losses, count, *, boxes, iou_threshold):
    """(k,) int64: the `count` hardest of (R,), hardest first, near-duplicates removed before."""
    raise NotImplementedError


check("09.ohem", my_ohem)

# %% [markdown]
# ## Memory and speed
#
# Most of the memory of training is not weights but **activations**: what the forward pass leaves behind for the backward pass to use. There are two ways to have less of it.
#
# **Fewer bits.** Of 32 bits a float spends 1 on the sign, 8 on its range and 23 on its precision. There are two formats of 16 bits, with 5 and 10 (fp16) or 8 and 7 (bf16):

# %%
for kind in (torch.float32, torch.float16, torch.bfloat16):
    i, ones = torch.finfo(kind), torch.ones(300 * 300, dtype=kind).sum()
    print(f"{kind!s:15} largest {i.max:8.3g}, smallest normal {i.smallest_normal:7.2g}", end=", ")
    print(f"next after 1: 1 + {i.eps:.2g}, Σ of 300 × 300 ones: {ones.item():g}")

# %% [markdown]
# **fp16** is precise enough and has little range: the sum in a large Dice loss is infinite. Below the smallest *normal* number it loses one bit of precision with each halving, and what is below 3e-8 becomes 0, as many gradients would. So one multiplies the loss by a large number and divides the gradients again (Micikevicius et al., *Mixed Precision Training*, 2018, section 3). **bf16** has the range of fp32 and little precision: 90,000 becomes 90,112, and a weight of 1 cannot take a step of 0.001. So *mixed* precision computes convolutions in 16 bits, and keeps weights, sums, losses, softmax and boxes in 32. PyTorch's `autocast` does most of that, by a list for each device. (On a CPU a sum or softmax of bf16 stays bf16.) This package casts the rest itself, where heads end in `.float()`; `train(…, bf16=True)` uses both.
#
# **Forgetting.** Keep only some activations, and compute the others a second time when the backward pass gets there: **gradient checkpointing** (Chen et al., *Training Deep Nets with Sublinear Memory Cost*, 2016). Take 16 equal blocks, in 4 segments of 4. What is kept is the input of each segment; and, while one segment is being worked on, all of that segment.
#
# **Predict.** Each block keeps 4 maps, one of them its own input, and the last one its output, too: 65 in the plain network. At the peak, how many percent of the plain network's memory is that?

# %%
guess("09.5", None)

# %%
show_source(in_segments, docstring=False)
torch.manual_seed(0)
blocks = torch.nn.Sequential(*(Residual(16) for _ in range(16)))
x, parts = torch.randn(2, 16, 64, 64), (1, 2, 4, 8, 16)
plain, y = kept(lambda: blocks(x), blocks)
peaks = {k: peak(blocks, x, k) for k in parts}
gradients = torch.autograd.grad(y.square().mean(), list(blocks.parameters()))
again = torch.autograd.grad(in_segments(blocks, x, 4).square().mean(), list(blocks.parameters()))
equal = all(torch.equal(a, b) for a, b in zip(gradients, again, strict=True))
reveal("09.5", 100 * peaks[4] / plain, "%", digits=2)
print("peak, MiB:", ", ".join(f"{k} segments {v:.0f}" for k, v in peaks.items()))

# %% [markdown]
# With $s$ segments of $n/s$ blocks, $s + 4 n / s$ maps are held: the inputs of the $s - 1$ others, and $4 n / s + 1$ of the one that is worked on, 20 of 65 here. It is least where both terms are equal, here at $s = 8$, and in general it grows with $\sqrt n$ where the plain network grows with $n$. The price is one forward pass more. The gradients are not *nearly* the same: on this CPU they are the same to the last bit, since the same numbers are computed in the same order. (A GPU need not: some of its kernels add in no fixed order.) (Blocks with a memory need care. BatchNorm would update its running averages twice; dropout must draw the same random numbers again, for which PyTorch keeps the state of its generator.)
#
# In Mask R-CNN `checkpointing` covers the ResNet, stage by stage. With and without, in fp32 and bf16. This counts what is kept between the passes, without the segment that is computed again at the peak:

# %% tags=["nbval-ignore-output"]
memory, objectness = {}, {}
for checkpointing, bf16 in ((False, False), (False, True), (True, False), (True, True)):
    coins.checkpointing, seconds = checkpointing, []
    for _ in range(3):  # the first time includes preparations
        start = perf_counter()
        with torch.autocast("cpu", torch.bfloat16, bf16):
            size, five = kept(lambda: coins.losses(images, truths, seeds=range(4)), coins)
        sum(five.values()).backward()
        seconds.append(perf_counter() - start)
    memory[checkpointing, bf16], objectness[checkpointing, bf16] = size, five["rpn_objectness"]
    name = f"checkpointing {checkpointing!s:5}, bf16 {bf16!s:5}"
    print(f"{name}: {size:5.1f} MiB, {1000 * min(seconds):5.0f} ms")

# %%
base, low = objectness[False, False].item(), objectness[False, True].item()
part = {k: round(20 * v / memory[False, False]) * 5 for k, v in memory.items()}  # to 5 %
claim(
    "C86",
    measured=f"16 blocks: {100 * peaks[4] / plain:.0f} % of the activations at the peak, gradients "
    f"equal to the bit. Mask R-CNN, between the passes: about {part[True, False]} %.",
    supports=equal and peaks[4] < 0.4 * plain and part[True, False] < 90
    and objectness[True, False].item() == base,
)  # fmt: skip
claim(
    "C87",
    measured=f"bf16 keeps about {part[False, True]} % of fp32's activations, with checkpointing "
    "less than 60 %; the RPN's loss differs by less than 3 %. In fp16 the sum of 300 × 300 ones is "
    "infinite.",
    supports=part[True, True] < 60 < part[False, True] < 75 and abs(low / base - 1) < 0.03
    and bool(torch.ones(300 * 300).half().sum().isinf()),
)  # fmt: skip

# %% [markdown]
# bf16 saves time on processors that have it; elsewhere a step took 8 times as long. On a GPU it is the usual way to train: Mask R-CNN in fp16 went from 4.4 to 3.6 GB with the same mask AP (MMDetection's model zoo). Note how far that is from a half. Weights, their gradients and momentum stay in 32 bits, but explain only half a gigabyte; many operations keep copies in fp32.
#
# ## Recap
#
# You can now
#
# 1. **measure where losses meet**: lengths that change while a network learns, that of box most; and angles that are far from chance, and far from the dial's 180°;
# 2. **weigh losses**, and say where it ends: uncertainty minimises a product and may neglect a task, equal pulls say nothing about where to go, DWA follows the unit, and the notes' formula helps the easy task. Adam forgives a constant weight where nothing is shared, SGD does not;
# 3. **sample**: the cap of 25 % is reached where objects are many, and nearly where the RPN is good; otherwise negatives fill up;
# 4. **mine**: with suppression by loss, by sorting and not by a threshold; and look at what was picked, for wrong labels come first;
# 5. **save memory**: bf16 for convolutions, fp32 for sums; segments in the order of √n, and the same gradients, on a CPU to the bit.
#
# Your predictions beside what was measured, and your exercises:

# %% tags=["full-length"]
progress("09")

# %% [markdown]
# **Reading on.** Kendall et al., *Multi-Task Learning Using Uncertainty to Weigh Losses*, 2018. Yu et al., *Gradient Surgery for Multi-Task Learning*, 2020, on what to do where gradients oppose each other. Kurin et al. and Xin et al., both 2022, for sober comparisons. Micikevicius et al., 2018, and Chen et al., 2016, for the last section. In the package: `minseg/losses/balance.py`, `sampling.py` and `minseg/train/step.py`.
#
# **Next**, lesson 10 does without boxes and proposals: in SOLO an instance is a place.
#
# > **When it does not work**
# >
# > - *A loss is NaN after switching to fp16*: look for sums over many pixels, and for exponentials; compute them in fp32. Or use bf16.
# > - *The weights of uncertainty run away*: a loss goes to 0 or below. Bound $s$, as `UncertaintyWeights` does, and use losses that are at least 0.
# > - *No positives, and a mask loss of 0*: the true boxes were not added to the proposals, or boxes and anchors disagree about their coordinates.
# > - *Training got worse with OHEM*: look at what it picks. If the labels are wrong, mend the labels.
# > - *"the use_reentrant parameter should be passed explicitly"*: give `use_reentrant=False` to `torch.utils.checkpoint.checkpoint`.

# %% [markdown]
# # 42 · Train your own
#
# In a minute you have trained a Mask R-CNN from nothing. Two questions then matter: has it learnt, and what limits it?
#
# *30 minutes: 10 to read, 7 to look at pictures, 1 to wait, 12 to write code. 90 s to run, no GPU. You need [unit 41](41_what_each_part_is_taught.ipynb).*

# %%
import torch

from minseg.data import SceneDataset
from minseg.draw import draw_image, draw_instances, figure, show
from minseg.models import MaskRCNN

options = {"size": 128, "count": (4, 8), "style": "coins"}
scenes = SceneDataset("train", **options)  # the first 200 will do
unseen = SceneDataset("val", **options)  # never trained on

fig, axes = figure(columns=4, height=235)
for k in range(2):
    image, truth = scenes[k].image, scenes[k].instances
    draw_image(axes[2 * k], image, f"scene {k}")
    draw_instances(axes[2 * k + 1], image, truth, f"its {len(truth)} masks")
show(
    fig,
    alt="Two images of worn grey coins on dark ground, each with its masks beside it.",
    facts="two of the 200 scenes to learn from, four to eight coins in each",
)

# %% [markdown]
# ## Before the first step
#
# The curve that you are about to watch is the sum of the five losses of [unit 41](41_what_each_part_is_taught.ipynb). You know where some of them start when a network knows nothing. This one has a single class, coin.
#
# **Predict.** Where does the sum start, about? (The two box losses are small at first; allow 0.15 for both.)

# %%
from minseg.course import check, guess, hint, lesson_steps, progress, reveal, solution

guess("42.q_start", None)

# %%
images = [scenes[k].image for k in range(8)]
instances = [scenes[k].instances for k in range(8)]
sums = []
for seed in range(5):
    torch.manual_seed(seed)
    losses = MaskRCNN(classes=(9,)).losses(images, instances, seeds=range(8))
    sums.append(sum(losses.values()).item())
sums = torch.tensor(sums)
reveal("42.q_start", sums.mean(), digits=2)
print(f"five untrained networks: {sums.mean():.1f} ± {sums.std():.2f}")

# %% [markdown]
# Three yes-or-no questions, each at $\ln 2 = 0.69$: thing or not, coin or background, cell covered or not. $3 \ln 2 + 0.15 = 2.2$. If your curve starts at 5, stop, and look for the bug.
#
# ## Train
#
# Run the cell; it takes about a minute on one core. There are 200 scenes, and every scene is mirrored and turned at random each time that it is seen, in 8 possible ways. A step takes four of them and changes all 1.9 million weights a little, so as to lower the sum.

# %% tags=["nbval-ignore-output"]
from minseg.draw.mask_rcnn import draw_training
from minseg.explore import LossCurve
from minseg.train import InMemory, augment_symmetries, train, validate

torch.manual_seed(0)
mine = MaskRCNN(classes=(9,))  # category 9 is "coin"
steps = lesson_steps(200)  # 200, or fewer in a quick test
curve = LossCurve(steps=steps)
display(curve)  # noqa: F821  (Jupyter's own)
result = train(
    mine,
    InMemory(scenes, 200),
    steps=steps,
    batch_size=4,
    augmentation=augment_symmetries,
    on_step=curve,
)

names = ("rpn_objectness", "rpn_box", "class", "box", "mask")
three = [unseen[k] for k in range(3)]
answers = [mine.eval().predict(one.image[None], score_threshold=0.5)[0] for one in three]
show(
    draw_training(result, names, three, answers),
    alt="Five losses over 200 steps, four falling, one rising first; three scenes with coins marked.",
    facts=f"sum of losses at the last step: {result.losses[-1]['loss']:.2f}",
)

# %% [markdown]
# Read the five curves. Class falls fast: most RoIs are background, and that is soon learnt. The mask falls steadily. And the **box loss rises** before it falls. Is something broken?
#
# No. Only positives have a box loss, and at first nearly all positives are the true boxes that joined the proposals ([unit 41](41_what_each_part_is_taught.ipynb)). They need no moving at all, so a head that says nothing is right, and the loss starts near 0. (Each mark is a mean over 10 steps; the first is past the start already.) As the RPN improves, real proposals take their place, and the head has something to do. A loss that rises is not always bad news, and one that falls proves little: it is measured on scenes that the network trains on, by rules that change as it learns.
#
# ## Has it learnt?
#
# Ask for **AP** ([unit 30](30_average_precision_by_hand.ipynb)), on scenes that it has never seen. And ask a second time on scenes that it *has* trained on: if it is much better there, it has learnt them by heart.

# %% tags=["nbval-ignore-output"]
from minseg.data import coins_truth, photo
from minseg.metrics import average_precision, mask_iou

known, new = InMemory(scenes, 24), InMemory(unseen, 24)
quality = validate(mine, new)
for name, numbers in (("trained on", validate(mine, known)), ("never seen", quality)):
    print(f"{name}: AP {numbers['ap']:.2f}, AP50 {numbers['ap50']:.2f}, AP75 {numbers['ap75']:.2f}")

photograph, coins = photo("coins"), coins_truth()
(by_mine,) = mine.predict(photograph[None], score_threshold=0.5)
fig, axes = figure(columns=2, width=720, height=320)
draw_image(axes[0], photograph, "A photograph")
draw_instances(axes[1], photograph, by_mine, "What your network finds")
show(
    fig,
    alt="24 Greek coins in four rows, and the ones that your network finds, numbered.",
    facts=f"mask AP on the photograph: {average_precision([by_mine], [coins]).ap:.2f}",
)
widths = (coins.boxes[:, 2] - coins.boxes[:, 0]).int()
hit = (mask_iou(coins.masks, by_mine.masks) > 0.5).any(dim=1)  # (24,) which coins were found
print("widths of the coins found, px:", *sorted(widths[hit].tolist()))
print("widths of the coins missed, px:", *sorted(widths[~hit].tolist()))

# %% tags=["full-length"]
learnt = quality["ap50"] > 0.8
print("Has it learnt?", "Yes." if learnt else "Not yet. Run the training cell again, as a whole.")

# %% [markdown]
# *Your* network, *your* numbers. AP on both kinds of scene is nearly the same. 200 steps of four images are 800: each scene was seen four times, turned and mirrored, and was not learnt by heart. AP50 and AP75 are close to 1, and what AP lacks it loses at the strictest thresholds: for an IoU of 0.95 on a disc 20 px wide only 5 % of its 314 pixels may be wrong, a quarter of a pixel along the outline.
#
# The photograph is the harder exam: no photograph was in its training, and these coins are 37 to 65 px wide, where those in the scenes have about 20. Look at the two lines of widths (a coin is found by a mask with an IoU above ½; a fragment of it does not count): it is the *large* coins that are missed. Nothing in 200 steps has asked for them. One class of grey coins on dark ground is an easy world: for discs, boxes and triangles in all colours, hiding one another, the same network needs minutes. Three minutes on two cores bring it to an AP of 0.67 there, ten to 0.78 (medians of three seeds).
#
# ## From numbers to an answer
#
# What turns the heads' numbers into detections is not learnt. It is a handful of rules, each of them easy to get wrong. Write them.
#
# **Exercise 42.detect** · *core, 12 minutes.* For one image. You get:
#
# - `logits` (R, C + 1), background in the last column; `deltas` (R, C, 4), one box for each class, multiplied by (10, 10, 5, 5) as in unit 41; give these numbers to `decode`, which divides by them;
# - `proposals` (R, 4), where R may be 0; `size` (2,), height and width of the image;
# - three numbers: `score_threshold`, `iou_threshold`, `most`.
#
# Do this:
#
# 1. Scores are a softmax over *all* columns. Then drop background.
# 2. *Every* class of a proposal whose score is above `score_threshold` is a candidate. So one proposal may give two.
# 3. Move the proposal by the deltas *of that class*; cut the box off at the edges of the image.
# 4. Drop boxes that are less than 1 px wide or high.
# 5. NMS *within* each class; keep the best `most`, best first.
#
# Return a tuple: boxes (D, 4), classes (D,) from 0 on, and scores (D,). These three do the work:
#
# - `decode(deltas, boxes, weights)`: (N, 4) and (N, 4) to (N, 4);
# - `clip_boxes(boxes, sizes)`: (1, N, 4) and (1, 2) to (1, N, 4);
# - `batched_nms(boxes, scores, classes, iou_threshold)`: the row numbers that are kept, best first.

# %%
from minseg.boxes import batched_nms, clip_boxes, decode


def my_detect(logits, deltas, proposals, size, score_threshold, iou_threshold, most):
    """boxes (D, 4), classes (D,), scores (D,): best first, at most `most`."""
    raise NotImplementedError


check("42.detect", my_detect)

# %% [markdown]
# `hint("42.detect")` helps; `solution("42.detect")` shows the package's code.
#
# ## What limits it: the box
#
# A mask is read in a box and pasted into that box. What lies outside is lost, whatever the mask head draws. Take a network with four minutes of training behind it, and let it draw the coins of the photograph in boxes that are *wrong* by a known amount, each in a random direction.
#
# **Predict.** The coins are about 45 px wide. With boxes that are 8 px off, what is the mean IoU of the masks? (With true boxes it is 0.97.)

# %%
guess("42.q_moved", None)

# %%
from minseg.boxes import boxes_to_rois
from minseg.masks import from_grid
from minseg.models import load_coins
from minseg.models.padding import pad_images

trained = load_coins()
with torch.no_grad():
    pyramid = trained.first_stage(pad_images(photograph[None], 16)[0])[0]


@torch.no_grad()
def quality_in(boxes):
    """The mean IoU of the masks that the network draws in given boxes (24, 4)."""
    grids = trained.read_masks(pyramid, boxes_to_rois([boxes]))[:, 0].sigmoid()  # (24, 28, 28)
    drawn = from_grid(grids, boxes, *photograph.shape[1:])  # (24, H, W) bool
    return mask_iou(drawn, coins.masks).diagonal().mean().item()


angle = 2 * torch.pi * torch.rand(24, generator=torch.Generator().manual_seed(0))
direction = torch.stack([angle.cos(), angle.sin()] * 2, dim=1)  # (24, 4), for both corners
reveal("42.q_moved", quality_in(coins.boxes + 8 * direction), digits=2)

# %%
from minseg.draw.mask_rcnn import draw_moved_boxes
from minseg.experiments.mask_rcnn_probes import masks_in_moved_boxes

shifts = (0, 1, 2, 4, 6, 8, 12, 16)
worth = masks_in_moved_boxes(trained, photograph, coins, shifts)  # {shift: (IoU, share in box)}
show(
    draw_moved_boxes(worth),
    alt="Two curves over the shift of the box: the share of a coin that is still in its box falls "
    "from 1 to 0.64 at 16 px, and the mask IoU stays a little below it all the way.",
    facts=f"at 8 px: mask IoU {worth[8][0]:.2f}, share of the coin in its box {worth[8][1]:.2f}",
)

# %% [markdown]
# The dashed line is the share of the coin that is still inside its box, and it is a ceiling: of a mask $M$ only $M \cap \text{box}$ can come back, so $\text{IoU} \le |M \cap \text{box}| / |M|$. A box that is 8 px off loses 14 % of the coin, which leaves 0.86, and the network gets 0.84. It draws nearly all that it can see. Better boxes make better masks, and no mask head can make up for a bad box.
#
# ## What limits it: how the RoI is read
#
# [Unit 21](21_roi_pooling_versus_roialign.ipynb) showed what RoI pooling's rounding does to features. What does it do to a network's AP? Train the same network with RoI pooling and with RoIAlign: mask AP is 21.9 against 28.0 percent (0.219 and 0.280 on the scale used so far).
#
# Is it the rounding, or that RoI pooling takes a maximum? **RoIWarp** lies in between: it *rounds the box* as RoI pooling does, and then reads it bilinearly, as RoIAlign does.
#
# **Predict.** What AP, in percent, does the network get with RoIWarp?

# %%
guess("42.q_warp", None)

# %%
from minseg.draw.mask_rcnn import draw_alignment
from minseg.experiments.roi_ablation import MASK_AP, PUBLISHED_AP

show(
    draw_alignment(MASK_AP, PUBLISHED_AP),
    alt="Bars of mask AP. Here: RoI pooling 21.9, RoIWarp 21.1, RoIAlign 28.0; dots of the three "
    "seeds lie close together. Published: 26.9, 27.1, 30.3.",
    facts="mask AP in percent; dots are three networks each",
)
for way, ap in MASK_AP.items():
    print(f"{way:5} {torch.tensor(ap).mean():.1f} ± {torch.tensor(ap).std():.1f}")
reveal("42.q_warp", torch.tensor(MASK_AP["warp"]).mean(), "%")

# %% [markdown]
# Nothing is gained by reading a *wrong* box well: what costs is the rounded box, up to half a cell at each edge, and both RoI pooling and RoIWarp have it. (Left: `benchmarks/roi_ablation.py`, 200 steps, discs, boxes and triangles. Right: He et al., 2017, table 2c. Compare the order, not the heights: data, networks and strides differ.)
#
# In the paper the gain grows with the stride: 1.5 points with a feature pyramid, 3.4 at stride 16, 7.3 at stride 32. The runs here are too short to say anything about that.
#
# <details><summary>For the curious: one mask for each class, or one for all?</summary>
#
# The mask head draws $C$ masks and shows that of the predicted class. A *class-agnostic* head draws one for all classes. In the paper that costs next to nothing: 29.7 instead of 30.3 mask AP. It saves few parameters (only the last layer changes), but it can draw things of classes whose masks nobody annotated, for which a class-specific head has an untrained channel. `MaskRCNN(class_agnostic=True)` is such a network.
#
# </details>
#
# ## Four minutes instead of one
#
# The network that drew in the wrong boxes has the same parts as yours, with seven times the steps on five times the scenes. Its photograph:

# %%
(found,) = trained.predict(photograph[None], score_threshold=0.5)
judged = average_precision([found], [coins])
fig, ax = figure(width=520, height=430)
draw_instances(ax, photograph, found, "Trained for four minutes, on no photograph")
show(
    fig,
    alt="24 Greek coins in four rows; each is found, numbered and outlined along its edge.",
    facts=f"{len(found)} found of {len(coins)}; mask AP {judged.ap:.2f}, AP75 {judged.ap75:.2f}",
)

# %% [markdown]
# One photograph is a demonstration and no benchmark, and it is the one that the scenes were made to resemble.
#
# > **In practice**
# >
# > - *Default*: start from weights trained on COCO and fine-tune; from nothing only where images are small and unlike photographs, as here.
# > - *Watch* AP on images kept apart, every epoch, and look at twenty answers. The loss is for finding bugs.
# > - *Typical mistake*: a learning rate copied from a batch of 16 for a batch of 2. Symptom: the loss becomes nan within a hundred steps, or objectness sticks at 0.69. [Unit 45](45_schedules_optimisers_memory.ipynb) has schedules and warm-up.
# > - *The library call*: `torchvision.models.detection.maskrcnn_resnet50_fpn`, with `model.roi_heads.box_predictor` and `model.roi_heads.mask_predictor` replaced by ones for your number of classes.
#
# > **When it does not work**
# >
# > - *Training takes several minutes*: something else keeps the cores busy. `torch.get_num_threads()` says how many are used.
# > - *"Not yet"*: run the training cell again as a whole. A second call of `train` alone goes on with the weights of `mine`, but begins its schedule anew.
# > - *Your own scenes give AP 0*: look at sizes. Square anchors have sides of 10, 20 and 40 px (`anchor_scale` times the strides); things that are much larger or smaller have none that fits.
#
# ## Recap
#
# - Know where the losses start, three times $\ln 2$ here, before you train.
# - AP on unseen scenes says whether it has learnt; a falling loss does not, and a rising one need not worry you.
# - `detect` is five rules: softmax with background, every class, its own deltas, no slivers, NMS within classes.
# - A mask cannot leave its box, and a rounded box costs AP, however well it is read.

# %%
progress("42")

# %% [markdown]
# The notes' claims on this: C15, C16, C42, C49 and C137, measured in [92](92_regions_and_mask_rcnn.ipynb).
#
# **Next**: [unit 43, balancing five losses](43_balancing_five_losses.ipynb). All five had weight 1 here. Who says that this is right?

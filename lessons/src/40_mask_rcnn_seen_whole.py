# %% [markdown]
# # 40 · Mask R-CNN, seen whole
#
# An image goes in, a list of masks comes out. What flows between the parts that stand in between? In this unit you put the whole network's forward pass together, in fewer than 25 lines, from parts that the package has ready.
#
# *30 minutes: 11 to read, 5 to look at pictures, 4 to play, 10 to write code. 15 s to run, no GPU. You need [unit 21](21_roi_pooling_versus_roialign.ipynb) for RoIAlign.*

# %%
import torch

from minseg.data import SceneDataset
from minseg.draw import network, show
from minseg.experiments.mask_rcnn_trace import MaskRCNNTrace
from minseg.models import load_coins

model = load_coins()  # trained already, on synthetic coins like these
scene = SceneDataset("val", size=128, count=(5, 7), style="coins")[2]
trace = MaskRCNNTrace(model, scene.image, scene.instances)  # runs it once, keeps every stage
show(
    network.draw_network(trace),
    alt="Two rows of pictures joined by arrows. Above: an image of seven coins, three feature maps, "
    "three maps of scores, many boxes on the image. Below: one box read as 7 by 7 cells, seven "
    "boxes, one read as 14 by 14 cells, a disc of 28 by 28 cells, seven filled coins.",
    facts=f"{len(scene.instances)} coins, {int(trace.kept.sum())} masks",
)

# %% [markdown]
# Every picture after the first is something that the network really computed for this image. Follow the upper row, then the lower one:
#
# | part | its question |
# |:--|:--|
# | **backbone** | what does each place look like? |
# | **region proposal network**, RPN | where might there be a thing, whatever it is? |
# | **RoIAlign** | what do the features inside this box look like? |
# | **box head** | which class is it, and where exactly? |
# | **mask head** | which cells of the box belong to it? |
#
# The letters in the shapes: $A$ counts **anchors**, $R$ **proposals** (boxes worth a closer look), $D$ detections that are kept in the end, $C$ classes. This network knows one class, coin, so $C = 1$. (He et al., *Mask R-CNN*, 2017.)
#
# Anchors are boxes that nobody computed. They stand there from the start, three of them, a wide one, a square one and a tall one, at *every* cell of *each* of the three maps, whatever the image shows. The RPN gives each of them a score, and says how it should move to fit.
#
# **Predict.** The maps have 32 × 32, 16 × 16 and 8 × 8 cells. How many anchors does this small image have?

# %%
from minseg.course import check, guess, hint, progress, reveal, solution

guess("40.q_anchors", None)  # your number in place of None

# %%
reveal("40.q_anchors", sum(trace.anchors), "anchors", digits=4)

# %% [markdown]
# $3 \cdot (32^2 + 16^2 + 8^2) = 3 \cdot 1344 = 4032$, for seven coins. Most of the network's work is to get rid of them. Watch it do so.
#
# ## Follow one box
#
# Each tab is a stage. The yellow box is the same **RoI**, region of interest, on all of them: choose another with a click, with N and P, or with the slider. From the second stage on it can be dragged, and resized at its corner. The lines below the picture say what each stage makes of it. (The tab *Sampled RoIs* is about training, and belongs to [unit 41](41_what_each_part_is_taught.ipynb).)

# %%
from minseg.explore import StageViewer

StageViewer(model, scene)

# %% [markdown]
# 1. **Take RoI 1 through the tabs.** Which part moves it most?
# 2. **Proposals**: there are 100 for seven coins. Click one coin several times. Why so many, and where do the rest go?
# 3. **Masks**: look at the grey 14 × 14 picture. Is it the image?
# 4. **Class and box**: drag the yellow box 4 px to the left, or press the left arrow key four times. What does the box head do about it?
#
# <details><summary>Answers</summary>
#
# 1. The RPN. Its anchor is a square of 20 × 20 px, the proposal fits the coin already (IoU 0.94), and the box head moves it by a tenth of a pixel.
# 2. The RPN drops a box only if its IoU with a better one is above 0.7 (this *suppression* is explained in section 3); several moderately different boxes on each coin pass. After the box head a second one, at 0.5, leaves one box for each coin: 7 of 100.
# 3. No. It is the *strength of 64 feature channels*, read in the box by RoIAlign. The mask head never sees a pixel of the image. All that it knows has come through the backbone.
# 4. It pulls the box back: IoU with the coin is 0.70 after your drag and 0.90 after the box head. The score stays at 1.00, and the mask hardly changes. (Drag further, and something odd happens to the score. Unit 41 explains it.)
#
# </details>
#
# Now the parts, one after the other. Each cell from here on is a line or two of the forward pass.
#
# ## 1 · Features: three maps of one image
#
# The backbone is a small residual network that halves the resolution step by step. Fine maps know *where* something is, coarse ones *what* it is: their cells have seen more of the image. A **feature pyramid** (Lin et al., 2017) enlarges the coarse maps and adds them to the finer ones, so that each level knows both. A level's **stride** is the number of image pixels from one of its cells to the next: 4, 8 and 16 here.

# %%
image = scene.image  # (3, 128, 128), values from 0 to 1

with torch.no_grad():
    pyramid = model.backbone(image[None] - 0.5)  # 0 is mid-grey

for features in pyramid:
    print(tuple(features.shape))

# %% [markdown]
# ## 2 · A score and a move for each anchor
#
# The RPN is one small convolutional network that runs over all three maps with the same weights. For each anchor it gives one number, **objectness**: how likely is a thing here? And four numbers that say how to move the anchor there, its **deltas**.

# %%
from minseg.draw.mask_rcnn import draw_objectness
from minseg.models.mask_rcnn.rpn import propose, pyramid_anchors

with torch.no_grad():
    objectness, moves = model.rpn(pyramid)  # (1, A) logits, (1, A, 4)
anchors = pyramid_anchors([p.shape[2:] for p in pyramid], model.strides)  # (A_k, 4) of each level
size = torch.tensor(image.shape[1:])  # (2,) height and width
boxes, real = propose(objectness, moves, anchors, size[None], keep=100)  # (1, 100, 4), (1, 100)

yes = objectness[0].sigmoid()
sure = [int((part > 0.5).sum()) for part in yes.split(trace.anchors)]
show(
    draw_objectness(image, scene.instances.boxes, yes, boxes[0, :60], cells=(32, 16, 8)),
    alt="Three maps of scores with the true boxes dashed: bright cells in each coin at stride 8, "
    "hardly any at stride 4, three at stride 16, in large coins. On the right, boxes on coins.",
    facts=f"anchors with an objectness above ½: {sure} at strides 4, 8 and 16",
)

# %% [markdown]
# A cell shows the best of its three anchors. An anchor's size grows with the stride: the square one is 10, 20 or 40 px wide. So each level finds things of its own size, and these coins, 16 to 26 px wide, are found at stride 8 above all.
#
# ### How to say where
#
# A convolution does the same at every place, so it cannot say "the box begins at 37.2". It can say "the thing is a bit to the right of *here*, and twice as wide". That is what deltas do.

# %%
from minseg.draw.targets import draw_move

anchor, thing = torch.tensor([10.0, 10, 30, 30]), torch.tensor([18.0, 14, 58, 34])
show(
    draw_move(anchor, thing),
    alt="A square anchor of 20 by 20 px and a thing of 40 by 20 px; an arrow from centre to centre "
    "goes 18 px to the right and 4 px down.",
    facts="centres: 18 px apart in x, 4 px in y; widths 20 and 40 px, heights 20 and 20 px",
)

# %% [markdown]
# From anchor to thing, all in units of the **anchor**:
#
# - the centre moves 18 px to the right, and the anchor is 20 px wide: $dx = 18 / 20 = 0.9$;
# - it moves 4 px down, and the anchor is 20 px high: $dy = 4 / 20 = 0.2$;
# - the thing is twice as wide: $dw = \ln 2 = 0.69$; as high as the anchor: $dh = \ln 1 = 0$.
#
# Why the logarithm? A size must come out positive whatever the network says, and "twice" should be as far from "equal" as "half" is: $\pm 0.69$. An anchor that fits has four zeros.
#
# **Exercise 40.encode** · *core, 8 minutes.* Write this for many boxes. `boxes` and `anchors` are (N, 4), floating point, as corners $x_1, y_1, x_2, y_2$, with positive sides; N may be 0. `weights` is a tuple of four numbers (`boxes.new_tensor(weights)` makes a tensor of it): return each delta times its weight. (The second stage takes 10, 10, 5, 5, since its deltas are small. A network learns most easily when targets vary by about 1; [unit 41](41_what_each_part_is_taught.ipynb) measures it.) `hint("40.encode")` helps, one hint a call.


# %%
def my_encode(boxes, anchors, weights):
    """(N, 4): dx, dy, dw, dh that turn each anchor into its box, times the weights."""
    raise NotImplementedError


check("40.encode", my_encode)

# %% [markdown]
# Once it passes, `solution("40.encode")` shows the package's code. Its inverse, `decode`, turns deltas into a box again: that is how `propose`, above, moved the anchors.
#
# ## 3 · From 4032 anchors to 100 proposals
#
# `propose` did three things in a row: it took the 80 best anchors of each level, moved them by their deltas, and ran **non-maximum suppression**, NMS, within each level: keep the best box, drop all whose IoU with it is above 0.7, go on with the best that is left. The 100 best survivors of all levels are the proposals.
#
# Each is read by RoIAlign as a grid of fixed size. But from which of the three maps?
#
# **Predict.** These coins were *found* on the map of stride 8. From which stride will the heads *read* them? (4, 8 or 16)

# %%
guess("40.q_read", None)

# %%
from minseg.boxes import boxes_to_rois, fpn_level
from minseg.models.mask_rcnn.roi_heads import read_pyramid

rois = boxes_to_rois([boxes[0][real[0]]])  # (R, 5) rows: number of the image, then the box
grids = read_pyramid(pyramid, model.strides, rois, 7)  # (R, 64, 7, 7)

level = fpn_level(rois[:, 1:], 0, 2, canonical_size=40, canonical_level=0)  # as read_pyramid does
reveal("40.q_read", model.strides[int(level.max())])  # the coarsest of the 100

# %% [markdown]
# A RoI is read by its *size*, whoever found it. Here level 0, of stride 4, reads everything below 80 px, since $\lfloor \log_2 (\text{side} / 40) \rfloor \le 0$ there; a coin of 20 px gets $20 / 4 = 5$ cells of its own, at stride 8 only 2 or 3, too few to draw an outline. Finding a thing needs context; drawing it needs resolution.
#
# <details><summary>For the curious: the rule for large images</summary>
#
# With levels P2 to P5, of strides 4 to 32, a RoI of $w \times h$ px is read from level $k = \lfloor 4 + \log_2(\sqrt{wh} / 224) \rfloor$, kept within 2 to 5. 224 px was the size of the images with which backbones were pretrained, and a RoI of that size goes where the backbone's own head used to look, to stride 16. So 32 and 56 px go to P2, 112 px to P3, 224 px to P4, 448 px to P5: each doubling of the side goes one level up.
#
# </details>
#
# ## 4 · Two heads
#
# The **box head** flattens a grid, $7 \cdot 7 \cdot 64 = 3136$ numbers, and sends them through two fully connected layers of 256 units. Out come $C + 1$ class logits (background is one of them; here it is the last) and four deltas for each class.
#
# **Predict.** The whole network has 1.9 million parameters. How many percent of them are in the box head?

# %%
guess("40.q_box_head", None)


# %%
def parameters(part):
    return sum(weights.numel() for weights in part.parameters())


for name, part in model.named_children():
    print(f"{name:9} {parameters(part):7,}")
reveal("40.q_box_head", 100 * parameters(model.box_head) / parameters(model), "%", digits=2)

# %% [markdown]
# The first fully connected layer alone has $3136 \cdot 256 = 802{,}816$ weights, 43 % of everything. It is the price of *flattening*: each of the 49 cells has weights of its own, where a convolution shares them. The mask head is convolutional, and ten times smaller.
#
# At test `detect` makes boxes of the logits and deltas: it drops what is improbable, moves the rest, and runs NMS once more. (You will write it in [unit 42](42_train_your_own.ipynb).) Then the **mask head** reads the boxes that are left, the *refined* ones: 14 × 14 cells, two 3 × 3 convolutions, a transposed convolution that doubles the grid, and one logit for each of 28 × 28 cells and each class.

# %%
from minseg.boxes import box_iou
from minseg.draw.targets import draw_answer
from minseg.models.mask_rcnn.inference import detect, paste

with torch.no_grad():
    logits, deltas = model.box_head(grids)  # (R, C + 1), (R, C, 4)
    found = detect(logits, deltas, rois[:, 1:], size)  # boxes (D, 4), classes (D,), scores (D,)
    large = read_pyramid(pyramid, model.strides, boxes_to_rois([found.boxes]), 14)
    masks = model.mask_head(large)  # (D, C, 28, 28)
instances = paste(found, masks, model.categories, size)  # D masks of 128 × 128

one = box_iou(found.boxes, rois[:1, 1:]).argmax()  # the detection that RoI 1 has become
strength = grids[0].norm(dim=0), large[one].norm(dim=0)
show(
    draw_answer(
        image, found.boxes[one], (*strength, masks[one, 0].sigmoid()), instances.masks[one]
    ),
    alt="A coin in its box; its features as 7 by 7 and as 14 by 14 grey cells; a white disc of 28 "
    "by 28 cells; the coin filled on the image.",
    facts=f"{len(instances)} detections, the least sure with a score of {found.scores[-1]:.2f}",
)

# %% [markdown]
# `paste` brings 28 × 28 probabilities onto the image: for each pixel's *centre* it reads the grid bilinearly at that place, and asks whether the value is ½ or more. Shift either grid by half a cell and every mask moves; [unit 11](11_a_mask_on_a_grid.ipynb) shows what that looks like.
#
# ## The whole forward pass
#
# You have seen every line. In one piece:


# %%
@torch.no_grad()
def forward(model, image):
    """Mask R-CNN at test: an image (3, H, W), sides multiples of 16, to its instances."""
    size = torch.tensor(image.shape[1:])

    # Features: one image, three resolutions.
    pyramid = model.backbone(image[None] - 0.5)

    # First stage: a score and a move for each anchor; the best become proposals.
    objectness, moves = model.rpn(pyramid)  # (1, A), (1, A, 4)
    anchors = pyramid_anchors([p.shape[2:] for p in pyramid], model.strides)
    boxes, real = propose(objectness, moves, anchors, size[None], keep=100)
    rois = boxes_to_rois([boxes[0][real[0]]])  # (R, 5)

    # Second stage, boxes: what is in each proposal, and where exactly?
    logits, deltas = model.box_head(read_pyramid(pyramid, model.strides, rois, 7))
    found = detect(logits, deltas, rois[:, 1:], size)

    # Second stage, masks: read again, in the refined boxes.
    grids = read_pyramid(pyramid, model.strides, boxes_to_rois([found.boxes]), 14)
    masks = model.mask_head(grids)  # (D, C, 28, 28)
    return paste(found, masks, model.categories, size)


ours, theirs = forward(model, image), model.predict(image[None])[0]
print("masks equal:", torch.equal(ours.masks, theirs.masks))
print("scores equal:", torch.equal(ours.scores, theirs.scores))

# %% [markdown]
# The package's `predict` does the same; what it has more are batches, padding for images of any size, and thresholds to set. Put a `print` anywhere in `forward` and look.
#
# > **In practice**
# >
# > - *The library call* is `torchvision.models.detection.maskrcnn_resnet50_fpn(weights="DEFAULT")`: five levels of 256 channels, anchors from 32 to 512 px, 1000 proposals at test, 91 category ids. It takes a list of (3, H, W) tensors with values from 0 to 1.
# > - *Typical mistake*: normalising the image yourself. torchvision's model does it inside; twice normalised, its answers get worse, and no error says why.
# > - *Another*: its masks are (N, 1, H, W) *probabilities*. Without `> 0.5` every box is filled.
# > - *By default* take masks from refined boxes, as here. Masks that are read from proposals are cut off wherever a proposal was wrong.
#
# ## Recap
#
# - Backbone, RPN, RoIAlign, box head, RoIAlign again, mask head, paste: seven steps, each a function of tensors.
# - Thousands of anchors become 100 proposals, and those a handful of detections, by score and by NMS, twice.
# - Deltas say where, in units of the box one starts from.
# - Things are found on the level that suits their size, and read on a finer one.
# - Nearly half of this small network is one fully connected layer.

# %%
progress("40")

# %% [markdown]
# The notes' claims on this: C09, C18, C46 to C48, C52 and C82, measured in [92](92_regions_and_mask_rcnn.ipynb).
#
# **Next**: [unit 41, what each part is taught](41_what_each_part_is_taught.ipynb). The forward pass is all functions; where do their weights come from?

# %% [markdown]
# # 00 · Ten minutes: from a photograph to masks
#
# A photograph goes in, and for each coin in it a mask comes out: which pixels are *this* coin, and which are the next one's? A few lines of Python ask a small network just that, you turn the one knob that it has, and then it is given a picture of your own.
#
# *20 minutes: 10 to read and look, 6 to play, 3 to write code. 15 s to run. No GPU, no downloads. You need some Python.*
#
# Run a cell with **Shift + Enter**. This notebook is your own copy: change what you like.

# %%
from minseg.data import photo
from minseg.draw import draw_image, draw_instances, figure, show
from minseg.models import load_coins

image = photo("coins")  # (3, 303, 384): red, green and blue, of 303 rows and 384 columns
network = load_coins()
found = network.predict([image])[0]  # a list of images goes in; this is the answer to the first

fig, axes = figure(columns=2)
draw_image(axes[0], image, "What goes in: numbers")
draw_instances(axes[1], image, found, "What comes out: a mask for each coin")
alt = "The photograph of 24 coins, and again with each coin filled, outlined and numbered."
show(fig, alt=alt, facts=f"{len(found)} masks")

# %% [markdown]
# That was **instance segmentation**. An **instance** is one object, told apart from others of its kind, and its **mask** says of each pixel whether it belongs to that object. The network has seen 1000 drawn scenes of coins before, and not a single photograph.
#
# With each mask come a class (here always "coin"), a box around it, and a **score** from 0 to 1: how sure the network is.

# %%
print("masks ", tuple(found.masks.shape), found.masks.dtype)
print("boxes ", tuple(found.boxes.shape), "left, top, right and bottom edge of each")
print("scores", [round(score, 2) for score in found.scores[:5].tolist()], "…")

# %% [markdown]
# ## Guess first
#
# You remember a number better when you had to guess it first. So a lesson asks for your guess before it shows an answer. Put your number in place of `None`, run the cell, run on. If you leave `None`, nothing stops you.
#
# All 24 scores round to 1: this photograph was easy. Now somebody takes it in a dark room, and the camera adds noise:

# %%
from minseg.explore.segmenter import Segmenter, noisy_coins

part = noisy_coins()[:, 90:220, 120:300]

fig, axis = figure(width=400, height=300)
draw_image(axis, part, "A part of the photograph, taken in the dark")
show(
    fig, alt="A few of the coins, with strong grey noise.", facts="24 coins in the whole, as before"
)

# %% [markdown]
# **Predict.** Of what the network finds now, keep what has a score of at least ½. How many masks are left?

# %%
from minseg.course import guess, reveal

guess("00.q_noisy", None)  # your number in place of None

# %%
segmenter = Segmenter(photo="coins, noisy", threshold=0.5)
reveal("00.q_noisy", (segmenter.look.found.scores >= 0.5).sum())

# %% [markdown]
# More than there are coins. 23 of the 26 lie on a coin of their own, three lie on noise, and one coin is missed: 23 + 3 = 26. Noise has not made the network see less; it has made it less sure. (This is one draw of the noise. Ten draws give 25.9 ± 0.7 masks, of which 22.7 ± 0.5 lie on a coin: mean ± standard deviation.)

#
# ## The knob
#
# Here is that answer, to play with. What has a score below the **threshold** is dropped. Drag the line in the histogram, or the slider; the arrow keys move the slider too.

# %%
segmenter

# %% [markdown]
# 1. Put the threshold at 0.10, then at 0.95. What do you win, what do you lose?
# 2. Is there a threshold that keeps all 24 coins and nothing else?
# 3. Choose the photograph "coins". How far can you go before the first coin is missed?
#
# <details><summary>Answers</summary>
#
# 1. At 0.10 no coin is missed, and 20 masks lie on none. At 0.95 every mask lies on a coin, and 5 coins are missed.
# 2. No. The least sure coin has a score of 0.43, the surest mistake one of 0.78: whatever line you draw between them, something is on the wrong side. Which mistake is worse depends on what the masks are for; [unit 30](30_average_precision_by_hand.ipynb) judges a network at all thresholds at once.
# 3. Up to 0.99 all 24 stay. Only at 1.00 they go, all of them: this network is never entirely sure.
#
# </details>
#
# ## Your own picture
#
# Drag a photograph from your computer into JupyterLab's list of files on the left, beside this notebook, and run the cell below. Coins on a dark cloth, seen from above, suit it best. Or try it on something else: **this network knows coins and nothing else**, and whatever you show it, it looks for coins. As long as you have no picture there, a portrait of Grace Hopper, who wrote one of the first compilers, stands in.

# %%
from minseg.data import own_picture

mine = own_picture()  # the first picture in the folder of this notebook, scaled down
Segmenter(own=photo("grace_hopper") if mine is None else mine)

# %% [markdown]
# In the portrait the network finds coins in the flag, on the cap, in the face, and some with a score above 0.99. A score tells how sure a network is, not whether it is right: it has never been shown anything that is *not* a scene of coins, and outside of its own world its scores mean little. Large networks that know a thousand classes share this fault.
#
# ## Exercises that answer
#
# You will write short functions, and `check` tries them on inputs chosen to tell right from nearly right. Where it recognises a mistake, it says what a tutor would say. Here somebody computes the area of boxes, each given as its left, top, right and bottom edge, (x1, y1, x2, y2):

# %%
from minseg.course import check, hint, solution


def a_first_attempt(boxes):
    return (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)


check("00.area", a_first_attempt)

# %% [markdown]
# **Exercise (*warm-up*): the area of a box.** Now you. `boxes` is an (N, 4) tensor of floating-point numbers; the answer is (N,), one area for each box, in square pixels. There may be no boxes at all, N = 0, and a box may be a line of area 0. Replace the line that raises, and run the cell.


# %%
def my_box_area(boxes):
    """(N,) areas of (N, 4) boxes (x1, y1, x2, y2)."""
    raise NotImplementedError


check("00.area", my_box_area)

# %% [markdown]
# If you are stuck, run `hint("00.area")` in a cell of its own, again for one more hint. `solution("00.area")` shows the package's own code, which is the code that runs. Both were imported above, with `check`; from `minseg.course` comes also the table that ends each unit, your guesses beside what was measured:

# %%
from minseg.course import progress

progress("00")

# %% [markdown]
# ## The course
#
# A **unit** is a notebook like this one. It asks one question and takes 15 to 40 minutes, exercises included. Read, guess, run, drag; answers to questions are folded up until you click on them. Exercises are marked *warm-up* (two minutes), *core* (five to ten) or *stretch* (optional). Terms are collected in the [glossary](glossary.md).
#
# **Short of time?** Units 00, [10](10_what_instance_segmentation_asks.ipynb), [21](21_roi_pooling_versus_roialign.ipynb), [30](30_average_precision_by_hand.ipynb), [40](40_mask_rcnn_seen_whole.ipynb) and [42](42_train_your_own.ipynb) are a course of about three hours.
#
# | no. | unit | the question |
# |:--|:--|:--|
# | **1** | **What a mask is** | |
# | 10 | [What instance segmentation asks](10_what_instance_segmentation_asks.ipynb) | what is the answer made of? |
# | 11 | [A mask on a grid](11_a_mask_on_a_grid.ipynb) | how fine must a grid be? |
# | 12 | [A mask as an outline](12_a_mask_as_an_outline.ipynb) | how few numbers describe a shape? |
# | 13 | [A mask as a landscape](13_a_mask_as_a_landscape.ipynb) | which way to write a mask do I take? |
# | 14 | [Losses that see pixels](14_losses_that_see_pixels.ipynb) | what does the gradient do to each pixel? |
# | 15 | [Losses that see outlines](15_losses_that_see_outlines.ipynb) | what do pixels alone not see? |
# | **2** | **Reading a region** | |
# | 20 | [What rounding costs](20_what_rounding_costs.ipynb) | what does snapping to a grid do to what is read? |
# | 21 | [RoI pooling versus RoIAlign](21_roi_pooling_versus_roialign.ipynb) | when do the two differ? |
# | 22 | [RoIAlign, whole](22_roialign_whole.ipynb) | what exactly is computed? |
# | 23 | [A first kernel](23_a_first_kernel.ipynb) | how does a GPU program think? |
# | 24 | [RoIAlign on the GPU](24_roialign_on_the_gpu.ipynb) | what bounds its speed? |
# | **3** | **Measuring** | |
# | 30 | [Average precision by hand](30_average_precision_by_hand.ipynb) | what does AP count? |
# | 31 | [What AP does not see](31_what_ap_does_not_see.ipynb) | which protocol is that number? |
# | 32 | [Boundaries and distances](32_boundaries_and_distances.ipynb) | how good is the edge? |
# | 33 | [Panoptic quality](33_panoptic_quality.ipynb) | how are whole maps compared? |
# | 34 | [Taking PQ apart](34_taking_pq_apart.ipynb) | where was it lost? |
# | **4** | **Mask R-CNN** | |
# | 40 | [Mask R-CNN, seen whole](40_mask_rcnn_seen_whole.ipynb) | what flows between the parts? |
# | 41 | [What each part is taught](41_what_each_part_is_taught.ipynb) | on which examples, towards what? |
# | 42 | [Train your own](42_train_your_own.ipynb) | has it learnt, and what limits it? |
# | 43 | [Balancing five losses](43_balancing_five_losses.ipynb) | who pulls where? |
# | 44 | [Who gets to teach](44_who_gets_to_teach.ipynb) | which examples train? |
# | 45 | [Schedules, optimisers, memory](45_schedules_optimisers_memory.ipynb) | why does it train, and fit? |
# | **9** | **Statements of lecture notes, measured**: no unit needs it | |
# | 91 | [Masks and tasks: the notes, measured](91_masks_and_tasks.ipynb) | |
# | 92 | [Regions and Mask R-CNN: the notes, measured](92_regions_and_mask_rcnn.ipynb) | |
# | 93 | [Panoptic maps and metrics: the notes, measured](93_panoptic_and_metrics.ipynb) | |
# | 94 | [Without boxes: the notes, measured](94_without_boxes.ipynb) | |
# | 95 | [What it costs: the notes, measured](95_costs.ipynb) | |
#
# Parts 5 to 7, on networks without boxes, on panoptic networks and on what it all costs, come later.
#
# **Next**, [unit 10](10_what_instance_segmentation_asks.ipynb): what exactly is the answer made of, and may two masks share a pixel?

# %% [markdown]
# > **When it does not work**
# >
# > - *`ModuleNotFoundError`*: something is not installed. The cell below looks at everything that the units need, and says for each thing that is missing which command mends it. Nothing marked optional, such as a GPU, is needed.
# > - *`NameError`*: a cell above has not run in this session. Choose **Run → Run All Above Selected Cell**.
# > - *A widget shows as a still picture*: its cell has not run in this session. Run it; if that is not enough, reload the page.
# > - *You changed too much*: `make reset LESSON=00` in a terminal gives you a fresh copy and keeps yours under another name.
# > - *Where is my progress?* In `minseg-progress.json`, a small file beside your notebooks.

# %% tags=["nbval-ignore-output"]
from minseg.course import doctor

ready = doctor()

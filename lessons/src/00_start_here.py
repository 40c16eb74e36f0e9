# %% [markdown]
# # 00 · Start here
# This course teaches instance and panoptic segmentation by running them: which pixels belong to
# which object, how networks answer that, and how the answers are judged. You read a little, guess,
# run, drag, write a few lines, and are told at once whether they are right.
#
# **After this lesson you can** tell whether your machine is ready; say what a scene's instances
# are; and use what every lesson is made of: predictions, exercises, claims and sources.
#
# *10 minutes to read, 4 s to run, no GPU, no downloads. You need some Python.*
#
# Run a cell with **Shift + Enter**. This notebook is your own copy: change what you like.

# %% [markdown]
# ## Is everything here?
# One line for each thing that the lessons use. Where something is missing, the line below says how
# to mend it. What is marked optional, such as a GPU, no lesson needs.

# %% tags=["nbval-ignore-output"]
from minseg.course import doctor

ready = doctor()

# %%
assert ready, "mend what is marked missing, then restart the kernel and run this again"

# %% [markdown]
# ## A first picture
# The course has a world of its own: small synthetic scenes, drawn so that the truth about every
# pixel is known exactly. A seed makes a scene, and the same seed always makes the same one.

# %%
from minseg.data import make_scene

scene = make_scene(21, (144, 168), things=("disc", "box", "triangle", "star", "ring"), count=(5, 6))
print(scene.instances)

# %% [markdown]
# Six **instances**, each a mask of 144 × 168 pixels. An instance is one object, told apart from
# others of its kind; its label says which kind: 1 disc, 4 star, 5 ring. Discs and stars are **things**, which can be
# counted. Sky, ground and water are **stuff**: nobody counts water.

# %%
from minseg.data import STUFF, THINGS
from minseg.draw import draw_image, draw_instances, draw_panoptic, figure, show

fig, axes = figure(columns=3, height=300)
draw_image(axes[0], scene.image, "What a network is given")
draw_instances(axes[1], scene.image, scene.instances, "Instances: six things")
draw_panoptic(axes[2], scene.panoptic, names=STUFF, title="Panoptic: every pixel, once")
names = [THINGS[label] for label in scene.instances.labels.tolist()]
show(
    fig,
    alt="Three panels of one scene. Left, the image: discs, stars and rings before sky, water and "
    "ground. Middle: six things, each filled with a colour, outlined and numbered. Right: the "
    "things and, in pale colours, the sky, water and ground, so that no pixel is left over.",
    facts=f"1 to 6: {', '.join(names)}; {len(scene.panoptic.unique())} segments in the right panel",
)

# %% [markdown]
# **Instance segmentation** asks for the middle panel, **panoptic segmentation** for the right one:
# things and stuff together, every pixel in exactly one segment. Networks answer in several ways,
# and that is what the lessons are about.
#
# ## Predict, then look
# You remember a number better when you had to guess it first. Before it shows an answer, a lesson
# asks for yours. Put your number in place of `None`, run the cell, run on. If you leave `None`,
# nothing stops you: you see the answer all the same.
#
# **Predict.** The largest thing is disc number 2. How much of the image does it cover, in per cent?

# %%
from minseg.course import guess, reveal

guess("00.1", None)  # your number in place of None

# %%
areas = scene.instances.areas  # (N,) pixels of each mask
share = 100 * areas.max() / scene.image[0].numel()
reveal("00.1", share, "%", digits=2)

# %% [markdown]
# An area grows with the square of a length: a disc that spans a third of the picture covers about a
# tenth of it. The same square makes small objects hard for a network, as lesson 04 shows.
#
# ## Exercises that answer
# Each lesson asks you to write two to five short functions. `check` tries yours on inputs chosen to
# tell right from nearly right. When it recognises a mistake, it says what a tutor would say. Here
# somebody computes the area of boxes, given as (x1, y1, x2, y2):

# %%
from minseg.course import check


def a_first_attempt(boxes):
    return (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)


check("00.area", a_first_attempt)

# %% [markdown]
# Now you. `boxes` is an (N, 4) tensor, and the answer is one area for each box. Replace the line
# that raises, and run the cell. As long as you have not begun, `check` says so and nothing breaks.


# %%
def box_area(boxes):
    """(N,) areas of (N, 4) boxes (x1, y1, x2, y2)."""
    raise NotImplementedError


check("00.area", box_area)

# %% [markdown]
# If you are stuck, `hint("00.area")` in a cell of its own gives one more hint each time you run
# it, and `solution("00.area")` shows the package's own code.
#
# ## Code you can trust to be the real one
# Where a lesson shows code of the package, it shows the file that runs, not a copy. This is how
# `Instances` decides whether any pixel belongs to two masks:

# %%
from minseg.course import show_source
from minseg.instances import Instances

show_source(Instances.is_disjoint)
scene.instances.is_disjoint()

# %% [markdown]
# The package is meant to be read. Most files of `minseg/` hold one concept, on a few pages.
#
# ## What the lecture notes say
# The course grew beside a set of lecture notes. Each statement in them that can be checked is
# measured in one lesson and gets a verdict: it holds, it is imprecise, or it is wrong. The notebook
# itself fails if its measurement stops supporting the verdict. Below is the ledger so far. It need
# not make sense yet: each row is explained where it is measured.

# %%
from minseg.course import ledger

ledger()

# %% [markdown]
# ## Where your progress is kept
# Guesses and solved exercises go into one small file, `minseg-progress.json`, in the folder
# `my-lessons` beside your notebooks. `progress()` shows all of it; every lesson ends with its part:

# %%
from minseg.course import progress

progress("00")

# %% [markdown]
# Your copies of the lessons live in the same folder. `make lab` brings new lessons, and new versions
# of those that you have not changed. A copy that you changed is yours and stays as it is.
# `make reset LESSON=05` gives you a fresh copy of a lesson and keeps yours under another name.
#
# ## The map
# The lessons build on each other, but 04 and 05 stand alone: if you came to see RoIAlign move under
# your hand, go there. Lessons without a link are still to come.
#
# | no. | lesson | afterwards you can |
# |:--|:--|:--|
# | 00 | [Start here](00_start_here.ipynb) | find your way around the course |
# | 01 | [What instance segmentation asks](01_what_instance_segmentation_asks.ipynb) | hold a scene's instances as tensors, and tell three tasks apart |
# | 02 | [Writing a mask down](02_writing_a_mask_down.ipynb) | store a mask in seven ways, and say what each one loses |
# | 03 | [Losses that see masks](03_losses_that_see_masks.ipynb) | choose a loss for masks by what its gradient does |
# | 04 | [What rounding costs: quantisation error](04_what_rounding_costs.ipynb) | compute what snapping a box to a grid costs, before running anything |
# | 05 | [RoI pooling versus RoIAlign](05_roi_pooling_versus_roialign.ipynb) | read off both operators by hand, and say when the difference matters |
# | 06 | [RoIAlign on the GPU, in Triton](06_roialign_on_the_gpu.ipynb) | follow a GPU kernel line by line, and say what bounds its speed |
# | 07 | [Measuring instances: AP and boundaries](07_measuring_instances.ipynb) | compute average precision by hand, and say what it does not see |
# | 08 | [Mask R-CNN](08_mask_rcnn.ipynb) | follow one object through a two-stage detector |
# | 09 | [Training strategies](09_training_strategies.ipynb) | sample, balance and mine, so that rare and hard objects are learnt |
# | 10 | SOLO: an instance is a place | segment instances without a single box |
# | 11 | SOLOv2: kernels that depend on the instance; Matrix NMS | let a network write its own filters, and suppress duplicates in one step |
# | 12 | DETR for masks: prediction as a set | match predictions to objects, and train without duplicates |
# | 13 | [Panoptic quality](13_panoptic_quality.ipynb) | compute PQ, and split it into finding and outlining |
# | 14 | Stuff and things: fusion and Panoptic FPN | merge overlapping answers into one label a pixel |
# | 15 | UPSNet and learned fusion | let a network settle who owns a pixel |
# | 16 | Two paths: MaX-DeepLab and Panoptic-DeepLab | compare masks predicted at once with masks grown from centres |
# | 17 | What it costs: memory, speed, small machines | count what a model costs, and make it cheaper |
# | 18 | The league table: every model, one exam | judge all models of the course by one exam |
#
# Terms and symbols are gathered in the [glossary](glossary.md).

# %% [markdown]
# > **When it does not work**
# > - *A cell marked missing above:* run the command that its line gives, then **Kernel → Restart
# >   Kernel and Run All Cells**.
# > - *`NameError`:* a cell above has not run in this session. **Run → Run All Above Selected Cell**.
# > - *A widget shows as text or as a still picture:* its cell has not run in this session, or
# >   JupyterLab was already open while ipywidgets was installed. Run it; if that is not enough,
# >   reload the page in your browser.
# > - *You changed too much:* `make reset LESSON=00` in a terminal. Nothing of yours is deleted.

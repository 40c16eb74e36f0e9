# %% [markdown]
# # 92 · Regions and Mask R-CNN: the notes, measured
#
# The **notes** are a set of lecture notes on instance and panoptic segmentation, from which this course grew. Each statement in them that can be checked has an id, C01 to C140. The **ledger**, notebooks 91 to 95, restates these claims in our own words, measures them, and gives a verdict. It is a place to look things up; no unit needs it.
#
# *38 claims here, about 40 s to run them all. No GPU, no downloads.*
#
# **How to read a card**
#
# - *The notes say*: the claim, in our words.
# - The verdict: **✓ holds**; **≈ imprecise**, right in part or in one reading; **✗ wrong**, right in no fair reading.
# - *Precisely*: what is so, with the conditions that the claim leaves out.
# - *Measured here*: what the cell computed just now. Where chance has a part, mean ± standard deviation over seeds or batches. Figures of runs that take longer than a minute were recorded; `minseg.ledger.results` has them with the command that made them. *Quoted* stands in its place where the numbers are a paper's and nothing was computed.
# - *Code*: the function that measures it. `show_source` shows it. If the measurement stops supporting the verdict, the cell fails.

# %%
from minseg.course.claims import show_claim, show_index

show_index("92")

# %% [markdown]
# ## Rounding
#
# What snapping a box to a grid costs. More in units [20](20_what_rounding_costs.ipynb) and [21](21_roi_pooling_versus_roialign.ipynb).

# %% [markdown]
# ### C38

# %%
show_claim("C38")

# %% [markdown]
# ### C39

# %%
show_claim("C39")

# %% [markdown]
# ### C40

# %%
show_claim("C40")

# %% [markdown]
# ### C41

# %%
show_claim("C41")

# %% [markdown]
# ## Reading without rounding
#
# RoIAlign, and the level that it reads. More in units [21](21_roi_pooling_versus_roialign.ipynb) and [22](22_roialign_whole.ipynb).

# %% [markdown]
# ### C43

# %%
show_claim("C43")

# %% [markdown]
# ### C44

# %%
show_claim("C44")

# %% [markdown]
# ### C45

# %%
show_claim("C45")

# %% [markdown]
# ### C82

# %%
show_claim("C82")

# %% [markdown]
# ## Five losses
#
# What Mask R-CNN is taught, and what the gradients reach. More in units [41](41_what_each_part_is_taught.ipynb) and [43](43_balancing_five_losses.ipynb).

# %% [markdown]
# ### C09

# %%
show_claim("C09")

# %% [markdown]
# ### C10

# %%
show_claim("C10")

# %% [markdown]
# ### C11

# %%
show_claim("C11")

# %% [markdown]
# ### C12

# %%
show_claim("C12")

# %% [markdown]
# ### C13

# %%
show_claim("C13")

# %% [markdown]
# ### C14

# %%
show_claim("C14")

# %% [markdown]
# ### C17

# %%
show_claim("C17")

# %% [markdown]
# ### C50

# %%
show_claim("C50")

# %% [markdown]
# ### C51

# %%
show_claim("C51")

# %% [markdown]
# ### C52

# %%
show_claim("C52")

# %% [markdown]
# ## The mask head
#
# Its layers, its numbers, its answer on the image. More in unit [40](40_mask_rcnn_seen_whole.ipynb).

# %% [markdown]
# ### C18

# %%
show_claim("C18")

# %% [markdown]
# ### C46

# %%
show_claim("C46")

# %% [markdown]
# ### C47

# %%
show_claim("C47")

# %% [markdown]
# ### C48

# %%
show_claim("C48")

# %% [markdown]
# ### C49

# %%
show_claim("C49")

# %% [markdown]
# ## Masks, boxes and alignment
#
# More in unit [42](42_train_your_own.ipynb).

# %% [markdown]
# ### C15

# %%
show_claim("C15")

# %% [markdown]
# ### C16

# %%
show_claim("C16")

# %% [markdown]
# ### C42

# %%
show_claim("C42")

# %% [markdown]
# ### C137

# %%
show_claim("C137")

# %% [markdown]
# ## Weighing losses
#
# More in unit [43](43_balancing_five_losses.ipynb).

# %% [markdown]
# ### C53

# %%
show_claim("C53")

# %% [markdown]
# ### C54

# %%
show_claim("C54")

# %% [markdown]
# ### C55

# %%
show_claim("C55")

# %% [markdown]
# ### C56

# %%
show_claim("C56")

# %% [markdown]
# ### C136

# %%
show_claim("C136")

# %% [markdown]
# ## Which examples train
#
# More in units [41](41_what_each_part_is_taught.ipynb) and [44](44_who_gets_to_teach.ipynb).

# %% [markdown]
# ### C57

# %%
show_claim("C57")

# %% [markdown]
# ### C58

# %%
show_claim("C58")

# %% [markdown]
# ### C59

# %%
show_claim("C59")

# %% [markdown]
# ### C60

# %%
show_claim("C60")

# %% [markdown]
# ### C61

# %%
show_claim("C61")

# %% [markdown]
# ### C62

# %%
show_claim("C62")

# %% [markdown]
# ## Look behind a card
#
# Every claim is a short function. Change what it measures in a copy, and see how far the verdict carries.

# %%
from minseg.course import show_source
from minseg.ledger.rounding import c40

show_source(c40)

# %% [markdown]
# Next: [93](93_panoptic_and_metrics.ipynb).
#
# > **When it does not work**
# > - *`AssertionError` under a card:* on your machine the measurement does not support the verdict. Run `make test-unit`: if a test of `tests/ledger` fails as well, the package has changed, or this is a find.

# %% [markdown]
# # 91 · Masks and tasks: the notes, measured
#
# The **notes** are a set of lecture notes on instance and panoptic segmentation, from which this course grew. Each statement in them that can be checked has an id, C01 to C140. The **ledger**, notebooks 91 to 95, restates these claims in our own words, measures them, and gives a verdict. It is a place to look things up; no unit needs it.
#
# *26 claims here, about 30 s to run them all. No GPU, no downloads.*
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

show_index("91")

# %% [markdown]
# ## Tasks
#
# What is asked for, and how the tasks are related. Unit [10](10_what_instance_segmentation_asks.ipynb) begins there.

# %% [markdown]
# ### C01

# %%
show_claim("C01")

# %% [markdown]
# ### C02

# %%
show_claim("C02")

# %% [markdown]
# ### C03

# %%
show_claim("C03")

# %% [markdown]
# ### C04

# %%
show_claim("C04")

# %% [markdown]
# ### C05

# %%
show_claim("C05")

# %% [markdown]
# ### C06

# %%
show_claim("C06")

# %% [markdown]
# ### C07

# %%
show_claim("C07")

# %% [markdown]
# ## Grids
#
# A mask as cells in a box. More in unit [11](11_a_mask_on_a_grid.ipynb).

# %% [markdown]
# ### C22

# %%
show_claim("C22")

# %% [markdown]
# ### C23

# %%
show_claim("C23")

# %% [markdown]
# ### C24

# %%
show_claim("C24")

# %% [markdown]
# ### C25

# %%
show_claim("C25")

# %% [markdown]
# ## Outlines
#
# A mask as a curve around it. More in unit [12](12_a_mask_as_an_outline.ipynb).

# %% [markdown]
# ### C26

# %%
show_claim("C26")

# %% [markdown]
# ### C27

# %%
show_claim("C27")

# %% [markdown]
# ### C28

# %%
show_claim("C28")

# %% [markdown]
# ### C29

# %%
show_claim("C29")

# %% [markdown]
# ## Landscapes
#
# A mask as distances to its outline. More in unit [13](13_a_mask_as_a_landscape.ipynb).

# %% [markdown]
# ### C33

# %%
show_claim("C33")

# %% [markdown]
# ### C34

# %%
show_claim("C34")

# %% [markdown]
# ### C35

# %%
show_claim("C35")

# %% [markdown]
# ### C37

# %%
show_claim("C37")

# %% [markdown]
# ## Neighbours
#
# Losses judge pixel by pixel; what makes neighbours agree? More in units [14](14_losses_that_see_pixels.ipynb) and [15](15_losses_that_see_outlines.ipynb).

# %% [markdown]
# ### C19

# %%
show_claim("C19")

# %% [markdown]
# ### C20

# %%
show_claim("C20")

# %% [markdown]
# ### C21

# %%
show_claim("C21")

# %% [markdown]
# ## Losses that see outlines
#
# Distances between curves, and losses on distances. More in unit [15](15_losses_that_see_outlines.ipynb).

# %% [markdown]
# ### C30

# %%
show_claim("C30")

# %% [markdown]
# ### C31

# %%
show_claim("C31")

# %% [markdown]
# ### C32

# %%
show_claim("C32")

# %% [markdown]
# ### C36

# %%
show_claim("C36")

# %% [markdown]
# ## Look behind a card
#
# Every claim is a short function. Change what it measures in a copy, and see how far the verdict carries.

# %%
from minseg.course import show_source
from minseg.ledger.grids import c24

show_source(c24)

# %% [markdown]
# Next: [92](92_regions_and_mask_rcnn.ipynb).
#
# > **When it does not work**
# > - *`AssertionError` under a card:* on your machine the measurement does not support the verdict. Run `make test-unit`: if a test of `tests/ledger` fails as well, the package has changed, or this is a find.

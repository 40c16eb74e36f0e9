# %% [markdown]
# # 94 · Without boxes: the notes, measured
#
# The **notes** are a set of lecture notes on instance and panoptic segmentation, from which this course grew. Each statement in them that can be checked has an id, C01 to C140. The **ledger**, notebooks 91 to 95, restates these claims in our own words, measures them, and gives a verdict. It is a place to look things up; no unit needs it. Of the models without boxes themselves, SOLO, SOLOv2, DETR and MaX-DeepLab, the course has no unit yet, and nothing about them is measured; two claims about their losses are.
#
# *2 claims here, about 20 s to run them all. No GPU, no downloads.*
#
# **How to read a card**
#
# - *The notes say*: the claim, in our words.
# - The verdict: **✓ holds**; **≈ imprecise**, right in part or in one reading; **✗ wrong**, right in no fair reading.
# - *Precisely*: what is so, with the conditions that the claim leaves out.
# - *Measured here*: what the cell computed just now. Where chance has a part, mean ± standard deviation over seeds or batches. Figures of runs that take longer than a minute were recorded; `minseg.ledger.results` has them with the command that made them. *Quoted* stands in its place where the numbers are a paper's and nothing was computed.
# - *Code*: the function that measures it. `show_source` shows it. If the measurement stops supporting the verdict, the cell fails.

# %%
from minseg.course.claims import show_claim, show_index, show_to_come

show_index("94")

# %% [markdown]
# ## Losses that see overlap
#
# The notes name them where they describe SOLO and DETR. More in unit [14](14_losses_that_see_pixels.ipynb).

# %% [markdown]
# ### C93

# %%
show_claim("C93")

# %% [markdown]
# ### C104

# %%
show_claim("C104")

# %% [markdown]
# ## Not measured yet
#
# These claims are in the notes, too. A verdict without a measurement would be an opinion, so they have none.

# %%
show_to_come("94")

# %% [markdown]
# ## Look behind a card
#
# Every claim is a short function. Change what it measures in a copy, and see how far the verdict carries.

# %%
from minseg.course import show_source
from minseg.ledger.overlap_losses import c104

show_source(c104)

# %% [markdown]
# Next: [95](95_costs.ipynb).
#
# > **When it does not work**
# > - *`AssertionError` under a card:* on your machine the measurement does not support the verdict. Run `make test-unit`: if a test of `tests/ledger` fails as well, the package has changed, or this is a find.

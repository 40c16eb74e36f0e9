# %% [markdown]
# # 95 · What it costs: the notes, measured
#
# The **notes** are a set of lecture notes on instance and panoptic segmentation, from which this course grew. Each statement in them that can be checked has an id, C01 to C140. The **ledger**, notebooks 91 to 95, restates these claims in our own words, measures them, and gives a verdict. It is a place to look things up; no unit needs it. Most of what the notes say of costs is not measured yet.
#
# *3 claims here, about 25 s to run them all. No GPU, no downloads.*
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

show_index("95")

# %% [markdown]
# ## Memory and speed
#
# More in unit [45](45_schedules_optimisers_memory.ipynb) (memory) and unit [24](24_roialign_on_the_gpu.ipynb) (many at once).

# %% [markdown]
# ### C86

# %%
show_claim("C86")

# %% [markdown]
# ### C87

# %%
show_claim("C87")

# %% [markdown]
# ### C130

# %%
show_claim("C130")

# %% [markdown]
# ## Not measured yet
#
# These claims are in the notes, too. A verdict without a measurement would be an opinion, so they have none.

# %%
show_to_come("95")

# %% [markdown]
# ## Look behind a card
#
# Every claim is a short function. Change what it measures in a copy, and see how far the verdict carries.

# %%
from minseg.course import show_source
from minseg.ledger.costs import c87

show_source(c87)

# %% [markdown]
# This is the last one. [Start here](00_start_here.ipynb) has the map of the course.
#
# > **When it does not work**
# > - *`AssertionError` under a card:* on your machine the measurement does not support the verdict. Run `make test-unit`: if a test of `tests/ledger` fails as well, the package has changed, or this is a find.

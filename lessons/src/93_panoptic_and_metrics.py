# %% [markdown]
# # 93 · Panoptic maps and metrics: the notes, measured
#
# The **notes** are a set of lecture notes on instance and panoptic segmentation, from which this course grew. Each statement in them that can be checked has an id, C01 to C140. The **ledger**, notebooks 91 to 95, restates these claims in our own words, measures them, and gives a verdict. It is a place to look things up; no unit needs it. What the notes say of networks that make panoptic maps is not measured yet; it stands in a table at the end.
#
# *26 claims here, about 20 s to run them all. No GPU, no downloads.*
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

show_index("93")

# %% [markdown]
# ## Panoptic maps
#
# One number for each pixel. More in unit [33](33_panoptic_quality.ipynb).

# %% [markdown]
# ### C63

# %%
show_claim("C63")

# %% [markdown]
# ### C64

# %%
show_claim("C64")

# %% [markdown]
# ### C65

# %%
show_claim("C65")

# %% [markdown]
# ### C66

# %%
show_claim("C66")

# %% [markdown]
# ### C67

# %%
show_claim("C67")

# %% [markdown]
# ### C68

# %%
show_claim("C68")

# %% [markdown]
# ## Panoptic quality
#
# Matches, averages, errors. More in units [33](33_panoptic_quality.ipynb) and [34](34_taking_pq_apart.ipynb).

# %% [markdown]
# ### C69

# %%
show_claim("C69")

# %% [markdown]
# ### C70

# %%
show_claim("C70")

# %% [markdown]
# ### C71

# %%
show_claim("C71")

# %% [markdown]
# ### C122

# %%
show_claim("C122")

# %% [markdown]
# ### C123

# %%
show_claim("C123")

# %% [markdown]
# ### C124

# %%
show_claim("C124")

# %% [markdown]
# ### C125

# %%
show_claim("C125")

# %% [markdown]
# ### C126

# %%
show_claim("C126")

# %% [markdown]
# ## Average precision
#
# What it counts, and its conventions. More in units [30](30_average_precision_by_hand.ipynb) and [31](31_what_ap_does_not_see.ipynb).

# %% [markdown]
# ### C111

# %%
show_claim("C111")

# %% [markdown]
# ### C112

# %%
show_claim("C112")

# %% [markdown]
# ### C113

# %%
show_claim("C113")

# %% [markdown]
# ### C114

# %%
show_claim("C114")

# %% [markdown]
# ### C115

# %%
show_claim("C115")

# %% [markdown]
# ### C116

# %%
show_claim("C116")

# %% [markdown]
# ### C139

# %%
show_claim("C139")

# %% [markdown]
# ## Boundaries and distances
#
# More in unit [32](32_boundaries_and_distances.ipynb).

# %% [markdown]
# ### C117

# %%
show_claim("C117")

# %% [markdown]
# ### C118

# %%
show_claim("C118")

# %% [markdown]
# ### C119

# %%
show_claim("C119")

# %% [markdown]
# ### C120

# %%
show_claim("C120")

# %% [markdown]
# ### C121

# %%
show_claim("C121")

# %% [markdown]
# ## Not measured yet
#
# These claims are in the notes, too. A verdict without a measurement would be an opinion, so they have none.

# %%
show_to_come("93")

# %% [markdown]
# ## Look behind a card
#
# Every claim is a short function. Change what it measures in a copy, and see how far the verdict carries.

# %%
from minseg.course import show_source
from minseg.ledger.boundaries import c119

show_source(c119)

# %% [markdown]
# Next: [94](94_without_boxes.ipynb).
#
# > **When it does not work**
# > - *`AssertionError` under a card:* on your machine the measurement does not support the verdict. Run `make test-unit`: if a test of `tests/ledger` fails as well, the package has changed, or this is a find.

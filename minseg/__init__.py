"""minseg: learn instance and panoptic segmentation by running it.

One concept for each file. Import what you need from its subpackage, for example
`from minseg.roi import roi_align`; the notebooks in `lessons/` show where each belongs.
"""

from minseg.moved import keep_old_names

__version__ = "0.1.0"

keep_old_names()

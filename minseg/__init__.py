"""minseg: learn instance and panoptic segmentation by running it.

One concept a file. Import what you need from its subpackage, for example
`from minseg.roi import roi_align`; the lessons in `lessons/` show where each belongs.
"""

__version__ = "0.1.0"

"""What lessons measure: each file is named by what it measures, its docstring names the lesson.

Lesson 02: `representations` writes one mask down in six ways, `representation_limits` finds what
each can reach at best. Lesson 03: `loss_pair`, one truth, one prediction and every loss. Lesson 08:
`mask_rcnn_trace` follows each RoI of an image through the model, `mask_rcnn_probes` measures on
it. Lesson 09: `two_tasks` and `wrong_labels` are the smallest problems; `shared_gradients`,
`loss_weight_and_optimiser`, `positive_proposals` and `activation_memory` measure on a Mask R-CNN.
Lesson 13: `panoptic_edits` spoils one segment at a time.

Read `two_tasks` first: it is the shortest. Four of these are behind a widget of `minseg.explore`
as well: `representations`, `loss_pair`, `shared_gradients` and `panoptic_edits`.
"""

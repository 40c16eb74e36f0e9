"""What units measure: each file is named by what it measures, its docstring names the unit.

- Units 11 to 13: `representations` writes one mask down in six ways, `representation_limits` finds
  what each can reach at best, `representation_prices` what it costs; `grid_targets`,
  `level_set_trial`.
- Units 14 and 15: `loss_pair`, one truth, one prediction and every loss; `same_pixels`,
  `truncated_distances`, `thin_arm`.
- Units 31 to 34: `flawed_coins`, `peeled`, `five_mistakes`; `panoptic_edits` spoils one segment at
  a time.
- Units 40 to 42: `mask_rcnn_trace` follows each RoI of an image through the model, `teaching`
  collects what one scene teaches it, `mask_rcnn_probes` measures on it; `roi_ablation`.
- Units 43 to 45: `two_tasks`, `wrong_labels` and `warming_up` are the smallest problems;
  `shared_gradients`, `loss_weight_and_optimiser`, `positive_proposals`, `activation_memory` and
  `activations_by_part` measure on a Mask R-CNN.

Read `two_tasks` first: it is the shortest. Four of these are behind a widget of `minseg.explore`
as well: `representations`, `loss_pair`, `shared_gradients` and `panoptic_edits`.
"""

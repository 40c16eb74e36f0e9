"""The commands of `python -m minseg`: `train`, `predict`, `evaluate`."""

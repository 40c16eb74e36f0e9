"""What unit 42 shows of long runs is what the benchmark wrote."""

import json
from pathlib import Path

import pytest

from minseg.experiments.roi_ablation import MASK_AP

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "roi_ablation.json"


def test_each_run_of_the_pyramid_is_the_benchmarks():
    runs = json.loads(RESULTS.read_text())["runs"]
    for op, values in MASK_AP.items():
        own = [run for run in runs if (run["pyramid"], run["roi_op"]) == ("fpn", op)]
        own.sort(key=lambda run: run["seed"])
        assert values == pytest.approx([100 * run["ap"] for run in own], abs=1e-6)

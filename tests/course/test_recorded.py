"""What a lesson shows of long runs equals what the benchmarks wrote."""

import json
import statistics
from itertools import groupby
from pathlib import Path

import pytest

from minseg.course.recorded import recorded

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
NUMBERS = ("ap", "ap50", "ap75")


def results(name):
    return json.loads((RESULTS / f"{name}.json").read_text())


def grouped(runs, *keys):
    """Runs that agree in the values of `keys`, by these values."""

    def values(run):
        return tuple(run[key] for key in keys)

    return {key: list(same) for key, same in groupby(sorted(runs, key=values), values)}


def test_the_roi_ablation_is_the_mean_of_the_benchmarks_runs():
    table, result = recorded("roi_ablation"), results("roi_ablation")
    assert table.pop("steps") == result["steps"]
    seeds, due = table.pop("seeds"), {}
    for (pyramid, roi_op), runs in grouped(result["runs"], "pyramid", "roi_op").items():
        assert len(runs) == seeds
        means = {name: round(statistics.fmean(r[name] for r in runs), 3) for name in NUMBERS}
        due.setdefault(pyramid, {})[roi_op] = means
    assert table == due


def test_training_is_the_median_of_the_benchmarks_runs():
    due = {}
    for (seconds,), runs in grouped(results("train")["runs"], "budget_s").items():
        names = (*NUMBERS, "steps")
        medians = {name: statistics.median(r[name] for r in runs) for name in names}
        due[f"{seconds:.0f}"] = medians | {"seeds": len(runs)}
    assert recorded("training") == due


def test_an_unknown_table_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"must be one of .*roi_ablation.*got 'x'"):
        recorded("x")

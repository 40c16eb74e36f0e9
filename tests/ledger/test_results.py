"""What the ledger repeats of long runs equals what the benchmarks wrote."""

import json
from pathlib import Path

import pytest

from minseg.ledger.results import result

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


def recorded(name):
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def without_command(name):
    table = result(name)
    assert table.pop("command").startswith("python benchmarks/")
    return table


@pytest.mark.parametrize("name", ["gradients", "weights", "mining", "unseen"])
def test_a_table_is_the_benchmarks(name):
    assert without_command(name) == recorded("ledger")[name]


def test_the_roi_ablation_has_every_seed():
    due = {}
    for run in sorted(recorded("roi_ablation")["runs"], key=lambda run: run["seed"]):
        due.setdefault(run["pyramid"], {}).setdefault(run["roi_op"], []).append(run["ap"])
    assert without_command("roi_ablation") == due


def test_an_unknown_table_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"must be one of .*gradients.*got 'x'"):
        result("x")

"""What some claims of the ledger rest on, and is too long for a notebook: many batches, many seeds.

    gradients   length and angle of five losses' gradients in the backbone, over 24 batches
    weights     how much of the fall of the mask loss is left if it weighs 0.01, over 3 seeds
    mining      random picks, OHEM and all points where labels are wrong, over 8 seeds
    unseen      masks of a class for which there was none to learn from, over 5 seeds

`minseg/ledger/results.toml` repeats these figures and those of roi_ablation.py for the package, and
is written with them; a test compares. Nothing here depends on how fast the machine is.

    python benchmarks/ledger.py [--only gradients] [--write]
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from machine import RESULTS, describe, write_result
from torch import Tensor

from minseg import losses
from minseg.data import SceneDataset
from minseg.experiments import mask_rcnn_probes as probes
from minseg.experiments.loss_weight_and_optimiser import train_weighted
from minseg.experiments.shared_gradients import shared_gradients
from minseg.experiments.wrong_labels import error, learn, scatter
from minseg.models import MaskRCNN, load_coins

BATCHES, BATCH = 24, 4
REPEATED = RESULTS.parents[1] / "minseg" / "ledger" / "results.toml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS))
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    path = RESULTS / "ledger.json"
    result: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    result["machine"] = describe()
    for name in arguments.only:
        result[name] = PARTS[name]()
        print(name, result[name], flush=True)
    if arguments.write:
        write_result("ledger", result)
        REPEATED.write_text(repeat(result), encoding="utf-8")


def gradients() -> dict[str, Any]:
    """Batches of the validation scenes of coins, which the trained network has not seen."""
    scenes = list(SceneDataset("val", style="coins", size=128, length=BATCHES * BATCH))
    trained = load_coins()

    def untrained(seed: int) -> MaskRCNN:
        torch.manual_seed(seed)
        return MaskRCNN(**trained.options)

    networks: dict[str, Callable[[int], MaskRCNN]] = {
        "random": untrained,
        "trained": lambda seed: trained,
    }
    found = {name: of_network(network, scenes) for name, network in networks.items()}
    del found["random"]["cosine, pooled"]  # over networks that have nothing in common
    return found


def of_network(network: Callable[[int], MaskRCNN], scenes: list[Any]) -> dict[str, Any]:
    """Of each batch: longest over shortest, mask over box, class with mask; and all angles."""
    rows: dict[str, Any] = {"longest over shortest": [], "mask over box": [], "class with mask": []}
    cosines, summed = [], torch.zeros(())
    for k in range(BATCHES):
        found = shared_gradients(network(k), scenes[BATCH * k : BATCH * (k + 1)])
        length = dict(zip(found.names, found.norms.tolist(), strict=True))
        c, m = found.names.index("class"), found.names.index("mask")
        rows["longest over shortest"].append(round(max(length.values()) / min(length.values()), 1))
        rows["mask over box"].append(round(length["mask"] / length["box"], 2))
        rows["class with mask"].append(round(found.cosines[c, m].item(), 3))
        cosines.append(found.cosines)
        summed = summed + found.gradients
    pairs = torch.triu_indices(5, 5, offset=1)
    every = torch.stack(cosines)[:, pairs[0], pairs[1]]  # (batches, 10)
    pooled = F.cosine_similarity(summed[pairs[0]], summed[pairs[1]], dim=1)
    rows["pairs"] = [f"{found.names[i]}, {found.names[j]}" for i, j in pairs.T.tolist()]
    rows["cosine, mean"] = [round(v, 2) for v in every.mean(dim=0).tolist()]
    rows["cosine, SD"] = [round(v, 2) for v in every.std(dim=0).tolist()]
    rows["cosine, pooled"] = [round(v, 2) for v in pooled.tolist()]  # of the sum over all batches
    return rows


def weights() -> dict[str, list[float]]:
    """The share, in percent, of the fall that weight 1 brings in 60 steps."""
    some = list(SceneDataset("train", size=64, count=(1, 4), length=160))
    left: dict[str, list[float]] = {}
    for optimiser in ("Adam", "SGD"):
        for seed in range(3):
            falls = []
            for weight in (1.0, 0.01):
                rows = train_weighted(weight, optimiser, some, seed=seed)
                last = [row["mask"] for row in rows[-20:]]
                falls.append(rows[0]["mask"] - sum(last) / len(last))
            left.setdefault(optimiser, []).append(round(100 * falls[1] / falls[0], 1))
    return left


RULES: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "at random": lambda each, lots: torch.randperm(len(each), generator=lots)[:64],
    "by OHEM": lambda each, lots: losses.ohem(each, 64),
    "on all points": lambda each, lots: torch.arange(len(each)),
}


def mining() -> dict[str, Any]:
    """A circle learnt from 2000 points, in percent: errors on fresh points, and wrong labels."""
    found: dict[str, Any] = {"right labels": {}, "2 % wrong": {}}
    found |= {"wrong among OHEM's picks": [], "hardest negatives": []}
    for name, share in (("right labels", 0.0), ("2 % wrong", 0.02)):
        for rule, pick in RULES.items():
            for seed in range(8):
                x, true, written = scatter(2000, share, seed)
                lots = torch.Generator().manual_seed(seed)
                w, each, picks = learn(x, written, lambda each, p=pick, g=lots: p(each, g))
                found[name].setdefault(rule, []).append(round(100 * error(w), 2))
                wrong = written != true
                if share and rule == "by OHEM":
                    found["wrong among OHEM's picks"].append(percent(wrong[torch.stack(picks)]))
                if share and rule == "on all points":
                    negatives = (~written).nonzero()[:, 0]
                    hardest = losses.ohem(each[negatives], int(wrong[negatives].sum()))
                    found["hardest negatives"].append(percent(wrong[negatives[hardest]]))
    return found


def percent(yes: Tensor) -> float:
    """Of a bool tensor."""
    return round(100 * yes.double().mean().item(), 1)


def unseen() -> dict[str, dict[str, list[float]]]:
    """Mean mask IoU of discs and boxes, which were taught, and of triangles, which were not."""
    model = load_coins()
    lessons, questions = (probes.things_of(model, *what) for what in (("train", 60), ("val", 30)))
    taught = probes.Things(*(part[lessons.classes < 2] for part in lessons))
    found: dict[str, dict[str, list[float]]] = {}
    for name, agnostic in (("class-specific", False), ("class-agnostic", True)):
        heads = [probes.learn_masks(taught, class_agnostic=agnostic, seed=s) for s in range(5)]
        ious = [probes.quality_by_class(head, questions) for head in heads]
        found[name] = {
            "taught": [round((one[0] + one[1]) / 2, 3) for one in ious],
            "not taught": [round(one[2], 3) for one in ious],
        }
    return found


def repeat(result: dict[str, Any]) -> str:
    """What the package needs of these figures and of the RoI ablation, as TOML."""
    ablation = json.loads((RESULTS / "roi_ablation.json").read_text())
    aps: dict[str, Any] = {}
    for run in ablation["runs"]:
        aps.setdefault(run["pyramid"], {}).setdefault(run["roi_op"], []).append(run["ap"])
    command = f"python benchmarks/roi_ablation.py --pyramids {' '.join(aps)} --write"
    tables = {"roi_ablation": {"command": command, **aps}}
    for name in PARTS:
        tables[name] = {"command": "python benchmarks/ledger.py --write", **result[name]}
    head = "# Written by benchmarks/ledger.py from benchmarks/results/.\n"
    return head + "".join(toml(name, table) for name, table in tables.items())


def toml(name: str, table: dict[str, Any]) -> str:
    """A table, and the tables in it; JSON's strings, numbers and lists of them are TOML's."""
    inner = {key: value for key, value in table.items() if isinstance(value, dict)}
    values = (f"{key(k)} = {dump(v)}\n" for k, v in table.items() if k not in inner)
    tables = (toml(f"{name}.{key(k)}", v) for k, v in inner.items())
    return f"\n[{name}]\n" + "".join(values) + "".join(tables)


def key(name: str) -> str:
    """Quoted where TOML asks for it."""
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else dump(name)


def dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    "gradients": gradients,
    "weights": weights,
    "mining": mining,
    "unseen": unseen,
}

if __name__ == "__main__":
    main()

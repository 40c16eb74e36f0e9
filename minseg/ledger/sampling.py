"""Which examples train: quotas, hard negatives, OHEM: C57 to C62.

Hard mining (C59, C62) was tried on the circle of `minseg.experiments.wrong_labels`, which is learnt
from points, some of which are labelled wrong.
"""

from __future__ import annotations

import numpy as np
import torch

from minseg import losses
from minseg.data.splits import Scene
from minseg.experiments.positive_proposals import bunches, positive_proposals
from minseg.ledger.measured import Measured, mean_sd, seeded
from minseg.ledger.results import result
from minseg.ledger.scenes import coin_scenes
from minseg.models import MaskRCNN, load_coins


def _positives(model: MaskRCNN, scenes: list[Scene]) -> float:
    """Percent of the drawn RoIs, 32 of each scene and at most 8 positive, that are positive."""
    hits, objects = positive_proposals(model, scenes)
    return 100 * (hits + objects).clamp(max=8).sum().item() / (32 * len(scenes))


def c57() -> Measured:
    """RoIs with IoU ≥ 0.5 are positive; a batch is 25 % positive and 75 % negative."""
    few, many = coin_scenes(16, count=(1, 3)), coin_scenes(4)
    trained, early = load_coins(), []
    for seed in range(4):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            early.append(_positives(MaskRCNN(**trained.options), few))
    late, crowded = _positives(trained, few), _positives(trained, many)
    return Measured(
        f"positives among the drawn: {mean_sd(early, 0)} % in four untrained networks and "
        f"{late:.0f} % in a trained one, with few objects; {crowded:.0f} % with many.",
        max(early) < 12 < 15 < late < 25 == crowded,
    )


def c58() -> Measured:
    """The ratio keeps one class from swamping the other; batch size trades stability."""
    positive = torch.arange(1000) < 600
    price = torch.where(positive, 2.0, 0.1) * torch.linspace(0, 1, 1000)
    lots = torch.rand(400, 1000, generator=seeded(0))
    spread, most = {}, 0.0
    for count in (16, 64):
        rows = positive.expand(400, -1)
        keep, rest = losses.sample_rois(rows, ~rows, lots, count=count)
        most = max(most, (keep.sum(dim=1) / count).max().item())
        spread[count] = (((keep | rest) * price).sum(dim=1) / count).std().item()
    more = spread[16] / spread[64]
    return Measured(
        f"600 of 1000 positive, 400 draws: {100 * most:.0f} % of the drawn, as the cap has it. The "
        f"mean loss of 16 drawn scatters {more:.1f} times as much as that of 64.",
        most == 0.25 and 1.7 < more < 2.4,
    )


def c59() -> Measured:
    """Hard negative mining: rank negatives by classification loss, keep the top k."""
    caught = result("mining")["hardest negatives"]
    return Measured(
        f"2 % of the labels turned over, {len(caught)} seeds. As many of the hardest negatives as "
        f"there are mislabelled ones: {mean_sd(caught, 0)} % of them are mislabelled.",
        min(caught) > 60,
    )


def c60() -> Measured:
    """OHEM: forward all, compute losses, sort, keep the top k, backpropagate those."""
    boxes, of_box = bunches(things=20, each=30)
    chosen = losses.ohem(of_box, 16), losses.ohem(of_box, 16, boxes=boxes)
    kinds = [len((rows // 30).unique()) for rows in chosen]
    return Measured(
        f"600 boxes on 20 objects: the 16 of largest loss lie on {kinds[0]} object; after "
        f"suppression by loss, on {kinds[1]}.",
        kinds[0] <= 2 and kinds[1] >= 14,
    )


def c61() -> Measured:
    """S = {i: L(i) ≥ percentile(L, 1 − k/n)}."""
    values = torch.rand(512, generator=seeded(7)).double()
    linear, lower = (
        int(losses.above_quantile(values, 128, method=m).sum()) for m in ("linear", "lower")
    )
    tied = int(losses.above_quantile((8 * values).round(), 128).sum())
    literal = int((values.numpy() >= np.percentile(values.numpy(), 1 - 128 / 512)).sum())
    return Measured(
        f"k = 128 of 512, interpolated: {linear}; the next lower loss as threshold: {lower}; "
        f"losses rounded to 9 values: {tied}; NumPy's percentile, at its word: {literal}.",
        linear == 128 and lower == 129 and tied > 128 and literal > 500,
    )


def c62() -> Measured:
    """OHEM finds hard examples by itself, trains efficiently, overfits easy ones less."""
    clean, noisy = result("mining")["right labels"], result("mining")["2 % wrong"]
    told = [
        ", ".join(f"{mean_sd(errors, 1)} {rule}" for rule, errors in rows.items())
        for rows in (clean, noisy)
    ]
    picked = result("mining")["wrong among OHEM's picks"]
    return Measured(
        f"{len(picked)} seeds, error in % with right labels: {told[0]}. With 2 % wrong ones: "
        f"{told[1]}; {mean_sd(picked, 0)} % of what OHEM picks is wrong then.",
        max(clean["by OHEM"]) < min(clean["at random"])
        and min(noisy["by OHEM"]) > max(noisy["at random"]),
    )

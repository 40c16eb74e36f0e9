"""The coin finder: Mask R-CNN trained on synthetic coins, judged on the photograph of real ones.

The photograph has no part in training, nor in choosing among seeds or steps: the first seed is the
one that is kept. Scenes are 192 pixels wide, their coins 15 to 70; those of the photograph have 40
to 55. Symmetries of the square are the only augmentation: a negative of a coin is no coin.

    python benchmarks/coins.py [--steps 1500] [--seeds 0 1 2] [--write]        (4 minutes a seed)

The weights in the package are of a time when `train` moved all of them by AdamW; their result
names the commit. With --write the first seed's weights go to minseg/models/pretrained/, its
picture to docs/coins.png, and the figures to benchmarks/results/.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from machine import describe, write_result
from train import THREADS, judge

from minseg.data import COIN, SceneDataset, coins_truth, photo
from minseg.models import MaskRCNN
from minseg.train import Example, InMemory, augment_symmetries, save_model, train

ROOT = Path(__file__).parents[1]
SIZE, SCENES, BATCH = 192, 1000, 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--write", action="store_true", help="write weights, picture and results")
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    result: dict[str, Any] = {"machine": describe(), "steps": arguments.steps, "runs": []}
    scenes = InMemory(SceneDataset("train", style="coins", size=SIZE), SCENES)
    for k, seed in enumerate(arguments.seeds):
        torch.manual_seed(seed)
        model = MaskRCNN(classes=(COIN,))
        done = train(
            model,
            scenes,
            steps=arguments.steps,
            batch_size=BATCH,
            seed=seed,
            bf16="auto",
            augmentation=augment_symmetries,
        )
        run = {"seed": seed, "seconds": round(done.seconds, 1), **judge_coins(model)}
        result["runs"].append(run)
        print(run, flush=True)
        if arguments.write and k == 0:
            pretrained = ROOT / "minseg" / "models" / "pretrained"
            save_model(model, pretrained / "coins.safetensors", half=True)
            draw(model, ROOT / "docs" / "coins.png")
    if arguments.write:
        write_result("coins", result)


def judge_coins(model: MaskRCNN) -> dict[str, Any]:
    """Mask AP on the photograph, and on scenes that were not trained on."""
    photograph = Example(photo("coins"), coins_truth())
    scenes = InMemory(SceneDataset("val", style="coins", size=SIZE), 100)
    judged = {"photograph": judge(model, [photograph]), "scenes": judge(model, scenes)}
    wanted = ("ap", "ap50", "ap75", "prediction_ms")
    return {name: {key: numbers[key] for key in wanted} for name, numbers in judged.items()}


def draw(model: MaskRCNN, file: Path) -> None:
    """The photograph with what is found."""
    from minseg.draw import draw_instances, figure, png

    image = photo("coins")
    found = model.predict(image[None])[0]
    fig, ax = figure(width=640, height=505)
    draw_instances(ax, image, found[found.scores >= 0.5])
    file.write_bytes(png(fig))


if __name__ == "__main__":
    main()

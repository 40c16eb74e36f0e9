"""`python -m minseg predict`: what a trained model sees in pictures.

    python -m minseg predict --model runs/first cat.png dog.png --out result

writes result/cat.png and result/dog.png, the pictures with the instances drawn in, and
result/predictions.json, the instances as COCO's list of results (`minseg.data.save_results`) with
the pictures numbered from 0 as they were named.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from minseg.data import CocoImage, save_results
from minseg.instances import Instances
from minseg.train import load_model
from minseg.train.command import find_device
from minseg.train.folder import CHECKPOINT, MODEL


def run(options: argparse.Namespace) -> int:
    """Predict and write; the exit status: 0, or 2 with one line for what cannot be done."""
    try:
        files = [Path(name) for name in options.images]
        out = Path(options.out)
        _check_names(files, out)
        model: Any = load_model(model_file(options.model), device=find_device(options.device))
        out.mkdir(parents=True, exist_ok=True)
        found = []
        for number, file in enumerate(files):
            image = read_image(file)
            with torch.no_grad():
                instances = model.predict(image[None].to(options.device))[0].to("cpu")
            draw(out / f"{file.stem}.png", image, instances[instances.scores >= options.score])
            found.append(CocoImage(number, file.name, instances))
            print(f"{file}: {len(instances)} instances")
        labels = {label for one in found for label in one.instances.labels.tolist()}
        save_results(out / "predictions.json", found, {c: str(c) for c in labels})
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def model_file(path: str | Path) -> Path:
    """The finished model of a run's folder, else its checkpoint; a file is what it is."""
    path = Path(path)
    if not path.is_dir():
        return path
    for name in (MODEL, CHECKPOINT):
        if (path / name).exists():
            return path / name
    raise FileNotFoundError(f"{path}: holds neither {MODEL} nor {CHECKPOINT}")


def read_image(file: Path) -> Tensor:
    """(3, H, W) float in [0, 1] of a picture; ValueError where it is none."""
    from PIL import Image  # comes with matplotlib

    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such file")
    try:
        with Image.open(file) as picture:
            pixels = torch.from_numpy(np.array(picture.convert("RGB")))
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"{file}: is no picture that can be read ({error})") from None
    return pixels.permute(2, 0, 1).float().div(255).contiguous()


def draw(file: Path, image: Tensor, instances: Instances) -> None:
    """Write the image with its instances."""
    from minseg.draw import draw_instances, figure, png

    fig, ax = figure()
    draw_instances(ax, image, instances)
    file.write_bytes(png(fig))


def _check_names(files: list[Path], out: Path) -> None:
    """No picture may be written over another, nor over one that was read."""
    given = {file.resolve() for file in files}
    stems = [file.stem for file in files]
    for file in files:
        if stems.count(file.stem) > 1:
            raise ValueError(f"images must have different names, got {file.stem} twice")
        if (out / f"{file.stem}.png").resolve() in given:
            raise ValueError(f"out must be another folder: {file.stem}.png there is your picture")

"""`python -m minseg predict`: what a trained model sees in pictures.

    python -m minseg predict --model runs/first cat.png dog.png --out result
    python -m minseg predict --model runs/first --images val.json --folder val --out result

writes result/cat.png and result/dog.png, the pictures with the instances drawn in, and
result/predictions.json, the instances as COCO's list of results. With a file of truth, images and
categories have its ids, as `evaluate` wants them; without one, pictures are numbered from 0 in the
order given. Pictures come and go one at a time, and their masks never leave their boxes, so that
neither the number of pictures nor the pixels of one fill the memory. Unit 42.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from minseg.commands.predict_files import SIGNATURE, Results, check_targets, results_in
from minseg.commands.predict_ids import Picture, Truth, check_pictures, numbered
from minseg.commands.train import find_device
from minseg.data.coco.records import Id
from minseg.data.pictures import read_picture
from minseg.models.crops import Crops
from minseg.models.saved import load_model
from minseg.terminal import complain, printable
from minseg.train.run_folder import CHECKPOINT, MODEL

MOST = 1000  # what --most may ask for: suppression compares all pairs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command line may say."""
    named = "PNG, JPEG, … (default: all images of --images)"
    parser.add_argument("pictures", nargs="*", metavar="IMAGE", help=named)
    truth = (
        "COCO JSON whose ids results take, for `evaluate`; images are found by file name "
        "(default: they are numbered from 0 in the order given)"
    )
    parser.add_argument("--images", "--truth", dest="truth", metavar="FILE", help=truth)
    where = "where the pictures of --images are (default: beside it)"
    parser.add_argument("--folder", metavar="DIR", help=where)
    parser.add_argument("--model", required=True, metavar="PATH", help="a run's folder, or a file")
    parser.add_argument("--out", required=True, metavar="DIR", help="where the results go")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, … (default: cpu)")
    limit = "instances of an image that are kept, the best first (default: 100)"
    parser.add_argument("--most", type=int, default=100, metavar="N", help=limit)
    drawn = "the lowest score that is drawn; all are in the JSON file (default: 0.5)"
    parser.add_argument("--score", type=float, default=0.5, help=drawn)


def run(options: argparse.Namespace) -> int:
    """Predict and write; the exit status: 0, or 2 with one line for what cannot be done."""
    try:
        last = predict(options)
    except (ValueError, OSError) as error:
        return complain(error)
    print(printable(last))
    return 0


def predict(options: argparse.Namespace) -> str:
    """All pictures, one after the other; a last line that says which ids they have."""
    _check_options(options)
    truth = None if options.truth is None else Truth(Path(options.truth))
    pictures, out = chosen(options, truth), Path(options.out)
    check_targets(out, [one.name for one in pictures], [one.file for one in pictures])
    check_pictures(pictures)
    model: Any = load_model(model_file(options.model), device=find_device(options.device))
    labels = model.categories
    categories = {c: c for c in labels} if truth is None else truth.category_ids(labels)
    out.mkdir(parents=True, exist_ok=True)
    with results_in(out) as results:
        for one in pictures:
            count = predict_one(model, one, results, categories, options)
            gc.collect()  # a figure refers to itself, and would keep its picture for a while
            limited = ", as many as --most lets through" * (count >= options.most)
            print(printable(f"{one.file}: {count} instances{limited}"), flush=True)
    if truth is not None:
        return f"{len(pictures)} of {len(truth.images)} images, with the ids of {truth.file}"
    return "images are numbered from 0 in the order given: --images takes the ids of a truth"


def predict_one(
    model: Any,
    picture: Picture,
    results: Results,
    categories: Mapping[int, Id],
    options: argparse.Namespace,
) -> int:
    """Read, predict, write and forget a picture; how many instances it has."""
    image = read_picture(picture.file)
    found = see(model, picture, image, options)
    results.add(picture.image_id, found, categories)
    results.draw(picture.name, drawn(image, found, options.score))
    return len(found.masks)


def chosen(options: argparse.Namespace, truth: Truth | None) -> list[Picture]:
    """The pictures that the command line asks for."""
    files = [Path(name) for name in options.pictures]
    if truth is None:
        if options.folder is not None:
            raise ValueError("folder needs --images, the file that names its pictures")
        if not files:
            raise ValueError("pictures must be named, or --images, a file that names them")
        return numbered(files)
    return truth.pictures(files, None if options.folder is None else Path(options.folder))


def see(model: Any, picture: Picture, image: Tensor, options: argparse.Namespace) -> Crops:
    """What the model finds in one image (3, H, W); ValueError where it does not fit the memory."""
    try:
        found: Crops = model.predict_crops([image.to(options.device)], most=options.most)[0]
    except (RuntimeError, MemoryError) as error:
        if "memory" not in f"{type(error).__name__} {error}".lower():  # how PyTorch says it
            raise
        size = " × ".join(str(n) for n in image.shape[1:])
        raise ValueError(f"{picture.file}: {size} pixels do not fit the memory here") from None
    return found


def model_file(path: str | Path) -> Path:
    """The finished model of a run's folder, else its checkpoint; a file is what it is."""
    path = Path(path)
    if not path.is_dir():
        return path
    for name in (MODEL, CHECKPOINT):
        if (path / name).exists():
            return path / name
    raise FileNotFoundError(f"{path}: holds neither {MODEL} nor {CHECKPOINT}")


def drawn(image: Tensor, found: Crops, least: float) -> bytes:
    """The image with its instances of at least that score, as a signed PNG file."""
    from minseg.draw import draw_crops, figure, png

    shown = [crop for crop, s in zip(found.masks, found.scores.tolist(), strict=True) if s >= least]
    fig, ax = figure()
    draw_crops(ax, image, shown)
    return png(fig, software=SIGNATURE)


def _check_options(options: argparse.Namespace) -> None:
    if not 1 <= options.most <= MOST:
        raise ValueError(f"most must be between 1 and {MOST}, got {options.most}")
    if not 0 <= options.score <= 1:
        raise ValueError(f"score must be between 0 and 1, got {options.score}")

"""`python -m minseg train`: train a model of the course, on scenes or on files in COCO's format.

    python -m minseg train mask-rcnn --seconds 180 --out runs/first
    python -m minseg train mask-rcnn --steps 90000 --out runs/coco --device cuda --bf16 --workers 8
                       --data coco:annotations/train.json:images/train

The same line after `torchrun --nproc-per-node=8 -m minseg` instead of `python -m minseg` trains
with eight processes (`minseg.train.distributed`). `--resume` goes on with a run that was
interrupted. What cannot be done is said in one line, also where eight processes find it out.
Unit 42.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

import torch

from minseg.data import SceneDataset, load_coco
from minseg.data.coco.instances import CocoInstances
from minseg.data.in_memory import InMemory
from minseg.models.names import MODELS
from minseg.processes import SaidElsewhereError, all_or_none
from minseg.terminal import complain
from minseg.train.augment import augment_photo, augment_scene
from minseg.train.distributed import process_group
from minseg.train.interrupt import Interrupted
from minseg.train.log import TrainingResult
from minseg.train.loop import train
from minseg.train.run_folder import check_free

SCENES, VALIDATION_SCENES = 2000, 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command line may say."""
    parser.add_argument("model", help=", ".join(MODELS))
    parser.add_argument("--out", required=True, metavar="DIR", help="where its files go")
    parser.add_argument("--seconds", type=float, help="how long to train")
    parser.add_argument("--steps", type=int, help="how long to train, instead of --seconds")
    data = "scenes:NUMBER, or coco:ANNOTATIONS.json:FOLDER (default: scenes:2000)"
    parser.add_argument("--data", default="scenes", metavar="DATA", help=data)
    measured = "what to measure on, likewise (default: scenes where the data are scenes)"
    parser.add_argument("--validation", metavar="DATA", help=measured)
    parser.add_argument("--batch-size", type=int, default=8, help="images in a step (default: 8)")
    parser.add_argument("--learning-rate", type=float, default=3e-3, help="default: 0.003")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, … (default: cpu)")
    halves = "compute in bfloat16 where it is safe (default: where this machine is quicker with it)"
    parser.add_argument("--bf16", action="store_true", default="auto", help=halves)
    exact = "compute in float32"
    parser.add_argument(
        "--no-bf16", dest="bf16", action="store_false", default=argparse.SUPPRESS, help=exact
    )
    less = "compute activations twice instead of keeping them: less memory, more time"
    parser.add_argument("--checkpointing", action="store_true", help=less)
    ahead = "processes that read images ahead (default: 0)"
    parser.add_argument("--workers", type=int, default=0, help=ahead)
    every = "save after so many steps, or (default: 100)"
    parser.add_argument("--save-every", type=int, default=100, metavar="STEPS", help=every)
    seconds = "after so many seconds, whichever come first (default: 60)"
    parser.add_argument("--save-seconds", type=float, default=60.0, help=seconds)
    silent = "seconds that processes wait for one that is silent (default: 600)"
    parser.add_argument("--timeout", type=float, default=600.0, help=silent)
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")


def run(options: argparse.Namespace) -> int:
    """Train; the exit status.

    Returns:
        0; 2, with one line, for what cannot be done; 128 + n, with two, if signal n came: 130 for
        Ctrl-C, 143 for SIGTERM.
    """
    first = os.environ.get("RANK", "0") == "0"  # of the processes, also where they have parted
    try:
        with process_group(find_device(options.device), options.timeout) as device:
            result = train_as_asked(options, device)
            if first:
                print(summary(result))
    except Interrupted as stop:
        if first:
            print(f"{stop}\nto go on, give the same line with --resume", file=sys.stderr)
        return stop.status
    except SaidElsewhereError:
        return 2
    except (FloatingPointError, ConnectionError) as error:  # all processes have these
        return complain(error) if first else 2
    except (ValueError, OSError) as error:
        return complain(error)
    return 0


def train_as_asked(options: argparse.Namespace, device: torch.device) -> TrainingResult:
    """Data, a fresh model, and the loop."""
    if options.model not in MODELS:
        raise ValueError(f"model must be one of {', '.join(MODELS)}, got {options.model!r}")
    # complains before scenes are made, not after
    all_or_none(lambda: check_free(options.out, resume=options.resume))
    data, validation = all_or_none(lambda: open_both(options))
    scenes = not isinstance(data, CocoInstances)
    classes: Any = (1, 2, 3) if scenes else tuple(sorted(data.categories))
    torch.manual_seed(options.seed)
    return train(
        MODELS[options.model](classes=classes).to(device),
        data,
        steps=options.steps,
        seconds=options.seconds,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        seed=options.seed,
        bf16=options.bf16,
        checkpointing=options.checkpointing,
        augmentation=augment_scene if scenes else augment_photo,
        validation=validation,
        out=options.out,
        resume=options.resume,
        save_every=options.save_every,
        save_seconds=options.save_seconds,
        workers=options.workers,
    )


def open_both(options: argparse.Namespace) -> tuple[Any, Any]:
    """The data to learn from and the data to measure on, None if there are none."""
    data = open_data(options.data, "train", SCENES)
    named = options.validation or (None if isinstance(data, CocoInstances) else "scenes")
    return data, None if named is None else open_data(named, "val", VALIDATION_SCENES)


def open_data(named: str, split: str, scenes: int) -> Any:
    """The data set that --data or --validation names."""
    kind, _, rest = named.partition(":")
    annotations, _, folder = rest.rpartition(":")
    if kind == "scenes" and (rest.isdecimal() or named == "scenes"):
        return InMemory(SceneDataset(split), int(rest or scenes))
    if kind == "coco" and annotations and folder:
        return load_coco(annotations, folder)
    raise ValueError(
        f"data must be scenes, scenes:NUMBER or coco:ANNOTATIONS.json:FOLDER, got {named!r}"
    )


def find_device(name: str) -> torch.device:
    """A device of this machine; ValueError if it has none of that name."""
    try:
        device = torch.device(name)
        if device.type == "cuda":  # no allocation: every process would take room on the first GPU
            there = (device.index or 0) < torch.cuda.device_count()
        elif device.type == "meta":  # has shapes and no numbers
            there = False
        else:
            there = torch.zeros(1, device=device).numel() == 1
    except (RuntimeError, AssertionError, NotImplementedError):
        there = False
    if not there:
        available = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
        raise ValueError(
            f"device must be one that PyTorch has here ({', '.join(available)}), got {name!r}"
        )
    return device


def summary(result: TrainingResult) -> str:
    """The result, for people."""
    lines = [f"{result.steps} step{'s' * (result.steps != 1)}, {result.seconds:.0f} s"]
    if result.metrics:
        numbers = {k: v for k, v in result.metrics[-1].items() if k in ("ap", "ap50", "ap75", "pq")}
        lines.append(", ".join(f"{name} {value:.4f}" for name, value in numbers.items()))
    lines.append(f"model, checkpoint and tables: {result.folder}")
    return "\n".join(lines)

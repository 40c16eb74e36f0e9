"""The command line: `python -m minseg doctor`, `train`, `predict` and `evaluate`.

Nothing heavy is imported before the command is known: the doctor must work where torch does not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status, 0 if all is well."""
    parser = argparse.ArgumentParser(prog="python -m minseg", description="minseg's commands.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("doctor", help="check that everything the lessons need is installed")
    about = "average precision or panoptic quality of predictions, in COCO's file formats"
    _add_evaluate_arguments(commands.add_parser("evaluate", help=about, description=about))
    about = "train a model on synthetic scenes, or on files in COCO's format"
    _add_train_arguments(commands.add_parser("train", help=about, description=about))
    about = "what a trained model sees in pictures: pictures and COCO JSON"
    _add_predict_arguments(commands.add_parser("predict", help=about, description=about))
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    except KeyboardInterrupt:  # before or after what the command itself can keep
        print("interrupted", file=sys.stderr)
        return 130  # 128 + the number of the signal, as a shell says it


def _run(options: argparse.Namespace) -> int:
    if options.command == "evaluate":
        from minseg.commands.evaluate import run

        return run(options)
    if options.command == "train":
        from minseg.commands import train

        return train.run(options)
    if options.command == "predict":
        from minseg.commands import predict

        return predict.run(options)

    from minseg.course import doctor

    return 0 if doctor() else 1


def _add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", choices=("panoptic", "mask", "box", "boundary"), required=True)
    parser.add_argument("--truth", required=True, metavar="FILE", help="COCO JSON")
    parser.add_argument("--predictions", required=True, metavar="FILE", help="COCO JSON")
    parser.add_argument("--truth-folder", metavar="DIR", help="its PNGs, if not beside it")
    parser.add_argument("--predictions-folder", metavar="DIR", help="its PNGs, if not beside it")
    limit = "detections of a class that are read in an image, the best first (default: 100)"
    parser.add_argument("--most", type=int, default=100, metavar="N", help=limit)
    unknown = "leave out predictions of images and categories that the truth has not"
    parser.add_argument("--skip-unknown", action="store_true", help=unknown)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _add_train_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="mask-rcnn")
    parser.add_argument("--out", required=True, metavar="DIR", help="where its files go")
    parser.add_argument("--seconds", type=float, help="how long to train")
    parser.add_argument("--steps", type=int, help="how long to train, instead of --seconds")
    data = "scenes:NUMBER, or coco:ANNOTATIONS.json:FOLDER (default: scenes:2000)"
    parser.add_argument("--data", default="scenes", metavar="DATA", help=data)
    measured = "what to measure on, likewise (default: scenes where the data are scenes)"
    parser.add_argument("--validation", metavar="DATA", help=measured)
    parser.add_argument("--batch-size", type=int, default=8, help="images a step (default: 8)")
    parser.add_argument("--learning-rate", type=float, default=3e-3, help="default: 0.003")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, … (default: cpu)")
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16 where it is safe")
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


def _add_predict_arguments(parser: argparse.ArgumentParser) -> None:
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


if __name__ == "__main__":
    sys.exit(main())

"""What a training step of Mask R-CNN is made of: 8 scenes of 128×128, two threads, float32.

The weights are of a short training, so that there are as many positives as later on, and stay as
they are: the learning rate is 0, which costs what any other does. Times are medians and quartiles.

    python benchmarks/train_step.py [--steps 30] [--weights FILE] [--against DIR] [--write]

`--against` names another checkout, whose steps on the same batches are taken in turns with ours, in
a process of its own: so the pace of the machine, which changes, is the same for both. Give the
machine nothing else to do. (2 minutes, of which one is the short training.)
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from machine import describe, write_result

HERE = Path(__file__).resolve().parent
BLOCK = 3  # steps of one side before it is the other's turn
PARTS = ("data", "forward", "backward", "optimisers", "rest", "step")


class Side:
    """A process with the code of one checkout; see train_step_worker.py."""

    def __init__(self, root: Path, weights: Path, threads: int, clock: str) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(root), str(root / "kernels")]),
            "OMP_NUM_THREADS": str(threads),
            "OMP_WAIT_POLICY": "passive",  # a thread that waits takes no time from others
        }
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "train_step_worker.py"), str(weights), clock],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.steps: list[dict[str, float]] = []
        self.ask("ready")
        commit = ["git", "-C", str(root), "rev-parse", "--short", "HEAD"]
        self.commit = subprocess.run(commit, capture_output=True, text=True).stdout.strip()

    def ask(self, what: str, **options: Any) -> Any:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"what": what, **options}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise ChildProcessError(f"the process that was asked for {what!r} ended")
        return json.loads(line)

    def close(self) -> None:
        self.process.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=30, help="of each side (default: 30)")
    parser.add_argument("--threads", type=int, default=2, help="of each side (default: 2)")
    clocks = "what to read: seconds, or those of all cores together, where others are at work"
    parser.add_argument("--clock", choices=("wall", "cores"), default="wall", help=clocks)
    parser.add_argument("--weights", type=Path, help="a trained model, instead of training one")
    parser.add_argument("--against", type=Path, metavar="DIR", help="another checkout")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/")
    arguments = parser.parse_args()
    settings = {name: getattr(arguments, name) for name in ("steps", "threads", "clock")}
    result: dict[str, Any] = {"machine": describe(), **settings}
    with tempfile.TemporaryDirectory() as folder:
        weights = arguments.weights or Path(folder) / "model.safetensors"
        how = (weights, arguments.threads, arguments.clock)
        sides = {"now": Side(HERE.parent, *how)}
        if arguments.against is not None:
            sides["before"] = Side(arguments.against.resolve(), *how)
        race(sides, arguments.steps)
        for name, side in sides.items():
            result[name] = {"commit": side.commit, "ms": summary(side.steps)}
            print(f"{name}, {side.commit}\n{as_table(result[name]['ms'])}", flush=True)
        if "before" in sides:
            result["ratio"] = ratio(*(side.steps for side in sides.values()))
            print(f"a step takes {result['ratio']} of the time (median, quartiles)")
        for name, side in sides.items():
            result[name]["stages_ms"] = side.ask("stages", steps=arguments.steps // 3)
            result[name]["operators_ms"] = side.ask("operators", steps=arguments.steps // 6)
            for kind in ("stages_ms", "operators_ms"):
                print(f"{name}, {kind}: {result[name][kind]}", flush=True)
            side.close()
    if arguments.write:
        write_result("train_step", result)


def race(sides: dict[str, Side], steps: int) -> None:
    """Each side takes steps first … of the same row of batches, a block at a time."""
    for side in sides.values():
        side.ask("steps", first=0, count=3)  # preparations
    for first in range(0, steps, BLOCK):
        for side in sides.values():
            side.steps += side.ask("steps", first=first, count=min(BLOCK, steps - first))


def summary(steps: list[dict[str, float]]) -> dict[str, list[float]]:
    """Of each part [lower quartile, median, upper quartile] in milliseconds."""
    return {part: quartiles([1e3 * one[part] for one in steps], 1) for part in PARTS}


def ratio(ours: list[dict[str, float]], theirs: list[dict[str, float]]) -> list[float]:
    """Quartiles of what a step takes of the other side's time, on the same batch."""
    pairs = zip(ours, theirs, strict=True)
    return quartiles([a["step"] / b["step"] for a, b in pairs], 3)


def quartiles(values: list[float], digits: int) -> list[float]:
    return [round(value, digits) for value in statistics.quantiles(values, n=4)]


def as_table(parts: dict[str, list[float]]) -> str:
    rows = [
        f"  {part:12}{mid:8.1f} ms  ({low:.1f} – {high:.1f})"
        for part, (low, mid, high) in parts.items()
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    main()

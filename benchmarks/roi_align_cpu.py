"""RoIAlign on the CPU: minseg's bag of pixels beside torchvision's C++, taking turns in one run.

    python benchmarks/roi_align_cpu.py [--rounds 7] [--threads 2] [--write]

torchvision runs in a process of its own, under a Python that has it: the one named by
MINSEG_TORCHVISION_PYTHON, else the system's (Debian and Ubuntu: apt install python3-torchvision).
Both sides get the same inputs, and their outputs must agree. A time is the best of all rounds;
memory is what the first forward and backward pass adds to the peak of a fresh process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.machine import describe, write_result  # after the path is set
from benchmarks.roi_worker import CASES

REPEATS = {"teaching 7×7": 20}  # one answer holds the best of so many runs where they are short
HEADER = """\
| features (N, C, H, W), RoIs, bins | layout | forward, ms | forward + backward, ms | \
times faster: forward | forward + backward | extra peak, MB |
|:--|:--|--:|--:|--:|--:|--:|"""


class Side:
    """One process that answers questions; see roi_worker.py."""

    def __init__(self, python: str, name: str, threads: int) -> None:
        path = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
        self.process = subprocess.Popen(
            [python, str(HERE / "roi_worker.py"), name, str(threads)],
            env={**os.environ, "PYTHONPATH": path} if name == "minseg" else None,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.version = self._read()["version"]

    def ask(self, **request: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise ChildProcessError("the other side ended without an answer")
        return json.loads(line)

    def close(self) -> None:
        self.process.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/")
    arguments = parser.parse_args()
    pythons = {"minseg": sys.executable, "torchvision": peer_python()}
    machine, rows, versions = describe(), [], {}
    print(HEADER)
    for case in CASES:
        for channels_last in (False, True):
            sides = {k: Side(p, k, arguments.threads) for k, p in pythons.items() if p}
            versions = {name: side.version for name, side in sides.items()}
            row = race(sides, case, channels_last, arguments.rounds)
            rows.append(row)
            print(as_table_row(row), flush=True)
            for side in sides.values():
                side.close()
    print(f"\n{arguments.threads} threads, best of {arguments.rounds} rounds; {versions}")
    if not pythons["torchvision"]:
        print("torchvision skipped: no Python with it (MINSEG_TORCHVISION_PYTHON names one)")
    if arguments.write:
        settings = {"threads": arguments.threads, "rounds": arguments.rounds, "peers": versions}
        write_result("roi_align_cpu", {**settings, "rows": rows, "machine": machine})


def peer_python() -> str | None:
    """A Python that imports torchvision, if there is one."""
    named = os.environ.get("MINSEG_TORCHVISION_PYTHON")
    for python in filter(None, (named, "/usr/bin/python3")):
        try:
            done = subprocess.run([python, "-c", "import torchvision.ops"], capture_output=True)
        except OSError:
            continue
        if done.returncode == 0:
            return python
    return None


def race(sides: dict[str, Side], case: str, channels_last: bool, rounds: int) -> dict[str, Any]:
    request = {"case": case, "channels_last": channels_last}
    answers: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            answers[name].append(side.ask(**request, repeat=REPEATS.get(case, 1)))
    sums = [side.ask(**request, check=True)["check"] for side in sides.values()]
    for ours, theirs in zip(sums[0], sums[-1], strict=True):
        assert abs(ours - theirs) < 1e-5 * abs(theirs), f"{case}: the two sides differ"
    return {**request, **{name: summary(given) for name, given in answers.items()}}


def summary(answers: list[dict[str, Any]]) -> dict[str, float]:
    return {
        "forward_ms": 1e3 * min(a["forward_alone"] for a in answers),
        "total_ms": 1e3 * min(a["forward"] + a["backward"] for a in answers),
        "extra_mb": answers[0]["extra_mb"],
    }


def as_table_row(row: dict[str, Any]) -> str:
    shape, count, _, _, _ = CASES[row["case"]]
    ours, theirs = row["minseg"], row.get("torchvision")

    def pair(key: str, digits: int) -> str:
        both = [side[key] for side in (ours, theirs) if side]
        return " / ".join(f"{value:.{digits}f}" for value in both)

    def ratio(key: str) -> str:
        return f"{theirs[key] / ours[key]:.1f}" if theirs else "–"

    cells = [
        f"{shape}, {count}, {row['case'].removeprefix('teaching ')}",
        "channels-last" if row["channels_last"] else "NCHW",
        pair("forward_ms", 2),
        pair("total_ms", 2),
        ratio("forward_ms"),
        ratio("total_ms"),
        pair("extra_mb", 0),
    ]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()

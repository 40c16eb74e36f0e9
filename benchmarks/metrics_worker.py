"""One tool evaluates one pair of files in its own process, which tells what it took.

    python benchmarks/metrics_worker.py minseg|pycocotools FOLDER mask|boundary

Run by `benchmarks/metrics.py`. Imports are not timed; the peak of memory has them in it.
"""

import contextlib
import io
import json
import re
import sys
import time
from pathlib import Path


def minseg(truth, results, kind):
    report = evaluate_instances(truth, results, kind)
    return report["all"]["ap"]


def pycocotools(truth, results, kind):
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(truth)
        evaluation = COCOeval(coco, coco.loadRes(results), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


def peak():
    """Megabytes; Linux only. `ru_maxrss` would have the parent's in it."""
    return int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1]) // 1024


if __name__ == "__main__":
    tool, folder, kind = sys.argv[1:]
    if tool == "minseg":
        from minseg.commands.evaluate import evaluate_instances
    else:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    start = time.perf_counter()
    ap = globals()[tool](f"{folder}/truth.json", f"{folder}/results.json", kind)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "megabytes": peak(), "ap": ap}))

"""Which machine and versions a figure was measured with, and where figures are kept."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    *("torch", "numpy", "jupyterlab", "anywidget", "playwright", "triton"),
    *("pycocotools", "faster-coco-eval"),
)


def describe() -> dict[str, Any]:
    """Processor, cores, system, Python, package versions, commit, date, and the present load."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "versions": {name: v for name in PACKAGES if (v := _version(name))},
        "commit": _git("rev-parse", "--short", "HEAD"),
        "date": datetime.date.today().isoformat(),
    }


def describe_gpu() -> dict[str, Any]:
    """Name, size, driver and CUDA version of the GPU that is in use."""
    import torch

    p = torch.cuda.get_device_properties(torch.cuda.current_device())
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    driver = subprocess.run(query, capture_output=True, text=True).stdout.split("\n")[0]
    return {
        "gpu": p.name,
        "processors": p.multi_processor_count,
        "l2_bytes": p.L2_cache_size,
        "driver": driver,
        "cuda": torch.version.cuda,
    }


def require_gpu(program: str, undone: str) -> None:
    """End with status 2, and say what was not done, where PyTorch finds no CUDA GPU."""
    import torch

    if not torch.cuda.is_available():
        print(f"{program} needs a CUDA GPU, and PyTorch finds none: {undone}")
        sys.exit(2)


def short_name(gpu: str) -> str:
    """A GPU's model for a file's name: "h100" of "NVIDIA H100 80GB HBM3"."""
    words = [word for word in gpu.lower().split() if any(map(str.isdigit, word))]
    return words[0] if words else gpu.lower().split()[-1]


def write_result(name: str, result: dict[str, Any], folder: Path = RESULTS) -> None:
    """Write <folder>/<name>.json, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(path)
    here = RESULTS.parents[1]
    print(f"wrote {path.relative_to(here) if path.is_relative_to(here) else path}")


def write_gpu_result(name: str, result: dict[str, Any], folder: Path = RESULTS) -> None:
    """Write <folder>/<name>_<gpu>.json, the machine and its GPU first."""
    gpu = describe_gpu()
    write_result(f"{name}_{short_name(gpu['gpu'])}", describe() | gpu | result, folder)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, cwd=RESULTS.parent)
    return done.stdout.strip() or "unknown"

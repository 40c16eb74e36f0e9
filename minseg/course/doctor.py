"""Whether everything is there that the lessons need: a line for each check, and what mends it.

`doctor()` in a notebook, `python -m minseg doctor` in a terminal. What is optional, such as a GPU,
is reported and never fails the check-up. Unit 00 names it.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from minseg.course.state import state_path

INSTALL = 'python -m pip install -e ".[lab]"'


@dataclass(frozen=True)
class Finding:
    """One line of the check-up.

    Args:
        what: what was looked at.
        found: what is there, in a few words.
        ok: whether the lessons can do with it.
        fix: the command or step that mends it; empty where nothing needs mending.
        optional: whether the lessons run without.
    """

    what: str
    found: str
    ok: bool
    fix: str = ""
    optional: bool = False

    def __str__(self) -> str:
        mark = "ok" if self.ok else "optional" if self.optional else "missing"
        line = f"{mark:<9} {self.what}: {self.found}"
        return line if self.ok or not self.fix else f"{line}\n          → {self.fix}"


def doctor() -> bool:
    """Print one line for each check; true if nothing that the lessons need is missing."""
    findings = [check() for check in CHECKS]
    for finding in findings:
        print(finding)
    missing = [finding.what for finding in findings if not finding.ok and not finding.optional]
    print(f"Missing: {', '.join(missing)}." if missing else "All that the lessons need is there.")
    return not missing


def python(found: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Python 3.11 or newer."""
    text = ".".join(map(str, found))
    return Finding("Python", text, found >= (3, 11), "install Python 3.11, 3.12 or 3.13")


def package(name: str, at_least: str, fix: str = INSTALL) -> Finding:
    """An installed package of at least some version."""
    try:
        found = version(name)
    except PackageNotFoundError:
        return Finding(name, "not installed", False, fix)
    if _numbers(found) < _numbers(at_least):
        return Finding(name, f"{found}, needs {at_least} or newer", False, fix)
    return Finding(name, found, True)


def _numbers(version: str) -> tuple[int, ...]:
    """(2, 13, 0) of "2.13.0+cpu"; stops at the first part that is no number."""
    numbers: list[int] = []
    for part in version.split("+")[0].split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


def torch_and_threads() -> Finding:
    """PyTorch, and how many threads it uses."""
    found = package("torch", "2.8", "python -m pip install torch==2.13.0")
    if not found.ok:
        return found
    try:
        import torch
    except (ImportError, OSError) as error:  # installed, but its libraries do not load
        reason = str(error).splitlines()[0]
        return Finding("torch", f"{found.found} does not load: {reason}", False, "reinstall torch")
    threads = torch.get_num_threads()
    return Finding("torch", f"{found.found}, {threads} thread{'s' * (threads != 1)}", True)


def state_folder() -> Finding:
    """Whether progress and guesses can be kept."""
    folder = state_path().parent
    fix = f"set MINSEG_STATE to a folder that can be written, not {folder}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        found = f"cannot be written ({error.strerror or error})"
        return Finding("folder for your progress", found, False, fix, optional=True)
    return Finding("folder for your progress", "can be written", True)


def memory(needed: float = 2.0) -> Finding:
    """Gibibytes of memory in the machine, where the system tells."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (AttributeError, ValueError, OSError):
        return Finding("memory", "unknown on this system", True)
    fix = "close other programs; a training lesson needs up to 2 GiB"
    return Finding("memory", f"{total:.1f} GiB", total >= needed, fix, optional=True)


def triton(system: str = platform.system()) -> Finding:
    """Triton, in which the GPU kernels are written; it exists for Linux."""
    if system != "Linux":
        return Finding("Triton", f"does not exist for {system}", False, optional=True)
    if importlib.util.find_spec("triton") is None:
        fix = "only units 23 and 24 need it: python -m pip install triton"
        return Finding("Triton", "not installed", False, fix, optional=True)
    return Finding("Triton", version("triton"), True)


def gpu() -> Finding:
    """A CUDA GPU that torch can use."""
    none = Finding("CUDA GPU", "none; every lesson runs without one", False, optional=True)
    try:
        import torch
    except (ImportError, OSError):
        return none
    if not torch.cuda.is_available():
        return none
    return Finding("CUDA GPU", torch.cuda.get_device_name(), True)


def bf16() -> Finding:
    """Whether training is quicker in bfloat16, which `train` and its command can choose."""
    try:
        import torch
    except (ImportError, OSError):
        return Finding("bf16", "not known without torch", False, optional=True)
    from minseg.bf16 import choose, compared, measured_gain

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    on, _ = choose("auto", device)
    slower = f"a convolution takes {compared(measured_gain(device))} in it"
    return Finding("bf16", f"{'on' if on else 'off'}; {slower}", on, optional=True)


CHECKS: tuple[Callable[[], Finding], ...] = (
    python,
    torch_and_threads,
    lambda: package("numpy", "2"),
    lambda: package("scipy", "1.14"),
    lambda: package("matplotlib", "3.10"),
    lambda: package("scikit-image", "0.25"),
    lambda: package("contourpy", "1.3"),
    lambda: package("safetensors", "0.5"),
    lambda: package("jupyterlab", "4.4"),
    lambda: package("ipywidgets", "8.1"),
    lambda: package("anywidget", "0.9.13"),
    state_folder,
    memory,
    triton,
    gpu,
    bf16,
)

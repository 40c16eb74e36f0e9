"""Which modules a fresh Python imports: what is heavy must wait until it is needed."""

import subprocess
import sys


def imported_by(code):
    """The names of all modules that are there once the code has run in a new process."""
    line = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
    done = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True)
    return set(done.stdout.split())

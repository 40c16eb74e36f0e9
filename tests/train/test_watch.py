"""A process that waits in vain ends by itself; one that gets somewhere does not."""

import os
import subprocess
import sys
from pathlib import Path

from minseg.train.watch import Watch

STUCK = """
import time
from minseg.train.watch import Watch
with Watch(0.5):
    for _ in range(10):  # slow, but alive
        time.sleep(0.1)
        Watch.alive()
    print("alive", flush=True)
    time.sleep(60)
"""


def test_a_process_that_gets_nowhere_ends_with_one_line():
    done = subprocess.run(
        [sys.executable, "-c", STUCK],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"RANK": "3"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "alive\n")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: process 3 got nowhere for 0.5 s: it or another one hangs")


def test_its_thread_ends_with_the_work():
    watch = Watch(0.2)
    with watch:
        pass
    assert watch._over.wait(0) and Watch(None).__enter__().timeout is None

"""Triton kernels run in the interpreter here; Triton reads this when it is first imported."""

import os

os.environ.setdefault("TRITON_INTERPRET", "1")

"""Compiles a kernel for a GPU that is not there, and reads what came out.

A launch tells the compiler three things beside the types: which pointers and numbers are divisible
by 16, which numbers are 1, and how many warps. Compiling ahead of time has to say them too: without
the first, every load would be 4 bytes wide and the test would look at other code than users run.
"""

import re
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from minseg_kernels.launch import FUSED

TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"


@dataclass
class Code:
    registers: int
    stack: int  # bytes of spilled registers and local arrays
    opcodes: Counter  # SASS instruction, with its modifiers → how often it stands there

    def count(self, pattern: str) -> int:
        return sum(n for op, n in self.opcodes.items() if re.match(pattern, op))


def compile_kernel(kernel, types, constants, *, sm, warps, aligned=()):
    """Machine code of a kernel.

    Args:
        types: argument → type ("*fp32", "i32", "fp32"), a tuple of them for a tuple.
        constants: argument → value, for `tl.constexpr` and for numbers that are 1; a tuple of
            them for a tuple.
        aligned: arguments, besides pointers, that are divisible by 16.
    """
    signature, divisible, values = {}, {}, {}
    for i, name in enumerate(kernel.arg_names):
        kind = types.get(name, "constexpr")
        if name in constants:
            many = isinstance(constants[name], tuple)
            each = enumerate(constants[name]) if many else ()
            values |= {(i, j): v for j, v in each} if many else {(i,): constants[name]}
            kind = ("constexpr",) * len(constants[name]) if many else "constexpr"
        signature[name] = kind
        places = [((i, j), t) for j, t in enumerate(kind)] if isinstance(kind, tuple) else []
        for place, t in places or [((i,), kind)]:
            if t.startswith("*") or name in aligned:
                divisible[place] = [["tt.divisibility", 16]]
    source = ASTSource(fn=kernel, signature=signature, constexprs=values, attrs=divisible)
    target = GPUTarget("cuda", sm, 32)
    compiled = triton.compile(source, target=target, options={"num_warps": warps, **FUSED})
    return read(compiled.asm["cubin"])


def read(cubin: bytes) -> Code:
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        text, usage = (
            subprocess.run(
                [TOOLS / "cuobjdump", flag, file.name], capture_output=True, text=True, check=True
            ).stdout
            for flag in ("-sass", "-res-usage")
        )
    instruction = r"^\s+/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)"
    opcodes = Counter(re.findall(instruction, text, re.MULTILINE))
    registers, stack = (
        int(re.search(rf"\b{word}:(\d+)", usage).group(1)) for word in ("REG", "STACK")
    )
    return Code(registers, stack, opcodes)

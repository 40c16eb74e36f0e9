"""bfloat16 is chosen where the processor has it and is quicker with it; what was chosen is told."""

import re

import pytest
import torch

from minseg import bf16
from minseg.bf16 import choose, has_instructions, measured_gain

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("wanted", "instructions", "gain", "on", "words"),
    [
        ("auto", True, 2.0, True, "bf16 on: .* takes 0.5 times as long"),
        ("auto", True, 0.5, False, "bf16 off: .* takes 2 times as long"),  # none has code for them
        ("auto", False, 2.0, False, "bf16 off: .* has no instructions"),
        (True, False, 0.1, True, "bf16 is slower here: .* takes 10 times as long"),
        (True, True, 2.0, True, "^$"),
        (False, True, 2.0, False, "^$"),
    ],
)
def test_both_the_processor_and_the_clock_decide(
    wanted, instructions, gain, on, words, monkeypatch
):
    monkeypatch.setattr(bf16, "has_instructions", lambda device: instructions)
    monkeypatch.setattr(bf16, "measured_gain", lambda device: gain)
    choice = choose(wanted, CPU)
    assert choice.on is on
    assert re.search(words, choice.why) and "\n" not in choice.why


@pytest.mark.parametrize("flag", ["amx_bf16", "avx512_bf16", "bf16"])
def test_linux_names_the_instructions(flag, monkeypatch):
    monkeypatch.setattr(bf16, "_flags", lambda: frozenset({"avx2", flag}))
    assert has_instructions(CPU)


def test_neither_linux_nor_pytorch_knows_of_them(monkeypatch):
    monkeypatch.setattr(bf16, "_flags", lambda: frozenset({"avx2", "avx512f"}))
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: False, raising=False)
    assert not has_instructions(CPU)


def test_the_flags_are_read_word_by_word(monkeypatch, tmp_path):
    """avx512_bf16 is one flag, whatever else has bf16 in its name."""
    (tmp_path / "cpuinfo").write_text("processor : 0\nflags\t\t: fpu avx2 not_bf16\n")
    monkeypatch.setattr(bf16, "Path", lambda name: tmp_path / "cpuinfo")
    bf16._flags.cache_clear()
    try:
        assert bf16._flags() == {"fpu", "avx2", "not_bf16"}
    finally:
        bf16._flags.cache_clear()


def test_measuring_leaves_the_callers_random_state_alone():
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    assert measured_gain(CPU, rounds=1) > 0
    assert torch.equal(torch.rand(2), expected)


def test_says_what_it_needs():
    with pytest.raises(ValueError, match="bf16 must be True, False or \"auto\", got 'on'"):
        choose("on", CPU)

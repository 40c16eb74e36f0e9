"""Compressed run lengths: character by character and all at once give the same text and numbers."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.masks.rle_text import from_text_loop, from_texts, to_text, to_text_loop


def test_by_hand():
    """A character holds five bits and whether more follow, plus 48: "0" is 0, "O" -1, "T3" 100."""
    table = {
        (2, 3, 1, 4): "2311",  # 4 is stored as 4 - 3
        (0, 100, 0, 99, 0): "0T30O0",  # 99 - 100
        (15, 16, 17): "?`0a0",  # 15 is the last that fits one character, with the sign
        (): "",
    }
    for counts, text in table.items():
        assert to_text_loop(counts) == to_text(np.array(counts, dtype=np.int64)) == text
        assert from_text_loop(text) == from_texts([text])[0].tolist() == list(counts)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 2**31 - 1), max_size=9), max_size=4))
def test_equals_the_definition(masks):
    texts = [to_text_loop(counts) for counts in masks]
    assert [to_text(np.array(counts, dtype=np.int64)) for counts in masks] == texts
    numbers, first = from_texts(texts)
    for k, counts in enumerate(masks):
        assert numbers[first[k] : first[k + 1]].tolist() == from_text_loop(texts[k]) == counts

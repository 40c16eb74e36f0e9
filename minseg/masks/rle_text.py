"""COCO's compressed run lengths: numbers packed into printable text.

From the fourth count on, each is stored as the difference to the count two before it (neighbouring
columns have runs alike). A number is cut into groups of five bits, the lowest first; the highest
bit of the last group is its sign. A sixth bit of each group says whether another follows, and 48
are added to make a character:

    counts [2, 3, 1, 4]   →   2, 3, 1, 4 − 3 = 1   →   "2311"
    a number of 100       →   4 + 32, 3            →   "T3"

(Lin et al., Microsoft COCO, 2014, and its API, where the call is pycocotools.mask.encode.)
`to_text_loop` and `from_text_loop` are the definition, character by character. Unit 13 measures
what it costs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def to_text_loop(counts: Sequence[int]) -> str:
    """The definition, one character at a time, meant to be read. See `to_text`."""
    text = ""
    for k, count in enumerate(counts):
        number = count - counts[k - 2] if k > 2 else count
        follows = True
        while follows:
            bits = number & 0x1F  # the lowest five
            number >>= 5
            sign = -1 if bits & 0x10 else 0  # what the highest of them says
            follows = number != sign
            text += chr(bits + 0x20 * follows + 48)
    return text


def from_text_loop(text: str) -> list[int]:
    """Undo `to_text_loop`, one character at a time, meant to be read. See `from_texts`."""
    counts: list[int] = []
    number = shift = 0
    for character in text:
        bits = ord(character) - 48
        number |= (bits & 0x1F) << shift
        shift += 5
        if not bits & 0x20:  # the last group of the number
            if bits & 0x10:
                number -= 1 << shift  # it is negative
            counts.append(number + counts[-2] if len(counts) > 2 else number)
            number = shift = 0
    return counts


def to_text(counts: np.ndarray) -> str:
    """Counts (R,) int64 as text, all at once: character g of a count is its bits 5g … 5g + 4.

    Example:
        >>> to_text(np.array([2, 3, 1, 4, 100]))
        '2311S3'
    """
    deltas = counts.copy()
    deltas[3:] -= counts[1:-2]  # the first three are stored as they are
    size = deltas ^ (deltas >> 63)  # the bits that differ from the sign: -1 - x if x is negative
    groups = size.max(initial=0).item().bit_length() // 5 + 1  # bits and a sign, of the largest
    shifts = 5 * np.arange(groups)
    follows = size[:, None] >> (shifts + 4) > 0  # (N, G): do more bits, or the sign, still follow?
    characters = ((deltas[:, None] >> shifts) & 0x1F) + 0x20 * follows + 48
    used = np.ones_like(follows)
    used[:, 1:] = follows[:, :-1]
    return characters[used].astype(np.uint8).tobytes().decode("ascii")


def from_texts(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Undo `to_text`, of many masks at once: their numbers, and where each mask's begin (N + 1,).

    A number's last character, which has the sign, comes first, then those before it.

    Raises:
        ValueError: if this is no such text.

    Example:
        >>> from_texts(["2311", "T3"])
        (array([  2,   3,   1,   4, 100]), array([0, 4, 5]))
    """
    text, ends = "".join(texts), np.cumsum([0, *map(len, texts)])
    # A byte below 48 wraps around to above 207, and is refused with those that are too large.
    codes = np.frombuffer(text.encode("ascii", "replace"), dtype=np.uint8) - np.uint8(48)
    follows = codes & 0x20 > 0  # the number goes on
    if not text.isascii() or (codes > 0x3F).any() or follows[ends[ends > 0] - 1].any():
        raise ValueError(f"rle['counts'] is not COCO's compressed text: {text[:40]!r}")
    last = np.flatnonzero(~follows)
    groups = np.diff(last, prepend=-1)  # how many characters each number has
    longest = groups.max(initial=0)
    if longest > 13:
        raise ValueError("rle['counts'] holds a number of more than 64 bits")
    counts = (codes[last].astype(np.int64) ^ 0x10) - 0x10  # five bits, the highest is the sign
    for before in range(1, longest):
        longer = np.flatnonzero(groups > before)
        counts[longer] = (counts[longer] << 5) + (codes[last[longer] - before] & 0x1F)
    first = np.searchsorted(last, ends)
    return _without_differences(counts, first), first


def _without_differences(deltas: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The counts, each the sum of its delta and of those 2, 4, 6 … before it, but for the first."""
    length = np.diff(first)
    rows = (length + 1) // 2
    first_row = np.cumsum(rows) - rows
    # Two numbers in each row, each mask from a new row on: even places stand over even places.
    place = np.arange(len(deltas)) + np.repeat(2 * first_row - first[:-1], length)
    table = np.zeros((rows.sum(), 2), dtype=np.int64)
    table.ravel()[place] = deltas
    begins = first_row[length > 0]
    table[begins, 0] = 0  # nothing is counted from the first number on
    total = np.cumsum(table, axis=0)
    before = total[begins] - table[begins]
    total -= np.repeat(before, rows[length > 0], axis=0)
    counts = total.ravel()[place]
    counts[first[:-1][length > 0]] = deltas[first[:-1][length > 0]]
    return counts

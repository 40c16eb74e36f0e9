"""Run lengths: byte-equal to pycocotools both ways, and clear about text that is not RLE."""

import numpy as np
import pytest
import torch
from helpers.peers import CASES, load
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.masks import decode_rle, decode_rle_loop, encode_rle, encode_rle_loop
from minseg.masks.rle import read_all_counts, read_counts

RECORDED, META = load(CASES / "rle" / "01_masks.npz")


@pytest.mark.parametrize("case", META["cases"], ids=lambda c: c["name"])
def test_peer_cases(case):
    mask = RECORDED["mask_" + case["name"]]
    plain, text = encode_rle(mask), encode_rle(mask, compressed=True)
    assert plain == {"size": case["size"], "counts": case["counts_uncompressed"]}
    assert text == {"size": case["size"], "counts": case["counts_compressed"]}
    assert torch.equal(decode_rle(plain), mask) and torch.equal(decode_rle(text), mask)


def test_by_hand():
    """Two masks of 3 × 4 pixels, column by column: runs, background first; the second without."""
    mask = torch.tensor([[0, 0, 1, 1],
                         [0, 1, 1, 0],
                         [0, 1, 1, 0]]).bool()  # fmt: skip
    counts, text = [4, 6, 2], "462"
    other = torch.tensor([[1, 0, 0, 0],
                          [1, 0, 1, 0],
                          [0, 0, 0, 0]]).bool()  # fmt: skip
    other_counts, other_text = [0, 2, 5, 1, 4], "025OO"  # 1 - 2 and 4 - 5: "O" is -1
    for encode, decode in ((encode_rle_loop, decode_rle_loop), (encode_rle, decode_rle)):
        assert encode(mask) == {"size": [3, 4], "counts": counts}
        assert encode(mask, compressed=True) == {"size": [3, 4], "counts": text}
        assert encode(other)["counts"] == other_counts
        assert encode(other, compressed=True)["counts"] == other_text
        assert torch.equal(decode(encode(other)), other)
        assert torch.equal(decode(encode(mask, compressed=True)), mask)


@settings(deadline=None)
@given(
    st.integers(0, 9), st.integers(0, 9), st.integers(1, 40), st.floats(0, 1), st.integers(0, 999)
)
def test_equals_the_definition(height, width, zoom, density, seed):
    small = torch.rand(height, width, generator=torch.Generator().manual_seed(seed)) < density
    mask = small.repeat_interleave(zoom, dim=0)  # long runs take several characters
    for compressed in (False, True):
        rle = encode_rle(mask, compressed)
        assert rle == encode_rle_loop(mask, compressed)
        assert torch.equal(decode_rle(rle), mask) and torch.equal(decode_rle_loop(rle), mask)


@settings(deadline=None)
@given(
    st.integers(1, 30), st.integers(1, 30), st.integers(1, 12), st.floats(0, 1), st.integers(0, 999)
)
def test_byte_equal_to_pycocotools(height, width, zoom, density, seed):
    coco = pytest.importorskip("pycocotools.mask")
    small = np.random.default_rng(seed).random((height, width)) < density
    mask = np.kron(small, np.ones((zoom, zoom), dtype=bool))
    theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    ours = encode_rle(torch.from_numpy(mask), compressed=True)
    assert ours["counts"] == theirs["counts"].decode() and ours["size"] == theirs["size"]
    assert np.array_equal(decode_rle(theirs).numpy(), mask)  # their counts are bytes
    assert np.array_equal(coco.decode({**ours, "counts": ours["counts"].encode()}), mask)


@settings(deadline=None)
@given(st.integers(0, 9), st.integers(0, 999))
def test_many_at_once_are_read_as_one_by_one(n, seed):
    """Sizes of their own, text, bytes and lists, masks of one number and of none, long numbers."""
    rng = np.random.default_rng(seed)
    rles = []
    for _ in range(n):
        height, width = rng.choice([0, 1, 2, 5, 31, 300], 2)
        small = torch.from_numpy(rng.random((height, width)) < rng.choice([0, 0.01, 0.5, 1]))
        one = encode_rle(small, compressed=bool(rng.random() < 0.8))
        if isinstance(one["counts"], str) and rng.random() < 0.3:
            one["counts"] = one["counts"].encode()
        rles.append(one)
    sizes, counts, first = read_all_counts(rles)
    assert len(first) == n + 1 and first[0] == 0 and first[-1] == len(counts)
    for k, one in enumerate(rles):
        size, alone = read_counts(one)
        assert sizes[k] == size
        assert counts[first[k] : first[k + 1]].tolist() == alone.tolist()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("0", "sum of 0 and a smallest run of 0"),
        ("p0", "not COCO's compressed text: 'p0'"),
        ("6P", "not COCO's compressed text: '6P'"),  # goes on, and ends
        ("6é", "not COCO's compressed text"),
        (b"6\xe9", "not COCO's compressed text"),
        ("6N2", "smallest run of -2"),
        ([7, -1], "smallest run of -1"),
        (None, "got NoneType"),
    ],
)
def test_the_first_that_is_wrong_among_many_is_named(wrong, words):
    """Its neighbours are fine, and the next would be, with a number of the one before in it."""
    rles = [{"size": [2, 3], "counts": counts} for counts in ("6", "33", wrong, "06", "6")]
    with pytest.raises(ValueError, match=words):
        read_all_counts(rles)
    with pytest.raises(ValueError, match=words):
        read_counts(rles[2])


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
def test_masks_without_pixels(shape):
    empty = torch.zeros(shape, dtype=torch.bool)
    for compressed in (False, True):
        assert decode_rle(encode_rle(empty, compressed)).shape == shape


@pytest.mark.slow
@settings(deadline=None)
@given(st.text(max_size=40))
def test_garbage_is_refused_or_read_never_worse(text):
    try:
        mask = decode_rle({"size": [3, 4], "counts": text})
    except ValueError:
        return
    assert mask.shape == (3, 4)


@pytest.mark.parametrize(
    ("words", "rle"),
    [
        (r"sum to 2 × 3 = 6, got a sum of 5", {"size": [2, 3], "counts": [2, 3]}),
        ("smallest run of -1", {"size": [2, 3], "counts": [7, -1]}),
        ("must be a list, str or bytes, got NoneType", {"size": [2, 3]}),
        (r"rle\['size'\] must be \[height, width\], got None", {"counts": [6]}),
        ("not COCO's compressed text", {"size": [2, 3], "counts": "\x01"}),
        ("not COCO's compressed text", {"size": [3, 5], "counts": "é"}),  # nor "?", which is 15
        ("not COCO's compressed text", {"size": [3, 5], "counts": b"\xe9"}),
    ],
)
def test_decode_says_what_is_wrong(words, rle):
    with pytest.raises(ValueError, match=words):
        decode_rle(rle)


def test_encode_says_what_it_needs():
    with pytest.raises(TypeError, match="mask must be bool"):
        encode_rle(torch.zeros(3, 3, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"mask must be \(H, W\), got \(1, 3, 3\)"):
        encode_rle(torch.zeros(1, 3, 3, dtype=torch.bool))


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ([2**63 - 1, 2**63 - 1, 8], "sum to 2 × 3 = 6"),  # 2^64 + 6 wraps around to 6
        ([2**64, 6], "64 bits"),
        ([10**400], "64 bits"),
        ([6.5], "whole numbers"),
        (["6"], "whole numbers"),
        ([[6]], "whole numbers"),
        ([[6], 1], "whole numbers"),
        ([True], "whole numbers"),
        ([float("nan")], "whole numbers"),
        ([float("inf")], "sum to 2 × 3 = 6"),
        ([None], "whole numbers"),
        ([7, -1], "smallest run of -1"),
    ],
)
def test_numbers_that_are_no_run_lengths(counts, reason):
    with pytest.raises(ValueError, match=reason):
        decode_rle({"size": [2, 3], "counts": counts})


def test_whole_numbers_with_a_point_are_run_lengths():
    assert decode_rle({"size": [1, 6], "counts": [2.0, 4.0]}).tolist() == [[False] * 2 + [True] * 4]


@pytest.mark.parametrize("size", [[10**9, 10**9], [10**400, 1], ["2", "3"], [2.5, 1], [True, 6]])
def test_sizes_that_no_image_has(size):
    with pytest.raises(ValueError, match="size"):
        decode_rle({"size": size, "counts": [6]})

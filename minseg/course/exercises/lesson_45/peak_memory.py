"""Exercise 45.peak_memory: bytes held at the worst moment of a checkpointed backward pass.

To write: f(kept, inputs, lengths), what each layer keeps, how large its input is, and how many
layers each segment has, to a whole number of bytes. A test holds the answer, `peak_memory`, against
`minseg.experiments.activation_memory.peak`, which counts real tensors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

import torch

from minseg.course.exercise import Exercise

Case = tuple[list[int], list[int], list[int]]


def peak_memory(kept: Sequence[int], inputs: Sequence[int], lengths: Sequence[int]) -> int:
    """Bytes held at the worst moment of the backward pass with checkpointing.

    Args:
        kept: bytes that each layer keeps when it runs as usual, its own input among them.
        inputs: bytes of each layer's input.
        lengths: how many layers each segment has, from the first layer on; they add up to all.
    """
    peak, waiting, start = 0, 0, 0
    for length in lengths:
        # The segments behind this one are done and freed; of those before it, inputs wait.
        at_work = sum(kept[start : start + length])
        peak = max(peak, waiting + at_work)
        waiting += inputs[start]
        start += length
    return peak


def networks(generator: torch.Generator) -> Iterable[Case]:
    """Equal blocks; one segment, one a layer, none; a wide start, a wide end, a fat middle."""
    yield [4, 4, 4, 4], [1, 1, 1, 1], [2, 2]
    yield [4, 4, 4, 4], [1, 1, 1, 1], [4]  # one segment: nothing is gained
    yield [4, 4, 4, 4], [1, 1, 1, 1], [1, 1, 1, 1]
    yield [], [], []
    yield [64, 32, 16, 8, 4, 2], [20, 16, 8, 4, 2, 1], [2, 2, 2]  # first segment is the worst
    yield [2, 9, 3, 5, 30, 7], [1, 2, 3, 1, 2, 5], [1, 3, 2]
    yield [6, 60, 6, 6, 6], [5, 1, 2, 4, 3], [1, 1, 3]  # the middle one
    yield [40, 3, 3, 40], [30, 3, 3, 3], [1, 2, 1]
    many = torch.randint(10, 1000, (12,), generator=generator).tolist()
    yield many, [m // 3 for m in many], [5, 1, 4, 2]


def _parts(values: Sequence[int], lengths: Sequence[int]) -> list[Sequence[int]]:
    """The values of each segment."""
    ends = list(accumulate(lengths, initial=0))
    return [values[ends[k] : ends[k + 1]] for k in range(len(lengths))]


def _at_each(
    kept: Sequence[int], inputs: Sequence[int], lengths: Sequence[int]
) -> tuple[list[int], list[int]]:
    """What the segment at work keeps, and the size of its input, for each segment."""
    work = [sum(part) for part in _parts(kept, lengths)]
    return work, [part[0] for part in _parts(inputs, lengths)]


def never_forgets(kept: Sequence[int], inputs: Sequence[int], lengths: Sequence[int]) -> int:
    return sum(kept)


def only_the_largest(kept: Sequence[int], inputs: Sequence[int], lengths: Sequence[int]) -> int:
    return max(_at_each(kept, inputs, lengths)[0], default=0)


def only_the_inputs(kept: Sequence[int], inputs: Sequence[int], lengths: Sequence[int]) -> int:
    return sum(_at_each(kept, inputs, lengths)[1])


def counts_its_input_twice(
    kept: Sequence[int], inputs: Sequence[int], lengths: Sequence[int]
) -> int:
    work, starts = _at_each(kept, inputs, lengths)
    return max((sum(starts[: k + 1]) + w for k, w in enumerate(work)), default=0)


def frees_nothing(kept: Sequence[int], inputs: Sequence[int], lengths: Sequence[int]) -> int:
    work, starts = _at_each(kept, inputs, lengths)
    return max((sum(starts) - starts[k] + w for k, w in enumerate(work)), default=0)


def looks_at_the_last(kept: Sequence[int], inputs: Sequence[int], lengths: Sequence[int]) -> int:
    work, starts = _at_each(kept, inputs, lengths)
    return sum(starts[:-1]) + work[-1] if work else 0


def keeps_every_input(kept: Sequence[int], inputs: Sequence[int], lengths: Sequence[int]) -> int:
    work = _at_each(kept, inputs, lengths)[0]
    ends = list(accumulate(lengths, initial=0))
    return max((sum(inputs[: ends[k]]) + w for k, w in enumerate(work)), default=0)


def waits_for_those_behind(
    kept: Sequence[int], inputs: Sequence[int], lengths: Sequence[int]
) -> int:
    work, starts = _at_each(kept, inputs, lengths)
    return max((sum(starts[k + 1 :]) + w for k, w in enumerate(work)), default=0)


PEAK_MEMORY = Exercise(
    "45.peak_memory",
    reference=peak_memory,
    cases=networks,
    hints=(
        "Go through the segments. What is held while this one is at work?",
        "All that its layers keep, and the inputs of the segments before it. Those behind it are "
        "done: the backward pass comes from the end.",
        "The answer is the largest of these sums. Start the search at 0, for a network of no "
        "layers.",
    ),
    mistakes={
        "never_forgets": (
            never_forgets,
            "You add up what all layers keep, which is the network without checkpointing.",
        ),
        "only_the_largest": (
            only_the_largest,
            "You count the segment at work only. The inputs of those before it are held too.",
        ),
        "only_the_inputs": (
            only_the_inputs,
            "You count what is kept between the passes. At the peak a segment is computed again, "
            "and all that its layers keep is there too.",
        ),
        "counts_its_input_twice": (
            counts_its_input_twice,
            "The input of the segment at work is in what its first layer keeps already. You count "
            "it twice.",
        ),
        "frees_nothing": (
            frees_nothing,
            "You still hold the inputs of segments behind the one at work. The backward pass comes "
            "from the end: those are done, and freed.",
        ),
        "looks_at_the_last": (
            looks_at_the_last,
            "You look at the last segment only. Another may keep more: take the largest over all.",
        ),
        "keeps_every_input": (
            keeps_every_input,
            "You hold the input of every layer before. Only the first layer of each segment has "
            "its input kept.",
        ),
        "waits_for_those_behind": (
            waits_for_those_behind,
            "You walk the wrong way: while a segment is at work, the inputs of those *before* it "
            "wait.",
        ),
    },
)

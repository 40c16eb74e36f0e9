"""Model files made to do harm: each is refused in one line, at once, before memory is taken."""

import json
import os
import pickle
import resource
import struct
import time

import pytest
import torch
from helpers.shared_run import tiny_mask_rcnn
from safetensors.torch import load

from minseg.tensor_file import _digest
from minseg.train import load_model, save_model
from minseg.train.checkpoint import load_checkpoint
from minseg.train.step import make_optimisers

SECONDS, MEGABYTES = 1.0, 64


class Pieces:
    """A sound file, taken apart: header, what it says about its model, and numbers."""

    def __init__(self, file):
        content = file.read_bytes()
        end = 8 + struct.unpack("<Q", content[:8])[0]
        self.header, self.numbers = json.loads(content[8:end]), content[end:]
        self.metadata = self.header["__metadata__"]
        self.about = json.loads(self.metadata["about"])
        self.options = self.about["model"]["options"]
        self.name = next(name for name in self.header if name != "__metadata__")
        self.entry = self.header[self.name]

    def told(self):
        """Put together again, with whatever was changed in `about`."""
        self.metadata["about"] = json.dumps(self.about)
        return self.whole()

    def whole(self, header=None):
        """As bytes; one that means harm has a right digest."""
        if header is None:
            self.sign()
        text = json.dumps(self.header).encode() if header is None else header
        return struct.pack("<Q", len(text)) + text + self.numbers

    def sign(self):
        try:
            tensors = load(self.whole(json.dumps(self.header).encode()))
        except Exception:  # a header as this needs no digest
            return
        self.metadata["sha256"] = _digest(tensors, self.metadata["about"])

    def saying(self, about):
        self.metadata["about"] = about
        return self.whole()

    def with_entry(self, **changes):
        self.entry.update(changes)
        return self.whole()

    def with_options(self, **changes):
        self.options.update(changes)
        return self.told()

    def with_model(self, **changes):
        self.about["model"].update(changes)
        return self.told()

    def with_kind(self, **changes):
        self.about.update(changes)
        return self.told()

    def without(self, name):
        del self.options[name]
        return self.told()

    def renamed(self, name):
        self.header[name] = self.header.pop(self.name)
        return self.whole()


def nested(depth=200_000):
    return "[" * depth + "]" * depth


def twice(text, name):
    """JSON in which an entry stands a second time."""
    begins = text.index(f'"{name}"')
    value, _ = json.JSONDecoder().raw_decode(text[begins:].partition(":")[2].lstrip())
    return f'{text[:begins]}"{name}": {json.dumps(value)}, {text[begins:]}'


def many_names(p):
    entry = '"x%d": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}'
    return p.whole(("{" + ", ".join(entry % k for k in range(300_000)) + "}").encode())


HEADERS = {
    "nothing": lambda p: b"",
    "three bytes": lambda p: p.whole()[:3],
    "no numbers": lambda p: p.whole()[: 8 + len(json.dumps(p.header))],
    "cut": lambda p: p.whole()[:-1],
    "longer": lambda p: p.whole() + b"\0",
    "length beyond the file": lambda p: struct.pack("<Q", 2**26) + p.whole()[8:],
    "length of 2^63": lambda p: struct.pack("<Q", 2**63) + p.whole()[8:],
    "length of 0": lambda p: struct.pack("<Q", 0) + p.whole()[8:],
    "a header of 18 MB": many_names,
    "no JSON": lambda p: p.whole(b"{'a': 1}"),
    "no UTF-8": lambda p: p.whole(b'{"\xff": 1}'),
    "a list": lambda p: p.whole(b"[]"),
    "a name twice": lambda p: p.whole(twice(json.dumps(p.header), p.name).encode()),
    "offsets overlap": lambda p: p.with_entry(data_offsets=[0, p.entry["data_offsets"][1] + 4]),
    "offsets turned round": lambda p: p.with_entry(data_offsets=p.entry["data_offsets"][::-1]),
    "offsets beyond the file": lambda p: p.with_entry(data_offsets=[2**40, 2**41]),
    "a negative side": lambda p: p.with_entry(shape=[-1]),
    "a side of 1.5": lambda p: p.with_entry(shape=[1.5]),
    "a huge side": lambda p: p.with_entry(shape=[2**40]),
    "sides that overflow": lambda p: p.with_entry(shape=[2**62, 2**62]),
    "a side of 10^30": lambda p: p.with_entry(shape=[10**30]),
    "an unknown kind": lambda p: p.with_entry(dtype="F33"),
    "a header that is deep": lambda p: p.whole(nested().encode()),
    "a header with NaN": lambda p: p.with_entry(shape=[float("nan")]),
    "metadata that is no text": lambda p: p.header.update(__metadata__=[1]) or p.whole(),
    "another tool's": lambda p: p.metadata.pop("format") and p.whole(),
    "a pickle": lambda p: pickle.dumps({"x": torch.ones(3)}),
    "a web page": lambda p: b"<!DOCTYPE html><script>alert(1)</script>" * 100,
    "signs that a terminal obeys": lambda p: p.renamed("model.\x1b[2J\n\nerror: all is well"),
}
ABOUTS = {
    "about is no JSON": lambda p: p.saying("soup"),
    "about is a list": lambda p: p.saying("[1]"),
    "about says it twice": lambda p: p.saying(twice(p.metadata["about"], "kind")),
    "about is deep": lambda p: p.saying(nested()),
    "about has NaN": lambda p: p.saying('{"kind": NaN}'),
    "about has a number of a million digits": lambda p: p.saying('{"a": ' + "9" * 10**6 + "}"),
    "neither a model nor a run": lambda p: p.with_kind(kind=["model"]),
    "no model": lambda p: p.with_kind(model=None),
    "a run that stands nowhere": lambda p: p.with_kind(kind="run", progress=[]),
    "a class that is no name": lambda p: p.with_model(**{"class": ["MaskRCNN"]}),
    "a class of Python": lambda p: p.with_model(**{"class": "__import__"}),
    "another class": lambda p: p.with_model(**{"class": "FPN"}),
    "options that are a list": lambda p: p.with_model(options=[1]),
    "an option too many": lambda p: p.with_options(__class__="os.system"),
    "an option too few": lambda p: p.without("cells"),
    "an option of another kind": lambda p: p.with_options(classes="all"),
    "an option that is true": lambda p: p.with_options(box_width=True),
    "an option that is deep": lambda p: p.with_options(widths=[[[[[[8]]]]]]),
    "an option that is infinite": lambda p: p.saying(
        json.dumps(p.with_options(cells=77) and p.about).replace("77", "1e999")
    ),
    "one proposal": lambda p: p.with_options(proposals=[1]),
    "a billion classes": lambda p: p.with_options(classes=10**9),
    "a million classes": lambda p: p.with_options(classes=10**6),
    "a billion channels": lambda p: p.with_options(widths=[8 * 10**9] * 4),
    "a billion layers": lambda p: p.with_options(mask_convs=10**9),
    "a million layers": lambda p: p.with_options(mask_convs=10**6),
    "a width that overflows": lambda p: p.with_options(widths=[2**62] * 4),
    "a width of -8": lambda p: p.with_options(box_width=-8),
    "other shapes than the options": lambda p: p.with_options(box_width=24),
    "weights that are whole numbers": lambda p: p.with_entry(dtype="I32"),
    "a tensor under another name": lambda p: p.renamed("model.more"),
    "another digest": lambda p: p.whole().replace(p.metadata["sha256"].encode(), b"0" * 64),
    "a flipped bit": lambda p: p.whole()[:-1] + bytes([p.whole()[-1] ^ 1]),
}
HOSTILE = HEADERS | ABOUTS


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    file = tmp_path_factory.mktemp("models") / "sound"
    save_model(tiny_mask_rcnn(), file)
    make_optimisers(load_model(file), 0.01)  # what is imported once is not what is measured
    return file


def peak():
    """Megabytes that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def refused(file, read):
    """What is said, once it is sure that it took no time, no memory and one line."""
    memory, began = peak(), time.process_time()  # others may keep the processor busy
    with pytest.raises(ValueError) as caught:
        read(file)
    assert time.process_time() - began < SECONDS
    assert peak() - memory < MEGABYTES
    said = str(caught.value)
    assert said.isprintable() and said.startswith(f"{file}: ") and len(said) < 500
    return said


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused(name, sound, tmp_path):
    file = tmp_path / "hostile"
    file.write_bytes(HOSTILE[name](Pieces(sound)))
    refused(file, load_model)


def test_a_sound_file_taken_apart_is_sound(sound, tmp_path):
    """Else all of the above would be refused for nothing."""
    again = tmp_path / "again"
    pieces = Pieces(sound)
    again.write_bytes(pieces.whole())
    assert load_model(again).options == load_model(sound).options
    assert len(HOSTILE) >= 37


@pytest.mark.parametrize("size", [2**33, 2**40])  # the second is more than can be mapped
def test_what_is_too_large_is_not_read(size, sound, tmp_path):
    """A file with a hole is as large as it likes, and its header may say the same."""
    pieces, file = Pieces(sound), tmp_path / "large"
    begins = len(pieces.numbers)
    entry = {"dtype": "U8", "shape": [size], "data_offsets": [begins, begins + size]}
    pieces.header["model.more"] = entry
    file.write_bytes(pieces.whole())
    os.truncate(file, file.stat().st_size + size)
    refused(file, load_model)
    assert file.stat().st_blocks * 512 < 2**20


@pytest.mark.parametrize("name", [*HEADERS, "another class", "an option too many", "a flipped bit"])
def test_a_run_does_not_go_on_from_it_either(name, sound, tmp_path):
    model = tiny_mask_rcnn()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    pieces, file = Pieces(sound), tmp_path / "checkpoint"
    pieces.about |= {"kind": "run", "progress": {}, "tables": {}}
    pieces.told()
    file.write_bytes(HOSTILE[name](pieces))
    refused(file, lambda path: load_checkpoint(path, model, make_optimisers(model, 0.01)))
    assert all(torch.equal(before[name], t) for name, t in model.state_dict().items())

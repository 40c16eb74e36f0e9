"""Pictures as people see them: turned, scaled by their range, over white, or refused by name."""

import io
import os
import random
import struct
import warnings
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile, ImageOps, ImageSequence

from minseg.data import pictures
from minseg.data.pictures import MOST_PIXELS, picture_size, read_picture

RANDOM = np.random.default_rng(3)
COLOURS = RANDOM.integers(0, 256, (6, 9, 3), dtype=np.uint8)  # (H, W, 3), no two sides alike


def chunk(kind, content):
    """A piece of a PNG file."""
    sum_ = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", sum_)


def png_file(file, depth, colour, rows, *more):
    """A PNG of (H, bytes) rows, written by hand: Pillow writes few of the kinds it reads."""
    height, stride = rows.shape
    width = stride * 8 // (depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour])
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    packed = zlib.compress(np.pad(rows, ((0, 0), (1, 0))).tobytes())
    pieces = [chunk(b"IHDR", head), *more, chunk(b"IDAT", packed), chunk(b"IEND", b"")]
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(pieces))
    return file


def encoded(picture, kind, **options):
    """The bytes of a picture file."""
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def exif(orientation):
    notes = Image.Exif()
    notes[0x0112] = orientation
    return notes.tobytes()


def in_unit(pixels):
    """(3, H, W) of (H, W, 3) uint8."""
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1).float().div(255)


def test_every_value_of_eight_bits(tmp_path):
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    got = read_picture(tmp_path / "ramp.png")
    assert torch.equal(got, in_unit(ramp)) and got.dtype == torch.float32 and got.is_contiguous()
    Image.fromarray(ramp[..., 0]).save(tmp_path / "grey.png")
    assert torch.equal(read_picture(tmp_path / "grey.png"), got)


@pytest.mark.parametrize("kind", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_once(kind, orientation, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "STRIP", 18)  # two rows at a time
    file = tmp_path / f"turned.{kind}"
    options = {"lossless": True} if kind == "webp" else {}
    Image.fromarray(COLOURS).save(file, exif=exif(orientation), **options)
    with Image.open(file) as picture:
        upright = np.array(ImageOps.exif_transpose(picture).convert("RGB"))
    assert torch.equal(read_picture(file), in_unit(upright))
    assert picture_size(file) == upright.shape[:2] == ((6, 9) if orientation < 5 else (9, 6))


def test_orientation_behind_the_pixels(tmp_path):
    file = png_file(tmp_path / "late.png", 8, 2, COLOURS.reshape(6, 27))
    content = file.read_bytes()
    file.write_bytes(content[:-12] + chunk(b"eXIf", exif(6)[6:]) + content[-12:])
    assert picture_size(file) == (9, 6)
    assert torch.equal(read_picture(file), in_unit(np.rot90(COLOURS, -1)))


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_orientation_that_is_none(orientation, tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "a.png", exif=exif(orientation))
    assert torch.equal(read_picture(tmp_path / "a.png"), in_unit(COLOURS))


def test_damaged_notes_leave_the_picture(tmp_path):
    notes = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(range(40))
    Image.fromarray(COLOURS).save(tmp_path / "a.png", exif=notes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nor does Pillow warn of it
        assert torch.equal(read_picture(tmp_path / "a.png"), in_unit(COLOURS))
        assert picture_size(tmp_path / "a.png") == (6, 9)


SIXTEEN = np.array([[0, 1, 255, 256], [4095, 32768, 65534, 65535]], np.uint16)


def test_sixteen_bits_are_scaled_by_their_range(tmp_path):
    expected = torch.from_numpy(SIXTEEN / 65535).float()
    Image.fromarray(SIXTEEN).save(tmp_path / "a.png")
    Image.fromarray(SIXTEEN).save(tmp_path / "little.tif")
    Image.fromarray(SIXTEEN.astype(">u2")).save(tmp_path / "big.tif")
    Image.fromarray(SIXTEEN.astype(np.int32)).save(tmp_path / "wide.tif")  # Pillow's mode "I"
    (tmp_path / "a.pgm").write_bytes(b"P5 4 2 65535\n" + SIXTEEN.astype(">u2").tobytes())
    for name in ("a.png", "little.tif", "big.tif", "wide.tif", "a.pgm"):
        got = read_picture(tmp_path / name)
        assert torch.equal(got, expected.expand(3, 2, 4)), name
    colour = png_file(tmp_path / "c.png", 16, 2, SIXTEEN.astype(">u2").view(np.uint8)[:, :6])
    shown = read_picture(colour)[:, :, 0]  # (3, rows); Pillow keeps the upper eight bits of colour
    assert (shown - torch.from_numpy(SIXTEEN[:, :3].T / 65535)).abs().max() < 1 / 255


def test_other_ranges(tmp_path):
    twelve = np.array([[0, 4095]], np.uint16)
    packed = bytes([0x00, 0x0F, 0xFF])  # twelve bits each
    tags = {"width": 2, "height": 1, "bits": 12, "photometric": 1}
    assert read_picture(tiff_file(tmp_path / "12.tif", packed, **tags))[0].tolist() == [[0, 1]]
    tags = {"width": 2, "height": 1, "bits": 16}
    black = tiff_file(tmp_path / "white.tif", (twelve * 16).tobytes(), photometric=0, **tags)
    assert read_picture(black)[0, 0, 0] == 1  # "white is zero"
    signed = np.array([[0, 32767]], np.int16).tobytes()
    signed = tiff_file(tmp_path / "signed.tif", signed, photometric=1, sample_format=2, **tags)
    assert read_picture(signed)[0].tolist() == [[0, 1]]
    Image.fromarray(np.array([[0, 0.25, 1]], np.float32)).save(tmp_path / "f.tif")
    assert read_picture(tmp_path / "f.tif")[2].tolist() == [[0, 0.25, 1]]


def tiff_file(file, pixels, *, width, height, bits, photometric, sample_format=1):
    """An uncompressed little-endian TIFF of one channel."""
    values = {256: width, 257: height, 258: bits, 259: 1, 262: photometric, 273: 8, 277: 1}
    values |= {278: height, 279: len(pixels), 339: sample_format}
    entries = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(values.items())]
    begin = 8 + len(pixels) + len(pixels) % 2
    head = struct.pack("<2sHI", b"II", 42, begin) + pixels.ljust(begin - 8, b"\0")
    file.write_bytes(head + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4))
    return file


@pytest.mark.parametrize("values", [[0, 70000], [-1, 4], [0.0, 255.0], [0.0, np.nan]])
def test_numbers_without_a_known_range_are_refused(values, tmp_path):
    kind = np.float32 if isinstance(values[0], float) else np.int32
    Image.fromarray(np.array([values], kind)).save(tmp_path / "depth.tif")
    with pytest.raises(ValueError, match=r"depth\.tif: .* a range from 0 to .* known"):
        read_picture(tmp_path / "depth.tif")


def test_colour_modes(tmp_path):
    rgb = Image.fromarray(COLOURS)
    for mode in ("1", "L", "P", "CMYK", "YCbCr", "LAB"):
        rgb.convert(mode).save(tmp_path / f"{mode}.tif")
        with Image.open(tmp_path / f"{mode}.tif") as picture:
            expected = in_unit(picture.convert("RGB"))
        assert torch.equal(read_picture(tmp_path / f"{mode}.tif"), expected), mode
    rgb.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    assert (read_picture(tmp_path / "cmyk.jpg") - in_unit(COLOURS)).abs().mean() < 0.2


def with_hidden(hidden):
    """A picture, half of it transparent with `hidden` for a colour, a quarter half transparent."""
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[:2] = (10, 200, 30, 255)
    rgba[2] = (100, 50, 0, 128)
    rgba[3, :, :3] = hidden
    return Image.fromarray(rgba)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("kind", ["png", "webp", "tif"])
def test_hidden_colours_are_not_seen(mode, kind, tmp_path):
    seen = []
    for hidden in ((255, 0, 0), (0, 0, 90)):
        file, options = tmp_path / f"a.{kind}", {}
        if kind == "webp":
            options = {"lossless": True, "exact": True}
        with_hidden(hidden).convert(mode).save(file, **options)
        seen.append(read_picture(file))
    assert torch.equal(*seen) and (seen[0][:, 3] == 1).all()
    if mode == "RGBA":
        assert seen[0][:, 0, 0].mul(255).tolist() == [10, 200, 30]
        half = torch.tensor([100, 50, 0]) * 128 / 255 + 127
        assert (seen[0][:, 2, 0] * 255 - half).abs().max() < 0.01


def test_transparent_colours_are_not_seen(tmp_path):
    palette = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "P")
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    palette.save(tmp_path / "one.png", transparency=0)
    palette.save(tmp_path / "many.png", transparency=b"\x00\xff\x80")
    palette.save(tmp_path / "one.gif", transparency=0)
    for name in ("one.png", "many.png", "one.gif"):
        first, second, _ = read_picture(tmp_path / name)[:, 0].T.tolist()
        assert (first, second) == ([1, 1, 1], [0, 1, 0]), name
    # The transparent colour of a PNG is in the file's own depth.
    two = png_file(tmp_path / "2.png", 2, 0, np.uint8([[0b11011011]]), chunk(b"tRNS", b"\0\2"))
    assert read_picture(two)[0, 0].mul(3).round().tolist() == [3, 1, 3, 3]
    rows = SIXTEEN.astype(">u2").view(np.uint8)
    deep = png_file(tmp_path / "16.png", 16, 0, rows, chunk(b"tRNS", b"\0\1"))
    assert read_picture(deep)[0, 0].mul(65535).round().tolist() == [0, 65535, 255, 256]
    row = np.array([[0x8000, 0x1000, 0x2000, 0x80, 0x10, 0x20]], ">u2").view(np.uint8)
    key = chunk(b"tRNS", bytes.fromhex("800010002000"))
    colour = read_picture(png_file(tmp_path / "rgb16.png", 16, 2, row, key))
    assert (colour[:, 0, 0] == 1).all() and (colour[:, 0, 1] < 0.01).all()


@pytest.mark.parametrize("kind", ["gif", "webp", "png", "tif"])
def test_the_first_of_several(kind, tmp_path):
    frames = [Image.new("RGB", (8, 5), colour) for colour in ("red", "blue", "white")]
    options = {"lossless": True} if kind == "webp" else {}
    frames[0].save(tmp_path / f"a.{kind}", save_all=True, append_images=frames[1:], **options)
    with Image.open(tmp_path / f"a.{kind}") as picture:
        assert len(list(ImageSequence.Iterator(picture))) == 3
    assert read_picture(tmp_path / f"a.{kind}")[:, 0, 0].tolist() == [1, 0, 0]


def test_what_is_no_picture(tmp_path):
    (tmp_path / "pointer.png").write_text("version https://git-lfs.github.com/spec/v1\noid 0")
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "empty.gif").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "a.eps").write_bytes(encoded(Image.fromarray(COLOURS), "EPS"))
    for name, words in {
        "pointer.png": "a pointer of Git LFS",
        "text.jpg": "its content is none of PNG, JPEG",
        "empty.gif": "it is empty",
        "folder.png": "a folder",
        "a.eps": "its content is none of PNG",
    }.items():
        for read in (read_picture, picture_size):
            with pytest.raises(ValueError, match=words) as caught:
                read(tmp_path / name)
            said = str(caught.value)
            assert said.startswith(f"{tmp_path / name}: ") and "\n" not in said
    with pytest.raises(FileNotFoundError, match=r"none\.png: no such file"):
        read_picture(tmp_path / "none.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM"])
def test_a_picture_that_was_cut_off(kind, tmp_path):
    noise = Image.fromarray(RANDOM.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    file = tmp_path / "broken"
    whole = encoded(noise, kind)
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="broken: is no picture that can be read"):
        read_picture(file)


def test_libtiff_is_silent(tmp_path, capfd):
    whole = bytearray(encoded(Image.fromarray(COLOURS), "TIFF", compression="tiff_deflate"))
    whole[20] ^= 0xFF  # within the packed pixels
    (tmp_path / "a.tif").write_bytes(whole)
    with pytest.raises(ValueError, match=r"a\.tif: is no picture"):
        read_picture(tmp_path / "a.tif")
    os.write(2, b"stderr is back")
    assert capfd.readouterr().err == "stderr is back"


def test_size_is_judged_before_decoding(tmp_path, monkeypatch):
    side = 13000
    rows = zlib.compressobj()
    packed = b"".join(rows.compress(bytes(side + 1)) for _ in range(side)) + rows.flush()
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    pieces = [chunk(b"IHDR", head), chunk(b"IDAT", packed), chunk(b"IEND", b"")]
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(pieces))
    (tmp_path / "huge.ppm").write_bytes(b"P6 1000000000 1000000000 255\n" + bytes(99))
    (tmp_path / "just.pgm").write_bytes(b"P5 8192 8193 255\n" + bytes(99))
    monkeypatch.setattr(ImageFile.ImageFile, "load", None)  # nothing is decoded
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("bomb.png", "huge.ppm", "just.pgm"):
            for read in (read_picture, picture_size):
                with pytest.raises(ValueError, match=f"{name}: .*more than {MOST_PIXELS}"):
                    read(tmp_path / name)
    (tmp_path / "just.pgm").write_bytes(b"P5 8192 8192 255\n" + bytes(99))
    assert picture_size(tmp_path / "just.pgm") == (8192, 8192)


def test_mutated_files_are_read_or_refused(tmp_path):
    """Bytes changed, cut out, doubled: a picture, or one line that names the file."""
    dice = random.Random(4)
    colour = Image.fromarray(COLOURS)
    whole = [encoded(colour, kind) for kind in ("PNG", "JPEG", "TIFF", "GIF", "WEBP", "BMP")]
    whole.append(encoded(colour, "JPEG", exif=exif(6)))
    whole.append(encoded(colour, "TIFF", compression="tiff_lzw"))
    whole.append(encoded(Image.fromarray(SIXTEEN), "PNG"))
    whole.append(encoded(with_hidden((255, 0, 0)).convert("P"), "PNG", transparency=b"\0\x80"))
    file, read = tmp_path / "mutated", 0
    for _ in range(600):
        file.write_bytes(mutated(dice.choice(whole), dice))
        try:
            size = picture_size(file)
            assert tuple(read_picture(file).shape) == (3, *size)
            read += 1
        except ValueError as error:
            assert str(error).startswith(f"{file}: is no picture") and "\n" not in str(error)
    assert 50 < read < 550


def mutated(content, dice):
    changed = bytearray(content)
    for _ in range(dice.choice((1, 1, 2, 5))):
        at = dice.randrange(len(changed))
        what = dice.randrange(4)
        if what == 0:
            changed[at] = dice.randrange(256)
        elif what == 1:
            changed[at : at + 4] = struct.pack("<I", dice.choice((0, 1, 2**16, 2**31, 2**32 - 1)))
        elif what == 2:
            del changed[at : at + dice.randrange(1, 9)]
        else:
            changed[at:at] = changed[at : at + dice.randrange(1, 9)]
        if not changed:
            return b"\0"
    return bytes(changed)

"""Read a picture file as people see it: one reader for training, evaluation and `predict`.

What a file stores is not yet what a viewer shows. A camera held upright stores a picture that lies
on its side and a note, EXIF's orientation: which side of the stored rows is seen on top, and which
on the left. Annotations are drawn on the turned picture, so it is turned here, once, and every
later size and coordinate is of the turned frame:

    stored → turned by its EXIF orientation (1 … 8) → over white, where it is transparent
           → divided by the largest number that its kind can store: 255, 65535, …  → [0, 1]

A file may come from anywhere. Only a fixed list of formats is opened, and the size in its header is
checked before anything is decoded: 500 kB of PNG can hold 13000 × 13000 pixels. (CIPA, Exchangeable
image file format, 2.32, tag 0x0112, for the eight orientations.)
"""

from __future__ import annotations

import os
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

# Not EPS, which Pillow hands to ghostscript, a whole programming language.
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM", "JPEG2000")
MOST_PIXELS = 2**26  # 8192 × 8192; as float RGB that is 805 MB
MOST_BYTES = 2**30  # of a file: twice what MOST_PIXELS take in four channels of 16 bits
STRIP = 2**20  # pixels that are converted at once, so that little is needed beside the result

# A transparent pixel may hold any colour, which is never seen. It becomes white, which is what most
# pages on which pictures are shown, annotated and printed have behind them.
BACKGROUND = 1.0
ORIENTATION = 0x0112
LYING = (5, 6, 7, 8)  # orientations that swap height and width


def read_picture(file: str | Path) -> Tensor:
    """The picture of a file, upright; of an animation or a stack of pages, the first.

    Args:
        file: PNG, JPEG, TIFF, BMP, GIF, WebP, PPM or JPEG 2000; grey, colour, palette or CMYK.

    Returns:
        (3, H, W) float32 RGB in [0, 1]. Numbers of 16 bits are divided by 65535. Transparent
        pixels let `BACKGROUND` through.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a picture of these formats, damaged or cut off, larger than
            `MOST_PIXELS`, or holds numbers without a known range. One line, with the file's name.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> file = Path(tempfile.mkdtemp()) / "red.png"
        >>> Image.new("RGB", (3, 2), "red").save(file)
        >>> read_picture(file)[:, 0, 0], picture_size(file)
        (tensor([1., 0., 0.]), (2, 3))
    """
    with _opened(Path(file)) as picture:
        _scale_transparency(picture)
        largest, inverted = _range(picture)
        with _silent_libtiff() if picture.format == "TIFF" else nullcontext():
            picture.load()
        # Read after loading, because Pillow turns a TIFF while it loads and then forgets it.
        orientation = _orientation(picture)
        width, height = picture.size
        seen = np.empty((3, *_as_seen(height, width, orientation)), np.float32)
        stored = _stored_view(seen, orientation)  # (3, height, width)
        rows = max(1, STRIP // width)
        for top in range(0, height, rows):
            strip = picture.crop((0, top, width, min(top + rows, height)))
            values = _values(strip, largest)  # (rows, width, 3)
            stored[:, top : top + rows] = values.transpose(2, 0, 1)
        if inverted:
            np.subtract(1, seen, out=seen)
    return torch.from_numpy(seen)


def picture_size(file: str | Path) -> tuple[int, int]:
    """(height, width) of a picture as it is seen, from its header; raises as `read_picture`."""
    with _opened(Path(file)) as picture:
        if picture.format == "TIFF":  # `size` has been turned already, depending on the version
            width, height = picture.tag_v2[256], picture.tag_v2[257]
        else:
            width, height = picture.size
        return _as_seen(height, width, _orientation(picture))


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """A picture whose header has been read and checked; any fault within is a ValueError."""
    from PIL import Image  # comes with matplotlib

    if not file.exists():
        raise FileNotFoundError(f"{file}: no such file")
    if not file.is_file():
        raise ValueError(f"{file}: is no picture that can be read (a folder or a device)")
    with open(file, "rb") as stream:
        try:
            _check_content(stream)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about damaged notes, and sizes checked below
                with Image.open(stream, formats=FORMATS) as picture:
                    _check_size(*picture.size)
                    yield picture
        except Image.DecompressionBombError:  # the size in the header, far beyond ours
            reason = f"more than {MOST_PIXELS} pixels"
        except Image.UnidentifiedImageError:
            reason = f"its content is none of {', '.join(FORMATS)}"
        except Exception as error:  # a damaged file can raise nearly any in Pillow
            reason = " ".join(str(error).split()) or type(error).__name__
        else:
            return
    raise ValueError(f"{file}: is no picture that can be read ({reason[:200]})")


@contextmanager
def _silent_libtiff() -> Iterator[None]:
    """Send what is written to stderr below Python nowhere: libtiff tells of damage there, raw.

    Pillow raises for the same damage, so nothing is lost but the second report.
    """
    try:
        kept = os.dup(2)
    except OSError:  # there is no stderr
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _check_content(stream: IO[bytes]) -> None:
    """Raise ValueError for what is no picture at first sight."""
    start = stream.read(64)
    size = stream.seek(0, 2)
    stream.seek(0)
    if not start:
        raise ValueError("it is empty")
    if start.startswith(b"version https://git-lfs"):
        raise ValueError("a pointer of Git LFS, not the picture: `git lfs pull` gets it")
    if size > MOST_BYTES:
        raise ValueError(f"{size} bytes, more than {MOST_BYTES}")


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise ValueError(f"{height} × {width} pixels, more than {MOST_PIXELS}")


def _orientation(picture: Any) -> int:
    """1 to 8 as EXIF has it; 1 where nothing, or nothing that can be read, is said."""
    try:
        if picture.format == "PNG" and "exif" not in picture.info and _notes_follow(picture.fp):
            picture.load()  # a PNG may say it behind its pixels
        value = _exif(picture).get(ORIENTATION, 1)
    except Exception:  # viewers show a picture whose notes are damaged as it is stored
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _exif(picture: Any) -> Any:
    from PIL import Image

    # The method of PNG files would decode the picture where the header has no EXIF.
    return Image.Image.getexif(picture)


def _notes_follow(stream: IO[bytes] | None) -> bool:
    """Whether a PNG has EXIF or text behind its pixels; nothing is decoded."""
    if stream is None or stream.closed:  # it is loaded, and all has been read
        return False
    before, found, pixels = stream.tell(), False, False
    stream.seek(8)
    while not found and len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        pixels |= kind == b"IDAT"
        found = pixels and kind in (b"eXIf", b"tEXt", b"zTXt", b"iTXt")
        stream.seek(length + 4, 1)  # its content and its checksum
    stream.seek(before)
    return found


def _as_seen(height: int, width: int, orientation: int) -> tuple[int, int]:
    return (width, height) if orientation in LYING else (height, width)


def _stored_view(seen: np.ndarray, orientation: int) -> np.ndarray:
    """The picture as the file stores it, (3, h, w), as a view of what is seen (3, H, W).

    EXIF numbers the corner at which the stored rows begin: 1 upper left, 2 upper right, 3 lower
    right, 4 lower left, and 5 to 8 the same corners with rows that are seen as columns.
    """
    if orientation in (2, 3, 6, 7):  # begins on the right
        seen = seen[:, :, ::-1]
    if orientation in (3, 4, 7, 8):  # begins below
        seen = seen[:, ::-1]
    return seen.transpose(0, 2, 1) if orientation in LYING else seen


def _range(picture: Any) -> tuple[float, bool]:
    """The largest number that grey pixels of more than 8 bits can hold, and whether it is black."""
    tags = getattr(picture, "tag_v2", {})
    bits, signed = tags.get(258, (16,)), tags.get(339, (1,))
    # TIFFs of 12 bits come as numbers up to 4095, of 16 bits with a sign up to 32767.
    deep = (bits if isinstance(bits, int) else bits[0]) - (signed in (2, (2,)))
    inverted = picture.mode.startswith(("I", "F")) and tags.get(262) == 0  # "white is zero"
    return float(2 ** min(deep, 16) - 1), inverted


def _scale_transparency(picture: Any) -> None:
    """Make a PNG's transparent colour comparable with its pixels, which Pillow brings to 8 bits."""
    value, raw = picture.info.get("transparency"), _raw_mode(picture)
    if raw == "RGB;16B" and isinstance(value, tuple):
        picture.info["transparency"] = tuple(v >> 8 for v in value)
    elif raw in ("L;2", "L;4") and isinstance(value, int):
        picture.info["transparency"] = value * (85 if raw == "L;2" else 17)


def _raw_mode(picture: Any) -> Any:
    """How pixels lie in the file, in Pillow's words."""
    return picture.tile[0][3] if picture.format == "PNG" and picture.tile else None


def _values(strip: Any, largest: float) -> np.ndarray:
    """(h, w, 3) float32 RGB in [0, 1] of a part of a picture."""
    if strip.mode.startswith("I"):
        return _grey(strip, largest)
    if strip.mode == "F":
        return _grey(strip, 1.0)
    if not (strip.has_transparency_data or strip.mode == "La"):
        return _in_unit(strip.convert("RGB"))
    if strip.mode == "La":  # no step leads from there to RGBA
        strip = strip.convert("LA")
    rgba = _in_unit(strip.convert("RGBA"))
    return _over_background(rgba[..., :3], rgba[..., 3:])


def _in_unit(strip: Any) -> np.ndarray:
    return np.array(strip).astype(np.float32) / np.float32(255)


def _grey(strip: Any, largest: float) -> np.ndarray:
    """Grey of 16 or 32 bits, or of fractions, as three equal channels."""
    stored = np.array(strip)
    if not (stored.min() >= 0 and stored.max() <= largest):  # NaN is not either
        raise ValueError(
            f"its pixels are {stored.dtype.name} from {stored.min():g} to {stored.max():g}; "
            f"a range from 0 to {largest:g} is known: scale them to it, or to 8 bits"
        )
    grey = (stored.astype(np.float64) / largest).astype(np.float32)[..., None]
    if "transparency" in strip.info:
        grey = _over_background(grey, (stored != strip.info["transparency"])[..., None])
    return np.repeat(grey, 3, axis=2)


def _over_background(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return colour * alpha + np.float32(BACKGROUND) * (1 - alpha.astype(np.float32))

"""Uploaded pictures: looked at, decoded, turned upright, scaled down and written as WebP.

Only pixels get through. What else a file carries (where a photograph was taken, a thumbnail
that shows more than the picture, whatever is appended) stays behind, and so does the file.
It runs in the CPU lane; Pillow gives the interpreter free while it works.
"""

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image, ImageCms

from apps.items.errors import ImageTooLarge, ImageUnreadable
from project.errors import DomainError

SIZES = {"small": 320, "large": 1280}
"""The renditions, by name: pixels of the longer side. Smaller pictures are not enlarged."""

FORMATS = ("JPEG", "PNG", "WEBP")
EFFORT = 2  # of 6; more takes twice the time for three per cent of the bytes
GAP = 2.0
"""How much larger than the target a picture stays after the cheap part of scaling down."""

MAXIMUM_SCANS = 100
JPEG = b"\xff\xd8"
SCAN = b"\xff\xda"
CHUNK = 1_048_576

# Pillow's own limit is wider, or narrower, than the setting, which is checked right behind it.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each orientation of EXIF."""


@dataclass(frozen=True)
class Rendered:
    """A picture's renditions as WebP by the names in SIZES, and the large one's dimensions."""

    renditions: dict[str, bytes]
    width: int
    height: int

    @property
    def digest(self) -> str:
        """The hash of the content, in hexadecimal."""
        digest = hashlib.sha256()
        for content in self.renditions.values():
            digest.update(content)
        return digest.hexdigest()


def render(file: BinaryIO, *, max_pixels: int, quality: int) -> Rendered:
    """Make both renditions of an uploaded picture; of an animation, of its first frame.

    `quality` is WebP's, from 1 to 100.

    Raises ImageUnreadable and ImageTooLarge (422).
    """
    large = _load(file, max_pixels)
    small = _scale(large, SIZES["small"])
    renditions = {"small": _encode(small, quality), "large": _encode(large, quality)}
    return Rendered(renditions, *large.size)


def _load(file: BinaryIO, max_pixels: int) -> Image.Image:
    """Decode to the large size, upright and in sRGB.

    A JPEG's decoder is told to leave out what a half, a quarter or an eighth of it can spare.
    """
    with _refusing_what_fails():
        _refuse_many_scans(file)
        image = Image.open(file, formats=FORMATS)  # reads the header alone
        if image.width * image.height > max_pixels:
            raise ImageTooLarge(f"A picture may have up to {max_pixels:,} pixels.")
        image.draft(None, _fit(image, SIZES["large"]))
        image.load()
        orientation = image.getexif().get(ORIENTATION)
        scaled = _scale(_to_plain_mode(image), SIZES["large"])
        upright = _to_srgb(scaled, image.info.get("icc_profile"))
    return upright.transpose(TURNS[orientation]) if orientation in TURNS else upright


@contextmanager
def _refusing_what_fails() -> Iterator[None]:
    try:
        yield
    except (DomainError, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLarge from error
    except Exception as error:  # Pillow's decoders raise whatever broken bytes make them
        raise ImageUnreadable from error


def _refuse_many_scans(file: BinaryIO) -> None:
    """Refuse a JPEG that wants to be painted over and over: megabytes can keep a core for minutes.

    The bytes that begin a scan cannot stand inside one. They may stand in metadata, where
    cameras keep a thumbnail or two.
    """
    is_jpeg = file.read(len(JPEG)) == JPEG
    count, tail = 0, b""
    while is_jpeg and (chunk := file.read(CHUNK)):
        count += (tail + chunk).count(SCAN)
        tail = chunk[-1:]
    if count > MAXIMUM_SCANS:
        raise ImageUnreadable
    file.seek(0)


def _to_plain_mode(image: Image.Image) -> Image.Image:
    """Turn palettes, bits and 16-bit greys into what can be scaled; keep transparency."""
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.has_transparency_data and image.mode != "RGBA":
        return image.convert("RGBA")
    return image if image.mode in {"L", "RGB", "RGBA", "CMYK"} else image.convert("RGB")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Translate the colours, since the profile that explains them is dropped."""
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile:
        with suppress(ImageCms.PyCMSError, OSError, TypeError, ValueError):  # a broken profile
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "sRGB" not in ImageCms.getProfileDescription(source):
                target = ImageCms.createProfile("sRGB")
                translated = ImageCms.profileToProfile(image, source, target, outputMode=mode)
                image = translated or image
    return image.convert(mode)


def _fit(image: Image.Image, longest: int) -> tuple[int, int]:
    scale = min(1.0, longest / max(image.size))
    return max(1, round(image.width * scale)), max(1, round(image.height * scale))


def _scale(image: Image.Image, longest: int) -> Image.Image:
    size = _fit(image, longest)
    if size == image.size:
        return image
    # Lanczos would take twice the time for a difference that WebP swallows.
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=GAP)


def _encode(image: Image.Image, quality: int) -> bytes:
    output = io.BytesIO()
    image.save(output, "WEBP", quality=quality, method=EFFORT)
    return output.getvalue()
